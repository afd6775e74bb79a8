//! The rollout: AWS moves the traffic; we start, look, wait, proceed. Each kind of rollout is a
//! module; what is asked of it is in `rollout_kind`.

use std::time::Duration;

use tokio::time::Instant;

use crate::checks::analysis::Sides;
use crate::choices::{Approval, Follow};
use crate::decide::{At, Goal, Patience, Seen, Verdict, decide};
use crate::error::Failure;
use crate::event::{Event, ObservedBy, Progress, StepSeen};
use crate::plan::RolloutPlan;
use crate::poll_interval::PollInterval;
use crate::rollout_kind::{FollowedRollout, GatePlan};
use crate::run::Run;
use crate::steps::revision::Revision;

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

use found::RolloutOrigin;
pub use found::{GateState, Reached};
pub use interrupted::{Interrupted, ONE_AT_A_TIME};
pub use shares::Shares;
pub use start::{attach, is_unchanged, start};

/// A rollout of ours that was started.
pub struct Rollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    followed: Box<dyn FollowedRollout + 'a>,
    began: Instant,
    poll_interval: PollInterval,
    shown: Option<Progress>,
    shares: shares::Source,
    /// Whether traffic was seen to move.
    has_moved: bool,
    /// Whether it waits at a gate that others answer.
    waits_for_others: bool,
}

impl<'a> Rollout<'a> {
    fn new(
        run: &'a Run,
        plan: &'a RolloutPlan,
        revision: &'a Revision,
        followed: Box<dyn FollowedRollout + 'a>,
    ) -> Self {
        let poll_interval = PollInterval::new(plan.poll);
        Self {
            run,
            plan,
            revision,
            followed,
            began: Instant::now(),
            poll_interval,
            shown: None,
            shares: shares::Source::new(),
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
        self.followed.if_left_alone()
    }

    /// Where production traffic goes while it waits at a gate.
    pub fn serves(&self) -> String {
        self.followed.serves()
    }

    /// Green's share of production traffic while it waits at a gate, where it was observed.
    pub fn on_green(&self) -> Option<f64> {
        self.followed.on_green()
    }

    /// Green's share of production traffic, as it changes; none where the rollout waits for us at
    /// every change.
    pub fn steps(&self) -> Option<Shares> {
        (!self.followed.waits_at_steps()).then(|| self.shares.shares())
    }

    /// Whether the rollout has a gate, and what is owed there.
    pub fn gate(&self) -> GatePlan {
        match self.plan.kind.gate() {
            GatePlan::Absent if self.followed.inherits_gate() => GatePlan::Pass,
            gate => gate,
        }
    }

    /// Every step that may change what AWS does by itself: the run keeps that in mind before it,
    /// because the step may be cut off, and after it.
    async fn advance<T>(
        &mut self,
        step: impl AsyncFnOnce(&mut (dyn FollowedRollout + 'a)) -> T,
    ) -> T {
        self.run.if_left_alone(self.if_left_alone());
        let done = step(&mut *self.followed).await;
        self.run.if_left_alone(self.if_left_alone());
        done
    }

    /// Follows the rollout until green waits at its gate, and finds it.
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
        self.followed.find_green(&mut self.poll_interval).await
    }

    /// Follows a rollout that was found until it waits, or green serves.
    pub async fn watched(&mut self) -> Result<Reached, Interrupted> {
        Ok(match self.until(Goal::Watch).await? {
            Seen::AtGate(at) => Reached::Gate(at),
            _ => Reached::Green,
        })
    }

    /// Follows a rollout that was found until green's gate, or whatever is past it.
    pub async fn find_gate(&mut self) -> Result<GateState, Interrupted> {
        if self.until(Goal::Gate).await? != Seen::AtGate(At::Green) {
            return Ok(GateState::Passed);
        }
        let found = self.find_green().await;
        if found.is_err() && self.until(Goal::Gate).await? != Seen::AtGate(At::Green) {
            return Ok(GateState::Passed);
        }
        found?;
        Ok(GateState::NotPassed)
    }

    /// How long green has waited at its gate, where AWS tells.
    pub fn waited(&self) -> Option<Duration> {
        self.followed.waited()
    }

    /// Opens green's gate.
    pub async fn proceed(&mut self) -> Result<(), Failure> {
        self.advance(async |followed| followed.open_green_gate().await)
            .await
    }

    /// Opens the gate after the shift, where the rollout has one. Who leaves before blue is gone
    /// makes sure that it is open: one that stays shut takes green back when it expires.
    pub async fn pass_production(&mut self) -> Result<(), Interrupted> {
        if !self.followed.has_later_gates() {
            return Ok(());
        }
        self.open_later_gate(StepSeen::default()).await?;
        match self.plan.follow {
            Follow::Shifted => self.until(Goal::Baking).await.map(drop),
            Follow::Completed | Follow::Not => Ok(()),
        }
    }

    async fn open_later_gate(&mut self, seen: StepSeen) -> Result<(), Failure> {
        self.advance(async |followed| followed.open_later_gate(seen).await)
            .await
    }

    /// A gate on the way that was thought to be behind: what AWS can tell of a step is looked at
    /// here too.
    async fn open(&mut self, at: At) -> Result<(), Failure> {
        let seen = if at == At::Step {
            self.followed.check_step().await?
        } else {
            StepSeen::default()
        };
        self.open_later_gate(seen).await
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
        Ok(self.open(At::Step).await?)
    }

    /// Follows a rollout without a gate of ours until the first traffic goes to green.
    pub async fn reach_traffic(&mut self) -> Result<(), Interrupted> {
        if self.followed.is_in_place() || self.gate() != GatePlan::Absent {
            return Ok(());
        }
        self.until(Goal::Gate).await.map(drop)
    }

    /// Others read AWS beside it: it is looked at less often.
    pub fn share_reads(&mut self) {
        self.poll_interval.share();
    }

    /// How long blue can be brought back at least once green serves all of production, when nobody
    /// lets it go.
    pub fn blue_stays(&self) -> Duration {
        self.plan
            .kind
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
        self.followed.green_groups().await
    }

    /// ARNs of the target groups through which green serves production; none where no load balancer
    /// leads to it.
    pub async fn serving_groups(&self) -> Vec<String> {
        self.followed.serving_groups().await
    }

    /// Whether blue is kept for a while after the shift.
    pub fn keeps_blue(&self) -> bool {
        !self.followed.is_in_place()
    }

    /// Who confirmed that green serves.
    pub fn observed_by(&self) -> ObservedBy {
        self.followed.observed_by()
    }

    /// Running and wanted tasks where ECS called the deployment successful before all of them ran.
    pub fn missing_tasks(&self) -> Option<(i64, i64)> {
        self.followed.missing_tasks()
    }

    /// Whether no task is wanted, so that nothing serves and nothing can be tested.
    pub fn serves_nothing(&self) -> bool {
        self.followed.serves_nothing()
    }

    async fn until(&mut self, goal: Goal) -> Result<Seen, Interrupted> {
        loop {
            let seen = self.look(goal).await;
            self.waits_for_others = seen == Seen::AtGate(At::Foreign);
            self.has_moved |= seen.shows_traffic_on_green() || self.followed.may_have_moved();
            let patience = Patience {
                elapsed: self.began.elapsed(),
                deadline: self.plan.deadline,
                has_moved: self.has_moved,
            };
            match decide(goal, &seen, patience) {
                Verdict::Wait => self.poll_interval.rest().await,
                Verdict::Proceed => return Ok(seen),
                // What is checked at a step is not this file's business.
                Verdict::Open(At::Step) if goal == Goal::Shifted => return Ok(seen),
                Verdict::Open(at) => self.open(at).await?,
                Verdict::Abort(trouble) => return Err(Box::pin(self.interrupted(trouble)).await),
                Verdict::GiveUp => return Err(Interrupted::Failed(self.given_up().await)),
                Verdict::Leave => return Err(Interrupted::Left(self.left())),
            }
        }
    }

    async fn look(&mut self, goal: Goal) -> Seen {
        let look = self
            .advance(async |followed| followed.look(goal).await)
            .await;
        if look.is_throttled {
            self.poll_interval.slower();
        } else {
            self.poll_interval.recover();
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
}
