//! The straight line, and the one place that chooses between going on and a signal.
//!
//! Every effect is armed in its step before it happens; whatever ends the line early leads to
//! [`crate::unwind`].

use std::time::Duration;

use futures_util::FutureExt as _;

use crate::aws::arn::short_name;
use crate::choices::OnCancel;
use crate::error::Failure;
use crate::event::fact::{HooksFact, QueueFact};
use crate::event::{Event, FilePlace, RefusedInputs, ReportedProblem, Step, StepEnd};
use crate::outcome::{Mode, Outcome, Reason};
use crate::plan::PlanRefusal;
use crate::planner::Planner;
use crate::problem::Problem;
use crate::run::Run;
use crate::steps::rollout::Interrupted;
use crate::survey::{Incomplete, Snapshot, Unready};
use crate::undo::Undo;
use crate::unwind::{self, Unwound};

mod approval;
mod checks;
mod deploy;
pub mod history;
mod monitor;
mod planning;
mod prepared;
mod preview;
pub mod queue;
mod rollback;
pub mod stale;
mod status;
mod tags;

/// How a run ended. The process's exit code comes from this, and from nothing that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What serves traffic.
    pub outcome: Outcome,
    /// Why.
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

/// Why the line ended early.
#[derive(Debug)]
enum Halt {
    Refused(Vec<Problem>),
    NoCredentials(Vec<Problem>),
    Failed(Failure),
    Left(Failure),
    /// Another rollout took over.
    Superseded {
        failure: Failure,
        /// What serves production now.
        serves: String,
    },
    /// It stands at a gate, and a person is to answer.
    Waits(Ending),
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
            Interrupted::Left(failure) => Self::Left(failure),
            Interrupted::Superseded { failure, serves } => Self::Superseded { failure, serves },
        }
    }
}

/// From the first signal the runner gives 7.5 s, then 2.5 s more, then leaves the container alone.
const GRACE: Duration = Duration::from_millis(6_500);

/// Runs the line to its end, or takes it back. `signal` is ready when the runner wants us to stop.
pub async fn run(run: &Run, planner: &Planner, signal: impl Future<Output = ()>) -> Ending {
    // It is asked again when what was changed for the rollout is restored, also after it came.
    let signal = signal.fuse();
    tokio::pin!(signal);
    let ended = tokio::select! {
        biased;
        () = &mut signal => Err(cancelled(run, planner)),
        ended = Box::pin(mode(run, planner)) => ended,
    };
    let stays: Vec<String> = run.armed().iter().filter_map(Undo::what_stays).collect();
    let ending = match ended {
        // Everything was undone but what is stuck: it stays armed, so that `post` tries it once
        // more.
        Ok(ending) if ending.outcome == Outcome::Stuck => ending,
        Ok(ending) | Err(Halt::Waits(ending)) => {
            run.keep();
            let time_is_up = grace_after_signal(run, signal).shared();
            let ending = settle(run, ending, time_is_up.clone()).await;
            tags::finish(run, ending, time_is_up).await
        }
        Err(Halt::Refused(problems)) => {
            settle(
                run,
                refuse(run, &problems, Reason::InvalidInputs),
                grace_after_signal(run, signal),
            )
            .await
        }
        Err(Halt::NoCredentials(problems)) => {
            settle(
                run,
                refuse(run, &problems, Reason::Credentials),
                grace_after_signal(run, signal),
            )
            .await
        }
        Err(Halt::Left(failure)) if failure.reason == Reason::Cancelled => {
            settle(run, leave(run, failure), tokio::time::sleep(GRACE)).await
        }
        Err(Halt::Left(failure)) => {
            settle(run, leave(run, failure), grace_after_signal(run, signal)).await
        }
        Err(Halt::Superseded { failure, serves }) => {
            let unused = run
                .armed()
                .into_iter()
                .find(|undo| matches!(undo, Undo::Revision(_)));
            let left = leave(run, failure);
            if let Some(revision) = unused {
                run.arm(revision);
            }
            let ending = Ending {
                sentence: format!("{serves}; {}", left.sentence),
                ..left
            };
            settle(run, ending, grace_after_signal(run, signal)).await
        }
        Err(Halt::Failed(failure)) if failure.reason == Reason::Cancelled => {
            roll_back_in_grace(run, failure).await
        }
        Err(Halt::Failed(failure)) => tokio::select! {
            ending = roll_back(run, failure.clone()) => ending,
            () = grace_after_signal(run, signal) => unfinished(&failure),
        },
    };
    ending.naming(&stays)
}

impl Ending {
    /// With what was done and is not undone. Of a release that is out nothing is to be undone.
    fn naming(self, stays: &[String]) -> Self {
        match self.outcome {
            Outcome::Deployed | Outcome::Refused => self,
            _ => Self {
                sentence: std::iter::once(&self.sentence)
                    .chain(stays)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join("; "),
                ..self
            },
        }
    }
}

async fn mode(run: &Run, planner: &Planner) -> Result<Ending, Halt> {
    match planner.mode() {
        Mode::Deploy => deploy::deploy(run, planner).await,
        Mode::Plan => preview::plan(run, planner).await,
        Mode::Rollback => rollback::rollback(run, planner).await,
        Mode::Continue => approval::go_on(run, planner).await,
        Mode::Abort => approval::abort(run, planner).await,
        Mode::Status => status::status(run, planner).await,
    }
}

/// The runner wants us to stop while we take something back: it gets what fits into the grace.
async fn grace_after_signal(run: &Run, signal: impl Future<Output = ()>) {
    signal.await;
    run.tell(Event::Signalled);
    tokio::time::sleep(GRACE).await;
}

/// What was changed only for the rollout is restored, whatever its end; what is not done when time
/// is up is left to `post`.
async fn settle(run: &Run, ending: Ending, time_is_up: impl Future<Output = ()>) -> Ending {
    if run.armed().is_empty() {
        return ending;
    }
    let stuck = tokio::select! {
        unwound = Box::pin(unwind::settle(run)) => unwound.is_stuck(),
        () = time_is_up => true,
    };
    if stuck {
        run.tell(HooksFact::StillSet);
    }
    ending
}

/// How long AWS is asked for more when the inputs are wrong already.
const MORE_PROBLEMS: Duration = Duration::from_secs(10);

/// Refuses inputs with these problems, and with what is wrong in AWS as far as these inputs tell
/// where to look: whoever corrects them should not have to come back for the rest. Nothing is
/// written.
pub async fn refuse_inputs(
    run: &Run,
    planner: &Planner,
    mut problems: Vec<Problem>,
    signal: impl Future<Output = ()>,
) -> Ending {
    let looked = tokio::time::timeout(MORE_PROBLEMS, Box::pin(planner.survey(run)));
    let looked = tokio::select! {
        biased;
        () = signal => None,
        looked = looked => looked.ok(),
    };
    // Without credentials nothing can be asked, and that may be right in the run that follows.
    let (found, seen) = match looked {
        Some(Ok(snapshot)) => (Vec::new(), snapshot),
        Some(Err(Incomplete {
            why: Some(Unready::Problems(found)),
            seen,
            ..
        })) => (found, *seen),
        Some(Err(Incomplete { seen, .. })) => (Vec::new(), *seen),
        None => (Vec::new(), Snapshot::default()),
    };
    let mut more = found;
    add_new(&mut more, planner.problems_beside_inputs(&seen));
    more.retain(|problem| !depends_on_a_refused_input(&problem.input, &problems));
    add_new(&mut problems, more);
    refuse(run, &problems, Reason::InvalidInputs)
}

/// Where one of these inputs cannot be read, it is not known what was meant with those.
const DEPENDENT: &[(&str, &[&str])] = &[
    (
        "mode",
        &["alarms", "codedeploy-appspec", "production-url", "test-url"],
    ),
    ("registries", &["repository", "tags", "image"]),
    ("push", &["repository", "tags"]),
    (
        "strategy",
        &["test-url", "smoke-tests", "approval", "service"],
    ),
];

fn depends_on_a_refused_input(input: &str, problems: &[Problem]) -> bool {
    let is_refused = |name: &str| problems.iter().any(|problem| problem.input == name);
    DEPENDENT
        .iter()
        .any(|(name, dependent)| dependent.contains(&input) && is_refused(name))
}

/// Adds what is wrong with other inputs: of one input the first problem is told.
fn add_new(problems: &mut Vec<Problem>, more: Vec<Problem>) {
    let is_new = |problem: &Problem| problems.iter().all(|known| known.input != problem.input);
    let more: Vec<Problem> = more.into_iter().filter(is_new).collect();
    problems.extend(more);
}

fn refuse(run: &Run, problems: &[Problem], reason: Reason) -> Ending {
    let after_changes = run.has_changed();
    run.tell(Event::Refused(RefusedInputs {
        problems: problems.iter().map(refused).collect(),
        after_changes,
        reason,
    }));
    let sentence = if reason == Reason::Credentials {
        "there are no usable AWS credentials"
    } else {
        "the inputs were refused"
    };
    Ending {
        outcome: Outcome::Refused,
        reason,
        sentence: sentence.into(),
    }
}

/// A problem as the report shows it.
pub fn refused(problem: &Problem) -> ReportedProblem {
    let at = problem.at.as_ref().filter(|at| at.origin != "inline");
    let at = at.map(|at| FilePlace {
        file: at.origin.clone(),
        line: at.line,
        column: at.column,
    });
    ReportedProblem {
        problem: problem.to_string().into(),
        remedy: problem.remedy.clone().into(),
        at,
    }
}

/// With `on-cancel: leave` a rollout that was begun is AWS's; what was not begun yet is rolled back
/// all the same.
fn cancelled(run: &Run, planner: &Planner) -> Halt {
    let failure = Failure::new(Reason::Cancelled, "the workflow was cancelled");
    match run.what_continues() {
        Some(what) if planner.on_cancel() == OnCancel::Leave => {
            run.tell(QueueFact::LeftToAws);
            Halt::Left(failure.caused_by(what))
        }
        _ => {
            run.tell(Event::Signalled);
            Halt::Failed(failure)
        }
    }
}

/// What goes on is AWS's, or somebody else's: it is not rolled back.
fn leave(run: &Run, failure: Failure) -> Ending {
    run.keep();
    let reason = failure.reason;
    let sentence = failure.chain.join(": ");
    run.tell(Event::Failed { failure });
    Ending {
        outcome: Outcome::StillRunning,
        reason,
        sentence,
    }
}

async fn roll_back_in_grace(run: &Run, failure: Failure) -> Ending {
    let late = unfinished(&failure);
    tokio::time::timeout(GRACE, roll_back(run, failure))
        .await
        .unwrap_or(late)
}

/// What is still armed is rolled back by `post`.
fn unfinished(failure: &Failure) -> Ending {
    let sentence = "the rollback was asked for, but this step had to end before it was observed; the post step continues it".to_owned();
    Ending {
        outcome: Outcome::StillRunning,
        reason: failure.reason,
        sentence,
    }
}

async fn roll_back(run: &Run, failure: Failure) -> Ending {
    let reason = failure.reason;
    let armed = run.armed();
    run.tell(Event::Failed { failure });
    if armed.is_empty() {
        return Ending {
            outcome: Outcome::NotDeployed,
            reason,
            sentence: "nothing was rolled out: what served production before still does".into(),
        };
    }
    after(
        unwinding(run, Box::pin(unwind::all(run, &armed))).await,
        reason,
    )
}

/// Tells the begin and end of undoing around it.
async fn unwinding(run: &Run, work: impl Future<Output = Unwound>) -> Unwound {
    run.tell(Event::StepStarted { step: Step::Unwind });
    let armed = run.armed();
    let unwound = work.await;
    let end = if unwound.is_stuck() {
        StepEnd::Failed
    } else {
        StepEnd::Done
    };
    run.tell(Event::StepEnded {
        step: Step::Unwind,
        end,
        result: unwound.result(&armed).into(),
    });
    run.tell(Event::Measured {
        reads: run.aws.reads(),
    });
    unwound
}

fn after(unwound: Unwound, reason: Reason) -> Ending {
    match unwound {
        Unwound::Stuck { what, serves } => {
            let serves = serves.map(|words| format!("{words}; ")).unwrap_or_default();
            let sentence = format!("{serves}{what} could not be undone: a person is needed");
            Ending {
                outcome: Outcome::Stuck,
                reason,
                sentence,
            }
        }
        Unwound::NoRollout => Ending {
            outcome: Outcome::NotDeployed,
            reason,
            sentence: "nothing was rolled out: what served production before still does".into(),
        },
        Unwound::OnBlue {
            revision,
            observed_by,
        } => Ending {
            outcome: Outcome::RolledBack,
            reason,
            sentence: format!(
                "blue serves 100 % of production: {} ({})",
                short_name(&revision),
                observed_by.words()
            ),
        },
        Unwound::TooLate { revision } => {
            // A cancelled run that had succeeded is a success; one whose production tests failed
            // needs a person.
            let outcome = if reason == Reason::Cancelled {
                Outcome::Deployed
            } else {
                Outcome::Stuck
            };
            let green = short_name(&revision);
            let sentence = match reason {
                // What green has is not what it can answer.
                Reason::TasksUnhealthy => {
                    format!(
                        "all of production goes to green, {green}, which is not healthy; blue was gone before it could be brought back"
                    )
                }
                Reason::RolloutFailed => format!(
                    "the rollout of {green} is over, and blue was gone before it could be brought back"
                ),
                _ => format!(
                    "green serves 100 % of production: {green}; blue was gone before it could be brought back"
                ),
            };
            Ending {
                outcome,
                reason,
                sentence,
            }
        }
        Unwound::Superseded { by, serves } => Ending {
            outcome: Outcome::StillRunning,
            reason,
            sentence: format!("{serves}; {by}"),
        },
    }
}

/// Tells a step's begin and end around it.
async fn step<T, E>(
    run: &Run,
    step: Step,
    work: impl Future<Output = Result<T, E>>,
    result: impl FnOnce(&T) -> String,
) -> Result<T, E> {
    run.tell(Event::StepStarted { step });
    let ended = work.await;
    let (end, result) = match &ended {
        Ok(value) => (StepEnd::Done, result(value)),
        Err(_) => (StepEnd::Failed, String::new()),
    };
    run.tell(Event::StepEnded {
        step,
        end,
        result: result.into(),
    });
    ended
}
