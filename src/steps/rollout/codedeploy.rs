//! CodeDeploy: a deployment of ours, from CreateDeployment to its end.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::aws::AwsErrorKind;
use crate::aws::codedeploy_shapes::{
    CodeDeployDeployment, CodeDeployStatus, CodeDeployTarget, ReadyWait,
};
use crate::decide::{GateKind, Goal, RolloutFailure, RolloutStatus};
use crate::error::Failure;
use crate::event::fact::{AwsFact, GateFact, SoughtEffect};
use crate::event::{Event, Gate, ObservedBy, Progress, Serving, StepSeen};
use crate::identity::{DeploymentId, TargetGroupArn};
use crate::observe::outage::Outage;
use crate::observe::task_failures::{CountedTasks, LIMIT, TaskFailures};
use crate::observe::traffic::{self, ProductionTraffic};
use crate::outcome::Reason;
use crate::plan::{CodeDeployPlan, RolloutPlan};
use crate::poll_interval::PollInterval;
use crate::rollout_kind::{FollowedRollout, GatePlan, RolloutObservation};
use crate::run::Run;
use crate::steps::revision::Revision;

use super::progress;

mod create;
mod failure;
mod green;
mod start;

use create::CodeDeployError;

/// A gate that still waits after it was opened is opened again after this many reads.
const REOPEN_AFTER_LOOKS: u32 = 5;
/// After so many reads, what they show is not from before the shift.
const SURE_LOOKS: u32 = 6;

pub(super) struct CodeDeployRollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    own_plan: &'a CodeDeployPlan,
    revision: &'a Revision,
    id: DeploymentId,
    target: Option<CodeDeployTarget>,
    looks: u32,
    opened_at: Option<u32>,
    outage: Outage,
    observed_by: Option<ObservedBy>,
    task_failures: TaskFailures,
    /// How often traffic was seen on blue after CodeDeploy had shifted all of it.
    shared_looks: u32,
}

impl CodeDeployRollout<'_> {
    /// Opens the gate. Where that is denied, the run waits for somebody who may open it, as the
    /// official action does.
    async fn open_gate(&mut self) -> Result<(), Failure> {
        if self.own_plan.gate == GatePlan::Absent {
            return Ok(());
        }
        match self.run.aws.continue_deployment(&self.id).await {
            Ok(()) => self.run.emit(Event::GateOpened {
                gate: Gate::Green,
                seen: StepSeen::default(),
            }),
            Err(error) if error.kind == AwsErrorKind::Denied => {
                self.run.limit_check(
                    "the gate is left to whoever may continue the deployment",
                    &error,
                );
                return Ok(());
            }
            Err(error) if error.may_have_landed() || error.kind == AwsErrorKind::Throttled => {
                self.run.emit(AwsFact::AnswerLost {
                    error: error.to_string().into(),
                    effect: SoughtEffect::GateOpen,
                });
            }
            Err(error)
                if error.has_code("DeploymentIsNotInReadyState")
                    || error.has_code("DeploymentAlreadyCompleted")
                    || error.has_code("InvalidDeploymentStatus") =>
            {
                self.run.emit(GateFact::WaitsNoMore);
            }
            Err(source) => {
                return Err(CodeDeployError {
                    what: "continue the deployment",
                    source,
                }
                .into());
            }
        }
        self.opened_at = Some(self.looks);
        Ok(())
    }

    async fn look_at_deployment(&mut self, goal: Goal) -> RolloutObservation {
        self.looks += 1;
        match self.run.aws.get_deployment(&self.id).await {
            Ok(deployment) => {
                self.outage.clear();
                self.observe_status(&deployment, goal).await
            }
            Err(error) => RolloutObservation::from_error(&mut self.outage, &error),
        }
    }

    async fn observe_status(
        &mut self,
        deployment: &CodeDeployDeployment,
        goal: Goal,
    ) -> RolloutObservation {
        if self.is_target_due(deployment, goal) {
            self.read_target().await;
        }
        let seen = self.interpret(deployment, goal).await;
        RolloutObservation {
            status: seen,
            progress: Some(self.progress(deployment)),
            is_throttled: false,
        }
    }

    fn progress(&self, deployment: &CodeDeployDeployment) -> Progress {
        progress::from_codedeploy(deployment, self.target.as_ref())
    }

    /// The target shows weights and tasks. Every look reads the deployment; the target only now and
    /// then, and often while traffic moves, so that reads stay within the limit.
    fn is_target_due(&self, deployment: &CodeDeployDeployment, goal: Goal) -> bool {
        let every = if matches!(goal, Goal::Shifted) { 4 } else { 6 };
        let is_turning = deployment.status != CodeDeployStatus::InProgress
            || deployment.termination_wait_started;
        self.looks % every == 1 || (is_turning && goal != Goal::Completed)
    }

    async fn read_target(&mut self) {
        const ACTION: &str = "codedeploy:GetDeploymentTarget";
        if self.run.is_denied(ACTION) {
            return;
        }
        let read = self
            .run
            .aws
            .get_deployment_target(&self.id, &self.plan.cluster, &self.plan.service)
            .await;
        if read
            .as_ref()
            .is_err_and(|error| error.has_code("DeploymentNotStarted"))
        {
            return; // there is nothing to show yet
        }
        self.target = self
            .run
            .optional_read(
                "traffic weights and task counts are not shown while waiting",
                read,
            )
            .or(self.target.take());
    }

    async fn interpret(&mut self, deployment: &CodeDeployDeployment, goal: Goal) -> RolloutStatus {
        match deployment.status {
            CodeDeployStatus::Ready => self.status_at_gate(goal).await,
            CodeDeployStatus::Succeeded => self.confirm_shift(RolloutStatus::Completed).await,
            CodeDeployStatus::Failed | CodeDeployStatus::Stopped => {
                RolloutStatus::Ended(self.explain_failure(deployment).await)
            }
            CodeDeployStatus::InProgress if deployment.termination_wait_started => {
                self.confirm_shift(RolloutStatus::Shifted).await
            }
            CodeDeployStatus::InProgress => self.status_in_progress(deployment, goal).await,
        }
    }

    /// A gate that was opened and still waits: the answer was lost on its way to CodeDeploy.
    async fn status_at_gate(&mut self, goal: Goal) -> RolloutStatus {
        let waited = self.opened_at.map_or(0, |opened| self.looks - opened);
        if goal == Goal::Shifted
            && waited > 0
            && waited.is_multiple_of(REOPEN_AFTER_LOOKS)
            && self.run.aws.continue_deployment(&self.id).await.is_ok()
        {
            self.run.emit(Event::GateOpened {
                gate: Gate::Green,
                seen: StepSeen::default(),
            });
        }
        let is_ours = !self.run.is_denied("codedeploy:ContinueDeployment");
        RolloutStatus::AtGate(if is_ours {
            GateKind::Green
        } else {
            GateKind::External
        })
    }

    async fn status_in_progress(
        &mut self,
        deployment: &CodeDeployDeployment,
        goal: Goal,
    ) -> RolloutStatus {
        let event = |name: &str| {
            self.target
                .as_ref()
                .and_then(|target| target.event_status(name))
                .unwrap_or("Pending")
                .to_owned()
        };
        match (
            event("AllowTraffic").as_str(),
            event("AfterAllowTraffic").as_str(),
        ) {
            ("Succeeded", "Succeeded" | "Skipped") => {
                self.confirm_shift(RolloutStatus::Shifted).await
            }
            ("InProgress" | "Succeeded", _) => RolloutStatus::Shifting,
            _ => self.status_before_shift(deployment, goal).await,
        }
    }

    /// CodeDeploy gives green an hour to become steady; failing tasks end the run sooner.
    async fn status_before_shift(
        &mut self,
        deployment: &CodeDeployDeployment,
        goal: Goal,
    ) -> RolloutStatus {
        let counted = CountedTasks {
            place: &self.plan.place,
            revision: &self.revision.arn,
            since: deployment.created_seconds,
            deployment: None,
        };
        self.task_failures
            .read_when_due(self.run, &counted, self.looks)
            .await;
        self.task_failures
            .trouble(LIMIT, goal)
            .map_or(RolloutStatus::Preparing, RolloutStatus::Ended)
    }

    /// CodeDeploy shifts no traffic any more, and some of it is not on green: somebody has changed
    /// the weights.
    fn status_if_shared(&mut self, observed: ProductionTraffic) -> RolloutStatus {
        self.shared_looks += 1;
        if self.shared_looks < SURE_LOOKS {
            return RolloutStatus::Shifting;
        }
        let sentence = format!(
            "deployment {} has shifted all traffic, and somebody has changed the weights since",
            self.id
        );
        RolloutStatus::Ended(RolloutFailure {
            reason: Reason::RolloutFailed,
            sentence,
            cause: Some(observed.describe()),
        })
    }

    /// Nothing counts as shifted before the listeners, or the next best observer, show it.
    async fn confirm_shift(&mut self, status: RolloutStatus) -> RolloutStatus {
        if self.observed_by.is_some() && status == RolloutStatus::Shifted {
            return status;
        }
        let observed = traffic::observe(self.run, &self.plan.place, &self.plan.blue).await;
        let observed_by = match observed {
            Some(observed) if observed.sole_side() == Some(Serving::Green) => observed.observed_by,
            Some(observed) if status == RolloutStatus::Completed => {
                return self.status_if_shared(observed);
            }
            Some(_) => return RolloutStatus::Shifting,
            None => ObservedBy::Controller,
        };
        if self.observed_by.replace(observed_by).is_none() {
            self.run
                .confirm_traffic(&self.revision.arn, Serving::Green, observed_by);
        }
        status
    }
}

impl FollowedRollout for CodeDeployRollout<'_> {
    fn observe(&mut self, goal: Goal) -> LocalBoxFuture<'_, RolloutObservation> {
        self.look_at_deployment(goal).boxed_local()
    }

    fn task_failures(&self) -> &TaskFailures {
        &self.task_failures
    }

    fn if_left_alone(&self) -> String {
        match (self.own_plan.group.ready_wait, self.opened_at) {
            (ReadyWait::Minutes(minutes), None) => {
                format!(
                    "deployment {} continues; at its gate CodeDeploy waits {minutes} min for ContinueDeployment and then stops it",
                    self.id
                )
            }
            _ => format!(
                "deployment {} continues by itself; CodeDeploy keeps blue for {} min after the shift",
                self.id, self.own_plan.group.termination_minutes
            ),
        }
    }

    fn observed_by(&self) -> ObservedBy {
        self.observed_by.unwrap_or(ObservedBy::Controller)
    }

    fn current_traffic(&self) -> LocalBoxFuture<'_, Option<ProductionTraffic>> {
        traffic::observe(self.run, &self.plan.place, &self.plan.blue).boxed_local()
    }

    /// The gate is open, and the weights cannot be read.
    fn may_have_moved_traffic(&self) -> bool {
        self.target.is_none()
            && (self.opened_at.is_some() || self.own_plan.group.ready_wait == ReadyWait::Continue)
    }

    fn check_test_traffic<'f>(
        &'f self,
        interval: &'f mut PollInterval,
    ) -> LocalBoxFuture<'f, Result<(), Failure>> {
        self.verify_test_traffic(interval).boxed_local()
    }

    fn green_target_groups(&self) -> LocalBoxFuture<'_, Vec<TargetGroupArn>> {
        self.task_set_target_groups().boxed_local()
    }

    fn open_green_gate(&mut self) -> LocalBoxFuture<'_, Result<(), Failure>> {
        self.open_gate().boxed_local()
    }
}
