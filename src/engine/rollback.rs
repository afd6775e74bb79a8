//! `mode: rollback`: stops the rollout while blue still runs, otherwise a new rollout of a good
//! revision.

use super::approval::arm_running_undos;
use super::{Ending, Halt, deploy, one_off, planning, run_step, run_unwind_step, unwound_ending};
use crate::aws::arn::short_name;
use crate::engine::rollback_target::{self, RollbackTarget};
use crate::error::Failure;
use crate::event::fact::{RevisionFact, RollbackFact};
use crate::event::{DeployedRevision, Event, Step};
use crate::observe::revision_version::find_version;
use crate::observe::traffic::{self, ProductionTraffic};
use crate::outcome::{Outcome, Reason};
use crate::own_deployment::OwnDeployment;
use crate::plan::{RollbackChecks, RollbackPlan};
use crate::planner::{Planner, RevisionToRestore};
use crate::run::Run;
use crate::survey::{RunningRollout, Snapshot};
use crate::undo::Undo;
use crate::unwind::{self, UnwindOutcome};

pub(super) async fn rollback(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let snapshot = run_step(run, Step::Survey, planning::survey(run, planner), |_| {
        "read".to_owned()
    })
    .await?;
    let plan = planner.rollback(&snapshot);
    let fast = match snapshot.running.as_ref() {
        Some(running) => roll_back_to_blue(run, &plan, &snapshot, running).await?,
        None => None,
    };
    if let Some(ending) = fast.filter(|ending| is_requested_revision(&plan, ending)) {
        return Ok(ending);
    }
    let snapshot = if snapshot.running.is_some() {
        planning::survey(run, planner).await?
    } else {
        snapshot
    };
    let plan = planner.rollback(&snapshot);
    let target = rollback_target::find_target(run, &plan.history, &snapshot).await?;
    run.emit(RollbackFact::Target {
        revision: target.revision.clone(),
        why: target.why.clone().into(),
    });
    let release = prepare_release(run, &plan, &snapshot, target).await?;
    let ending = deploy::deploy(run, &planner.for_rollback_to(release)).await?;
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
async fn is_traffic_shared(run: &Run, plan: &RollbackPlan, snapshot: &Snapshot) -> bool {
    let (Some(blue), None) = (&plan.blue, &snapshot.running) else {
        return false;
    };
    let shared = traffic::observe(run, &plan.place, blue)
        .await
        .filter(ProductionTraffic::is_shared);
    if let Some(shared) = shared {
        run.emit(RollbackFact::TrafficIsShared {
            seen: shared.describe().into(),
        });
    }
    shared.is_some()
}

/// Stops the rollout in progress with rollback: blue still runs, and serves again within seconds.
/// None when it was too late.
async fn roll_back_to_blue(
    run: &Run,
    plan: &RollbackPlan,
    snapshot: &Snapshot,
    running: &RunningRollout,
) -> Result<Option<Ending>, Halt> {
    let Some(undo) = &plan.undos.rollout else {
        return Ok(None);
    };
    run.emit(RollbackFact::BlueStillRuns {
        running: running.describe().into(),
    });
    let mut armed = Vec::new();
    let unwound = if running.deployment.is_rollback() {
        run_unwind_step(run, unwind::watch_rollback(run, undo)).await
    } else {
        one_off::arm_migration_of(run, &plan.migration, snapshot).await;
        arm_running_undos(run, &plan.undos);
        armed = run.armed_undos();
        run_unwind_step(run, unwind::undo_all(run, &armed)).await
    };
    match unwound {
        UnwindOutcome::OnBlue {
            revision,
            observed_by,
        } => {
            let sentence = format!(
                "{} serves 100 % of production again ({})",
                short_name(&revision),
                observed_by.describe()
            );
            if let Some(left) = running.revision.as_ref().filter(|left| **left != revision) {
                run.emit(RevisionFact::StaysForRollback {
                    revision: left.clone(),
                });
            }
            run.begin_deployment(OwnDeployment::begin(plan.place.clone(), revision.clone()));
            run.end_deployment();
            run.emit(Event::Revision(DeployedRevision {
                arn: revision,
                registered: false,
                previous: running.revision.clone(),
                changes: Vec::new(),
            }));
            let ending = Ending {
                outcome: Outcome::Deployed,
                reason: Reason::RollbackAsked,
                sentence,
            };
            Ok(Some(ending.with_undone_effects(run, &armed)))
        }
        UnwindOutcome::NoRollout | UnwindOutcome::TooLate { .. } => Ok(None),
        UnwindOutcome::Superseded { by, serves } => Err(Halt::Superseded {
            failure: Failure::new(Reason::Superseded, by),
            serves,
        }),
        stuck @ UnwindOutcome::Stuck { .. } => {
            Ok(Some(unwound_ending(stuck, Reason::RollbackAsked)))
        }
    }
}

/// Whether blue runs the revision that was asked for.
fn is_requested_revision(plan: &RollbackPlan, ending: &Ending) -> bool {
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
        .map_or("", |undo| undo.blue_revision().as_str());
    short_name(blue) == short_name(asked) || short_name(blue).rsplit(':').next() == Some(asked)
}

/// The release of a new rollout that rolls back; with its tests only when they are wanted.
async fn prepare_release(
    run: &Run,
    plan: &RollbackPlan,
    snapshot: &Snapshot,
    target: RollbackTarget,
) -> Result<RevisionToRestore, Halt> {
    let version = match plan.checks {
        RollbackChecks::Skipped => {
            run.emit(RollbackFact::SkipsChecks);
            None
        }
        RollbackChecks::WithItsVersion => {
            let described = run
                .aws
                .describe_task_definition(target.revision.as_str())
                .await
                .map_err(Failure::from)?;
            find_version(run, &described["taskDefinition"]).await
        }
        RollbackChecks::AsGiven => None,
    };
    Ok(RevisionToRestore {
        version,
        checks: plan.checks,
        forces_new_deployment: is_traffic_shared(run, plan, snapshot).await,
        revision: target.revision,
    })
}
