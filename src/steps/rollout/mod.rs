//! The rollout: AWS moves the traffic; we start it, read it, wait, and open its gates. Each kind of
//! rollout is a module, and implements the traits of `rollout_kind`.
//!
//! One file, because it is the interface of [`Rollout`], whose methods all follow the rollout by
//! the same loop.

use std::time::Duration;

use tokio::time::Instant;

use crate::checks::analysis::Sides;
use crate::choices::{Approval, Follow};
use crate::decide::{GateKind, Goal, RolloutStatus, Verdict, WaitLimits, decide};
use crate::error::Failure;
use crate::event::{Event, ObservedBy, Progress, StepSeen};
use crate::identity::TargetGroupArn;
use crate::plan::RolloutPlan;
use crate::poll_interval::PollInterval;
use crate::rollout_kind::{FollowedRollout, GatePlan};
use crate::run::Run;
use crate::steps::revision::Revision;

mod alarm;
pub mod codedeploy;
pub mod ecs;
mod green;
mod interrupted;
mod last_look;
mod milestone;
mod progress;
pub mod rolling;
mod start;
mod traffic_steps;

pub use interrupted::{Interrupted, ONE_AT_A_TIME};
use milestone::RolloutOrigin;
pub use milestone::{GateState, Milestone};
pub use start::{attach, is_unchanged, start};
pub use traffic_steps::TrafficSteps;

/// A rollout that is followed, whether this run started or found it.
pub struct Rollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    followed: Box<dyn FollowedRollout + 'a>,
    began: Instant,
    poll_interval: PollInterval,
    last_progress: Option<Progress>,
    traffic: traffic_steps::TrafficSource,
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
            last_progress: None,
            traffic: traffic_steps::TrafficSource::new(),
            has_moved: false,
            waits_for_others: false,
        }
    }

    /// The revision that it deploys.
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

    /// What AWS does by itself if the run stops following now.
    pub fn if_left_alone(&self) -> String {
        self.followed.if_left_alone()
    }

    /// Where production traffic goes while it waits at a gate.
    pub fn describe_serving(&self) -> String {
        self.followed.describe_serving()
    }

    /// Green's share of production traffic while it waits at a gate, where it was observed.
    pub fn green_percent(&self) -> Option<f64> {
        self.followed.green_percent()
    }

    /// Green's share of production traffic, as it changes; none where the rollout waits for us at
    /// every change.
    pub fn traffic_steps(&self) -> Option<TrafficSteps> {
        (!self.followed.waits_at_steps()).then(|| self.traffic.subscribe())
    }

    /// Whether the rollout has a gate, and whether green is tested there.
    pub fn gate(&self) -> GatePlan {
        match self.plan.kind.gate() {
            GatePlan::Absent if self.followed.inherits_gate() => GatePlan::Pass,
            gate => gate,
        }
    }

    /// Runs a step that may change what AWS does by itself. The run remembers that before the step,
    /// because it may be cut off, and after it.
    async fn advance<T>(
        &mut self,
        step: impl AsyncFnOnce(&mut (dyn FollowedRollout + 'a)) -> T,
    ) -> T {
        self.run.set_if_left_alone(self.if_left_alone());
        let done = step(&mut *self.followed).await;
        self.run.set_if_left_alone(self.if_left_alone());
        done
    }

    /// Follows the rollout until green waits at its gate, and finds it.
    pub async fn wait_for_gate(&mut self) -> Result<(), Interrupted> {
        let goal = match self.gate() {
            GatePlan::Test => Goal::TestAtGate,
            GatePlan::Pass => Goal::Gate,
            GatePlan::Absent => return Ok(()),
        };
        self.follow_until(goal).await?;
        let found = self.check_test_traffic().await;
        if found.is_err() {
            // Nothing leads to green once the rollout is over: then its end is the failure to
            // report.
            self.follow_until(goal).await?;
        }
        Ok(found?)
    }

    /// Makes sure that test traffic reaches green, as far as that can be read.
    async fn check_test_traffic(&mut self) -> Result<(), Failure> {
        self.followed
            .check_test_traffic(&mut self.poll_interval)
            .await
    }

    /// Follows a rollout that was found until it waits, or green serves.
    pub async fn watch(&mut self) -> Result<Milestone, Interrupted> {
        Ok(match self.follow_until(Goal::Watch).await? {
            RolloutStatus::AtGate(at) => Milestone::Gate(at),
            _ => Milestone::Green,
        })
    }

    /// Follows a rollout that was found until green's gate, or whatever is past it.
    pub async fn find_gate(&mut self) -> Result<GateState, Interrupted> {
        if self.follow_until(Goal::Gate).await? != RolloutStatus::AtGate(GateKind::Green) {
            return Ok(GateState::Passed);
        }
        let found = self.check_test_traffic().await;
        if found.is_err()
            && self.follow_until(Goal::Gate).await? != RolloutStatus::AtGate(GateKind::Green)
        {
            return Ok(GateState::Passed);
        }
        found?;
        Ok(GateState::NotPassed)
    }

    /// How long green has waited at its gate, where AWS shows it.
    pub fn waited_at_gate(&self) -> Option<Duration> {
        self.followed.waited_at_gate()
    }

    /// Opens green's gate.
    pub async fn open_green_gate(&mut self) -> Result<(), Failure> {
        self.advance(async |followed| followed.open_green_gate().await)
            .await
    }

    /// Opens the gate after the shift, where the rollout has one. A run that ends before blue is
    /// gone waits until this gate is passed, because an expired gate rolls green back.
    pub async fn pass_production_gate(&mut self) -> Result<(), Interrupted> {
        if !self.followed.has_later_gates() {
            return Ok(());
        }
        self.open_later_gate(StepSeen::default()).await?;
        match self.plan.follow {
            Follow::Shifted => self.follow_until(Goal::Baking).await.map(drop),
            Follow::Completed | Follow::LeaveToAws => Ok(()),
        }
    }

    async fn open_later_gate(&mut self, seen: StepSeen) -> Result<(), Failure> {
        self.advance(async |followed| followed.open_later_gate(seen).await)
            .await
    }

    /// Opens a gate that was expected to be open already; at a step, green's health is checked
    /// first as at any other step.
    async fn open_gate(&mut self, gate: GateKind) -> Result<(), Failure> {
        let seen = if gate == GateKind::Step {
            self.followed.check_step().await?
        } else {
            StepSeen::default()
        };
        self.open_later_gate(seen).await
    }

    /// Follows the rollout until green serves 100 %, or the next share of traffic waits for us.
    pub async fn wait_for_shift(&mut self) -> Result<Milestone, Interrupted> {
        Ok(match self.follow_until(Goal::Shifted).await? {
            RolloutStatus::AtGate(GateKind::Step) => Milestone::Gate(GateKind::Step),
            _ => Milestone::Green,
        })
    }

    /// Lets the next share of traffic go to green, after its health and the alarms were checked.
    pub async fn open_step(&mut self) -> Result<(), Interrupted> {
        Ok(self.open_gate(GateKind::Step).await?)
    }

    /// Follows a rollout without a gate of ours until the first traffic goes to green.
    pub async fn wait_for_traffic(&mut self) -> Result<(), Interrupted> {
        if self.followed.is_in_place() || self.gate() != GatePlan::Absent {
            return Ok(());
        }
        self.follow_until(Goal::Gate).await.map(drop)
    }

    /// Other parts of the run read AWS from now on: the rollout is read less often.
    pub fn share_reads(&mut self) {
        self.poll_interval.share_limit();
    }

    /// How long traffic can return to blue at least, once green serves all of production and nobody
    /// terminates blue early.
    pub fn blue_kept_for(&self) -> Duration {
        self.plan
            .kind
            .blue_kept_for()
            .unwrap_or_else(|| self.plan.deadline.saturating_sub(self.began.elapsed()))
    }

    /// Both sides, as an analysis names them.
    pub async fn sides(&self) -> Sides {
        self.plan
            .sides(&self.green_target_groups().await, &self.revision.arn)
    }

    /// Follows the rollout while it is held; completes when it continued by itself.
    pub async fn wait_while_held(&mut self) -> Result<(), Interrupted> {
        self.follow_until(Goal::Hold).await.map(drop)
    }

    /// Follows the rollout to its end, when that is asked for.
    pub async fn wait_for_completion(&mut self) -> Result<(), Interrupted> {
        match self.plan.follow {
            Follow::Completed => self.follow_until(Goal::Completed).await.map(drop),
            Follow::Shifted | Follow::LeaveToAws => Ok(()),
        }
    }

    /// ARNs of green's target groups; none before green is up, and where both sides share one.
    pub async fn green_target_groups(&self) -> Vec<TargetGroupArn> {
        self.followed.green_target_groups().await
    }

    /// ARNs of the target groups through which green serves production; none where no load balancer
    /// leads to it.
    pub async fn serving_target_groups(&self) -> Vec<TargetGroupArn> {
        self.followed.serving_target_groups().await
    }

    /// Whether blue is kept for a while after the shift.
    pub fn keeps_blue(&self) -> bool {
        !self.followed.is_in_place()
    }

    /// Who confirmed that green serves.
    pub fn observed_by(&self) -> ObservedBy {
        self.followed.observed_by()
    }

    /// Running and desired tasks where ECS called the deployment successful before all of them ran.
    pub fn missing_tasks(&self) -> Option<(i64, i64)> {
        self.followed.missing_tasks()
    }

    /// Whether the desired count is 0, so that nothing serves and nothing can be tested.
    pub fn serves_nothing(&self) -> bool {
        self.followed.serves_nothing()
    }

    async fn follow_until(&mut self, goal: Goal) -> Result<RolloutStatus, Interrupted> {
        loop {
            let seen = self.observe(goal).await;
            self.waits_for_others = seen == RolloutStatus::AtGate(GateKind::External);
            self.has_moved |=
                seen.shows_traffic_on_green() || self.followed.may_have_moved_traffic();
            let patience = WaitLimits {
                elapsed: self.began.elapsed(),
                deadline: self.plan.deadline,
                has_moved: self.has_moved,
            };
            match decide(goal, &seen, patience) {
                Verdict::Wait => self.poll_interval.wait().await,
                Verdict::Proceed => return Ok(seen),
                // The caller runs the checks of a step.
                Verdict::Open(GateKind::Step) if goal == Goal::Shifted => return Ok(seen),
                Verdict::Open(gate) => self.open_gate(gate).await?,
                Verdict::Abort(failure) => return Err(Box::pin(self.to_interrupted(failure)).await),
                Verdict::GiveUp => {
                    return Err(Interrupted::Failed(self.no_traffic_failure().await));
                }
                Verdict::Leave => {
                    return Err(Interrupted::LeftRunning(self.left_running_failure()));
                }
            }
        }
    }

    async fn observe(&mut self, goal: Goal) -> RolloutStatus {
        let look = self
            .advance(async |followed| followed.observe(goal).await)
            .await;
        if look.is_throttled {
            self.poll_interval.slow_down();
        } else {
            self.poll_interval.recover();
        }
        if let Some(progress) = look.progress {
            self.traffic.record(&progress);
            if self
                .last_progress
                .as_ref()
                .is_none_or(|shown| progress::is_news(shown, &progress))
            {
                self.last_progress = Some(progress.clone());
                self.run.emit(Event::RolloutSeen { progress });
            }
        }
        look.status
    }
}
