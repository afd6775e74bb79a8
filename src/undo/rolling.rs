//! PURE: how a rolling deployment is undone, as data.

use serde::{Deserialize, Serialize};

use super::saved::{UndoOwner, is_service_of};
use super::{RolloutUndo, ServiceKey};
use crate::aws::arn::short_name;
use crate::identity::{RevisionArn, RollingDeploymentId};

/// Return the service to the revision that it ran; done when ECS has completed that deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollingUndo {
    /// The service that is deployed to.
    pub place: ServiceKey,
    /// The revision that the service ran before.
    pub previous: RevisionArn,
    /// The revision that we deployed.
    pub ours: RevisionArn,
    /// The deployments there were before ours.
    pub before: Vec<RollingDeploymentId>,
    /// Our deployment, once known.
    pub deployment: Option<RollingDeploymentId>,
    /// The desired count before, when this run changes it.
    pub desired: Option<i32>,
}

impl RolloutUndo for RollingUndo {
    fn describe(&self) -> String {
        format!("rolling deployment of {}", short_name(&self.ours))
    }

    fn blue_revision(&self) -> &RevisionArn {
        &self.previous
    }

    fn belongs_to(&self, owner: &UndoOwner) -> bool {
        is_service_of(&self.place, owner) && family(&self.previous) == family(&self.ours)
    }
}

/// `…:task-definition/FAMILY:REVISION`.
fn family(revision: &RevisionArn) -> &str {
    short_name(revision).split(':').next().unwrap_or_default()
}
