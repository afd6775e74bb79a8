//! The rollout: AWS moves the traffic; we start, look, wait, proceed. Two controllers, one vocabulary.

use tokio::time::Instant;

use crate::decide::{Goal, Patience, Seen, Trouble, Verdict, decide};
use crate::error::{Failure, StoppedContainer};
use crate::event::{Event, Progress, Serving, Witness};
use crate::outcome::Reason;
use crate::pace::Pace;
use crate::plan::{Gate, RolloutPlan, Way};
use crate::run::Run;
use crate::settings::{Follow, Settings};
use crate::steps::revision::Revision;

pub mod codedeploy;
pub mod ecs;
mod green;
mod progress;

pub use codedeploy::CodeDeploy;
pub use ecs::Rolling;

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
}

/// What starting came to.
pub enum Start<'a> {
    /// It goes on.
    Started(Box<Rollout<'a>>),
    /// The service runs this already.
    NoChange,
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

/// Starts the rollout, unless the service runs the revision already.
pub async fn start<'a>(run: &'a Run, settings: &'a Settings, plan: &'a RolloutPlan, revision: &'a Revision) -> Result<Start<'a>, Failure> {
    let same = !revision.registered && revision.arn == plan.blue.revision && !settings.rollout.force_new_deployment;
    let controller = match &plan.way {
        Way::CodeDeploy(_) if same => return Ok(Start::NoChange),
        Way::CodeDeploy(way) => Controller::CodeDeploy(CodeDeploy::start(run, settings, plan, way, revision).await?),
        Way::Rolling(way) if same && settings.rollout.desired_count.is_none_or(|count| count == way.desired) => return Ok(Start::NoChange),
        Way::Rolling(way) => Controller::Rolling(Rolling::start(run, settings, plan, way, revision).await?),
    };
    let pace = Pace::new(settings.rollout.pace);
    Ok(Start::Started(Box::new(Rollout { run, settings, plan, revision, controller, began: Instant::now(), pace, shown: None })))
}

impl Rollout<'_> {
    /// Whether the rollout has a gate, and what is owed there.
    pub fn gate(&self) -> Gate {
        match &self.plan.way {
            Way::CodeDeploy(way) => way.gate,
            Way::Rolling(_) => Gate::Absent,
        }
    }

    /// Follows the rollout until green stands at the gate, and finds it.
    pub async fn reach_gate(&mut self) -> Result<(), Interrupted> {
        let goal = match self.gate() {
            Gate::Test => Goal::TestAtGate,
            Gate::Pass => Goal::Gate,
            Gate::Absent => return Ok(()),
        };
        self.until(goal).await?;
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.find_green(&mut self.pace).await.map_err(Interrupted::Failed),
            Controller::Rolling(_) => Ok(()),
        }
    }

    /// Opens the gate.
    pub async fn proceed(&mut self) -> Result<(), Failure> {
        match (&mut self.controller, self.plan.way.gate()) {
            (Controller::CodeDeploy(codedeploy), Gate::Test | Gate::Pass) => codedeploy.proceed().await,
            (Controller::CodeDeploy(_), Gate::Absent) | (Controller::Rolling(_), _) => Ok(()),
        }
    }

    /// Follows the rollout until green serves 100 %.
    pub async fn shifted(&mut self) -> Result<(), Interrupted> {
        self.until(Goal::Shifted).await
    }

    /// Follows the rollout to its end, when that is asked for.
    pub async fn completed(&mut self) -> Result<(), Interrupted> {
        match self.settings.rollout.follow {
            Follow::Completed => self.until(Goal::Completed).await,
            Follow::Shifted | Follow::Not => Ok(()),
        }
    }

    /// Whether blue is kept for a while after the shift.
    pub fn keeps_blue(&self) -> bool {
        match &self.controller {
            Controller::CodeDeploy(_) => true,
            Controller::Rolling(_) => false,
        }
    }

    /// Who confirmed that green serves.
    pub fn witness(&self) -> Witness {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.witness(),
            Controller::Rolling(_) => Witness::Deployment,
        }
    }

    /// Whether zero tasks were asked for, so that nothing serves.
    pub fn serves_nothing(&self) -> bool {
        match &self.plan.way {
            Way::Rolling(_) => self.settings.rollout.desired_count == Some(0),
            Way::CodeDeploy(_) => false,
        }
    }

    async fn until(&mut self, goal: Goal) -> Result<(), Interrupted> {
        loop {
            let seen = self.look(goal).await;
            let patience = Patience { elapsed: self.began.elapsed(), deadline: self.plan.deadline };
            match decide(goal, &seen, patience) {
                Verdict::Wait => self.pace.rest().await,
                Verdict::Proceed => return Ok(()),
                Verdict::Abort(trouble) => return Err(self.interrupted(trouble).await),
                Verdict::Leave => return Err(Interrupted::Left(self.left())),
            }
        }
    }

    async fn look(&mut self, goal: Goal) -> Seen {
        let look = match &mut self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.look(goal).await,
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
            Reason::Timeout => failure.hint("let the group wait longer at Ready, or let the smoke tests give up sooner"),
            Reason::Stopped => failure.hint("ask who stopped it, in the deployment's console page or in CloudTrail"),
            Reason::Denied => failure.hint("docs/iam.md has the policy"),
            _ => failure,
        })
    }

    /// Evidence is only worth its requests where tasks are the likely cause.
    async fn stopped(&self, reason: Reason) -> Vec<StoppedContainer> {
        match reason {
            Reason::TasksUnhealthy | Reason::RolloutFailed => {
                let place = &self.plan.place;
                crate::steps::stopped::of_service(self.run, &place.cluster, &place.service, &self.revision.arn, &self.revision.definition)
                    .await
            }
            _ => Vec::new(),
        }
    }

    fn left(&self) -> Failure {
        let waited = crate::duration::Human(self.plan.deadline);
        let what = match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.goes_on(),
            Controller::Rolling(_) => "ECS goes on replacing the tasks".to_owned(),
        };
        Failure::new(Reason::Timeout, format!("the rollout was not over after {waited}"))
            .caused_by(what)
            .hint("raise wait-for-minutes or deadline, or use wait-until: shifted")
    }
}

impl Way {
    fn gate(&self) -> Gate {
        match self {
            Self::CodeDeploy(way) => way.gate,
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

/// Production was confirmed to be served by one side.
pub fn confirmed(run: &Run, revision: &str, side: Serving, witness: Witness) {
    run.tell(Event::TrafficObserved { revision: revision.to_owned(), side, witness });
}
