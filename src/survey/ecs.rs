//! What ECS tells about the deployments that it performs itself.

use super::Unread;
use super::in_progress::{self, Listed, Running};
use crate::aws::ecs_rollout_shapes::{Brief, DeploymentStatus, ServiceRevision};
use crate::aws::ecs_shapes::{DeploymentController, RollingDeployment, Service};
use crate::aws::{AwsError, AwsErrorKind};
use crate::documents::strategy::Strategy;
use crate::run::Run;
use crate::settings::Settings;

/// ECS's own deployments of a service.
#[derive(Debug, Clone, Default)]
pub struct ServiceDeployments {
    /// All of them, newest first.
    pub history: Vec<Brief>,
    /// The service revision that serves.
    pub blue: Option<ServiceRevision>,
    /// Whether a deployment ended while all this was read: the service may have been read before
    /// that.
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
    let asked = settings.rollout.strategy.asked;
    asked.map_or(word != Strategy::Rolling.word(), |asked| {
        asked != Strategy::Rolling
    }) || word != Strategy::Rolling.word()
}

pub(super) async fn service_deployments(
    run: &Run,
    settings: &Settings,
    service: Option<&Service>,
) -> Result<(Option<ServiceDeployments>, Option<Running>), Unread> {
    let Some(service) =
        service.filter(|service| matches!(service.controller(), DeploymentController::Ecs(_)))
    else {
        return Ok((None, None));
    };
    if !is_ecs_strategy(settings, service) && settings.mode.plans_deployment() {
        return Ok((None, rolling(service)));
    }
    let listed = run
        .aws
        .service_deployments(&settings.cluster, &service.service_name)
        .await;
    let mut history = match listed {
        Ok(history) => history,
        Err(error) if !is_ecs_strategy(settings, service) => {
            return Ok((
                run.optional_read(
                    "the service's deployment history is not read",
                    Err::<ServiceDeployments, AwsError>(error),
                ),
                rolling(service),
            ));
        }
        Err(error) => return Err(error.into()),
    };
    if is_ecs_strategy(settings, service) {
        is_readable(run, &history).await?;
    }
    let going = |history: &[Brief]| history.iter().filter(|brief| !brief.is_over()).count();
    let listed_going = going(&history);
    let running = in_progress(run, settings, service, &mut history).await?;
    // The service may have been read before the end of a deployment that the list knows to be over.
    let is_behind = running.is_none() && going_tasks(service).is_some();
    let has_just_ended = going(&history) < listed_going || is_behind;
    let blue = blue(run, service, &history, running.as_ref()).await?;
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
async fn is_readable(run: &Run, history: &[Brief]) -> Result<(), AwsError> {
    let Some(newest) = history.first().filter(|brief| brief.is_over()) else {
        return Ok(());
    };
    match run.aws.describe_service_deployment(&newest.arn).await {
        Err(error) if error.kind == AwsErrorKind::Denied => Err(error),
        // Whatever else goes wrong with it now says nothing about later.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A rolling deployment is followed at the service, which shows its tasks. The list may be older
/// than what is read of a deployment in it, and then says from here on how that ended.
async fn in_progress(
    run: &Run,
    settings: &Settings,
    service: &Service,
    history: &mut [Brief],
) -> Result<Option<Running>, AwsError> {
    if !is_ecs_strategy(settings, service) {
        return Ok(rolling(service));
    }
    let Some(index) = history.iter().position(|brief| !brief.is_over()) else {
        return Ok(going_tasks(service)
            .filter(|going| !is_of_an_ended_one(going, history))
            .map(in_progress::rolling));
    };
    match in_progress::read(
        run,
        &history[index].arn,
        history,
        service.tagged_pause().as_ref(),
    )
    .await?
    {
        Listed::Going(running) => Ok(Some(*running)),
        Listed::Over(word) => {
            history[index].word = word;
            Ok(None)
        }
        Listed::Missing => Ok(None),
    }
}

/// The service may show the deployment of tasks as in progress for ever when ECS has given up what
/// brought it (`ROLLBACK_FAILED`).
fn is_of_an_ended_one(going: &RollingDeployment, history: &[Brief]) -> bool {
    history
        .first()
        .and_then(|newest| newest.finished_at)
        .is_some_and(|finished| going.created_at <= finished)
}

fn rolling(service: &Service) -> Option<Running> {
    going_tasks(service).map(in_progress::rolling)
}

/// The deployment whose tasks ECS says it is replacing.
fn going_tasks(service: &Service) -> Option<&RollingDeployment> {
    service
        .primary_deployment()
        .filter(|deployment| deployment.rollout_state.as_deref() == Some("IN_PROGRESS"))
}

/// The source of what runs, else the one revision that has tasks. Of several, as a deployment that
/// was stopped where it was leaves them, it is the one that succeeded last.
async fn blue(
    run: &Run,
    service: &Service,
    history: &[Brief],
    running: Option<&Running>,
) -> Result<Option<ServiceRevision>, AwsError> {
    let source = running
        .and_then(|running| running.deployment.source())
        .map(str::to_owned);
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
