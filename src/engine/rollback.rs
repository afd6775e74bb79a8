//! `mode: rollback`: the fast way while blue still runs, a new rollout of what was good otherwise.

use super::approval::arm_running;
use super::{Ending, Halt, after, deploy, planning, step, unwinding};
use crate::aws::arn::short_name;
use crate::engine::history::{self, RollbackTarget};
use crate::error::Failure;
use crate::event::fact::{RevisionFact, RollbackFact};
use crate::event::{DeployedRevision, Event, Step};
use crate::observe::traffic::{self, Observed};
use crate::outcome::{Outcome, Reason};
use crate::plan::{RollbackChecks, RollbackPlan};
use crate::planner::{BroughtBack, Planner};
use crate::run::Run;
use crate::survey::{Running, Snapshot};
use crate::undo::{RolloutUndo, Undo};
use crate::unwind::{self, Unwound};

pub(super) async fn rollback(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let snapshot = step(run, Step::Survey, planning::look(run, planner), |_| {
        "read".to_owned()
    })
    .await?;
    let plan = planner.rollback(&snapshot);
    let fast = match snapshot.running.as_ref() {
        Some(running) => fast(run, &plan, running).await?,
        None => None,
    };
    if let Some(ending) = fast.filter(|ending| is_enough(&plan, ending)) {
        return Ok(ending);
    }
    let snapshot = if snapshot.running.is_some() {
        planning::look(run, planner).await?
    } else {
        snapshot
    };
    let plan = planner.rollback(&snapshot);
    let target = history::target(run, &plan.history, &snapshot).await?;
    run.tell(RollbackFact::Target {
        revision: target.revision.clone(),
        why: target.why.clone().into(),
    });
    let back = brought_back(run, &plan, &snapshot, target).await?;
    let ending = deploy::deploy(run, &planner.bringing_back(back)).await?;
    let asked = ending.reason == Reason::AsPlanned;
    Ok(if asked {
        Ending {
            reason: Reason::RollbackAsked,
            ..ending
        }
    } else {
        ending
    })
}

/// Whether production's traffic is on both sides although nothing is in progress, as after a
/// rollout that was stopped where it was: then also the revision that the service calls its own is
/// deployed anew.
async fn is_shared(run: &Run, plan: &RollbackPlan, snapshot: &Snapshot) -> bool {
    let (Some(blue), None) = (&plan.blue, &snapshot.running) else {
        return false;
    };
    let shared = traffic::observe(run, &plan.place, blue)
        .await
        .filter(Observed::is_shared);
    if let Some(shared) = shared {
        run.tell(RollbackFact::TrafficIsShared {
            seen: shared.words().into(),
        });
    }
    shared.is_some()
}

/// What is in progress is stopped with rollback: blue is still there, and back within seconds. None
/// when it was too late.
async fn fast(run: &Run, plan: &RollbackPlan, running: &Running) -> Result<Option<Ending>, Halt> {
    let Some(undo) = &plan.undos.rollout else {
        return Ok(None);
    };
    run.tell(RollbackFact::BlueStillRuns {
        running: running.words().into(),
    });
    let unwound = if running.deployment.is_rollback() {
        unwinding(run, unwind::watch(run, undo)).await
    } else {
        arm_running(run, &plan.undos);
        unwinding(run, unwind::all(run, &run.armed())).await
    };
    match unwound {
        Unwound::OnBlue {
            revision,
            observed_by,
        } => {
            let sentence = format!(
                "{} serves 100 % of production again ({})",
                short_name(&revision),
                observed_by.words()
            );
            if let Some(left) = running.revision.as_deref().filter(|left| *left != revision) {
                run.tell(RevisionFact::StaysForRollback {
                    revision: left.to_owned(),
                });
            }
            run.tell(Event::Revision(DeployedRevision {
                arn: revision,
                registered: false,
                previous: running.revision.clone(),
                changes: Vec::new(),
            }));
            Ok(Some(Ending {
                outcome: Outcome::Deployed,
                reason: Reason::RollbackAsked,
                sentence,
            }))
        }
        Unwound::NoRollout | Unwound::TooLate { .. } => Ok(None),
        Unwound::Superseded { by, serves } => Err(Halt::Superseded {
            failure: Failure::new(Reason::Superseded, by),
            serves,
        }),
        stuck @ Unwound::Stuck { .. } => Ok(Some(after(stuck, Reason::RollbackAsked))),
    }
}

/// Whether blue is what was asked for.
fn is_enough(plan: &RollbackPlan, ending: &Ending) -> bool {
    let Some(asked) = plan
        .history
        .rollback_to
        .as_deref()
        .filter(|_| ending.outcome == Outcome::Deployed)
    else {
        return true;
    };
    let undo = plan.undos.rollout.as_ref();
    let blue = undo
        .and_then(Undo::rollout)
        .map_or("", RolloutUndo::blue_revision);
    short_name(blue) == short_name(asked) || short_name(blue).rsplit(':').next() == Some(asked)
}

/// What is brought back by a new rollout; with its tests only when they are wanted.
async fn brought_back(
    run: &Run,
    plan: &RollbackPlan,
    snapshot: &Snapshot,
    target: RollbackTarget,
) -> Result<BroughtBack, Halt> {
    let version = match plan.checks {
        RollbackChecks::Skipped => {
            run.tell(RollbackFact::SkipsChecks);
            None
        }
        RollbackChecks::OfItsVersion => {
            let described = run
                .aws
                .describe_task_definition(&target.revision)
                .await
                .map_err(Failure::from)?;
            history::version(run, &described["taskDefinition"]).await
        }
        RollbackChecks::AsGiven => None,
    };
    Ok(BroughtBack {
        version,
        checks: plan.checks,
        forces_new_deployment: is_shared(run, plan, snapshot).await,
        revision: target.revision,
    })
}
