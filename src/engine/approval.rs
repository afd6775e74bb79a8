//! `mode: continue` and `mode: abort`: the answer to a gate at which another job left the rollout.

use std::time::Duration;

use super::checks::{self, Checks, Release};
use super::status::read_revision;
use super::{Ending, Halt, deploy, one_off, planning, run_step, run_unwind_step, unwound_ending};
use crate::aws::arn::short_name;
use crate::engine::history::{self, LastDeployment};
use crate::error::Failure;
use crate::event::Step;
use crate::event::fact::{GateFact, QueueFact, RevisionFact};
use crate::outcome::{Outcome, Reason};
use crate::own_deployment::OwnDeployment;
use crate::plan::{InProgressPlan, RolloutPlan, RunningUndos};
use crate::planner::Planner;
use crate::problem::Problem;
use crate::rollout_kind::GatePlan;
use crate::run::Run;
use crate::steps::rollout::{self, GateState, Rollout};
use crate::steps::scaling;
use crate::survey::{RunningRollout, Snapshot};
use crate::undo::{RevisionUndo, Undo};
use crate::unwind;

/// Tests that passed longer ago than this are run again before users reach green.
const RETEST_AFTER: Duration = Duration::from_mins(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GateAnswer {
    Continue,
    Abort,
}

pub(super) async fn continue_rollout(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let snapshot = run_step(run, Step::Survey, planning::survey(run, planner), |_| {
        "read".to_owned()
    })
    .await?;
    let plan = planner.in_progress(&snapshot)?;
    let (Some(running), Some(planned)) = (&snapshot.running, &plan.rollout) else {
        return answer_finished(run, &plan, &snapshot, GateAnswer::Continue).await;
    };
    if running.deployment.is_rolling_back() {
        return watch_expired(run, planner, &plan).await;
    }
    let ready = checks::prepare(run, &plan.checks)
        .await
        .map_err(Halt::LeftRunning)?;
    let revision = read_revision(run, running).await;
    one_off::arm_migration_of(run, &plan.migration, &snapshot).await;
    arm_running_undos(run, &plan.undos);
    run.begin_deployment(OwnDeployment::begin(
        planned.place.clone(),
        revision.arn.clone(),
    ));
    let mut rollout = rollout::attach(run, planned, &revision, running);
    suspend_scale_in(run, planned, running).await?;
    let gate = deploy::find_gate(run, &mut rollout).await?;
    let release = Release {
        checks: &plan.checks,
        plan: planned,
        revision: &revision,
        image: None,
        is_answered: gate == GateState::Passed,
    };
    let checks = Checks::new(run, ready, &release);
    if gate == GateState::NotPassed {
        retest_green(run, &mut rollout, &checks).await?;
        rollout.open_green_gate().await?;
    }
    deploy::continue_from_traffic(run, &mut rollout, &checks).await
}

pub(super) async fn abort(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let snapshot = run_step(run, Step::Survey, planning::survey(run, planner), |_| {
        "read".to_owned()
    })
    .await?;
    let plan = planner.in_progress(&snapshot)?;
    let (Some(running), Some(_)) = (&snapshot.running, &plan.rollout) else {
        return answer_finished(run, &plan, &snapshot, GateAnswer::Abort).await;
    };
    run.emit(QueueFact::InProgress {
        running: running.describe().into(),
    });
    if let Some(revision) = running.revision.as_ref().filter(|_| running.run.is_none()) {
        run.emit(RevisionFact::StaysUnknown {
            revision: revision.clone(),
        });
    }
    one_off::arm_migration_of(run, &plan.migration, &snapshot).await;
    arm_running_undos(run, &plan.undos);
    let armed = run.armed_undos();
    let ending = unwound_ending(
        run_unwind_step(run, unwind::undo_all(run, &armed)).await,
        Reason::Aborted,
    );
    Ok(ending.with_undone_effects(run, &armed))
}

/// Arms the undos of a rollout that another run started: from here on a failure of this run undoes
/// the rollout, and the revision that was registered for it.
pub(super) fn arm_running_undos(run: &Run, undos: &RunningUndos) {
    let RunningUndos {
        rollout,
        revision,
        hooks,
    } = undos;
    for undo in [revision, hooks, rollout].into_iter().flatten() {
        run.arm(undo.clone());
    }
}

/// Suspends scale-in again, where that is configured: the run that left the rollout at its gate has
/// restored it. If suspending fails, the rollout is left at its gate and not rolled back, because a
/// person is waiting for it.
async fn suspend_scale_in(
    run: &Run,
    planned: &RolloutPlan,
    running: &RunningRollout,
) -> Result<(), Halt> {
    let suspended = scaling::suspend(run, planned).await;
    suspended.map_err(|failure| {
        Halt::LeftRunning(
            failure.with_cause(format!("{}, and is left as it is", running.describe())),
        )
    })
}

/// The job that started the rollout tested green. When the answer took long, green is tested again.
async fn retest_green(
    run: &Run,
    rollout: &mut Rollout<'_>,
    checks: &Checks<'_>,
) -> Result<(), Halt> {
    if rollout.gate() == GatePlan::Test
        && rollout
            .waited_at_gate()
            .is_some_and(|waited| waited < RETEST_AFTER)
    {
        run.emit(GateFact::TestedRecently);
        return Ok(());
    }
    deploy::test_green(rollout, checks).await
}

/// The gate expired, or somebody answered with a rollback: AWS is rolling back already, and that is
/// watched to its end.
async fn watch_expired(
    run: &Run,
    planner: &Planner,
    plan: &InProgressPlan,
) -> Result<Ending, Halt> {
    if let Some(undo) = &plan.undos.rollout
        && unwind::watch_rollback(run, undo).await.is_stuck()
    {
        let sentence = format!(
            "{} is being rolled back, and the rollback did not complete",
            undo.describe()
        );
        return Err(Halt::Failed(Failure::new(Reason::Expired, sentence)));
    }
    let snapshot = planning::survey(run, planner).await?;
    answer_finished(run, plan, &snapshot, GateAnswer::Continue).await
}

/// Deregisters the revision of a deployment that failed, as `mode: abort` would have done: the run
/// that registered it is over, and no other run removes it.
async fn remove_unused_revision(run: &Run, plan: &InProgressPlan, last: &LastDeployment) {
    let Some(arn) = last
        .registered_revision
        .clone()
        .filter(|_| last.end != history::DeploymentEnd::Succeeded)
    else {
        return;
    };
    let is_active =
        |described: serde_json::Value| described["taskDefinition"]["status"] == "ACTIVE";
    if run
        .aws
        .describe_task_definition(arn.as_str())
        .await
        .is_ok_and(is_active)
    {
        unwind::undo_all(
            run,
            &[Undo::Revision(RevisionUndo {
                arn,
                service: Some(plan.place.clone()),
            })],
        )
        .await;
    }
}

/// No rollout is in progress: the answer depends on how the named deployment, or the newest one,
/// ended.
async fn answer_finished(
    run: &Run,
    plan: &InProgressPlan,
    snapshot: &Snapshot,
    answer: GateAnswer,
) -> Result<Ending, Halt> {
    let Some(last) = history::find_last(run, &plan.history, snapshot).await? else {
        return Err(Halt::Refused(vec![Problem::new(
            "mode",
            "nothing waits for an answer: the service has no deployment",
            "deploy first",
        )]));
    };
    remove_unused_revision(run, plan, &last).await;
    let id = short_name(&last.id).to_owned();
    let serves = snapshot
        .service
        .as_ref()
        .map(|service| short_name(service.revision()).to_owned())
        .unwrap_or_default();
    let sentence = format!(
        "deployment {id} is over already ({}): {serves} serves production",
        last.word
    );
    match (last.end, answer) {
        (history::DeploymentEnd::Succeeded, GateAnswer::Continue)
        | (history::DeploymentEnd::Failed { .. }, GateAnswer::Abort) => Ok(Ending {
            outcome: Outcome::AlreadyDeployed,
            reason: Reason::AlreadyAnswered,
            sentence,
        }),
        (history::DeploymentEnd::Succeeded, GateAnswer::Abort) => {
            let remedy = "use mode: rollback to go back to what ran before";
            Err(Halt::Refused(vec![Problem::new(
                "mode",
                format!("{sentence}; there is nothing left to abort"),
                remedy,
            )]))
        }
        (history::DeploymentEnd::Failed { reason }, GateAnswer::Continue) => Err(Halt::Failed(
            Failure::new(reason, sentence)
                .with_hint("deploy again: the rollout that waited is over"),
        )),
    }
}
