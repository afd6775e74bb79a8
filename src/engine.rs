//! The straight line, and the one place that chooses between going on and a signal.
//!
//! Every effect is armed in its step before it happens; whatever ends the line early leads to [`crate::unwind`].

use std::time::Duration;

use crate::checks::smoke::Side;
use crate::error::Failure;
use crate::event::{Event, Refusal as Refused, Serving, Step, StepEnd, Tasks, Witness};
use crate::outcome::{Outcome, Reason};
use crate::plan::{self, Gate, Plan, Refusal, RolloutPlan};
use crate::problem::Problem;
use crate::run::Run;
use crate::settings::{Follow, Settings};
use crate::steps::image::{self, Pinned};
use crate::steps::revision::{self, Revision};
use crate::steps::rollout::{self, Interrupted, Rollout, Start};
use crate::steps::{smoke, task};
use crate::survey::{self, Snapshot, Unready};
use crate::undo::short;
use crate::unwind::{self, Unwound};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What serves traffic; none when the inputs were refused.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: Reason,
    /// What serves traffic now, in a sentence.
    pub sentence: String,
}

/// Why the line ended early.
#[derive(Debug)]
enum Halt {
    Refused(Vec<Problem>),
    Failed(Failure),
    Left(Failure),
    Superseded(Failure),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Interrupted> for Halt {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Failed(failure) => Self::Failed(failure),
            Interrupted::Left(failure) => Self::Left(failure),
            Interrupted::Superseded(failure) => Self::Superseded(failure),
        }
    }
}

/// From the first signal the runner gives 7.5 s, then 2.5 s more, then leaves the container alone.
const GRACE: Duration = Duration::from_millis(6_500);

/// Runs the line to its end, or takes it back. `signal` is ready when the runner wants us to stop.
pub async fn run(run: &Run, settings: &Settings, signal: impl Future<Output = ()>) -> Ending {
    tokio::pin!(signal);
    let ended = tokio::select! {
        biased;
        () = &mut signal => Err(cancelled(run)),
        ended = deploy(run, settings) => ended,
    };
    match ended {
        Ok(ending) => {
            run.disarm_all();
            ending
        }
        Err(Halt::Refused(problems)) => refuse(run, &problems),
        Err(Halt::Left(failure) | Halt::Superseded(failure)) => leave(run, failure),
        Err(Halt::Failed(failure)) if failure.reason == Reason::Cancelled => take_back_in_grace(run, failure).await,
        Err(Halt::Failed(failure)) => tokio::select! {
            ending = take_back(run, failure.clone()) => ending,
            () = async { signal.await; run.tell(Event::Signalled); tokio::time::sleep(GRACE).await } => unfinished(&failure),
        },
    }
}

/// survey → plan → image → register → one-off task → rollout → gate → traffic → production → bake.
async fn deploy(run: &Run, settings: &Settings) -> Result<Ending, Halt> {
    let (mut snapshot, plan) = step(run, Step::Survey, prepare(run, settings), |_| "ready".to_owned()).await?;
    let image = push(run, settings, &mut snapshot).await?;
    let revision = step(run, Step::Revision, revision::revision(run, &plan, image.as_ref()), described).await?;
    one_off(run, settings, &revision, &snapshot).await?;
    let Some(planned) = &plan.rollout else { return Ok(only_registered(&revision)) };
    let Start::Started(mut rollout) = rollout::start(run, settings, planned, &revision).await? else {
        return Ok(no_change(planned));
    };
    if settings.rollout.follow == Follow::Not {
        return Ok(started(&revision));
    }
    let values = smoke::values(settings, image.as_ref(), &revision);
    gate(run, settings, &mut rollout, &values).await?;
    step(run, Step::Shift, rollout.shifted(), |()| "green serves 100 %".to_owned()).await?;
    tests(run, settings, Side::Production, &values).await?;
    bake(run, settings, &mut rollout).await?;
    Ok(deployed(run, &rollout, &revision))
}

async fn prepare(run: &Run, settings: &Settings) -> Result<(Snapshot, Plan), Halt> {
    let snapshot = survey::survey(run, settings).await.map_err(|unready| match unready {
        Unready::Problems(problems) => Halt::Refused(problems),
        Unready::Failure(failure) => Halt::Failed(failure),
    })?;
    let plan = plan::plan(settings, &snapshot).map_err(|refusal| match refusal {
        Refusal::Problems(problems) => Halt::Refused(problems),
        Refusal::Failure(failure) => Halt::Failed(failure),
    })?;
    let notes = settings.notes.iter().map(|note| Event::Noted { sentence: note.clone() });
    let warnings = plan.warnings.iter().map(|warning| Event::Warned { sentence: warning.clone() });
    notes.chain(warnings).for_each(|event| run.tell(event));
    surveyed(run, &snapshot, &plan);
    Ok((snapshot, plan))
}

fn surveyed(run: &Run, snapshot: &Snapshot, plan: &Plan) {
    let Some(service) = &snapshot.service else { return };
    let tasks = Tasks { running: service.running_count, desired: service.desired_count, failed: 0 };
    let controller = plan.rollout.as_ref().map_or("none", RolloutPlan::controller).to_owned();
    run.tell(Event::Surveyed { controller, blue: service.revision().to_owned(), tasks, plan: plan.lines.clone() });
}

async fn push(run: &Run, settings: &Settings, snapshot: &mut Snapshot) -> Result<Option<Pinned>, Failure> {
    let (Some(asked), Some(found)) = (&settings.image, snapshot.image.take()) else { return Ok(None) };
    step(run, Step::Image, image::image(run, asked, found), super::steps::image::Pinned::short).await.map(Some)
}

fn described(revision: &Revision) -> String {
    let how = if revision.registered { "registered" } else { "is registered already, unchanged" };
    format!("{} {how}", short(&revision.arn))
}

async fn one_off(run: &Run, settings: &Settings, revision: &Revision, snapshot: &Snapshot) -> Result<(), Failure> {
    let Some(asked) = &settings.task else { return Ok(()) };
    let ran = task::task(run, settings, asked, revision, snapshot.service.as_ref());
    step(run, Step::Task, ran, |()| "done".to_owned()).await
}

async fn gate(run: &Run, settings: &Settings, rollout: &mut Rollout<'_>, values: &crate::checks::smoke::Values) -> Result<(), Halt> {
    match rollout.gate() {
        Gate::Absent => return Ok(()),
        Gate::Test | Gate::Pass => step(run, Step::Green, rollout.reach_gate(), |()| "up, waiting at the gate".to_owned()).await?,
    }
    if rollout.gate() == Gate::Test {
        tests(run, settings, Side::Green, values).await?;
    }
    Ok(rollout.proceed().await?)
}

async fn tests(run: &Run, settings: &Settings, side: Side, values: &crate::checks::smoke::Values) -> Result<(), Failure> {
    if smoke::asked(settings, side).is_none() {
        return Ok(());
    }
    let at = match side {
        Side::Green => Step::Gate,
        Side::Production => Step::Production,
    };
    step(run, at, smoke::smoke(run, settings, side, values), |passed| format!("{passed} passed")).await.map(drop)
}

async fn bake(run: &Run, settings: &Settings, rollout: &mut Rollout<'_>) -> Result<(), Halt> {
    if settings.rollout.follow != Follow::Completed || !rollout.keeps_blue() {
        return Ok(());
    }
    step(run, Step::Bake, rollout.completed(), |()| "the rollout is over, blue is gone".to_owned()).await?;
    run.tell(Event::PointOfNoReturn);
    Ok(())
}

/// Tells a step's begin and end around it.
async fn step<T, E>(run: &Run, step: Step, work: impl Future<Output = Result<T, E>>, result: impl FnOnce(&T) -> String) -> Result<T, E> {
    run.tell(Event::StepStarted { step });
    let ended = work.await;
    let (end, result) = match &ended {
        Ok(value) => (StepEnd::Done, result(value)),
        Err(_) => (StepEnd::Failed, String::new()),
    };
    run.tell(Event::StepEnded { step, end, result });
    ended
}

fn only_registered(revision: &Revision) -> Ending {
    let sentence = format!("{}; no service was given, so no traffic was touched", described(revision));
    Ending { outcome: Some(Outcome::NoChange), reason: Reason::NoService, sentence }
}

fn no_change(plan: &RolloutPlan) -> Ending {
    let sentence = format!("{} serves production already: nothing was to be deployed", short(&plan.blue.revision));
    Ending { outcome: Some(Outcome::NoChange), reason: Reason::AlreadyRuns, sentence }
}

fn started(revision: &Revision) -> Ending {
    let sentence = format!("the rollout of {} was started and is left to AWS; what serves traffic was not looked at", short(&revision.arn));
    Ending { outcome: Some(Outcome::Started), reason: Reason::NotWaited, sentence }
}

fn deployed(run: &Run, rollout: &Rollout<'_>, revision: &Revision) -> Ending {
    run.tell(Event::Measured { reads: run.aws.reads() });
    if rollout.serves_nothing() {
        let sentence = format!("{} is rolled out with zero tasks, as asked: nothing serves", short(&revision.arn));
        return Ending { outcome: Some(Outcome::Started), reason: Reason::ZeroTasks, sentence };
    }
    let sentence = format!("green serves 100 % of production: {} ({})", short(&revision.arn), rollout.witness().words());
    Ending { outcome: Some(Outcome::Deployed), reason: Reason::AsPlanned, sentence }
}

fn refuse(run: &Run, problems: &[Problem]) -> Ending {
    run.tell(Event::Refused { problems: problems.iter().map(refused).collect() });
    Ending { outcome: None, reason: Reason::InvalidInputs, sentence: "nothing was touched".into() }
}

/// A problem as the report shows it.
pub fn refused(problem: &Problem) -> Refused {
    Refused { problem: problem.to_string(), remedy: problem.remedy.clone() }
}

fn cancelled(run: &Run) -> Halt {
    run.tell(Event::Signalled);
    Halt::Failed(Failure::new(Reason::Cancelled, "the workflow was cancelled"))
}

/// What goes on is AWS's, or somebody else's: it is not taken back.
fn leave(run: &Run, failure: Failure) -> Ending {
    run.disarm_all();
    let reason = failure.reason;
    let sentence = failure.chain.join(": ");
    run.tell(Event::Failed { failure });
    Ending { outcome: Some(Outcome::StillRunning), reason, sentence }
}

async fn take_back_in_grace(run: &Run, failure: Failure) -> Ending {
    let late = unfinished(&failure);
    tokio::time::timeout(GRACE, take_back(run, failure)).await.unwrap_or(late)
}

/// What is still armed is taken back by `post`.
fn unfinished(failure: &Failure) -> Ending {
    let sentence = "the rollback was asked for, but this step had to end before it was observed; the post step goes on with it".to_owned();
    Ending { outcome: Some(Outcome::StillRunning), reason: failure.reason, sentence }
}

async fn take_back(run: &Run, failure: Failure) -> Ending {
    let reason = failure.reason;
    let armed = run.armed();
    run.tell(Event::Failed { failure });
    if armed.is_empty() {
        return Ending {
            outcome: Some(Outcome::Unchanged),
            reason,
            sentence: "nothing was rolled out: what served production before still does".into(),
        };
    }
    run.tell(Event::StepStarted { step: Step::Unwind });
    let unwound = unwind::all(run, &armed).await;
    let end = if unwound.is_stuck() { StepEnd::Failed } else { StepEnd::Done };
    run.tell(Event::StepEnded { step: Step::Unwind, end, result: unwound.result() });
    run.tell(Event::Measured { reads: run.aws.reads() });
    after(unwound, reason)
}

fn after(unwound: Unwound, reason: Reason) -> Ending {
    match unwound {
        Unwound::Stuck { what, serves } => {
            let serves = serves.map(|words| format!("{words}; ")).unwrap_or_default();
            let sentence = format!("{serves}{what} could not be taken back: a person is needed");
            Ending { outcome: Some(Outcome::Stuck), reason, sentence }
        }
        Unwound::NoRollout => Ending {
            outcome: Some(Outcome::Unchanged),
            reason,
            sentence: "nothing was rolled out: what served production before still does".into(),
        },
        Unwound::OnBlue { revision, witness } => Ending {
            outcome: Some(Outcome::RolledBack),
            reason,
            sentence: format!("blue serves 100 % of production: {} ({})", short(&revision), witness.words()),
        },
        Unwound::TooLate { revision } => {
            // A cancelled run that had succeeded is a success; one whose production tests failed needs a person.
            let outcome = if reason == Reason::Cancelled { Outcome::Deployed } else { Outcome::Stuck };
            let sentence = format!("green serves 100 % of production: {}; blue was gone before it could be brought back", short(&revision));
            Ending { outcome: Some(outcome), reason, sentence }
        }
        Unwound::Superseded(what) => Ending { outcome: Some(Outcome::StillRunning), reason, sentence: what },
    }
}

/// Blue was confirmed to serve.
pub fn blue_confirmed(run: &Run, revision: &str, witness: Witness) {
    rollout::confirmed(run, revision, Serving::Blue, witness);
}
