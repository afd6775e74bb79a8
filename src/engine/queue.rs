//! A rollout of the service is in progress: the run waits for its end, or takes it back first.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::milliseconds;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::observe::workflow_runs::queue_position;
use crate::outcome::Reason;
use crate::plan::{QueuePlan, SupersedePlan, WaitPlan};
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::run_order::{RunOrder, stale_failure};
use crate::steps::revision::Revision;
use crate::survey::{Running, Snapshot};
use crate::undo::Undo;
use crate::unwind::{self, Unwound};

/// A wait that lasts is told again.
const REMIND: Duration = Duration::from_mins(10);

/// What became of what was in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueOutcome {
    /// Nothing is in it, or the plan says what that means.
    Free,
    /// It was, for a while: AWS is to be read again.
    Again,
}

/// Makes way for this run, as it is planned.
///
/// # Errors
/// The wait took too long, or what is in progress could not be undone.
pub async fn make_way(
    run: &Run,
    plan: &QueuePlan,
    snapshot: &Snapshot,
    ours: Option<&Revision>,
) -> Result<QueueOutcome, Failure> {
    let Some(running) = &snapshot.running else {
        return Ok(QueueOutcome::Free);
    };
    match plan {
        QueuePlan::Free | QueuePlan::Replaced | QueuePlan::Refused => Ok(QueueOutcome::Free),
        QueuePlan::Wait(plan) => wait(run, plan, running).await,
        QueuePlan::Supersede(plan) => {
            let SupersedePlan { undo, revision } = &**plan;
            // Nobody else removes it when its run has left the rollout at a gate.
            let is_needed = ours.is_some_and(|ours| running.revision.as_ref() == Some(&ours.arn));
            let unused = revision.iter().filter(|_| !is_needed);
            let undos: Vec<Undo> = unused.chain([undo]).cloned().collect();
            supersede(run, running, &undos).await
        }
    }
}

async fn wait(run: &Run, plan: &WaitPlan, running: &Running) -> Result<QueueOutcome, Failure> {
    if let Some(newer) = newer_run(run, plan.order, running) {
        let sentence =
            format!("this run is older than workflow run {newer}, whose rollout is in progress");
        return Err(stale_failure(sentence).caused_by(running.words()));
    }
    let deadline = plan.order.longest_wait();
    let (began, mut said) = (Instant::now(), Instant::now());
    let position = queue_position(run, plan.token.as_ref())
        .await
        .map(|runs| runs + 1);
    run.tell(QueueFact::Waits {
        running: running.words().into(),
        position,
    });
    let mut poll_interval = PollInterval::new(plan.poll);
    while began.elapsed() < deadline {
        poll_interval.rest().await;
        if said.elapsed() >= REMIND {
            said = Instant::now();
            run.tell(QueueFact::StillWaits {
                running: running.words().into(),
                milliseconds: milliseconds(began.elapsed()),
            });
        }
        match running
            .deployment
            .is_over(run, &plan.place, &running.id)
            .await
        {
            Ok(true) => return Ok(QueueOutcome::Again),
            Ok(false) => poll_interval.recover(),
            Err(error) if error.kind == crate::aws::AwsErrorKind::Throttled => {
                poll_interval.slower();
            }
            Err(error) if error.may_have_landed() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let waited = crate::duration::Human(deadline);
    Err(Failure::new(
        Reason::AlreadyRunning,
        format!("{}, and was not over after {waited}", running.words()),
    )
    .hint(running.stop_command()))
}

/// The newer workflow run whose rollout is in progress: what it brings must not be overwritten by
/// this run once it is over.
fn newer_run<'r>(run: &Run, order: RunOrder, running: &'r Running) -> Option<&'r str> {
    running
        .run
        .as_deref()
        .filter(|theirs| order.gives_way_to(&run.id, theirs))
}

async fn supersede(run: &Run, running: &Running, undos: &[Undo]) -> Result<QueueOutcome, Failure> {
    run.tell(QueueFact::RollsBackFirst {
        running: running.words().into(),
    });
    match unwind::all(run, undos).await {
        Unwound::NoRollout
        | Unwound::OnBlue { .. }
        | Unwound::TooLate { .. }
        | Unwound::Superseded { .. } => Ok(QueueOutcome::Again),
        Unwound::Stuck { what, .. } => {
            let sentence = format!("{what} could not be undone, so this run does not start");
            Err(Failure::new(Reason::AlreadyRunning, sentence).hint(running.stop_command()))
        }
    }
}
