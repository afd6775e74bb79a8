//! The traits that every kind of rollout implements. CodeDeploy, ECS's own strategies and rolling
//! each implement them in modules of their own; the steps that follow a rollout do not distinguish
//! them.
//!
//! A default is what most kinds have in common: a new kind implements only what is different. The
//! trait of its undo is in `undo`, which makes no calls.

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

/// The sentence for the time before any user has reached green.
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
    /// Who keeps blue: ECS, or the deployment group, by name.
    pub by: String,
    /// What the user has to change, in a sentence.
    pub remedy: String,
}

/// The plan of a rollout of one kind. PURE.
pub trait PlannedRollout: Debug {
    /// Who performs it, in the words of the documentation.
    fn controller(&self) -> &'static str;

    /// What is reported of it before the start, a sentence each.
    fn describe(&self, settings: &Settings) -> Vec<String>;

    /// What the run does at green's gate.
    fn gate(&self) -> GatePlan {
        GatePlan::Absent
    }

    /// Whether it pauses at a lifecycle stage of ECS until somebody answers.
    fn pauses_at(&self, _stage: &str) -> bool {
        false
    }

    /// How long AWS waits at green's gate.
    fn gate_timeout(&self) -> Duration {
        Duration::ZERO
    }

    /// How long the traffic shift and the time in which blue is kept take by themselves, as far as
    /// they are followed.
    fn expected_duration(&self, _settings: &Settings) -> Duration {
        Duration::ZERO
    }

    /// Desired count before the rollout; none where the rollout sets none.
    fn desired_count(&self) -> Option<i32> {
        None
    }

    /// Whether the desired count is 0; `asked` is the count of the inputs.
    fn wants_zero_tasks(&self, asked: Option<i32>) -> bool {
        asked == Some(0)
    }

    /// Whether there is a side beside green that could serve, and be measured.
    fn has_blue(&self) -> bool {
        false
    }

    /// How long traffic can return to blue once green serves everything; none where blue is not
    /// kept.
    fn blue_kept_for(&self) -> Option<Duration> {
        None
    }

    /// How blue could be kept for this many minutes.
    fn keep_blue_advice(&self, _settings: &Settings, minutes: u64) -> KeepBlueAdvice {
        KeepBlueAdvice {
            by: "ECS".to_owned(),
            remedy: format!("set bake to {minutes}m or more, or let manage-hooks be true"),
        }
    }

    /// Green's shares before it has everything, in percent, and how long it has each; none where
    /// the sides cannot be distinguished.
    fn traffic_steps(&self) -> Option<Vec<(f64, Duration)>> {
        None
    }

    /// For how many verdicts of an analysis the rollout is held.
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

    /// The service's deployment configuration before and after, where the rollout changes it.
    fn configuration_change(&self) -> Option<(&Value, &Value)> {
        None
    }

    /// What of the service is changed only for the rollout, a sentence each.
    fn temporary_changes(&self) -> Vec<String> {
        Vec::new()
    }

    /// What else decides how it is rolled out; only for telling two plans apart.
    fn own_settings(&self) -> String {
        String::new()
    }

    /// What AWS would do by itself if nobody followed the rollout, in a sentence.
    fn if_left_alone(&self) -> String;

    /// Listeners of test traffic, or their rules.
    fn test_listeners(&self) -> &[String] {
        &[]
    }

    /// Why it has no test listener, for a sentence.
    fn no_test_listener_reason(&self) -> &'static str {
        "there is no load balancer whose listeners could be read"
    }
}

/// A rollout that is in progress when the run begins, as AWS shows it.
pub trait RolloutInProgress: Debug {
    /// How a person would stop it, by its id.
    fn stop_command(&self, id: &RolloutId) -> String;

    /// Whether it has ended by now.
    fn is_over<'r>(
        &'r self,
        run: &'r Run,
        place: &'r ServiceKey,
        id: &'r RolloutId,
    ) -> LocalBoxFuture<'r, Result<bool, AwsError>>;

    /// Whether a rollout that a run of this action started may carry no mark of that run.
    fn may_be_unmarked(&self) -> bool {
        true
    }

    /// Whether it is being rolled back already.
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
    /// Reads it once, on the way to the goal.
    fn observe(&mut self, goal: Goal) -> LocalBoxFuture<'_, RolloutObservation>;

    /// Tasks of green that have failed, as far as they were read.
    fn task_failures(&self) -> &TaskFailures;

    /// What AWS does by itself when the run stops following it, in a sentence.
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

    /// Whether traffic may have moved although no read shows it.
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

    /// Whether it waits at green's gate that a run set which has ended, and will not answer it.
    fn inherits_gate(&self) -> bool {
        false
    }

    /// How long green has waited at its gate, where AWS shows it.
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
    /// Green is not healthy, or an alarm is in ALARM.
    fn check_step(&self) -> LocalBoxFuture<'_, Result<StepSeen, Failure>> {
        ready(Ok(StepSeen::default())).boxed_local()
    }

    /// Opens the gate at which it waits, after `seen` was read there.
    ///
    /// # Errors
    /// AWS refuses.
    fn open_later_gate(&mut self, _seen: StepSeen) -> LocalBoxFuture<'_, Result<(), Failure>> {
        ready(Ok(())).boxed_local()
    }

    /// Running and desired tasks where ECS called the deployment successful before all of them ran.
    fn missing_tasks(&self) -> Option<(i64, i64)> {
        None
    }

    /// Whether the desired count is 0, so that nothing serves and nothing can be tested.
    fn serves_nothing(&self) -> bool {
        false
    }

    /// Where a person looks when AWS calls the rollout failed, besides the stopped containers.
    fn hint_when_failed(&self) -> Option<&'static str> {
        None
    }
}

/// One read of a rollout.
pub struct RolloutObservation {
    /// The status, translated from AWS's.
    pub status: RolloutStatus,
    /// Stage, weights and tasks, for the log and the summary; none where they could not be read.
    pub progress: Option<Progress>,
    /// Whether AWS throttled the read.
    pub is_throttled: bool,
}

impl RolloutObservation {
    /// The observation of a read that failed.
    pub fn from_error(outage: &mut Outage, error: &AwsError) -> Self {
        Self {
            status: RolloutStatus::Outage(outage.classify_error(error)),
            progress: None,
            is_throttled: error.kind == AwsErrorKind::Throttled,
        }
    }
}
