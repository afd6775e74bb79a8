//! ECS with weights and gates: a service deployment of ours, recognised by its ARN and revision,
//! never by the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, ready};

use crate::aws::ecs_rollout_shapes::{
    DeploymentStatus, HookDetail, ServiceDeployment, ServiceRevision,
};
use crate::decide::{At, Goal, Seen, Trouble};
use crate::documents::deployment_configuration::{GREEN, PRODUCTION, Pause, STEP};
use crate::documents::strategy::Strategy;
use crate::error::Failure;
use crate::event::{ObservedBy, StepSeen};
use crate::observe::outage::Outage;
use crate::observe::task_failures::{CountedTasks, LIMIT, TaskFailures};
use crate::observe::traffic::Observed;
use crate::outcome::Reason;
use crate::plan::{EcsPlan, RolloutPlan};
use crate::poll_interval::PollInterval;
use crate::rollout_kind::{FollowedRollout, RolloutObservation};
use crate::run::Run;
use crate::steps::revision::Revision;

mod answer;
mod confirm;
mod contest;
mod gate;
mod green;
mod marks;
mod others;
mod search;
mod shown;
mod start;
mod trouble;

use shown::{on_green, progress, unobserved};

/// The stage at which ECS moves no traffic any more.
const AFTER_SHIFT: &str = "POST_PRODUCTION_TRAFFIC_SHIFT";

/// A service deployment of ours.
pub(super) struct EcsRollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    own_plan: &'a EcsPlan,
    revision: &'a Revision,
    arn: String,
    /// Green as ECS resolved it: its target groups and production rules.
    green: Option<ServiceRevision>,
    looks: u32,
    /// Pauses that were answered, and at which look.
    answered: BTreeMap<String, u32>,
    /// The stages at which the deployment pauses, by its own snapshot.
    pauses: BTreeSet<String>,
    /// How many of its pauses come before green is up.
    early: usize,
    /// In how many shares its traffic goes over.
    shares: usize,
    /// Pauses that were seen.
    seen_pauses: BTreeSet<String>,
    /// How long its pauses last, by its own snapshot.
    timeout_minutes: Option<u32>,
    /// The pause that was added for it; none where the deployment was found.
    pause: Option<Pause>,
    /// Whether green's gate is one that a replaced deployment's run had set.
    inherits_gate: bool,
    /// The pause that waits now.
    waiting: Option<Waiting>,
    is_green_passed: bool,
    is_production_passed: bool,
    outage: Outage,
    observed_by: Option<ObservedBy>,
    task_failures: TaskFailures,
    /// How often traffic was seen on blue after ECS had shifted all of it.
    shared_looks: u32,
}

/// A pause that waits for an answer.
struct Waiting {
    hook: HookDetail,
    at: At,
    /// Where production traffic was when it was seen.
    observed: Option<Observed>,
}

impl EcsRollout<'_> {
    fn has_gates_ahead(&self) -> bool {
        let is_ahead = |stage: &str, is_passed: bool| self.pauses.contains(stage) && !is_passed;
        is_ahead(GREEN, self.is_green_passed)
            || is_ahead(STEP, self.observed_by.is_some())
            || is_ahead(PRODUCTION, self.is_production_passed)
    }

    /// Looks at the deployment.
    async fn look_at_deployment(&mut self, goal: Goal) -> RolloutObservation {
        self.looks += 1;
        match self.run.aws.describe_service_deployment(&self.arn).await {
            Ok(Some(deployment)) => {
                self.outage.sees();
                let seen = self.seen(&deployment, goal).await;
                RolloutObservation {
                    seen,
                    progress: Some(progress(&deployment)),
                    is_throttled: false,
                }
            }
            Ok(None) => RolloutObservation {
                seen: Seen::Ended(self.gone()),
                progress: None,
                is_throttled: false,
            },
            Err(error) => RolloutObservation::failed(&mut self.outage, &error),
        }
    }

    async fn seen(&mut self, deployment: &ServiceDeployment, goal: Goal) -> Seen {
        match deployment.status() {
            DeploymentStatus::Going => self.going(deployment, goal).await,
            DeploymentStatus::Successful => self.confirm(deployment, Seen::Completed).await,
            // Where it will stop is not known yet.
            DeploymentStatus::Returning if deployment.word == "STOP_REQUESTED" => Seen::Preparing,
            // A rollback that is asked for too late does not come: the deployment succeeds all the
            // same.
            DeploymentStatus::Returning
                if deployment.word == "ROLLBACK_REQUESTED" && self.observed_by.is_some() =>
            {
                Seen::Preparing
            }
            DeploymentStatus::Returning
            | DeploymentStatus::Stopped
            | DeploymentStatus::RolledBack
            | DeploymentStatus::RollbackFailed => Seen::Ended(self.trouble(deployment).await),
        }
    }

    async fn going(&mut self, deployment: &ServiceDeployment, goal: Goal) -> Seen {
        self.resolve(deployment).await;
        self.seen_pauses
            .extend(deployment.pauses().map(|hook| hook.hook_id.clone()));
        if let Some(hook) = self.unanswered(deployment).await {
            return self.at_gate(deployment, hook).await;
        }
        self.waiting = None;
        match deployment.stage() {
            // Its pause is about to come, or was just answered: only what follows it shows that the
            // gate is behind.
            AFTER_SHIFT if self.pauses.contains(PRODUCTION) => Seen::Shifting,
            AFTER_SHIFT | "BAKE_TIME" | "CLEAN_UP" => self.confirm(deployment, Seen::Shifted).await,
            "PRODUCTION_TRAFFIC_SHIFT" => Seen::Shifting,
            _ if self.own_plan.strategy == Strategy::Rolling && self.has_replaced(deployment) => {
                match self.coming_up(deployment, goal).await {
                    Seen::Preparing => Seen::Shifting,
                    ended => ended,
                }
            }
            // A stage that is newer than this action is no progress; weights are.
            _ if on_green(deployment).is_some_and(|percent| percent > 0.0) => Seen::Shifting,
            _ => self.coming_up(deployment, goal).await,
        }
    }

    /// Green's target groups, once: they alternate from deployment to deployment.
    async fn resolve(&mut self, deployment: &ServiceDeployment) {
        if self.green.is_some() || deployment.target().is_empty() {
            return;
        }
        let read = self
            .run
            .aws
            .describe_service_revisions(&[deployment.target().to_owned()])
            .await;
        self.green = self
            .run
            .optional_read("green's target group is not looked up", read)
            .and_then(|all| all.into_iter().next());
    }

    /// Whether tasks of before are gone, where ECS replaces them one by one.
    fn has_replaced(&self, deployment: &ServiceDeployment) -> bool {
        let left: i64 = deployment
            .source_service_revisions
            .iter()
            .map(|source| source.running_task_count)
            .sum();
        !deployment.source_service_revisions.is_empty() && left < self.plan.tasks
    }

    /// ECS would try for a day.
    async fn coming_up(&mut self, deployment: &ServiceDeployment, goal: Goal) -> Seen {
        if goal == Goal::Completed {
            return Seen::Preparing;
        }
        let counted = CountedTasks {
            place: &self.plan.place,
            revision: &self.revision.arn,
            since: deployment.created_at,
            deployment: None,
        };
        self.task_failures
            .look(self.run, &counted, self.looks)
            .await;
        self.task_failures
            .trouble(LIMIT, goal)
            .map_or(Seen::Preparing, Seen::Ended)
    }

    fn gone(&self) -> Trouble {
        let sentence = format!(
            "service deployment {} is gone: somebody deleted the service while it was deployed",
            self.arn
        );
        Trouble {
            reason: Reason::Superseded,
            sentence,
            cause: None,
        }
    }
}

impl FollowedRollout for EcsRollout<'_> {
    fn look(&mut self, goal: Goal) -> LocalBoxFuture<'_, RolloutObservation> {
        self.look_at_deployment(goal).boxed_local()
    }

    fn task_failures(&self) -> &TaskFailures {
        &self.task_failures
    }

    fn if_left_alone(&self) -> String {
        let id = crate::aws::arn::short_name(&self.arn);
        match &self.waiting {
            Some(Waiting { hook, .. }) => {
                let when = hook.expires_at.map_or_else(
                    || format!("after {} min", self.own_plan.pause_minutes),
                    crate::clock::at,
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

    fn serves(&self) -> String {
        let Some(waiting) = &self.waiting else {
            return unobserved(At::Foreign).to_owned();
        };
        waiting.observed.map_or_else(
            || unobserved(waiting.at).to_owned(),
            |observed| observed.words(),
        )
    }

    fn on_green(&self) -> Option<f64> {
        Some(self.waiting.as_ref()?.observed?.traffic.green)
    }

    fn observe(&self) -> LocalBoxFuture<'_, Option<Observed>> {
        self.observe_traffic().boxed_local()
    }

    fn find_green<'f>(
        &'f self,
        interval: &'f mut PollInterval,
    ) -> LocalBoxFuture<'f, Result<(), Failure>> {
        self.find_test_traffic(interval).boxed_local()
    }

    fn green_groups(&self) -> LocalBoxFuture<'_, Vec<String>> {
        ready(self.groups()).boxed_local()
    }

    fn inherits_gate(&self) -> bool {
        self.inherits_gate
    }

    fn waited(&self) -> Option<Duration> {
        let began =
            self.waiting.as_ref()?.hook.expires_at? - 60.0 * f64::from(self.timeout_minutes?);
        Some(crate::clock::since(began))
    }

    fn open_green_gate(&mut self) -> LocalBoxFuture<'_, Result<(), Failure>> {
        self.open_gate(StepSeen::default()).boxed_local()
    }

    fn has_later_gates(&self) -> bool {
        true
    }

    fn waits_at_steps(&self) -> bool {
        self.pauses.contains(STEP)
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
