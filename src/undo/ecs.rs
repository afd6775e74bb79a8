//! PURE: how a service deployment of ECS is undone, as data.

use serde::{Deserialize, Serialize};

use super::saved::{UndoOwner, is_service_of};
use super::{Blue, RolloutUndo, ServiceKey};
use crate::aws::arn::short_name;
use crate::identity::{RevisionArn, ServiceDeploymentArn};

/// Stop the service deployment with rollback; done when blue is observed to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcsUndo {
    /// The service that is deployed to.
    pub place: ServiceKey,
    /// The revision that we deployed.
    pub ours: RevisionArn,
    /// The service deployments there were before ours.
    pub before: Vec<ServiceDeploymentArn>,
    /// Our service deployment's ARN, once known.
    pub deployment: Option<ServiceDeploymentArn>,
    /// The run whose id its hooks carry; none where its hooks do not identify the run.
    #[serde(default)]
    pub run: Option<String>,
    /// What served production before.
    pub blue: Blue,
    /// Whether there is nothing to go back to.
    pub is_first: bool,
    /// Whether tasks are replaced behind one target group: its weights say nothing about which
    /// revision serves.
    #[serde(default)]
    pub in_place: bool,
    /// The desired count before, when this run changes it.
    pub desired: Option<i32>,
}

impl RolloutUndo for EcsUndo {
    fn describe(&self) -> String {
        self.deployment.as_ref().map_or_else(
            || format!("service deployment of {}", short_name(&self.ours)),
            |arn| format!("service deployment {}", short_name(arn)),
        )
    }

    fn blue_revision(&self) -> &RevisionArn {
        &self.blue.revision
    }

    fn belongs_to(&self, owner: &UndoOwner) -> bool {
        is_service_of(&self.place, owner)
            && self
                .deployment
                .iter()
                .all(|arn| is_deployment_of(&self.place, arn))
    }

    fn traffic_query(&self) -> Option<(&ServiceKey, &Blue)> {
        (!self.in_place).then_some((&self.place, &self.blue))
    }

    fn hooked_service(&self) -> Option<&ServiceKey> {
        Some(&self.place)
    }
}

/// `…:service-deployment/CLUSTER/SERVICE/ID`.
fn is_deployment_of(place: &ServiceKey, arn: &ServiceDeploymentArn) -> bool {
    arn.as_str().contains(&format!(
        ":service-deployment/{}/{}/",
        short_name(&place.cluster),
        short_name(&place.service)
    ))
}
