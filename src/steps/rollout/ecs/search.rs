//! Whether an UpdateService started our deployment, also where its answer was lost.

use super::marks::ServiceUpdateCall;
use crate::aws::AwsError;
use crate::aws::ecs_rollout_shapes::ServiceDeployment;
use crate::documents::deployment_configuration as configuration;
use crate::error::Failure;
use crate::event::fact::{AwsFact, SoughtEffect};
use crate::observe::own_deployments::{DeploymentCriteria, DeploymentSearch, find_deployment};
use crate::observe::serving;
use crate::outcome::Reason;
use crate::plan::RolloutPlan;
use crate::poll_interval::Backoff;
use crate::run::{ArmedUndo, Run};
use crate::steps::rollout::rolling::RollingError;
use crate::steps::rollout::{Interrupted, ONE_AT_A_TIME};

/// How many reads a new deployment may take to be listed.
pub(super) const LIST_LOOKS: u32 = 14;
/// The same where the answer to the start was lost: it is sent again sooner.
const LOST_ANSWER_LOOKS: u32 = 6;
pub(super) const NEVER_LISTED: &str = "ECS took the update, but no deployment of it appeared";

pub(super) enum UpdateAnswer {
    Answered,
    Lost,
}

/// When the answer is lost, the list of deployments shows whether the request arrived. Sending it
/// again with the same revision starts nothing twice.
pub(super) async fn find_after_lost_answer(
    run: &Run,
    wanted: DeploymentCriteria<'_>,
    update: &mut ServiceUpdateCall<'_>,
) -> Result<DeploymentSearch, Failure> {
    if let Ok(found @ (DeploymentSearch::Ours(_) | DeploymentSearch::OtherRuns(_))) =
        find_listed(run, wanted, LOST_ANSWER_LOOKS).await
    {
        update.ensure_marked(None).await;
        return Ok(found);
    }
    update.send().await.map_err(RollingError::from)?;
    find_listed(run, wanted, LIST_LOOKS).await
}

/// Another run has started a deployment of the very same revision: it belongs to that run, and
/// nothing of ours is rolled back.
pub(super) async fn superseded_by_same_revision(
    run: &Run,
    plan: &RolloutPlan,
    other: &ServiceDeployment,
) -> Interrupted {
    let by = configuration::marked_run(&other.deployment_configuration)
        .map(|run| format!(" by workflow run {run}"))
        .unwrap_or_default();
    let sentence = format!(
        "service deployment {} ({}) brings the same revision, started{by} at the same time",
        other.id(),
        other.raw_status
    );
    let serves = Box::pin(serving::describe(run, &plan.place, &plan.blue)).await;
    Interrupted::Superseded {
        failure: Failure::new(Reason::Superseded, sentence).with_hint(ONE_AT_A_TIME),
        serves,
    }
}

pub(super) fn classify_answer(
    run: &Run,
    armed: ArmedUndo<'_>,
    answer: Result<(), AwsError>,
) -> Result<UpdateAnswer, Failure> {
    match answer {
        Ok(()) => Ok(UpdateAnswer::Answered),
        Err(error) if error.may_have_landed() => {
            run.emit(AwsFact::AnswerLost {
                error: error.to_string().into(),
                effect: SoughtEffect::DeploymentStarted,
            });
            Ok(UpdateAnswer::Lost)
        }
        Err(error) => {
            armed.disarm();
            Err(RollingError::from(error).into())
        }
    }
}

/// Searches until the deployment is listed, which may take a while.
pub(super) async fn find_listed(
    run: &Run,
    wanted: DeploymentCriteria<'_>,
    looks: u32,
) -> Result<DeploymentSearch, Failure> {
    let mut backoff = Backoff::default();
    let (mut last, mut other) = (None, None);
    for _ in 0..looks {
        match find_deployment(run, wanted).await {
            Ok(DeploymentSearch::Nothing) => {}
            // Ours may be listed later than another run's.
            Ok(found @ DeploymentSearch::OtherRuns(_)) => other = Some(found),
            Ok(found) => return Ok(found),
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => last = Some(error),
        }
        backoff.wait().await;
    }
    if let Some(other) = other {
        return Ok(other);
    }
    last.map_or(Ok(DeploymentSearch::Nothing), |error| {
        Err(Failure::new(Reason::AwsFailed, NEVER_LISTED).with_cause(error.to_string()))
    })
}
