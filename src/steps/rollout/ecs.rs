//! ECS with weights and gates: a service deployment of ours, recognised by its ARN and revision,
//! never by the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::aws::AwsErrorKind;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_rollout_shapes::{
    DeploymentStatus, HookDetail, ServiceDeployment, ServiceRevision,
};
use crate::aws::ecs_rollouts::Answered;
use crate::decide::{At, Goal, Seen, Trouble};
use crate::documents::deployment_configuration::{GREEN, PRODUCTION, Pause, STEP};
use crate::documents::strategy::Strategy;
use crate::error::Failure;
use crate::event::fact::{AwsFact, GateFact, SoughtEffect};
use crate::event::{Event, Gate, ObservedBy, Serving, StepSeen};
use crate::observe::outage::Outage;
use crate::observe::traffic::{self, Observed};
use crate::outcome::Reason;
use crate::plan::{Balancer, EcsWay, RolloutPlan};
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::task_failures::{CountedTasks, LIMIT, TaskFailures};

use super::RolloutObservation;

mod contest;
mod gate;
mod green;
mod marks;
mod shown;
mod start;
mod trouble;

use shown::{asked_for, on_green, progress, unobserved};

/// A pause that was answered and still waits is answered again after this many looks.
const AGAIN: u32 = 5;
/// The stage at which ECS moves no traffic any more.
const AFTER_SHIFT: &str = "POST_PRODUCTION_TRAFFIC_SHIFT";
/// What is read so often is no read from before the shift.
const SURE: u32 = 6;
/// Who may not do it leaves the gates to others.
const CONTINUE: &str = "ecs:ContinueServiceDeployment";

/// A service deployment of ours.
pub struct EcsRollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    way: &'a EcsWay,
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
    blind: Outage,
    witness: Option<ObservedBy>,
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
    /// How long the present pause has lasted.
    pub fn waited(&self) -> Option<Duration> {
        let began =
            self.waiting.as_ref()?.hook.expires_at? - 60.0 * f64::from(self.timeout_minutes?);
        Some(crate::clock::since(began))
    }

    /// Who confirmed where traffic goes.
    pub fn witness(&self) -> ObservedBy {
        self.witness.unwrap_or(ObservedBy::Controller)
    }

    /// Tasks of green that have failed.
    pub fn task_failures(&self) -> &TaskFailures {
        &self.task_failures
    }

    /// Lets the deployment pass the gate at which it waits, after this was seen there.
    pub async fn proceed(&mut self, seen: StepSeen) -> Result<(), Failure> {
        let Some(Waiting { hook, at, .. }) = self.waiting.take() else {
            return Ok(());
        };
        match self
            .run
            .aws
            .continue_service_deployment(&self.arn, &hook.hook_id, Answered::Continue)
            .await
        {
            Ok(()) => self.run.tell(Event::GateOpened {
                gate: named(at),
                seen,
            }),
            Err(error) if error.kind == AwsErrorKind::Denied => {
                self.run.limit_check(
                    "the gate is left to whoever may continue the deployment",
                    &error,
                );
            }
            Err(error) if error.may_have_landed() || error.kind == AwsErrorKind::Throttled => {
                self.run.tell(AwsFact::AnswerLost {
                    error: error.to_string().into(),
                    effect: SoughtEffect::GateOpen,
                });
            }
            // Answered by somebody else, expired, or over: the next look says which.
            Err(error) if error.kind == AwsErrorKind::Refused => {
                self.run.tell(GateFact::WaitsNoMore);
            }
            Err(error) => return Err(error.into()),
        }
        self.answered.insert(hook.hook_id, self.looks);
        self.is_green_passed |= at == At::Green;
        self.is_production_passed |= at == At::Production;
        Ok(())
    }

    /// What ECS does when we leave.
    pub fn if_left_alone(&self) -> String {
        let id = crate::aws::arn::short_name(&self.arn);
        match &self.waiting {
            Some(Waiting { hook, .. }) => {
                let when = hook.expires_at.map_or_else(
                    || format!("after {} min", self.way.pause_minutes),
                    crate::clock::at,
                );
                let action = if hook.timeout_action.as_deref() == Some("CONTINUE") {
                    "goes on"
                } else {
                    "rolls back"
                };
                format!(
                    "service deployment {id} waits at its gate; unless it is answered, ECS {action} at {when}"
                )
            }
            None if !self.has_gates_ahead() => {
                format!(
                    "service deployment {id} goes on by itself; ECS keeps blue for {} min after the shift",
                    self.way.bake_minutes
                )
            }
            None => {
                format!(
                    "service deployment {id} goes on; at its next gate ECS waits {} min and then rolls back",
                    self.way.pause_minutes
                )
            }
        }
    }

    /// Where production traffic goes at the gate at which the deployment waits.
    pub fn serves(&self) -> String {
        let Some(waiting) = &self.waiting else {
            return unobserved(At::Foreign).to_owned();
        };
        waiting.observed.map_or_else(
            || unobserved(waiting.at).to_owned(),
            |observed| observed.words(),
        )
    }

    /// Green's share of production traffic at the gate at which the deployment waits, in percent.
    pub fn on_green(&self) -> Option<f64> {
        Some(self.waiting.as_ref()?.observed?.traffic.green)
    }

    /// Whether it waits for an answer before every share of traffic.
    pub fn waits_at_steps(&self) -> bool {
        self.pauses.contains(STEP)
    }

    /// Whether it waits at green's gate for a run whose deployment it has replaced: that run will
    /// not answer.
    pub fn inherits_gate(&self) -> bool {
        self.inherits_gate
    }

    fn has_gates_ahead(&self) -> bool {
        let is_ahead = |stage: &str, is_passed: bool| self.pauses.contains(stage) && !is_passed;
        is_ahead(GREEN, self.is_green_passed)
            || is_ahead(STEP, self.witness.is_some())
            || is_ahead(PRODUCTION, self.is_production_passed)
    }

    /// Looks at the deployment.
    pub async fn look(&mut self, goal: Goal) -> RolloutObservation {
        self.looks += 1;
        match self.run.aws.describe_service_deployment(&self.arn).await {
            Ok(Some(deployment)) => {
                self.blind.sees();
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
            Err(error) => RolloutObservation::blind(&mut self.blind, &error),
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
                if deployment.word == "ROLLBACK_REQUESTED" && self.witness.is_some() =>
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
            _ if self.way.strategy == Strategy::Rolling && self.has_replaced(deployment) => {
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

    /// A pause that waits for an answer. One that was answered and still waits is answered once
    /// more, because the answer was lost on the way there; one that we may not answer waits for
    /// whoever may.
    async fn unanswered(&mut self, deployment: &ServiceDeployment) -> Option<HookDetail> {
        for hook in deployment.awaiting() {
            let Some(answered) = self.answered.get(&hook.hook_id).copied() else {
                return Some(hook.clone());
            };
            if self.run.is_denied(CONTINUE) {
                return Some(hook.clone());
            }
            let waited = self.looks - answered;
            if waited > 0 && waited.is_multiple_of(AGAIN) {
                let again = self
                    .run
                    .aws
                    .continue_service_deployment(&self.arn, &hook.hook_id, Answered::Continue)
                    .await;
                if again.is_ok() {
                    self.run.tell(GateFact::OpenedAgain);
                }
            }
        }
        None
    }

    async fn at_gate(&mut self, deployment: &ServiceDeployment, hook: HookDetail) -> Seen {
        let is_known = self.waiting.as_ref().is_some_and(|waiting| {
            waiting.at == At::Foreign && waiting.hook.hook_id == hook.hook_id
        });
        // It may wait for hours: the weights are not read at every look.
        if is_known && !self.looks.is_multiple_of(AGAIN) {
            return Seen::AtGate(At::Foreign);
        }
        let observed = self.observe().await;
        if let Some(shared) =
            observed.filter(|observed| deployment.stage() == AFTER_SHIFT && observed.is_shared())
        {
            return self.shared(deployment, shared);
        }
        let observed = observed.or_else(|| asked_for(deployment));
        let facts = gate::Facts {
            stage: deployment.stage(),
            on_green: observed.map(|observed| observed.traffic.green),
            on_test: deployment
                .target_service_revision
                .as_ref()
                .and_then(|green| green.requested_test_traffic_weight),
            passed: self.passed(deployment),
            early: self.early,
            shares: self.shares,
            is_green_passed: self.is_green_passed,
            pauses: &self.pauses,
        };
        let is_refused = self.answered.contains_key(&hook.hook_id) && self.run.is_denied(CONTINUE);
        let at = if is_refused {
            At::Foreign
        } else {
            gate::at(&facts)
        };
        if at == At::Foreign
            && self
                .waiting
                .as_ref()
                .is_none_or(|waiting| waiting.hook.hook_id != hook.hook_id)
        {
            self.run.tell(GateFact::ForeignHook {
                stage: deployment.stage().to_owned(),
                hook: hook.hook_id.clone(),
            });
        }
        if at == At::Production {
            self.settle(observed.map_or(ObservedBy::Controller, |observed| observed.witness));
        }
        self.waiting = Some(Waiting { hook, at, observed });
        Seen::AtGate(at)
    }

    /// How many pauses were passed: of all that were seen, those that do not wait.
    fn passed(&self, deployment: &ServiceDeployment) -> usize {
        self.seen_pauses
            .iter()
            .filter(|id| deployment.awaiting().all(|hook| hook.hook_id != **id))
            .count()
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

    /// Where production goes, for services whose load balancer is shifted.
    pub(super) async fn observe(&self) -> Option<Observed> {
        match self.way.balancer {
            // Tasks are replaced behind one target group: weights say nothing.
            Balancer::Load if self.way.strategy == Strategy::Rolling => None,
            Balancer::Load => traffic::observe(self.run, &self.plan.place, &self.plan.blue).await,
            Balancer::Lattice
            | Balancer::Gateway
            | Balancer::ServiceConnect
            | Balancer::Headless => None,
        }
    }

    /// Nothing counts as shifted before the listeners, or the next best witness, say so.
    async fn confirm(&mut self, deployment: &ServiceDeployment, seen: Seen) -> Seen {
        if self.witness.is_some() && seen == Seen::Shifted {
            return seen;
        }
        if self.way.strategy == Strategy::Rolling {
            return self.confirm_rolling(seen).await;
        }
        let witness = match self.observe().await {
            Some(observed) if observed.whole() == Some(Serving::Green) => observed.witness,
            Some(observed) => return self.shared(deployment, observed),
            // Users are shifted, and nobody saw where to.
            None if self.way.balancer.unread().is_some()
                && deployment.status() == DeploymentStatus::Successful =>
            {
                ObservedBy::Controller
            }
            None if deployment.status() == DeploymentStatus::Successful => ObservedBy::Deployment,
            None if on_green(deployment).is_some_and(|percent| percent < 100.0) => {
                return Seen::Shifting;
            }
            None => ObservedBy::Controller,
        };
        self.settle(witness);
        seen
    }

    /// ECS shifts no traffic any more, and some of it is not on green: somebody has changed the
    /// weights.
    fn shared(&mut self, deployment: &ServiceDeployment, observed: Observed) -> Seen {
        self.shared_looks += 1;
        if self.shared_looks < SURE {
            return Seen::Shifting;
        }
        let sentence = format!(
            "service deployment {} has shifted all traffic, and somebody has changed the weights since",
            deployment.id()
        );
        Seen::Ended(Trouble {
            reason: Reason::RolloutFailed,
            sentence,
            cause: Some(observed.words()),
        })
    }

    /// Tasks are replaced behind one target group: that only green serves is seen at the service's
    /// deployments.
    async fn confirm_rolling(&mut self, seen: Seen) -> Seen {
        let place = &self.plan.place;
        let read = self
            .run
            .aws
            .describe_service(&place.cluster, &place.service)
            .await;
        let read = self.run.optional_read(
            "that only the new revision runs is taken from the controller",
            read,
        );
        let witness = match read {
            Some(ServiceLookup::Service(service)) if service.runs_only(&self.revision.arn) => {
                ObservedBy::Deployment
            }
            Some(_) => return Seen::Shifting,
            None => ObservedBy::Controller,
        };
        self.settle(witness);
        seen
    }

    fn settle(&mut self, witness: ObservedBy) {
        if self.witness.replace(witness).is_none() {
            self.run
                .confirm_traffic(&self.revision.arn, Serving::Green, witness);
        }
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

fn named(at: At) -> Gate {
    match at {
        At::Green | At::Foreign => Gate::Green,
        At::Step => Gate::Step,
        At::Production => Gate::Production,
    }
}
