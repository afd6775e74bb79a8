//! Whether an UpdateService started our deployment, also where its answer was lost.

use super::marks::Update;
use crate::aws::AwsError;
use crate::aws::ecs_rollout_shapes::ServiceDeployment;
use crate::documents::deployment_configuration as configuration;
use crate::error::Failure;
use crate::event::fact::{AwsFact, SoughtEffect};
use crate::observe::own_deployments::{DeploymentSearch, Wanted, find_wanted};
use crate::observe::serving;
use crate::outcome::Reason;
use crate::plan::RolloutPlan;
use crate::poll_interval::Backoff;
use crate::run::{ArmedUndo, Run};
use crate::steps::rollout::rolling::RollingError;
use crate::steps::rollout::{Interrupted, ONE_AT_A_TIME};

/// A new deployment may take some looks to be listed.
pub(super) const LISTED: u32 = 14;
/// One whose start was not answered is given up sooner, and started again.
const LOST: u32 = 6;
pub(super) const NOT_LISTED: &str = "ECS took the update, but no deployment of it appeared";

/// Whether AWS answered.
pub(super) enum Sent {
    Answered,
    Lost,
}

/// When the answer is lost, the list of deployments says whether it landed. Sent again after all,
/// the same revision starts nothing twice.
pub(super) async fn after_lost(
    run: &Run,
    wanted: Wanted<'_>,
    update: &mut Update<'_>,
) -> Result<DeploymentSearch, Failure> {
    if let Ok(found @ (DeploymentSearch::Ours(_) | DeploymentSearch::OtherRuns(_))) =
        listed(run, wanted, LOST).await
    {
        update.keep_known(None).await;
        return Ok(found);
    }
    update.send().await.map_err(RollingError::from)?;
    listed(run, wanted, LISTED).await
}

/// Another run has started a deployment of the very same revision: it is theirs, and nothing of
/// ours is to be rolled back.
pub(super) async fn same_revision(
    run: &Run,
    plan: &RolloutPlan,
    theirs: &ServiceDeployment,
) -> Interrupted {
    let by = configuration::marked_run(&theirs.deployment_configuration)
        .map(|run| format!(" by workflow run {run}"))
        .unwrap_or_default();
    let sentence = format!(
        "service deployment {} ({}) brings the same revision, started{by} at the same time",
        theirs.id(),
        theirs.word
    );
    let serves = Box::pin(serving::now(run, &plan.place, &plan.blue)).await;
    Interrupted::Superseded {
        failure: Failure::new(Reason::Superseded, sentence).hint(ONE_AT_A_TIME),
        serves,
    }
}

pub(super) fn sent(
    run: &Run,
    armed: ArmedUndo<'_>,
    answer: Result<(), AwsError>,
) -> Result<Sent, Failure> {
    match answer {
        Ok(()) => Ok(Sent::Answered),
        Err(error) if error.may_have_landed() => {
            run.tell(AwsFact::AnswerLost {
                error: error.to_string().into(),
                effect: SoughtEffect::DeploymentStarted,
            });
            Ok(Sent::Lost)
        }
        Err(error) => {
            armed.disarm();
            Err(RollingError::from(error).into())
        }
    }
}

/// A new deployment may take a while to be listed.
pub(super) async fn listed(
    run: &Run,
    wanted: Wanted<'_>,
    looks: u32,
) -> Result<DeploymentSearch, Failure> {
    let mut backoff = Backoff::default();
    let (mut last, mut theirs) = (None, None);
    for _ in 0..looks {
        match find_wanted(run, wanted).await {
            Ok(DeploymentSearch::Nothing) => {}
            // Ours may be listed later than theirs.
            Ok(found @ DeploymentSearch::OtherRuns(_)) => theirs = Some(found),
            Ok(found) => return Ok(found),
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => last = Some(error),
        }
        backoff.rest().await;
    }
    if let Some(theirs) = theirs {
        return Ok(theirs);
    }
    last.map_or(Ok(DeploymentSearch::Nothing), |error| {
        Err(Failure::new(Reason::AwsFailed, NOT_LISTED).caused_by(error.to_string()))
    })
}
