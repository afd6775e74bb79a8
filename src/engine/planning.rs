//! From looks at AWS to the plan that is walked: the service is read until nothing else is in the
//! way.

use std::time::Duration;

use tokio::time::Instant;

use super::queue::{self, QueueOutcome};
use super::{Halt, add_new, preview, stale};
use crate::aws::ecs::PAUSE_TAG;
use crate::aws::jittered;
use crate::event::fact::{AwsFact, HooksFact, ScalingFact};
use crate::plan::{LeftHooks, LeftoversPlan, Plan};
use crate::planner::Planner;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::survey::{Incomplete, Snapshot, Unready};
use crate::undo::Undo;
use crate::unwind::scaling;

/// How long AWS may throttle the survey before the run gives up; nothing was begun yet.
const THROTTLED: Duration = Duration::from_mins(5);
const A_WHILE: Duration = Duration::from_secs(6);
/// What was just rolled back may be read with its last weights: nobody is refused because of one
/// look.
const WEIGHTS_READ: u32 = 3;
const WEIGHTS_LAG: Duration = Duration::from_secs(2);

/// One look at AWS.
pub(super) async fn look(run: &Run, planner: &Planner) -> Result<Snapshot, Halt> {
    let began = Instant::now();
    loop {
        match planner.survey(run).await {
            Ok(snapshot) => return Ok(snapshot),
            Err(Incomplete {
                why: Some(Unready::Throttled(failure)),
                credentials: None,
                ..
            }) if began.elapsed() < THROTTLED => {
                run.tell(AwsFact::LooksAgain {
                    why: failure.sentence().into(),
                });
                tokio::time::sleep(jittered(A_WHILE)).await;
            }
            Err(incomplete) => return Err(halted(planner, incomplete)),
        }
    }
}

/// Whoever corrects one thing that is wrong should not have to come back for the next.
fn halted(planner: &Planner, incomplete: Incomplete) -> Halt {
    let Incomplete {
        why,
        credentials,
        seen,
    } = incomplete;
    match why {
        Some(Unready::Failure(failure) | Unready::Throttled(failure)) if credentials.is_none() => {
            Halt::Failed(failure)
        }
        Some(Unready::Problems(mut problems)) => {
            problems.extend(credentials);
            add_new(&mut problems, planner.problems_beside(&seen));
            Halt::Refused(problems)
        }
        Some(Unready::Credentials(problem)) => Halt::NoCredentials(vec![problem]),
        Some(Unready::Failure(_) | Unready::Throttled(_)) | None => {
            Halt::NoCredentials(credentials.into_iter().collect())
        }
    }
}

/// Reads the service once nothing else is in the way, and plans; `revision` is the one to deploy,
/// once there is one.
pub(super) async fn planned(
    run: &Run,
    planner: &Planner,
    revision: Option<&Revision>,
) -> Result<(Snapshot, Plan), Halt> {
    let read = async || {
        let mut snapshot = look(run, planner).await?;
        if let (Some(running), Some(revision)) = (&mut snapshot.running, revision) {
            running.is_of(&revision.arn);
        }
        Ok::<Snapshot, Halt>(snapshot)
    };
    let (mut snapshot, mut looks) = (read().await?, 1);
    let clearance = loop {
        let clearance = planner.clearance(&snapshot);
        if queue::make_way(run, &clearance.queue, &snapshot, revision).await? == QueueOutcome::Again
        {
            snapshot = read().await?;
        } else if looks < WEIGHTS_READ && planner.is_divided(&snapshot) {
            // Another rollout that ends, or is rolled back, moves the weights and what the service
            // says of itself one after the other.
            tokio::time::sleep(jittered(WEIGHTS_LAG)).await;
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

/// What a dead run has left on the service is undone in every end of this run.
async fn arm_leftovers(run: &Run, plan: &LeftoversPlan) {
    if let Some(left) = scaling::left_behind(run, plan.scale_in, &plan.names).await {
        run.tell(ScalingFact::LeftSuspended {
            run: left.run.clone(),
        });
        run.arm(Undo::Scaling(left));
    }
    let Some(LeftHooks { run: whose, undo }) = &plan.hooks else {
        return;
    };
    run.tell(match whose {
        Some(whose) => HooksFact::LeftBehind { run: whose.clone() },
        None => HooksFact::TagLeftBehind {
            tag: PAUSE_TAG.to_owned(),
        },
    });
    run.arm(undo.clone());
}
