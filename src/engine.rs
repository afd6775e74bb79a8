//! Runs one mode from start to end, and reacts to a signal.
//!
//! Every effect is armed in its step before it happens; whatever ends the run early leads to
//! [`crate::unwind`].

use std::time::Duration;

use futures_util::FutureExt as _;

use crate::aws::arn::short_name;
use crate::choices::OnCancel;
use crate::error::Failure;
use crate::event::fact::{HooksFact, QueueFact};
use crate::event::{Event, OneOffKind, Serving, Step, StepEnd};
use crate::outcome::{Mode, Outcome, Reason};
use crate::plan::PlanRefusal;
use crate::planner::Planner;
use crate::problem::Problem;
use crate::run::Run;
use crate::steps::rollout::Interrupted;
use crate::undo::Undo;
use crate::unwind::{self, UnwindOutcome};

mod approval;
mod checks;
mod cleanup;
mod deploy;
mod drift;
mod endings;
pub mod history;
mod monitor;
mod one_off;
mod planning;
mod prepared;
mod preview;
pub mod queue;
mod record;
mod refusal;
mod rollback;
mod rollback_target;
mod smoke;
pub mod stale;
mod start_gates;
mod status;
mod tags;
mod verify;

use refusal::refuse_with;
pub use refusal::{refuse_inputs, to_reported_problem};

/// How a run ended. The process's exit code comes from this, and from nothing that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Which side serves traffic, as the run's outcome.
    pub outcome: Outcome,
    /// The reason in the outputs.
    pub reason: Reason,
    /// What serves traffic now, in a sentence.
    pub sentence: String,
}

impl Ending {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        self.outcome.exit_code()
    }
}

/// Why the run ended before the last step.
#[derive(Debug)]
enum Halt {
    Refused(Vec<Problem>),
    NoCredentials(Vec<Problem>),
    Failed(Failure),
    LeftRunning(Failure),
    /// Another rollout replaced ours.
    Superseded {
        failure: Failure,
        serves: String,
    },
    /// The rollout waits at a gate for the answer of a person.
    Waiting(Ending),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<PlanRefusal> for Halt {
    fn from(refusal: PlanRefusal) -> Self {
        match refusal {
            PlanRefusal::Problems(problems) => Self::Refused(problems),
            PlanRefusal::Failure(failure) => Self::Failed(failure),
        }
    }
}

impl From<Interrupted> for Halt {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Failed(failure) | Interrupted::Busy(failure) => Self::Failed(failure),
            Interrupted::LeftRunning(failure) => Self::LeftRunning(failure),
            Interrupted::Superseded { failure, serves } => Self::Superseded { failure, serves },
        }
    }
}

/// After its first signal the runner waits 7.5 s, then 2.5 s more, then abandons the container. One
/// second of the first interval is kept in reserve.
const GRACE: Duration = Duration::from_millis(6_500);

/// Runs the mode to its end, or rolls back. `signal` is ready when the runner wants us to stop.
pub async fn run(run: &Run, planner: &Planner, signal: impl Future<Output = ()>) -> Ending {
    // It is polled again while temporary changes are restored, also after it has completed.
    let signal = signal.fuse();
    tokio::pin!(signal);
    let ended = tokio::select! {
        biased;
        () = &mut signal => Err(halt_on_cancel(run, planner)),
        ended = Box::pin(run_mode(run, planner)) => ended,
    };
    let armed = run.armed_undos();
    let ending = match ended {
        // All but the stuck undo is done; that one stays armed, so that `post` tries it once more.
        Ok(ending) if ending.outcome == Outcome::Stuck => ending,
        Ok(ending) | Err(Halt::Waiting(ending)) => {
            run.retain_temporary_undos();
            let time_is_up = wait_for_grace_end(run, signal).shared();
            let ending = restore_temporary(run, ending, time_is_up.clone()).await;
            tags::set_deferred(run, ending, time_is_up).await
        }
        Err(Halt::Refused(problems)) => {
            restore_temporary(
                run,
                refuse_with(run, &problems, Reason::InvalidInputs),
                wait_for_grace_end(run, signal),
            )
            .await
        }
        Err(Halt::NoCredentials(problems)) => {
            restore_temporary(
                run,
                refuse_with(run, &problems, Reason::Credentials),
                wait_for_grace_end(run, signal),
            )
            .await
        }
        Err(Halt::LeftRunning(failure)) if failure.reason == Reason::Cancelled => {
            restore_temporary(run, leave_running(run, failure), tokio::time::sleep(GRACE)).await
        }
        Err(Halt::LeftRunning(failure)) => {
            restore_temporary(
                run,
                leave_running(run, failure),
                wait_for_grace_end(run, signal),
            )
            .await
        }
        Err(Halt::Superseded { failure, serves }) => {
            let unused = run
                .armed_undos()
                .into_iter()
                .find(|undo| matches!(undo, Undo::Revision(_)));
            let left = leave_running(run, failure);
            if let Some(revision) = unused {
                run.arm(revision);
            }
            let ending = Ending {
                sentence: format!("{serves}; {}", left.sentence),
                ..left
            };
            restore_temporary(run, ending, wait_for_grace_end(run, signal)).await
        }
        Err(Halt::Failed(failure)) if failure.reason == Reason::Cancelled => {
            roll_back_within_grace(run, failure).await
        }
        Err(Halt::Failed(failure)) => tokio::select! {
            ending = roll_back(run, failure.clone()) => ending,
            () = wait_for_grace_end(run, signal) => unfinished_ending(&failure),
        },
    };
    record::write(run, &ending).await;
    let ending_outcome = ending.outcome;
    let permanent: Vec<String> = armed
        .iter()
        .filter(|undo| {
            undo.one_off_kind() != Some(OneOffKind::Migration)
                || !one_off::tells_of_migration(ending_outcome)
        })
        .filter_map(|undo| run.permanent_effect(undo))
        .collect();
    ending.with_permanent_effects(&permanent)
}

impl Ending {
    /// Adds the effects that cannot be undone to the sentence. Nothing is added where the release
    /// is deployed, or where the inputs were refused.
    fn with_permanent_effects(self, permanent: &[String]) -> Self {
        match self.outcome {
            Outcome::Deployed | Outcome::Refused => self,
            _ => Self {
                sentence: std::iter::once(&self.sentence)
                    .chain(permanent)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("; "),
                ..self
            },
        }
    }
}

impl Ending {
    /// Adds what stays of effects that have been undone, as far as that was possible.
    fn with_undone_effects(self, run: &Run, undone: &[Undo]) -> Self {
        let left = run.armed_undos();
        let effects = undone
            .iter()
            .filter(|undo| !left.contains(undo))
            .filter_map(|undo| run.permanent_effect(undo));
        let sentence = std::iter::once(self.sentence)
            .chain(effects)
            .collect::<Vec<_>>()
            .join("; ");
        Self { sentence, ..self }
    }
}

async fn run_mode(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    match planner.mode() {
        Mode::Deploy | Mode::Migrate => deploy::deploy(run, planner).await,
        Mode::Plan => preview::plan(run, planner).await,
        Mode::Verify => verify::verify(run, planner).await,
        Mode::Smoke => smoke::test(run, planner).await,
        Mode::Rollback => rollback::rollback(run, planner).await,
        Mode::Continue => approval::continue_rollout(run, planner).await,
        Mode::Abort => approval::abort(run, planner).await,
        Mode::Status => status::follow(run, planner).await,
        Mode::Drift => drift::find(run, planner).await,
        Mode::Cleanup => cleanup::clean_up(run, planner).await,
    }
}

/// The runner wants us to stop while something is undone: the undo has until the end of the grace
/// period.
async fn wait_for_grace_end(run: &Run, signal: impl Future<Output = ()>) {
    signal.await;
    run.emit(Event::Signalled);
    tokio::time::sleep(GRACE).await;
}

/// Restores what was changed only for the rollout, however it ended. What is not restored when the
/// time is up is left to `post`.
async fn restore_temporary(
    run: &Run,
    ending: Ending,
    time_is_up: impl Future<Output = ()>,
) -> Ending {
    if run.armed_undos().is_empty() {
        return ending;
    }
    let stuck = tokio::select! {
        unwound = Box::pin(unwind::restore_temporary(run)) => unwound.is_stuck(),
        () = time_is_up => true,
    };
    if stuck {
        run.emit(HooksFact::StillSet);
    }
    ending
}

/// With `on-cancel: leave` a rollout that was started continues in AWS. What was not started yet is
/// rolled back in any case.
fn halt_on_cancel(run: &Run, planner: &Planner) -> Halt {
    let failure = Failure::new(Reason::Cancelled, "the workflow was cancelled");
    match run.if_left_alone() {
        Some(what) if planner.on_cancel() == OnCancel::Leave => {
            run.emit(QueueFact::LeftToAws);
            Halt::LeftRunning(failure.with_cause(what))
        }
        _ => {
            run.emit(Event::Signalled);
            Halt::Failed(failure)
        }
    }
}

/// The rollout continues in AWS, or belongs to somebody else: it is not rolled back.
fn leave_running(run: &Run, failure: Failure) -> Ending {
    run.retain_temporary_undos();
    let reason = failure.reason;
    let sentence = failure.chain.join(": ");
    run.emit(Event::Failed { failure });
    Ending {
        outcome: Outcome::StillRunning,
        reason,
        sentence,
    }
}

async fn roll_back_within_grace(run: &Run, failure: Failure) -> Ending {
    let unfinished = unfinished_ending(&failure);
    tokio::time::timeout(GRACE, roll_back(run, failure))
        .await
        .unwrap_or(unfinished)
}

/// The ending of a rollback that did not finish in time; `post` undoes what is still armed.
fn unfinished_ending(failure: &Failure) -> Ending {
    let sentence = "the rollback was asked for, but this step had to end before it was observed; the post step continues it".to_owned();
    Ending {
        outcome: Outcome::StillRunning,
        reason: failure.reason,
        sentence,
    }
}

async fn roll_back(run: &Run, failure: Failure) -> Ending {
    let reason = failure.reason;
    let armed = run.armed_undos();
    run.emit(Event::Failed { failure });
    if armed.is_empty() {
        return Ending {
            outcome: Outcome::NotDeployed,
            reason,
            sentence: "nothing was rolled out: production traffic is unchanged".into(),
        };
    }
    let ending = unwound_ending(
        run_unwind_step(run, Box::pin(unwind::undo_all(run, &armed))).await,
        reason,
    );
    with_what_aws_does(run, ending)
}

/// A run without credentials cannot roll back: what served when it could still look, and what AWS
/// does by itself.
fn with_what_aws_does(run: &Run, ending: Ending) -> Ending {
    let is_left = ending.outcome == Outcome::Stuck && run.aws.has_lost_session();
    let Some(what) = run.if_left_alone().filter(|_| is_left) else {
        return ending;
    };
    let served = run.last_serving().map(|(revision, side)| {
        let side = match side {
            Serving::Blue => "blue",
            Serving::Green => "green",
        };
        format!(
            "{side} ({}) served production when it was last looked at; ",
            short_name(&revision)
        )
    });
    Ending {
        sentence: format!(
            "{}{}; there are no credentials any more to look or to roll back with, and AWS goes on by itself: {what}",
            served.unwrap_or_default(),
            ending.sentence
        ),
        ..ending
    }
}

/// Reports the start and the end of the undo step around the work.
async fn run_unwind_step(run: &Run, work: impl Future<Output = UnwindOutcome>) -> UnwindOutcome {
    run.emit(Event::StepStarted { step: Step::Unwind });
    let armed = run.armed_undos();
    let unwound = work.await;
    let end = if unwound.is_stuck() {
        StepEnd::Failed
    } else {
        StepEnd::Done
    };
    run.emit(Event::StepEnded {
        step: Step::Unwind,
        end,
        result: unwound.summarize(run, &armed).into(),
    });
    run.emit(Event::Measured {
        reads: run.aws.read_count(),
    });
    unwound
}

fn unwound_ending(unwound: UnwindOutcome, reason: Reason) -> Ending {
    match unwound {
        UnwindOutcome::Stuck { what, serves } => {
            let serves = serves.map(|words| format!("{words}; ")).unwrap_or_default();
            let sentence = format!("{serves}{what} could not be undone: a person is needed");
            Ending {
                outcome: Outcome::Stuck,
                reason,
                sentence,
            }
        }
        UnwindOutcome::NoRollout => Ending {
            outcome: Outcome::NotDeployed,
            reason,
            sentence: "nothing was rolled out: production traffic is unchanged".into(),
        },
        UnwindOutcome::OnBlue {
            revision,
            observed_by,
        } => Ending {
            outcome: Outcome::RolledBack,
            reason,
            sentence: format!(
                "blue serves 100 % of production: {} ({})",
                short_name(&revision),
                observed_by.describe()
            ),
        },
        UnwindOutcome::TooLate { revision } => {
            // A cancelled run that had succeeded is a success; one whose production tests failed
            // needs a person.
            let outcome = if reason == Reason::Cancelled {
                Outcome::Deployed
            } else {
                Outcome::Stuck
            };
            let green = short_name(&revision);
            let sentence = match reason {
                // Green receives the traffic, but is not healthy, so "green serves" would be wrong.
                Reason::TasksUnhealthy => {
                    format!(
                        "all of production goes to green, {green}, which is not healthy; blue was terminated before traffic could return to it"
                    )
                }
                Reason::RolloutFailed => format!(
                    "the rollout of {green} is over, and blue was terminated before traffic could return to it"
                ),
                _ => format!(
                    "green serves 100 % of production: {green}; blue was terminated before traffic could return to it"
                ),
            };
            Ending {
                outcome,
                reason,
                sentence,
            }
        }
        UnwindOutcome::Superseded { by, serves } => Ending {
            outcome: Outcome::StillRunning,
            reason,
            sentence: format!("{serves}; {by}"),
        },
    }
}

/// Reports the start and the end of a step around the work.
async fn run_step<T, E>(
    run: &Run,
    step: Step,
    work: impl Future<Output = Result<T, E>>,
    result: impl FnOnce(&T) -> String,
) -> Result<T, E> {
    run.emit(Event::StepStarted { step });
    let ended = work.await;
    let (end, result) = match &ended {
        Ok(value) => (StepEnd::Done, result(value)),
        Err(_) => (StepEnd::Failed, String::new()),
    };
    run.emit(Event::StepEnded {
        step,
        end,
        result: result.into(),
    });
    ended
}
