//! `mode: status`: what is in progress on the service is followed and reported; nothing is started,
//! opened or rolled back.

use super::{Ending, Halt, endings, planning, run_step, unwound_ending};
use crate::aws::arn::short_name;
use crate::decide::GateKind;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::event::{DeployedRevision, Event, Step};
use crate::outcome::{Outcome, Reason};
use crate::plan::RunningUndos;
use crate::planner::Planner;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::rollout::{self, Interrupted, Milestone, Rollout};
use crate::survey::{RunningRollout, Snapshot};
use crate::unwind;

pub(super) async fn follow(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let snapshot = run_step(run, Step::Survey, planning::survey(run, planner), |_| {
        "read".to_owned()
    })
    .await?;
    let plan = planner.in_progress(&snapshot)?;
    let (Some(running), Some(planned)) = (&snapshot.running, &plan.rollout) else {
        return Ok(idle_ending(&snapshot));
    };
    run.emit(QueueFact::InProgress {
        running: running.describe().into(),
    });
    let revision = read_revision(run, running).await;
    let mut rollout = rollout::attach(run, planned, &revision, running);
    match run_step(run, Step::Shift, rollout.watch(), |reached| {
        reached.describe().to_owned()
    })
    .await
    {
        Ok(Milestone::Gate(gate)) => Ok(gate_ending(&rollout, gate)),
        Ok(Milestone::Green) => match rollout.take_last_look().await {
            Ok(()) => Ok(endings::deployed_ending(run, &rollout)),
            Err(failure) => Ok(failed_ending(run, &plan.undos, failure).await),
        },
        Err(Interrupted::Failed(failure)) => Ok(failed_ending(run, &plan.undos, failure).await),
        Err(left) => Err(left.into()),
    }
}

/// The revision that is being deployed, with its definition where it can be read.
pub(super) async fn read_revision(run: &Run, running: &RunningRollout) -> Revision {
    let revision = read_definition(run, running).await;
    run.emit(Event::Revision(DeployedRevision {
        arn: revision.arn.clone(),
        registered: false,
        previous: None,
        changes: Vec::new(),
    }));
    revision
}

/// The same, which is not reported as what is deployed.
pub(super) async fn read_definition(run: &Run, running: &RunningRollout) -> Revision {
    let arn = running.revision.clone().unwrap_or_default();
    let described = run.aws.describe_task_definition(arn.as_str()).await;
    let described = run.optional_read("the definition of what is brought is not read", described);
    let definition = described
        .map(|answer| crate::documents::described::from_described(&answer))
        .unwrap_or_default();
    Revision {
        arn,
        definition,
        registered: false,
    }
}

fn idle_ending(snapshot: &Snapshot) -> Ending {
    let serves = snapshot
        .service
        .as_ref()
        .map(|service| short_name(service.revision()).to_owned())
        .unwrap_or_default();
    let sentence = format!("nothing is in progress; {serves} serves production");
    Ending {
        outcome: Outcome::AlreadyDeployed,
        reason: Reason::NothingRunning,
        sentence,
    }
}

fn gate_ending(rollout: &Rollout<'_>, gate: GateKind) -> Ending {
    let answer = match gate {
        GateKind::Green | GateKind::Step | GateKind::Production => {
            "answer with mode: continue or mode: abort"
        }
        GateKind::External => "the owner of this gate answers it; mode: abort rolls it back",
    };
    let sentence = format!(
        "{}; {}; {answer}",
        rollout.describe_serving(),
        rollout.if_left_alone()
    );
    Ending {
        outcome: Outcome::Waiting,
        reason: Reason::Approval,
        sentence,
    }
}

/// The rollout failed: its rollback is watched to the end, so that what serves is observed.
async fn failed_ending(run: &Run, undos: &RunningUndos, failure: Failure) -> Ending {
    let reason = failure.reason;
    run.emit(Event::Failed { failure });
    match &undos.rollout {
        Some(undo) => unwound_ending(unwind::watch_rollback(run, undo).await, reason),
        None => Ending {
            outcome: Outcome::StillRunning,
            reason,
            sentence: "what serves production was not observed".into(),
        },
    }
}
