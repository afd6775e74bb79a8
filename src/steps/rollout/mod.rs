//! The rollout: AWS moves the traffic; we start, look, wait, proceed. Two controllers, one
//! vocabulary.

use std::time::Duration;

use tokio::time::Instant;

use crate::aws::{AwsError, AwsErrorKind};
use crate::checks::analysis::Sides;
use crate::choices::{Approval, Follow};
use crate::decide::{At, Goal, Patience, Seen, Verdict, decide};
use crate::error::Failure;
use crate::event::{Event, ObservedBy, Progress, StepSeen};
use crate::observe::outage::Outage;
use crate::plan::{GatePlan, RolloutKind, RolloutPlan};
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::task_failures::TaskFailures;

mod alarm;
pub mod codedeploy;
pub mod ecs;
mod found;
mod green;
mod interrupted;
mod last_look;
mod progress;
pub mod rolling;
mod shares;
mod start;

pub use codedeploy::CodeDeploy;
pub use ecs::EcsRollout;
pub use found::{Past, Reached};
pub use interrupted::{Interrupted, ONE_AT_A_TIME};
pub use rolling::Rolling;
pub use shares::Shares;
pub use start::{attach, start};

/// Nobody has reached green yet.
const BEFORE_TRAFFIC: &str = "blue serves production";

/// A rollout of ours that was started.
pub struct Rollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    controller: Controller<'a>,
    began: Instant,
    pace: PollInterval,
    shown: Option<Progress>,
    shares: shares::Source,
    /// Whether traffic was seen to move.
    has_moved: bool,
    /// Whether it waits at a gate that others answer.
    waits_for_others: bool,
}

/// The two controllers.
pub enum Controller<'a> {
    /// CodeDeploy.
    CodeDeploy(CodeDeploy<'a>),
    /// ECS, rolling.
    Rolling(Rolling<'a>),
    /// ECS, with weights and gates.
    Ecs(Box<EcsRollout<'a>>),
}

/// Whether the service runs already what is asked for.
pub fn is_unchanged(plan: &RolloutPlan, revision: &Revision) -> bool {
    let same = !revision.registered
        && revision.arn == plan.blue.revision
        && !plan.update.force_new_deployment;
    let as_many = |desired: i32| {
        plan.update
            .desired_count
            .is_none_or(|count| count == desired)
    };
    same && match &plan.way {
        RolloutKind::CodeDeploy(_) => true,
        RolloutKind::Rolling(way) => as_many(way.desired),
        RolloutKind::Ecs(way) => as_many(way.desired),
    }
}

impl<'a> Rollout<'a> {
    fn new(
        run: &'a Run,
        plan: &'a RolloutPlan,
        revision: &'a Revision,
        controller: Controller<'a>,
    ) -> Self {
        let pace = PollInterval::new(plan.poll);
        let (began, shares) = (Instant::now(), shares::Source::new());
        Self {
            run,
            plan,
            revision,
            controller,
            began,
            pace,
            shown: None,
            shares,
            has_moved: false,
            waits_for_others: false,
        }
    }

    /// The revision it brings.
    pub fn revision(&self) -> &Revision {
        self.revision
    }

    /// Who opens green's gate.
    pub fn approval(&self) -> Approval {
        self.plan.approval
    }

    /// Whether it is followed until blue is gone.
    pub fn is_followed_to_its_end(&self) -> bool {
        self.plan.follow == Follow::Completed
    }

    /// What AWS does by itself when we leave now.
    pub fn if_left_alone(&self) -> String {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.if_left_alone(),
            Controller::Ecs(ecs) => ecs.if_left_alone(),
            Controller::Rolling(_) => "ECS goes on replacing the tasks".to_owned(),
        }
    }

    /// Where production traffic goes while it waits at a gate.
    pub fn serves(&self) -> String {
        match &self.controller {
            Controller::Ecs(ecs) => ecs.serves(),
            // CodeDeploy's only gate comes before any traffic moves.
            Controller::CodeDeploy(_) | Controller::Rolling(_) => BEFORE_TRAFFIC.to_owned(),
        }
    }

    /// Green's share of production traffic while it waits at a gate, where it was observed.
    pub fn on_green(&self) -> Option<f64> {
        match &self.controller {
            Controller::Ecs(ecs) => ecs.on_green(),
            Controller::CodeDeploy(_) | Controller::Rolling(_) => None,
        }
    }

    /// Green's share of production traffic, as it changes; none where the rollout waits for us at
    /// every change.
    pub fn steps(&self) -> Option<Shares> {
        match &self.controller {
            Controller::Ecs(ecs) if ecs.waits_at_steps() => None,
            Controller::CodeDeploy(_) | Controller::Ecs(_) | Controller::Rolling(_) => {
                Some(self.shares.shares())
            }
        }
    }

    /// Whether the rollout has a gate, and what is owed there.
    pub fn gate(&self) -> GatePlan {
        match (&self.controller, self.plan.way.gate()) {
            (Controller::Ecs(ecs), GatePlan::Absent) if ecs.inherits_gate() => GatePlan::Pass,
            (_, gate) => gate,
        }
    }

    /// Follows the rollout until green stands at the gate, and finds it.
    pub async fn reach_gate(&mut self) -> Result<(), Interrupted> {
        let goal = match self.gate() {
            GatePlan::Test => Goal::TestAtGate,
            GatePlan::Pass => Goal::Gate,
            GatePlan::Absent => return Ok(()),
        };
        self.until(goal).await?;
        let found = self.find_green().await;
        if found.is_err() {
            // Nothing leads to green once the rollout is over: that is why, then.
            self.until(goal).await?;
        }
        Ok(found?)
    }

    /// Makes sure that test traffic reaches green, as far as that can be read.
    async fn find_green(&mut self) -> Result<(), Failure> {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.find_green(&mut self.pace).await,
            Controller::Ecs(ecs) => ecs.find_green(&mut self.pace).await,
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
        let found = self.find_green().await;
        if found.is_err() && self.until(Goal::Gate).await? != Seen::AtGate(At::Green) {
            return Ok(Past::Passed);
        }
        found?;
        Ok(Past::Not)
    }

    /// How long green has waited at its gate, where AWS tells.
    pub fn waited(&self) -> Option<Duration> {
        match &self.controller {
            Controller::Ecs(ecs) => ecs.waited(),
            Controller::CodeDeploy(_) | Controller::Rolling(_) => None,
        }
    }

    /// Opens the gate.
    pub async fn proceed(&mut self) -> Result<(), Failure> {
        let opened = match (&mut self.controller, self.plan.way.gate()) {
            (Controller::CodeDeploy(codedeploy), GatePlan::Test | GatePlan::Pass) => {
                codedeploy.proceed().await
            }
            (Controller::Ecs(ecs), _) => ecs.proceed(StepSeen::default()).await,
            (Controller::CodeDeploy(_), GatePlan::Absent) | (Controller::Rolling(_), _) => Ok(()),
        };
        self.run.if_left_alone(self.if_left_alone());
        opened
    }

    /// Opens the gate after the shift, where the rollout has one. Who leaves before blue is gone
    /// makes sure that it is open: one that stays shut takes green back when it expires.
    pub async fn pass_production(&mut self) -> Result<(), Interrupted> {
        let Controller::Ecs(ecs) = &mut self.controller else {
            return Ok(());
        };
        ecs.proceed(StepSeen::default()).await?;
        self.run.if_left_alone(self.if_left_alone());
        match self.plan.follow {
            Follow::Shifted => self.until(Goal::Baking).await.map(drop),
            Follow::Completed | Follow::Not => Ok(()),
        }
    }

    /// A gate on the way that was thought to be behind: what AWS can tell of a step is looked at
    /// here too.
    async fn open(&mut self, at: At) -> Result<(), Failure> {
        let Controller::Ecs(ecs) = &mut self.controller else {
            return Ok(());
        };
        let seen = if at == At::Step {
            ecs.check_step().await?
        } else {
            StepSeen::default()
        };
        ecs.proceed(seen).await
    }

    /// Follows the rollout until green serves 100 %, or the next share of traffic waits for us.
    pub async fn shifted(&mut self) -> Result<Reached, Interrupted> {
        Ok(match self.until(Goal::Shifted).await? {
            Seen::AtGate(At::Step) => Reached::Gate(At::Step),
            _ => Reached::Green,
        })
    }

    /// Lets the next share of traffic go to green, which is healthy there and makes no alarm ring.
    pub async fn take_step(&mut self) -> Result<(), Interrupted> {
        let Controller::Ecs(ecs) = &mut self.controller else {
            return Ok(());
        };
        let seen = ecs.check_step().await?;
        ecs.proceed(seen).await?;
        self.run.if_left_alone(self.if_left_alone());
        Ok(())
    }

    /// Follows a rollout without a gate of ours until the first traffic goes to green.
    pub async fn reach_traffic(&mut self) -> Result<(), Interrupted> {
        match (&self.controller, self.gate()) {
            (Controller::CodeDeploy(_) | Controller::Ecs(_), GatePlan::Absent) => {
                self.until(Goal::Gate).await.map(drop)
            }
            (Controller::Rolling(_), _) | (_, GatePlan::Test | GatePlan::Pass) => Ok(()),
        }
    }

    /// Others read AWS beside it: it is looked at less often.
    pub fn share_reads(&mut self) {
        self.pace.share();
    }

    /// How long blue can be brought back at least once green serves all of production, when nobody
    /// lets it go.
    pub fn blue_stays(&self) -> Duration {
        self.plan
            .way
            .blue_stays()
            .unwrap_or_else(|| self.plan.deadline.saturating_sub(self.began.elapsed()))
    }

    /// Both sides, as an analysis names them.
    pub async fn sides(&self) -> Sides {
        self.plan
            .sides(&self.green_groups().await, &self.revision.arn)
    }

    /// Follows the rollout while it is left where it is: ready when it went on by itself.
    pub async fn held(&mut self) -> Result<(), Interrupted> {
        self.until(Goal::Hold).await.map(drop)
    }

    /// Follows the rollout to its end, when that is asked for.
    pub async fn completed(&mut self) -> Result<(), Interrupted> {
        match self.plan.follow {
            Follow::Completed => self.until(Goal::Completed).await.map(drop),
            Follow::Shifted | Follow::Not => Ok(()),
        }
    }

    /// ARNs of green's target groups; none before green is up, and where both sides share one.
    pub async fn green_groups(&self) -> Vec<String> {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.green_groups().await,
            Controller::Ecs(ecs) => ecs.groups(),
            Controller::Rolling(_) => Vec::new(),
        }
    }

    /// Whether blue is kept for a while after the shift.
    pub fn keeps_blue(&self) -> bool {
        match &self.controller {
            Controller::CodeDeploy(_) | Controller::Ecs(_) => true,
            Controller::Rolling(_) => false,
        }
    }

    /// Who confirmed that green serves.
    pub fn witness(&self) -> ObservedBy {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.witness(),
            Controller::Ecs(ecs) => ecs.witness(),
            Controller::Rolling(_) => ObservedBy::Deployment,
        }
    }

    /// Running and wanted tasks where ECS called the deployment successful before all of them ran.
    pub fn missing_tasks(&self) -> Option<(i64, i64)> {
        match &self.controller {
            Controller::Rolling(rolling) => rolling.missing_tasks(),
            Controller::CodeDeploy(_) | Controller::Ecs(_) => None,
        }
    }

    /// Whether no task is wanted, so that nothing serves and nothing can be tested.
    pub fn serves_nothing(&self) -> bool {
        match &self.controller {
            Controller::Rolling(rolling) => rolling.serves_nothing(),
            Controller::Ecs(_) => self.plan.update.desired_count == Some(0),
            Controller::CodeDeploy(_) => false,
        }
    }

    async fn until(&mut self, goal: Goal) -> Result<Seen, Interrupted> {
        self.run.if_left_alone(self.if_left_alone());
        loop {
            let seen = self.look(goal).await;
            self.run.if_left_alone(self.if_left_alone());
            self.waits_for_others = seen == Seen::AtGate(At::Foreign);
            self.has_moved |= seen.shows_traffic_on_green() || self.may_have_moved();
            let patience = Patience {
                elapsed: self.began.elapsed(),
                deadline: self.plan.deadline,
                has_moved: self.has_moved,
            };
            match decide(goal, &seen, patience) {
                Verdict::Wait => self.pace.rest().await,
                Verdict::Proceed => return Ok(seen),
                // What is checked at a step is not this file's business.
                Verdict::Open(At::Step) if goal == Goal::Shifted => return Ok(seen),
                Verdict::Open(at) => {
                    self.open(at).await?;
                    self.run.if_left_alone(self.if_left_alone());
                }
                Verdict::Abort(trouble) => return Err(Box::pin(self.interrupted(trouble)).await),
                Verdict::GiveUp => return Err(Interrupted::Failed(self.given_up().await)),
                Verdict::Leave => return Err(Interrupted::Left(self.left())),
            }
        }
    }

    async fn look(&mut self, goal: Goal) -> Seen {
        let look = match &mut self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.look(goal).await,
            Controller::Ecs(ecs) => ecs.look(goal).await,
            Controller::Rolling(rolling) => rolling.look(goal).await,
        };
        if look.is_throttled {
            self.pace.slower();
        } else {
            self.pace.recover();
        }
        if let Some(progress) = look.progress {
            self.shares.take(&progress);
            if self
                .shown
                .as_ref()
                .is_none_or(|shown| progress::is_news(shown, &progress))
            {
                self.shown = Some(progress.clone());
                self.run.tell(Event::RolloutSeen { progress });
            }
        }
        look.seen
    }

    fn may_have_moved(&self) -> bool {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.may_have_moved(),
            Controller::Ecs(_) | Controller::Rolling(_) => false,
        }
    }

    /// Tasks of green that have failed, as far as they were looked at.
    fn task_failures(&self) -> &TaskFailures {
        match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.task_failures(),
            Controller::Ecs(ecs) => ecs.task_failures(),
            Controller::Rolling(rolling) => rolling.task_failures(),
        }
    }
}

impl RolloutKind {
    fn gate(&self) -> GatePlan {
        match self {
            Self::CodeDeploy(way) => way.gate,
            Self::Ecs(way) => way.gate,
            Self::Rolling(_) => GatePlan::Absent,
        }
    }
}

/// One look at a rollout.
pub struct RolloutObservation {
    /// What it means.
    pub seen: Seen,
    /// What people see of it.
    pub progress: Option<Progress>,
    /// Whether AWS throttled it.
    pub is_throttled: bool,
}

impl RolloutObservation {
    /// One that showed nothing.
    fn blind(blind: &mut Outage, error: &AwsError) -> Self {
        Self {
            seen: Seen::Outage(blind.why(error)),
            progress: None,
            is_throttled: error.kind == AwsErrorKind::Throttled,
        }
    }
}
