//! A second, cheap read of the service: whether somebody else has started or finished a deployment
//! since the survey.

use super::Snapshot;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::run::Run;
use crate::settings::Settings;

/// What is unknown when this read fails.
const CHECK: &str = "whether somebody else has deployed since the service was read is not known";

/// Whether the service's deployments differ from those that were read before. If they cannot be
/// read, they are assumed to be unchanged, and the run says so.
pub async fn has_changed(run: &Run, settings: &Settings, before: &Snapshot) -> bool {
    let Some(service) = &before.service else {
        return false;
    };
    match (service.controller(), &before.service_deployments) {
        (DeploymentController::CodeDeploy, _) => {
            is_group_busy(run, settings, before).await || is_replaced(run, settings, service).await
        }
        (DeploymentController::Ecs(_), Some(service_deployments)) => {
            let listed = run
                .aws
                .list_service_deployments(&settings.cluster, &service.service_name)
                .await;
            let newest = run
                .optional_read(CHECK, listed)
                .and_then(|history| history.into_iter().next());
            newest.is_some_and(|newest| {
                service_deployments
                    .history
                    .first()
                    .is_none_or(|known| known.arn != newest.arn)
            })
        }
        (DeploymentController::Ecs(_), None) => is_replaced(run, settings, service).await,
        (DeploymentController::Other(_), _) => false,
    }
}

async fn is_group_busy(run: &Run, settings: &Settings, before: &Snapshot) -> bool {
    let listed = run
        .aws
        .list_running_deployments(&settings.rollout.application, &settings.rollout.group)
        .await;
    let in_progress = run.optional_read(CHECK, listed).unwrap_or_default();
    in_progress.iter().any(|id| {
        before
            .running
            .as_ref()
            .is_none_or(|running| running.id.as_str() != id.as_str())
    })
}

/// Whether the service has another deployment or task set now.
async fn is_replaced(run: &Run, settings: &Settings, before: &Service) -> bool {
    let own = |service: &Service| {
        let set = service.primary_task_set().map(|set| set.id.to_string());
        set.or_else(|| {
            service
                .primary_deployment()
                .map(|deployment| deployment.id.to_string())
        })
    };
    match run.optional_read(
        CHECK,
        run.aws
            .describe_service(&settings.cluster, &before.service_name)
            .await,
    ) {
        Some(ServiceLookup::Service(now)) => own(&now) != own(before),
        Some(ServiceLookup::Missing(_)) => true,
        None => false,
    }
}
