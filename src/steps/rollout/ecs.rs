//! ECS with weights and gates: a service deployment of ours, recognised by its ARN and revision,
//! never by the clock.
//!
//! One file, because it holds the state of the deployment that is followed and its implementation
//! of [`FollowedRollout`]; what can be separated from these is in the modules below.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, ready};

use crate::aws::ecs_rollout_shapes::{
    DeploymentStatus, HookDetail, ServiceDeployment, ServiceRevision,
};
use crate::decide::{GateKind, Goal, RolloutFailure, RolloutStatus};
use crate::documents::deployment_configuration::{GREEN, PRODUCTION, Pause, STEP};
use crate::documents::strategy::Strategy;
use crate::error::Failure;
use crate::event::{ObservedBy, StepSeen};
use crate::identity::{ServiceDeploymentArn, TargetGroupArn};
use crate::observe::outage::Outage;
use crate::observe::task_failures::{CountedTasks, LIMIT, TaskFailures};
use crate::observe::traffic::ProductionTraffic;
use crate::outcome::Reason;
use crate::plan::{EcsPlan, RolloutPlan};
use crate::poll_interval::PollInterval;
use crate::rollout_kind::{FollowedRollout, RolloutObservation};
use crate::run::Run;
use crate::steps::revision::Revision;

mod answer;
mod concurrent;
mod confirm;
mod conflict;
mod description;
mod failure;
mod gate;
mod green;
mod marks;
mod search;
mod start;

use description::{describe_unobserved, green_percent, to_progress};

/// The stage at which ECS moves no traffic any more.
const AFTER_SHIFT: &str = "POST_PRODUCTION_TRAFFIC_SHIFT";

pub(super) struct EcsRollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    own_plan: &'a EcsPlan,
    revision: &'a Revision,
    arn: ServiceDeploymentArn,
    /// Green as ECS resolved it: its target groups and production rules.
    green: Option<ServiceRevision>,
    looks: u32,
    /// The pauses that were answered, and at which look.
    answered: BTreeMap<String, u32>,
    /// The stages at which the deployment pauses, by its own snapshot.
    paused_stages: BTreeSet<String>,
    /// How many of its pauses come before green is up.
    early_pauses: usize,
    /// In how many shares its traffic shifts.
    traffic_steps: usize,
    seen_pauses: BTreeSet<String>,
    /// How long its pauses last, by its own snapshot.
    timeout_minutes: Option<u32>,
    /// The pause that was added for it; none where the deployment was found.
    pause: Option<Pause>,
    /// Whether green's gate is one that a replaced deployment's run had set.
    inherits_gate: bool,
    waiting_pause: Option<WaitingPause>,
    is_green_passed: bool,
    is_production_passed: bool,
    outage: Outage,
    observed_by: Option<ObservedBy>,
    task_failures: TaskFailures,
    /// How often traffic was seen on blue after ECS had shifted all of it.
    shared_looks: u32,
}

/// A pause that waits for an answer.
struct WaitingPause {
    hook: HookDetail,
    gate: GateKind,
    /// Where production traffic was when it was seen.
    observed: Option<ProductionTraffic>,
}

impl EcsRollout<'_> {
    fn has_gates_ahead(&self) -> bool {
        let is_ahead =
            |stage: &str, is_passed: bool| self.paused_stages.contains(stage) && !is_passed;
        is_ahead(GREEN, self.is_green_passed)
            || is_ahead(STEP, self.observed_by.is_some())
            || is_ahead(PRODUCTION, self.is_production_passed)
    }

    async fn look_at_deployment(&mut self, goal: Goal) -> RolloutObservation {
        self.looks += 1;
        match self.run.aws.describe_service_deployment(&self.arn).await {
            Ok(Some(deployment)) => {
                self.outage.clear();
                let seen = self.interpret(&deployment, goal).await;
                RolloutObservation {
                    status: seen,
                    progress: Some(to_progress(&deployment)),
                    is_throttled: false,
                }
            }
            Ok(None) => RolloutObservation {
                status: RolloutStatus::Ended(self.service_deleted_failure()),
                progress: None,
                is_throttled: false,
            },
            Err(error) => RolloutObservation::from_error(&mut self.outage, &error),
        }
    }

    async fn interpret(&mut self, deployment: &ServiceDeployment, goal: Goal) -> RolloutStatus {
        match deployment.status() {
            DeploymentStatus::InProgress => self.status_in_progress(deployment, goal).await,
            DeploymentStatus::Successful => {
                self.confirm_shift(deployment, RolloutStatus::Completed)
                    .await
            }
            // Where it will stop is not known yet.
            DeploymentStatus::RollingBack if deployment.raw_status == "STOP_REQUESTED" => {
                RolloutStatus::Preparing
            }
            // A rollback that is requested too late does not happen: the deployment succeeds.
            DeploymentStatus::RollingBack
                if deployment.raw_status == "ROLLBACK_REQUESTED" && self.observed_by.is_some() =>
            {
                RolloutStatus::Preparing
            }
            DeploymentStatus::RollingBack
            | DeploymentStatus::Stopped
            | DeploymentStatus::RolledBack
            | DeploymentStatus::RollbackFailed => {
                RolloutStatus::Ended(self.explain_failure(deployment).await)
            }
        }
    }

    async fn status_in_progress(
        &mut self,
        deployment: &ServiceDeployment,
        goal: Goal,
    ) -> RolloutStatus {
        self.resolve_green(deployment).await;
        self.seen_pauses
            .extend(deployment.pauses().map(|hook| hook.hook_id.clone()));
        if let Some(hook) = self.find_unanswered_pause(deployment).await {
            return self.status_at_gate(deployment, hook).await;
        }
        self.waiting_pause = None;
        match deployment.stage() {
            // Its pause is about to come, or was just answered: only the next stage shows that the
            // gate was passed.
            AFTER_SHIFT if self.paused_stages.contains(PRODUCTION) => RolloutStatus::Shifting,
            AFTER_SHIFT | "BAKE_TIME" | "CLEAN_UP" => {
                self.confirm_shift(deployment, RolloutStatus::Shifted).await
            }
            "PRODUCTION_TRAFFIC_SHIFT" => RolloutStatus::Shifting,
            _ if self.own_plan.strategy == Strategy::Rolling
                && self.has_replaced_tasks(deployment) =>
            {
                match self.status_before_shift(deployment, goal).await {
                    RolloutStatus::Preparing => RolloutStatus::Shifting,
                    ended => ended,
                }
            }
            // A stage that is newer than this action is no progress; weights are.
            _ if green_percent(deployment).is_some_and(|percent| percent > 0.0) => {
                RolloutStatus::Shifting
            }
            _ => self.status_before_shift(deployment, goal).await,
        }
    }

    /// Green's target groups, once: they alternate from deployment to deployment.
    async fn resolve_green(&mut self, deployment: &ServiceDeployment) {
        if self.green.is_some() || deployment.target_revision().is_empty() {
            return;
        }
        let read = self
            .run
            .aws
            .describe_service_revisions(&[deployment.target_revision()])
            .await;
        self.green = self
            .run
            .optional_read("green's target group is not looked up", read)
            .and_then(|all| all.into_iter().next());
    }

    /// Whether old tasks are gone, where ECS replaces them one by one.
    fn has_replaced_tasks(&self, deployment: &ServiceDeployment) -> bool {
        let old_tasks: i64 = deployment
            .source_service_revisions
            .iter()
            .map(|source| source.running_task_count)
            .sum();
        !deployment.source_service_revisions.is_empty() && old_tasks < self.plan.tasks
    }

    /// ECS would start tasks for up to a day; failing tasks end the run sooner.
    async fn status_before_shift(
        &mut self,
        deployment: &ServiceDeployment,
        goal: Goal,
    ) -> RolloutStatus {
        if goal == Goal::Completed {
            return RolloutStatus::Preparing;
        }
        let counted = CountedTasks {
            place: &self.plan.place,
            revision: &self.revision.arn,
            since: deployment.created_at,
            deployment: None,
        };
        self.task_failures
            .read_when_due(self.run, &counted, self.looks)
            .await;
        self.task_failures
            .trouble(LIMIT, goal)
            .map_or(RolloutStatus::Preparing, RolloutStatus::Ended)
    }

    fn service_deleted_failure(&self) -> RolloutFailure {
        let sentence = format!(
            "service deployment {} is gone: somebody deleted the service while it was deployed",
            self.arn
        );
        RolloutFailure {
            reason: Reason::Superseded,
            sentence,
            cause: None,
        }
    }
}

impl FollowedRollout for EcsRollout<'_> {
    fn observe(&mut self, goal: Goal) -> LocalBoxFuture<'_, RolloutObservation> {
        self.look_at_deployment(goal).boxed_local()
    }

    fn task_failures(&self) -> &TaskFailures {
        &self.task_failures
    }

    fn if_left_alone(&self) -> String {
        let id = crate::aws::arn::short_name(&self.arn);
        match &self.waiting_pause {
            Some(WaitingPause { hook, .. }) => {
                let when = hook.expires_at.map_or_else(
                    || format!("after {} min", self.own_plan.pause_minutes),
                    crate::clock::format_rfc3339,
                );
                let action = if hook.timeout_action.as_deref() == Some("CONTINUE") {
                    "continues"
                } else {
                    "rolls back"
                };
                format!(
                    "service deployment {id} waits at its gate; unless it is answered, ECS {action} at {when}"
                )
            }
            None if !self.has_gates_ahead() => {
                format!(
                    "service deployment {id} continues by itself; ECS keeps blue for {} min after the shift",
                    self.own_plan.bake_minutes
                )
            }
            None => {
                format!(
                    "service deployment {id} continues; at its next gate ECS waits {} min and then rolls back",
                    self.own_plan.pause_minutes
                )
            }
        }
    }

    fn observed_by(&self) -> ObservedBy {
        self.observed_by.unwrap_or(ObservedBy::Controller)
    }

    fn describe_serving(&self) -> String {
        let Some(waiting) = &self.waiting_pause else {
            return describe_unobserved(GateKind::External).to_owned();
        };
        waiting.observed.map_or_else(
            || describe_unobserved(waiting.gate).to_owned(),
            |observed| observed.describe(),
        )
    }

    fn green_percent(&self) -> Option<f64> {
        Some(self.waiting_pause.as_ref()?.observed?.traffic.green)
    }

    fn current_traffic(&self) -> LocalBoxFuture<'_, Option<ProductionTraffic>> {
        self.observe_traffic().boxed_local()
    }

    fn check_test_traffic<'f>(
        &'f self,
        interval: &'f mut PollInterval,
    ) -> LocalBoxFuture<'f, Result<(), Failure>> {
        self.verify_test_traffic(interval).boxed_local()
    }

    fn green_target_groups(&self) -> LocalBoxFuture<'_, Vec<TargetGroupArn>> {
        ready(self.target_groups()).boxed_local()
    }

    fn inherits_gate(&self) -> bool {
        self.inherits_gate
    }

    fn waited_at_gate(&self) -> Option<Duration> {
        let began =
            self.waiting_pause.as_ref()?.hook.expires_at? - 60.0 * f64::from(self.timeout_minutes?);
        Some(crate::clock::elapsed_since(began))
    }

    fn open_green_gate(&mut self) -> LocalBoxFuture<'_, Result<(), Failure>> {
        self.open_gate(StepSeen::default()).boxed_local()
    }

    fn has_later_gates(&self) -> bool {
        true
    }

    fn waits_at_steps(&self) -> bool {
        self.paused_stages.contains(STEP)
    }

    fn check_step(&self) -> LocalBoxFuture<'_, Result<StepSeen, Failure>> {
        self.check_green().boxed_local()
    }

    fn open_later_gate(&mut self, seen: StepSeen) -> LocalBoxFuture<'_, Result<(), Failure>> {
        self.open_gate(seen).boxed_local()
    }

    fn serves_nothing(&self) -> bool {
        self.plan.wants_zero
    }

    fn hint_when_failed(&self) -> Option<&'static str> {
        Some("look at the service's events and, when a hook failed, at its function's log")
    }
}
