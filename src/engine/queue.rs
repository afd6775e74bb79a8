//! A rollout of the service is in progress: the run waits for its end, or rolls it back first.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::to_milliseconds;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::observe::workflow_runs::queue_position;
use crate::outcome::Reason;
use crate::plan::{QueuePlan, SupersedePlan, WaitPlan};
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::run_order::{RunOrder, stale_failure};
use crate::steps::revision::Revision;
use crate::survey::{RunningRollout, Snapshot};
use crate::undo::Undo;
use crate::unwind::{self, UnwindOutcome};

/// A long wait is reported again at this interval.
const REMINDER_INTERVAL: Duration = Duration::from_mins(10);

/// Whether another rollout is still in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueOutcome {
    /// Nothing is in the way, or the plan decides about it.
    Free,
    /// Another rollout was in the way until now: AWS has to be read again.
    ReadAgain,
}

/// Waits for the rollout in progress, or rolls it back, as planned.
///
/// # Errors
/// The wait took too long, or what is in progress could not be undone.
pub async fn wait_or_supersede(
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
            // No other run removes it when its run has left the rollout at a gate.
            let is_needed = ours.is_some_and(|ours| running.revision.as_ref() == Some(&ours.arn));
            let unused = revision.iter().filter(|_| !is_needed);
            let undos: Vec<Undo> = unused.chain([undo]).cloned().collect();
            supersede(run, running, &undos).await
        }
    }
}

async fn wait(
    run: &Run,
    plan: &WaitPlan,
    running: &RunningRollout,
) -> Result<QueueOutcome, Failure> {
    if let Some(newer) = newer_run(run, plan.order, running) {
        let sentence =
            format!("this run is older than workflow run {newer}, whose rollout is in progress");
        return Err(stale_failure(sentence).with_cause(running.describe()));
    }
    let deadline = plan.order.longest_wait();
    let (began, mut last_reported) = (Instant::now(), Instant::now());
    let position = queue_position(run, plan.token.as_ref())
        .await
        .map(|runs| runs + 1);
    run.emit(QueueFact::Waits {
        running: running.describe().into(),
        position,
    });
    let mut poll_interval = PollInterval::new(plan.poll);
    while began.elapsed() < deadline {
        poll_interval.wait().await;
        if last_reported.elapsed() >= REMINDER_INTERVAL {
            last_reported = Instant::now();
            run.emit(QueueFact::StillWaits {
                running: running.describe().into(),
                milliseconds: to_milliseconds(began.elapsed()),
            });
        }
        match running
            .deployment
            .is_over(run, &plan.place, &running.id)
            .await
        {
            Ok(true) => return Ok(QueueOutcome::ReadAgain),
            Ok(false) => poll_interval.recover(),
            Err(error) if error.kind == crate::aws::AwsErrorKind::Throttled => {
                poll_interval.slow_down();
            }
            Err(error) if error.may_have_landed() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let waited = crate::duration::HumanDuration(deadline);
    Err(Failure::new(
        Reason::AlreadyRunning,
        format!("{}, and was not over after {waited}", running.describe()),
    )
    .with_hint(running.stop_command()))
}

/// The newer workflow run whose rollout is in progress: this run must not overwrite what that one
/// deploys.
fn newer_run<'r>(run: &Run, order: RunOrder, running: &'r RunningRollout) -> Option<&'r str> {
    running
        .run
        .as_deref()
        .filter(|other| order.gives_way_to(&run.id, other))
}

async fn supersede(
    run: &Run,
    running: &RunningRollout,
    undos: &[Undo],
) -> Result<QueueOutcome, Failure> {
    run.emit(QueueFact::RollsBackFirst {
        running: running.describe().into(),
    });
    match unwind::undo_all(run, undos).await {
        UnwindOutcome::NoRollout
        | UnwindOutcome::OnBlue { .. }
        | UnwindOutcome::TooLate { .. }
        | UnwindOutcome::Superseded { .. } => Ok(QueueOutcome::ReadAgain),
        UnwindOutcome::Stuck { what, .. } => {
            let sentence = format!("{what} could not be undone, so this run does not start");
            Err(Failure::new(Reason::AlreadyRunning, sentence).with_hint(running.stop_command()))
        }
    }
}
