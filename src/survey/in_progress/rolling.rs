//! A deployment of a rolling service that is in progress.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use super::{DeploymentInProgress, RunningRollout};
use crate::aws::AwsError;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::RollingDeployment;
use crate::identity::RolloutId;
use crate::rollout_kind::RolloutInProgress;
use crate::run::Run;
use crate::undo::ServiceKey;

/// A deployment inside the service, which shows everything that is known of it.
#[derive(Debug, Clone)]
pub struct RollingInProgress;

impl RolloutInProgress for RollingInProgress {
    fn stop_command(&self, _id: &RolloutId) -> String {
        "by hand: aws ecs update-service with the task definition that is to stay".to_owned()
    }

    fn is_over<'r>(
        &'r self,
        run: &'r Run,
        place: &'r ServiceKey,
        id: &'r RolloutId,
    ) -> LocalBoxFuture<'r, Result<bool, AwsError>> {
        async move {
            let found = run.aws.describe_service(&place.cluster, &place.service);
            let ServiceLookup::Service(service) = found.await? else {
                return Ok(true);
            };
            let now = service
                .deployments
                .iter()
                .find(|deployment| deployment.id.as_str() == id.as_str());
            Ok(now.is_none_or(|deployment| {
                deployment.rollout_state.as_deref() != Some("IN_PROGRESS")
            }))
        }
        .boxed_local()
    }

    fn is_replaceable(&self) -> bool {
        true
    }
}

/// The rollout in progress.
pub(in crate::survey) fn from_rolling(deployment: &RollingDeployment) -> RunningRollout {
    RunningRollout {
        id: deployment.id.clone().into(),
        revision: Some(deployment.task_definition.clone()),
        run: None,
        is_registered: false,
        word: deployment.rollout_state.clone().unwrap_or_default(),
        origin: format!(
            ", made {}",
            crate::clock::format_rfc3339(deployment.created_at)
        ),
        is_ours: false,
        hooks_before: None,
        deployment: DeploymentInProgress::Rolling(RollingInProgress),
    }
}
