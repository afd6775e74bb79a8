//! PURE: the plan of a deployment with which ECS replaces the tasks in place.

use crate::aws::ecs_shapes::Service;
use crate::rollout_kind::PlannedRollout;
use crate::settings::Settings;

/// A rolling deployment.
#[derive(Debug)]
pub struct RollingPlan {
    /// Deployments there are before ours.
    pub before: Vec<String>,
    /// The revision that the service was working towards before.
    pub target: String,
    /// Wanted tasks before.
    pub desired: i32,
}

pub(super) fn plan(service: &Service) -> RollingPlan {
    RollingPlan {
        before: service
            .deployments
            .iter()
            .map(|deployment| deployment.id.clone())
            .collect(),
        target: service.revision().to_owned(),
        desired: i32::try_from(service.desired_count).unwrap_or(i32::MAX),
    }
}

impl PlannedRollout for RollingPlan {
    fn controller(&self) -> &'static str {
        "ecs, rolling"
    }

    fn lines(&self, _settings: &Settings) -> Vec<String> {
        vec!["ECS replaces the tasks (rolling)".into()]
    }

    fn if_left_alone(&self) -> String {
        "ECS continues to replace the tasks".to_owned()
    }

    fn desired(&self) -> Option<i32> {
        Some(self.desired)
    }

    fn wants_zero(&self, asked: Option<i32>) -> bool {
        asked.unwrap_or(self.desired) == 0
    }
}
