//! The rollout: AWS moves the traffic; we start, look, wait, proceed. Two controllers, one vocabulary.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::{AwsError, Kind};
use crate::decide::{At, Goal, Patience, Seen, Trouble, Verdict, decide};
use crate::error::{Failure, StoppedContainer};
use crate::event::{Event, Progress, Serving, Witness};
use crate::outcome::Reason;
use crate::pace::Pace;
use crate::plan::{Gate, RolloutPlan, Way};
use crate::run::Run;
use crate::settings::{Follow, Settings};
use crate::steps::blind::Blind;
use crate::steps::revision::Revision;
use crate::survey::{Running, Thing};
use crate::undo::short;

mod alarm;
pub mod codedeploy;
pub mod ecs;
mod green;
pub mod native;
mod progress;

pub use codedeploy::CodeDeploy;
pub use ecs::Rolling;
pub use native::Native;

/// Nobody has reached green yet.
const BEFORE_TRAFFIC: &str = "blue serves production";

/// A rollout of ours that was started.
pub struct Rollout<'a> {
    run: &'a Run,
    settings: &'a Settings,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    controller: Controller<'a>,
    began: Instant,
    pace: Pace,
    shown: Option<Progress>,
}

/// The two controllers.
pub enum Controller<'a> {
    /// CodeDeploy.
    CodeDeploy(CodeDeploy<'a>),
    /// ECS, rolling.
    Rolling(Rolling<'a>),
    /// ECS, with weights and gates.
    Native(Box<Native<'a>>),
}

/// Where a rollout that was found has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It waits at a gate.
    Gate(At),
    /// Green serves.
    Green,
}

impl Reached {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Gate(_) => "it waits at a gate",
            Self::Green => "green serves 100 %",
        }
    }
}

/// Whether green's gate is behind a rollout that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It waits there.
    Not,
    /// It was opened before.
    Passed,
}

impl Past {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Not => "up, waiting at the gate",
            Self::Passed => "past its gate",
        }
    }
}

/// Why a wait ended without what was waited for.
#[derive(Debug)]
pub enum Interrupted {
    /// It is to be taken back.
    Failed(Failure),
    /// Our deadline passed.
    Left(Failure),
    /// It is not ours any more.
    Superseded(Failure),
}

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Whether the service runs already what is asked for.
pub fn is_unchanged(settings: &Settings, plan: &RolloutPlan, revision: &Revision) -> bool {
    let same = !revision.registered && revision.arn == plan.blue.revision && !settings.rollout.force_new_deployment;
    let as_many = |desired: i32| settings.rollout.desired_count.is_none_or(|count| count == desired);
    same && match &plan.way {
        Way::CodeDeploy(_) => true,
        Way::Rolling(way) => as_many(way.desired),
        Way::Native(way) => as_many(way.desired),
    }
}

/// Starts the rollout, unless an earlier attempt of this run has started it.
pub async fn start<'a>(
    run: &'a Run,
    settings: &'a Settings,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    running: Option<&Running>,
) -> Result<Box<Rollout<'a>>, Failure> {
    if let Some(running) = running {
        return adopt(run, settings, plan, revision, running);
    }
    let controller = match &plan.way {
        Way::CodeDeploy(way) => Controller::CodeDeploy(CodeDeploy::start(run, settings, plan, way, revision).await?),
        Way::Rolling(way) => Controller::Rolling(Rolling::start(run, settings, plan, way, revision).await?),
        Way::Native(way) => Controller::Native(Box::new(Native::start(run, settings, plan, way, revision).await?)),
    };
    Ok(Box::new(Rollout::new(run, settings, plan, revision, controller)))
}

/// Goes on with what an earlier attempt of this run has started: nothing is started twice.
fn adopt<'a>(
    run: &'a Run,
    settings: &'a Settings,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    running: &Running,
) -> Result<Box<Rollout<'a>>, Failure> {
    if running.revision.as_deref() != Some(revision.arn.as_str()) {
        let sentence =
            format!("{}, started by this workflow run, and brings another revision than {}", running.words(), short(&revision.arn));
        return Err(Failure::new(Reason::AlreadyRunning, sentence).hint(running.stop_command()));
    }
    run.tell(Event::Noted { sentence: format!("{}: it was started by this workflow run and is followed on", running.words()) });
    Ok(Box::new(attach(run, settings, plan, revision, running)))
}

/// Follows a rollout that is there already. What is to be taken back of it is the caller's to arm.
pub fn attach<'a>(run: &'a Run, settings: &'a Settings, plan: &'a RolloutPlan, revision: &'a Revision, running: &Running) -> Rollout<'a> {
    let controller = match (&plan.way, &running.thing) {
        (Way::Native(way), Thing::Native(deployment)) => {
            Controller::Native(Box::new(Native::attach(run, plan, way, revision, deployment, true)))
        }
        (Way::CodeDeploy(way), _) => Controller::CodeDeploy(CodeDeploy::attach(run, plan, way, revision, running.id.clone(), true)),
        (Way::Rolling(_) | Way::Native(_), _) => {
            Controller::Rolling(Rolling::attach(run, settings, plan, revision, running.id.clone(), true))
        }
    };
    Rollout::new(run, settings, plan, revision, controller)
}

impl<'a> Rollout<'a> {
    fn new(run: &'a Run, settings: &'a Settings, plan: &'a RolloutPlan, revision: &'a Revision, controller: Controller<'a>) -> Self {
        let pace = Pace::new(settings.rollout.pace);
        Self { run, settings, plan, revision, controller, began: Instant::now(), pace, shown: None }
    }

    /// The revision it brings.
    pub fn revision(&self) -> &Revision {
        self.revision
    }

    /// What AWS does by itself when we leave now.
    pub fn goes_on(&self) -> String {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.goes_on(),
            Controller::Native(native) => native.goes_on(),
            Controller::Rolling(_) => "ECS goes on replacing the tasks".to_owned(),
        }
    }

    /// Where production traffic goes while it waits at a gate.
    pub fn serves(&self) -> String {
        match &self.controller {
            Controller::Native(native) => native.serves(),
            // CodeDeploy's only gate comes before any traffic moves.
            Controller::CodeDeploy(_) | Controller::Rolling(_) => BEFORE_TRAFFIC.to_owned(),
        }
    }

    /// Whether the rollout has a gate, and what is owed there.
    pub fn gate(&self) -> Gate {
        self.plan.way.gate()
    }

    /// Follows the rollout until green stands at the gate, and finds it.
    pub async fn reach_gate(&mut self) -> Result<(), Interrupted> {
        let goal = match self.gate() {
            Gate::Test => Goal::TestAtGate,
            Gate::Pass => Goal::Gate,
            Gate::Absent => return Ok(()),
        };
        self.until(goal).await?;
        Ok(self.find_green().await?)
    }

    /// Makes sure that test traffic reaches green, as far as that can be read.
    async fn find_green(&mut self) -> Result<(), Failure> {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.find_green(&mut self.pace).await,
            Controller::Native(native) => native.find_green(&mut self.pace).await,
            Controller::Rolling(_) => Ok(()),
        }
    }

    /// Follows a rollout that was found until it waits, or green serves.
    pub async fn watched(&mut self) -> Result<Reached, Interrupted> {
        Ok(match self.until(Goal::Watch).await? {
            Seen::AtGate(at) => Reached::Gate(at),
            _ => Reached::Green,
        })
    }

    /// Follows a rollout that was found until green's gate, or whatever is past it.
    pub async fn find_gate(&mut self) -> Result<Past, Interrupted> {
        if self.until(Goal::Gate).await? != Seen::AtGate(At::Green) {
            return Ok(Past::Passed);
        }
        self.find_green().await?;
        Ok(Past::Not)
    }

    /// How long green has waited at its gate, where AWS tells.
    pub fn waited(&self) -> Option<Duration> {
        match &self.controller {
            Controller::Native(native) => native.waited(),
            Controller::CodeDeploy(_) | Controller::Rolling(_) => None,
        }
    }

    /// Opens the gate.
    pub async fn proceed(&mut self) -> Result<(), Failure> {
        let opened = match (&mut self.controller, self.plan.way.gate()) {
            (Controller::CodeDeploy(codedeploy), Gate::Test | Gate::Pass) => codedeploy.proceed().await,
            (Controller::Native(native), _) => native.proceed().await,
            (Controller::CodeDeploy(_), Gate::Absent) | (Controller::Rolling(_), _) => Ok(()),
        };
        self.run.goes_on(self.goes_on());
        opened
    }

    /// Opens the gate after the shift, where the rollout has one. Who leaves before blue is gone makes sure that it is
    /// open: one that stays shut takes green back when it expires.
    pub async fn pass_production(&mut self) -> Result<(), Interrupted> {
        let Controller::Native(native) = &mut self.controller else { return Ok(()) };
        native.proceed().await?;
        self.run.goes_on(self.goes_on());
        match self.settings.rollout.follow {
            Follow::Shifted => self.until(Goal::Baking).await.map(drop),
            Follow::Completed | Follow::Not => Ok(()),
        }
    }

    /// A gate on the way: what is to be checked there is checked, then it is opened.
    async fn open(&mut self, at: At) -> Result<(), Failure> {
        let Controller::Native(native) = &mut self.controller else { return Ok(()) };
        if at == At::Step {
            native.check_step().await?;
        }
        native.proceed().await
    }

    /// Follows the rollout until green serves 100 %.
    pub async fn shifted(&mut self) -> Result<(), Interrupted> {
        self.until(Goal::Shifted).await.map(drop)
    }

    /// Follows the rollout to its end, when that is asked for.
    pub async fn completed(&mut self) -> Result<(), Interrupted> {
        match self.settings.rollout.follow {
            Follow::Completed => self.until(Goal::Completed).await.map(drop),
            Follow::Shifted | Follow::Not => Ok(()),
        }
    }

    /// Whether blue is kept for a while after the shift.
    pub fn keeps_blue(&self) -> bool {
        match &self.controller {
            Controller::CodeDeploy(_) | Controller::Native(_) => true,
            Controller::Rolling(_) => false,
        }
    }

    /// Who confirmed that green serves.
    pub fn witness(&self) -> Witness {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.witness(),
            Controller::Native(native) => native.witness(),
            Controller::Rolling(_) => Witness::Deployment,
        }
    }

    /// Whether zero tasks were asked for, so that nothing serves.
    pub fn serves_nothing(&self) -> bool {
        match &self.plan.way {
            Way::Rolling(_) | Way::Native(_) => self.settings.rollout.desired_count == Some(0),
            Way::CodeDeploy(_) => false,
        }
    }

    async fn until(&mut self, goal: Goal) -> Result<Seen, Interrupted> {
        self.run.goes_on(self.goes_on());
        loop {
            let seen = self.look(goal).await;
            self.run.goes_on(self.goes_on());
            let patience = Patience { elapsed: self.began.elapsed(), deadline: self.plan.deadline };
            match decide(goal, &seen, patience) {
                Verdict::Wait => self.pace.rest().await,
                Verdict::Proceed => return Ok(seen),
                Verdict::Open(at) => {
                    self.open(at).await?;
                    self.run.goes_on(self.goes_on());
                }
                Verdict::Abort(trouble) => return Err(self.interrupted(trouble).await),
                Verdict::Leave => return Err(Interrupted::Left(self.left())),
            }
        }
    }

    async fn look(&mut self, goal: Goal) -> Seen {
        let look = match &mut self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.look(goal).await,
            Controller::Native(native) => native.look(goal).await,
            Controller::Rolling(rolling) => rolling.look().await,
        };
        if look.is_throttled {
            self.pace.slower();
        } else {
            self.pace.recover();
        }
        if let Some(progress) = look.progress.filter(|progress| self.shown.as_ref() != Some(progress)) {
            self.shown = Some(progress.clone());
            self.run.tell(Event::RolloutSeen { progress });
        }
        look.seen
    }

    async fn interrupted(&self, trouble: Trouble) -> Interrupted {
        let mut failure = Failure::new(trouble.reason, trouble.sentence);
        failure.chain.extend(trouble.cause);
        if trouble.reason == Reason::Superseded {
            return Interrupted::Superseded(failure.hint("let one workflow deploy at a time: give it a concurrency group"));
        }
        let failure = failure.with_stopped(self.stopped(trouble.reason).await);
        Interrupted::Failed(match trouble.reason {
            Reason::TasksUnhealthy => {
                failure.hint("mend what the containers stopped for; when none stopped, look at the target group's health check")
            }
            Reason::Alarm => failure.hint("look at what the alarm measures while green served traffic"),
            Reason::Timeout => failure.hint("let the gate wait longer, or let the smoke tests give up sooner"),
            Reason::Stopped => failure.hint("ask who stopped it, in the deployment's console page or in CloudTrail"),
            Reason::GateBypassed => failure.hint("ask who opened it, in the deployment's console page or in CloudTrail"),
            Reason::RolloutFailed if matches!(self.controller, Controller::Native(_)) => {
                failure.hint("look at the service's events and, when a hook failed, at its function's log")
            }
            Reason::Denied => failure.hint("docs/iam.md has the policy"),
            _ => failure,
        })
    }

    /// Evidence is only worth its requests where tasks are the likely cause.
    async fn stopped(&self, reason: Reason) -> Vec<StoppedContainer> {
        match reason {
            Reason::TasksUnhealthy | Reason::RolloutFailed => {
                crate::steps::stopped::of_service(self.run, &self.plan.place, &self.revision.arn, &self.revision.definition).await
            }
            _ => Vec::new(),
        }
    }

    fn left(&self) -> Failure {
        let waited = crate::duration::Human(self.plan.deadline);
        Failure::new(Reason::Timeout, format!("the rollout was not over after {waited}"))
            .caused_by(self.goes_on())
            .hint("raise wait-for-minutes or deadline, or use wait-until: shifted")
    }
}

impl Way {
    fn gate(&self) -> Gate {
        match self {
            Self::CodeDeploy(way) => way.gate,
            Self::Native(way) => way.gate,
            Self::Rolling(_) => Gate::Absent,
        }
    }
}

/// One look at a rollout.
pub struct Look {
    /// What it means.
    pub seen: Seen,
    /// What people see of it.
    pub progress: Option<Progress>,
    /// Whether AWS throttled it.
    pub is_throttled: bool,
}

impl Look {
    /// One that showed nothing.
    fn blind(blind: &mut Blind, error: &AwsError) -> Self {
        Self { seen: Seen::Blind(blind.why(error)), progress: None, is_throttled: error.kind == Kind::Throttled }
    }
}

/// Production was confirmed to be served by one side.
pub fn confirmed(run: &Run, revision: &str, side: Serving, witness: Witness) {
    run.tell(Event::TrafficObserved { revision: revision.to_owned(), side, witness });
}
