//! What the program asks of a kind of rollout, all in one place. CodeDeploy, ECS's own strategies
//! and rolling each answer in modules of their own, and the steps that follow a rollout do not tell
//! them apart.
//!
//! What has a default here is what most kinds have in common: a new kind answers only where it is
//! different. What is asked of its undo is in `undo`, which knows no client.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, ready};
use serde_json::Value;

use crate::aws::{AwsError, AwsErrorKind};
use crate::checks::analysis::LoadBalancerKind;
use crate::decide::{Goal, RolloutStatus};
use crate::error::Failure;
use crate::event::{ObservedBy, Progress, StepSeen};
use crate::identity::{RolloutId, ServiceRevisionArn, TargetGroupArn};
use crate::observe::outage::Outage;
use crate::observe::task_failures::TaskFailures;
use crate::observe::traffic::ProductionTraffic;
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::settings::Settings;
use crate::undo::ServiceKey;

/// Nobody has reached green yet.
pub const BLUE_SERVES: &str = "blue serves production";

/// What the run does at green's gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatePlan {
    /// Green is tested here, before anyone reaches it.
    Test,
    /// The rollout waits, but there is nothing to test.
    Pass,
    /// The rollout does not wait.
    Absent,
}

/// How blue can be kept for longer after the shift.
#[derive(Debug)]
pub struct KeepBlueAdvice {
    /// Who keeps it.
    pub by: String,
    /// What the user changes for that.
    pub remedy: String,
}

/// The plan of a rollout, as its kind makes it. PURE.
pub trait PlannedRollout: Debug {
    /// Who performs it, in the words of the documentation.
    fn controller(&self) -> &'static str;

    /// What is said of it before the start, a sentence each.
    fn describe(&self, settings: &Settings) -> Vec<String>;

    /// What the run does at green's gate.
    fn gate(&self) -> GatePlan {
        GatePlan::Absent
    }

    /// Whether it pauses at a stage of ECS's until somebody answers.
    fn pauses_at(&self, _stage: &str) -> bool {
        false
    }

    /// How long AWS waits at green's gate.
    fn gate_timeout(&self) -> Duration {
        Duration::ZERO
    }

    /// How long traffic shifts and blue is kept by itself, as far as that is followed.
    fn expected_duration(&self, _settings: &Settings) -> Duration {
        Duration::ZERO
    }

    /// Wanted tasks before; none where the rollout sets no number of them.
    fn desired_count(&self) -> Option<i32> {
        None
    }

    /// Whether no task is wanted; `asked` is the number of the inputs.
    fn wants_zero_tasks(&self, asked: Option<i32>) -> bool {
        asked == Some(0)
    }

    /// Whether there is a side beside green that could serve, and be measured.
    fn has_blue(&self) -> bool {
        false
    }

    /// How long blue can be brought back once green serves everything; none where nothing is kept.
    fn blue_kept_for(&self) -> Option<Duration> {
        None
    }

    /// How blue would be kept for so many minutes.
    fn keep_blue_advice(&self, _settings: &Settings, minutes: u64) -> KeepBlueAdvice {
        KeepBlueAdvice {
            by: "ECS".to_owned(),
            remedy: format!("set bake to {minutes}m or more, or let manage-hooks be true"),
        }
    }

    /// Green's shares before it has everything, in percent, and how long it has each; none where no
    /// side is told from the other.
    fn traffic_steps(&self) -> Option<Vec<(f64, Duration)>> {
        None
    }

    /// How many verdicts an analysis is waited for.
    fn verdict_count(&self) -> u32 {
        1
    }

    /// Whether traffic is on both sides for some time.
    fn is_stepwise(&self) -> bool {
        false
    }

    /// Whether all traffic goes over at once, so that there is no time in which both sides serve.
    fn is_all_at_once(&self) -> bool {
        false
    }

    /// What traffic goes through where it is no load balancer.
    fn load_balancer_kind(&self) -> LoadBalancerKind {
        LoadBalancerKind::Nothing
    }

    /// The configuration of the service's deployments before and after, where the rollout changes it.
    fn configuration_change(&self) -> Option<(&Value, &Value)> {
        None
    }

    /// What of the service is changed only for the rollout, a sentence each.
    fn temporary_changes(&self) -> Vec<String> {
        Vec::new()
    }

    /// What AWS would do by itself if nobody followed the rollout, in a sentence.
    fn if_left_alone(&self) -> String;

    /// Listeners of test traffic, or their rules.
    fn test_listeners(&self) -> &[String] {
        &[]
    }

    /// Why it has none.
    fn no_test_listener_reason(&self) -> &'static str {
        "there is no load balancer whose listeners could be read"
    }
}

/// A rollout that is in progress when the run begins, as AWS shows it.
pub trait RolloutInProgress: Debug {
    /// How a person would stop it, by its id.
    fn stop_command(&self, id: &RolloutId) -> String;

    /// Whether it is over by now.
    fn is_over<'r>(
        &'r self,
        run: &'r Run,
        place: &'r ServiceKey,
        id: &'r RolloutId,
    ) -> LocalBoxFuture<'r, Result<bool, AwsError>>;

    /// Whether one that a run of ours has started may say nothing of that run.
    fn may_be_unmarked(&self) -> bool {
        true
    }

    /// Whether it is on its way back already.
    fn is_rolling_back(&self) -> bool {
        false
    }

    /// Whether it is itself a rollback, which must not be stopped.
    fn is_rollback(&self) -> bool {
        false
    }

    /// Whether a newer rollout takes its place without a stop.
    fn is_replaceable(&self) -> bool {
        false
    }

    /// ARN of the service revision that it replaces, where ECS names one.
    fn source_revision(&self) -> Option<&ServiceRevisionArn> {
        None
    }

    /// The deployment configuration under which ECS performs it, where that is its own.
    fn deployment_configuration(&self) -> Option<&Value> {
        None
    }
}

/// A rollout that was started or found, and is followed.
pub trait FollowedRollout {
    /// Looks at it once, on the way to the goal.
    fn observe(&mut self, goal: Goal) -> LocalBoxFuture<'_, RolloutObservation>;

    /// Tasks of green that have failed, as far as they were looked at.
    fn task_failures(&self) -> &TaskFailures;

    /// What AWS does by itself when nobody follows it any more, in a sentence.
    fn if_left_alone(&self) -> String;

    /// Who confirmed that green serves.
    fn observed_by(&self) -> ObservedBy;

    /// Whether tasks are replaced one after the other, so that no blue is kept beside green.
    fn is_in_place(&self) -> bool {
        false
    }

    /// Where production traffic goes while it waits at a gate, in a sentence.
    fn describe_serving(&self) -> String {
        BLUE_SERVES.to_owned()
    }

    /// Green's share of traffic in percent while it waits at a gate, where it was observed.
    fn green_percent(&self) -> Option<f64> {
        None
    }

    /// Where production goes now; none where no weights say it, or they cannot be read.
    fn current_traffic(&self) -> LocalBoxFuture<'_, Option<ProductionTraffic>> {
        ready(None).boxed_local()
    }

    /// Whether traffic may have moved although no look shows it.
    fn may_have_moved_traffic(&self) -> bool {
        false
    }

    /// Makes sure that test traffic reaches green, as far as that can be read.
    ///
    /// # Errors
    /// It reaches something else.
    fn check_test_traffic<'f>(
        &'f self,
        _interval: &'f mut PollInterval,
    ) -> LocalBoxFuture<'f, Result<(), Failure>> {
        ready(Ok(())).boxed_local()
    }

    /// ARNs of green's target groups; none before green is up, and where both sides share one.
    fn green_target_groups(&self) -> LocalBoxFuture<'_, Vec<TargetGroupArn>> {
        ready(Vec::new()).boxed_local()
    }

    /// ARNs of the target groups through which green serves production; none where no load balancer
    /// leads to it.
    fn serving_target_groups(&self) -> LocalBoxFuture<'_, Vec<TargetGroupArn>> {
        self.green_target_groups()
    }

    /// Whether it waits at a gate of green's that another run had set, which will not answer.
    fn inherits_gate(&self) -> bool {
        false
    }

    /// How long green has waited at its gate, where AWS tells.
    fn waited_at_gate(&self) -> Option<Duration> {
        None
    }

    /// Opens green's gate.
    ///
    /// # Errors
    /// AWS refuses.
    fn open_green_gate(&mut self) -> LocalBoxFuture<'_, Result<(), Failure>> {
        ready(Ok(())).boxed_local()
    }

    /// Whether it may wait for an answer once traffic moves.
    fn has_later_gates(&self) -> bool {
        false
    }

    /// Whether it waits for an answer before every share of traffic.
    fn waits_at_steps(&self) -> bool {
        false
    }

    /// What AWS shows of green before the next share of traffic goes to it.
    ///
    /// # Errors
    /// Green is not healthy, or an alarm rings.
    fn check_step(&self) -> LocalBoxFuture<'_, Result<StepSeen, Failure>> {
        ready(Ok(StepSeen::default())).boxed_local()
    }

    /// Opens the gate at which it waits, after this was seen there.
    ///
    /// # Errors
    /// AWS refuses.
    fn open_later_gate(&mut self, _seen: StepSeen) -> LocalBoxFuture<'_, Result<(), Failure>> {
        ready(Ok(())).boxed_local()
    }

    /// Running and wanted tasks where ECS called the deployment successful before all of them ran.
    fn missing_tasks(&self) -> Option<(i64, i64)> {
        None
    }

    /// Whether no task is wanted, so that nothing serves and nothing can be tested.
    fn serves_nothing(&self) -> bool {
        false
    }

    /// Where a person looks when AWS calls the rollout failed, besides the stopped containers.
    fn hint_when_failed(&self) -> Option<&'static str> {
        None
    }
}

/// One look at a rollout.
pub struct RolloutObservation {
    /// What it means.
    pub status: RolloutStatus,
    /// What people see of it.
    pub progress: Option<Progress>,
    /// Whether AWS throttled it.
    pub is_throttled: bool,
}

impl RolloutObservation {
    /// One that showed nothing.
    pub fn from_error(outage: &mut Outage, error: &AwsError) -> Self {
        Self {
            status: RolloutStatus::Outage(outage.classify_error(error)),
            progress: None,
            is_throttled: error.kind == AwsErrorKind::Throttled,
        }
    }
}
