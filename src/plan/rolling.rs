//! PURE: the plan of a deployment with which ECS replaces the tasks in place.

use crate::aws::ecs_shapes::Service;
use crate::identity::{RevisionArn, RollingDeploymentId};
use crate::rollout_kind::PlannedRollout;
use crate::settings::Settings;

/// A rolling deployment.
#[derive(Debug)]
pub struct RollingPlan {
    /// Deployments that existed before ours.
    pub deployments_before: Vec<RollingDeploymentId>,
    /// The revision that the service was moving to before.
    pub target_revision: RevisionArn,
    /// The desired count before the deployment.
    pub desired_count: i32,
}

pub(super) fn plan(service: &Service) -> RollingPlan {
    RollingPlan {
        deployments_before: service
            .deployments
            .iter()
            .map(|deployment| deployment.id.clone())
            .collect(),
        target_revision: service.revision().to_owned(),
        desired_count: i32::try_from(service.desired_count).unwrap_or(i32::MAX),
    }
}

impl PlannedRollout for RollingPlan {
    fn controller(&self) -> &'static str {
        "ecs, rolling"
    }

    fn describe(&self, _settings: &Settings) -> Vec<String> {
        vec!["ECS replaces the tasks (rolling)".into()]
    }

    fn if_left_alone(&self) -> String {
        "ECS continues to replace the tasks".to_owned()
    }

    fn desired_count(&self) -> Option<i32> {
        Some(self.desired_count)
    }

    fn wants_zero_tasks(&self, asked: Option<i32>) -> bool {
        asked.unwrap_or(self.desired_count) == 0
    }
}
