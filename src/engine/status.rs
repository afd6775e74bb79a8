//! `mode: status`: what is in progress on the service is followed and reported; nothing is started,
//! opened or rolled back.

use super::{Ending, Halt, after, deploy, planning, step};
use crate::aws::arn::short_name;
use crate::decide::At;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::event::{DeployedRevision, Event, Step};
use crate::outcome::{Outcome, Reason};
use crate::plan::RunningUndos;
use crate::planner::Planner;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::rollout::{self, Interrupted, Reached, Rollout};
use crate::survey::{Running, Snapshot};
use crate::unwind;

pub(super) async fn status(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    let snapshot = step(run, Step::Survey, planning::look(run, planner), |_| {
        "read".to_owned()
    })
    .await?;
    let plan = planner.in_progress(&snapshot)?;
    let (Some(running), Some(planned)) = (&snapshot.running, &plan.rollout) else {
        return Ok(nothing(&snapshot));
    };
    run.tell(QueueFact::InProgress {
        running: running.words().into(),
    });
    let revision = brought(run, running).await;
    let mut rollout = rollout::attach(run, planned, &revision, running);
    match step(run, Step::Shift, rollout.watched(), |reached| {
        reached.words().to_owned()
    })
    .await
    {
        Ok(Reached::Gate(at)) => Ok(at_gate(&rollout, at)),
        Ok(Reached::Green) => match rollout.last_look().await {
            Ok(()) => Ok(deploy::deployed(run, &rollout)),
            Err(failure) => Ok(ended(run, &plan.undos, failure).await),
        },
        Err(Interrupted::Failed(failure)) => Ok(ended(run, &plan.undos, failure).await),
        Err(left) => Err(left.into()),
    }
}

/// The revision that is brought, with its definition where it can be read.
pub(super) async fn brought(run: &Run, running: &Running) -> Revision {
    let arn = running.revision.clone().unwrap_or_default();
    let described = run.aws.describe_task_definition(&arn).await;
    let described = run.optional_read("the definition of what is brought is not read", described);
    let definition = described
        .map(|answer| crate::documents::described::from_described(&answer))
        .unwrap_or_default();
    run.tell(Event::Revision(DeployedRevision {
        arn: arn.clone(),
        registered: false,
        previous: None,
        changes: Vec::new(),
    }));
    Revision {
        arn,
        definition,
        registered: false,
    }
}

fn nothing(snapshot: &Snapshot) -> Ending {
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

fn at_gate(rollout: &Rollout<'_>, at: At) -> Ending {
    let answer = match at {
        At::Green | At::Step | At::Production => "answer with mode: continue or mode: abort",
        At::Foreign => "the answer is its owner's to give; mode: abort rolls it back",
    };
    let sentence = format!(
        "{}; {}; {answer}",
        rollout.serves(),
        rollout.if_left_alone()
    );
    Ending {
        outcome: Outcome::Waiting,
        reason: Reason::Approval,
        sentence,
    }
}

/// It did not end well: its way back is watched to the end, so that what serves is said and not
/// guessed.
async fn ended(run: &Run, undos: &RunningUndos, failure: Failure) -> Ending {
    let reason = failure.reason;
    run.tell(Event::Failed { failure });
    match &undos.rollout {
        Some(undo) => after(unwind::watch(run, undo).await, reason),
        None => Ending {
            outcome: Outcome::StillRunning,
            reason,
            sentence: "what serves production was not observed".into(),
        },
    }
}
