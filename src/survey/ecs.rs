//! What ECS shows about the deployments that it performs itself.

use super::ReadError;
use super::in_progress::{self, ListedDeployment, RunningRollout};
use crate::aws::ecs_rollout_shapes::{DeploymentStatus, ServiceDeploymentSummary, ServiceRevision};
use crate::aws::ecs_shapes::{DeploymentController, RollingDeployment, Service};
use crate::aws::{AwsError, AwsErrorKind};
use crate::documents::strategy::Strategy;
use crate::run::Run;
use crate::settings::Settings;

/// ECS's own deployments of a service.
#[derive(Debug, Clone, Default)]
pub struct ServiceDeployments {
    /// All deployments, newest first.
    pub history: Vec<ServiceDeploymentSummary>,
    /// The service revision that serves.
    pub blue: Option<ServiceRevision>,
    /// Whether a deployment ended during the survey: the service may have been read before that.
    pub has_just_ended: bool,
}

impl ServiceDeployments {
    /// Whether any deployment ever succeeded.
    pub fn has_succeeded(&self) -> bool {
        self.history
            .iter()
            .any(|brief| brief.status() == DeploymentStatus::Successful)
    }
}

/// Whether the service's deployments have gates and weights; a rolling one's are read from the
/// service.
fn is_ecs_strategy(settings: &Settings, service: &Service) -> bool {
    let DeploymentController::Ecs(word) = service.controller() else {
        return false;
    };
    let requested = settings.rollout.strategy.requested;
    requested.map_or(word != Strategy::Rolling.aws_name(), |asked| {
        asked != Strategy::Rolling
    }) || word != Strategy::Rolling.aws_name()
}

pub(super) async fn read_service_deployments(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
) -> Result<(Option<ServiceDeployments>, Option<RunningRollout>), ReadError> {
    let Some(service) =
        service.filter(|service| matches!(service.controller(), DeploymentController::Ecs(_)))
    else {
        return Ok((None, None));
    };
    if !is_ecs_strategy(settings, service) && settings.mode.plans_deployment() {
        return Ok((None, find_rolling(service)));
    }
    let listed = run
        .aws
        .list_service_deployments(&settings.cluster, &service.service_name)
        .await;
    let mut history = match listed {
        Ok(history) => history,
        Err(error) if !is_ecs_strategy(settings, service) => {
            return Ok((
                run.optional_read(
                    "the service's deployment history is not read",
                    Err::<ServiceDeployments, AwsError>(error),
                ),
                find_rolling(service),
            ));
        }
        Err(error) => return Err(error.into()),
    };
    if is_ecs_strategy(settings, service) {
        check_readable(run, &history).await?;
    }
    let count_in_progress = |history: &[ServiceDeploymentSummary]| {
        history.iter().filter(|brief| !brief.is_over()).count()
    };
    let listed_going = count_in_progress(&history);
    let running = find_in_progress(run, settings, service, &mut history).await?;
    // The service may have been read before a deployment ended that the list shows as ended.
    let is_behind = running.is_none() && rolling_in_progress(service).is_some();
    let has_just_ended = count_in_progress(&history) < listed_going || is_behind;
    let blue = find_blue(run, service, &history, running.as_ref()).await?;
    Ok((
        Some(ServiceDeployments {
            history,
            blue,
            has_just_ended,
        }),
        running,
    ))
}

/// A deployment that could not be followed must not be started.
async fn check_readable(run: &Run, history: &[ServiceDeploymentSummary]) -> Result<(), AwsError> {
    let Some(newest) = history.first().filter(|brief| brief.is_over()) else {
        return Ok(());
    };
    match run.aws.describe_service_deployment(&newest.arn).await {
        Err(error) if error.kind == AwsErrorKind::Denied => Err(error),
        // Any other error now does not mean that later reads will fail.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A rolling deployment is followed at the service, which shows its tasks. The list may be older
/// than the description of a deployment in it; then the list is updated with how that deployment
/// ended.
async fn find_in_progress(
    run: &Run,
    settings: &Settings,
    service: &Service,
    history: &mut [ServiceDeploymentSummary],
) -> Result<Option<RunningRollout>, AwsError> {
    if !is_ecs_strategy(settings, service) {
        return Ok(find_rolling(service));
    }
    let Some(index) = history.iter().position(|brief| !brief.is_over()) else {
        return Ok(rolling_in_progress(service)
            .filter(|going| !belongs_to_ended(going, history))
            .map(in_progress::from_rolling));
    };
    match in_progress::read(
        run,
        &history[index].arn,
        history,
        service.tagged_pause().as_ref(),
    )
    .await?
    {
        ListedDeployment::InProgress(running) => Ok(Some(*running)),
        ListedDeployment::Ended(word) => {
            history[index].raw_status = word;
            Ok(None)
        }
        ListedDeployment::Missing => Ok(None),
    }
}

/// The service may show the deployment of tasks as in progress forever when ECS has given up the
/// service deployment that started it (`ROLLBACK_FAILED`).
fn belongs_to_ended(going: &RollingDeployment, history: &[ServiceDeploymentSummary]) -> bool {
    history
        .first()
        .and_then(|newest| newest.finished_at)
        .is_some_and(|finished| going.created_at <= finished)
}

fn find_rolling(service: &Service) -> Option<RunningRollout> {
    rolling_in_progress(service).map(in_progress::from_rolling)
}

/// The deployment of tasks that ECS has in progress.
fn rolling_in_progress(service: &Service) -> Option<&RollingDeployment> {
    service
        .primary_deployment()
        .filter(|deployment| deployment.rollout_state.as_deref() == Some("IN_PROGRESS"))
}

/// The source of the deployment in progress; otherwise the only revision that has tasks. If several
/// have tasks, as after a deployment that was stopped half-way, the one that succeeded last.
async fn find_blue(
    run: &Run,
    service: &Service,
    history: &[ServiceDeploymentSummary],
    running: Option<&RunningRollout>,
) -> Result<Option<ServiceRevision>, AwsError> {
    let source = running
        .and_then(|running| running.deployment.source_revision())
        .cloned();
    let current = || {
        service
            .current_service_revisions
            .iter()
            .map(|current| &current.arn)
    };
    let succeeded = history
        .iter()
        .filter(|brief| brief.status() == DeploymentStatus::Successful);
    let good = succeeded
        .filter_map(|brief| brief.target_service_revision_arn.as_ref())
        .find(|target| current().any(|arn| arn == *target));
    let Some(arn) = source.or_else(|| good.or(current().next()).cloned()) else {
        return Ok(None);
    };
    Ok(run
        .aws
        .describe_service_revisions(&[arn])
        .await?
        .into_iter()
        .next())
}
