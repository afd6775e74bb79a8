//! From the survey of AWS to the plan that is executed: the service is read until nothing else is
//! in the way.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::{self, QueueOutcome};
use super::refusal::add_new_problems;
use super::{Halt, preview, stale, start_gates};
use crate::aws::add_jitter;
use crate::aws::ecs::PAUSE_TAG;
use crate::event::fact::{AwsFact, HooksFact, ScalingFact};
use crate::plan::{LeftoverHooks, LeftoversPlan, Plan, QueuePlan};
use crate::planner::Planner;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::survey::{self, IncompleteSurvey, Snapshot, SurveyFailure};
use crate::undo::Undo;
use crate::unwind::scaling;

/// How long AWS may throttle the survey before the run gives up; nothing was started yet.
const THROTTLE_BUDGET: Duration = Duration::from_mins(5);
const THROTTLE_PAUSE: Duration = Duration::from_secs(6);
/// After a rollback AWS may still show the last weights: nobody is refused because of one read.
const WEIGHT_READS: u32 = 3;
const WEIGHTS_PAUSE: Duration = Duration::from_secs(2);

/// Surveys AWS, as often as throttling makes necessary.
pub(super) async fn survey(run: &Run, planner: &Planner) -> Result<Snapshot, Halt> {
    read_unthrottled(run, planner)
        .await
        .map_err(|incomplete| halt_for(planner, incomplete))
}

/// Assumes the roles that the run uses.
pub(super) async fn begin_sessions(run: &Run, planner: &Planner) -> Result<(), Halt> {
    survey::begin_sessions(run)
        .await
        .map_err(|incomplete| halt_for(planner, incomplete))
}

/// The same, for those who want what could be read although not everything could.
pub(super) async fn read_unthrottled(
    run: &Run,
    planner: &Planner,
) -> Result<Snapshot, IncompleteSurvey> {
    let began = Instant::now();
    loop {
        match planner.survey(run).await {
            Err(IncompleteSurvey {
                why: Some(SurveyFailure::Throttled(failure)),
                credentials: None,
                ..
            }) if began.elapsed() < THROTTLE_BUDGET => {
                run.emit(AwsFact::LooksAgain {
                    why: failure.sentence().into(),
                });
                tokio::time::sleep(add_jitter(THROTTLE_PAUSE)).await;
            }
            read => return read,
        }
    }
}

/// Collects all problems that can be known, so that they can be fixed at once.
fn halt_for(planner: &Planner, incomplete: IncompleteSurvey) -> Halt {
    let IncompleteSurvey {
        why,
        credentials,
        snapshot: seen,
    } = incomplete;
    match why {
        Some(SurveyFailure::Failure(failure) | SurveyFailure::Throttled(failure))
            if credentials.is_none() =>
        {
            Halt::Failed(failure)
        }
        Some(SurveyFailure::Problems(mut problems)) => {
            problems.extend(credentials);
            add_new_problems(&mut problems, planner.partial_survey_problems(&seen));
            Halt::Refused(problems)
        }
        Some(SurveyFailure::Credentials(problem)) => Halt::NoCredentials(vec![problem]),
        Some(SurveyFailure::Failure(_) | SurveyFailure::Throttled(_)) | None => {
            Halt::NoCredentials(credentials.into_iter().collect())
        }
    }
}

/// Reads the service once nothing else is in the way, and plans; `revision` is the one to deploy,
/// once there is one.
pub(super) async fn survey_and_plan(
    run: &Run,
    planner: &Planner,
    revision: Option<&Revision>,
) -> Result<(Snapshot, Plan), Halt> {
    let read = async || {
        let mut snapshot = survey(run, planner).await?;
        if let (Some(running), Some(revision)) = (&mut snapshot.running, revision) {
            running.confirm_ours(&revision.arn);
        }
        Ok::<Snapshot, Halt>(snapshot)
    };
    let (mut snapshot, mut looks) = (read().await?, 1);
    let clearance = loop {
        let clearance = planner.clearance(&snapshot);
        if matches!(clearance.queue, QueuePlan::Supersede(_)) {
            start_gates::pass_within(run, planner, &snapshot).await?;
        }
        if queue::wait_or_supersede(run, &clearance.queue, &snapshot, revision).await?
            == QueueOutcome::ReadAgain
        {
            snapshot = read().await?;
        } else if looks < WEIGHT_READS && planner.is_traffic_split(&snapshot) {
            // When another rollout ends or is rolled back, its weights and the service's own
            // description change one after the other.
            tokio::time::sleep(add_jitter(WEIGHTS_PAUSE)).await;
            (snapshot, looks) = (read().await?, looks + 1);
        } else {
            break clearance;
        }
    };
    if let Some(token) = &clearance.newer_run {
        stale::check(run, token).await?;
    }
    if let Some(leftovers) = &clearance.leftovers {
        arm_leftovers(run, leftovers).await;
    }
    let plan = planner.deployment(&snapshot)?;
    preview::check_reviewed(planner, &snapshot, &plan).await?;
    Ok((snapshot, plan))
}

/// What a dead run has left on the service is undone however this run ends.
async fn arm_leftovers(run: &Run, plan: &LeftoversPlan) {
    if let Some(left) = scaling::find_leftover(run, plan.scale_in, &plan.names).await {
        run.emit(ScalingFact::LeftSuspended {
            run: left.run.clone(),
        });
        run.arm(Undo::Scaling(left));
    }
    let Some(LeftoverHooks { run: owner, undo }) = &plan.leftover_hooks else {
        return;
    };
    run.emit(match owner {
        Some(whose) => HooksFact::LeftBehind { run: whose.clone() },
        None => HooksFact::TagLeftBehind {
            tag: PAUSE_TAG.to_owned(),
        },
    });
    run.arm(undo.clone());
}
