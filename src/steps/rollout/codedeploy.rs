//! CodeDeploy: a deployment of ours, from CreateDeployment to its end.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::aws::AwsErrorKind;
use crate::aws::codedeploy_shapes::{CodeDeployDeployment, CodeDeployTarget, ReadyWait, Status};
use crate::decide::{At, Goal, Seen, Trouble};
use crate::error::Failure;
use crate::event::fact::{AwsFact, GateFact, SoughtEffect};
use crate::event::{Event, Gate, ObservedBy, Progress, Serving, StepSeen};
use crate::observe::outage::Outage;
use crate::observe::task_failures::{CountedTasks, LIMIT, TaskFailures};
use crate::observe::traffic::{self, Observed};
use crate::outcome::Reason;
use crate::plan::{CodeDeployPlan, RolloutPlan};
use crate::poll_interval::PollInterval;
use crate::rollout_kind::{FollowedRollout, GatePlan, RolloutObservation};
use crate::run::Run;
use crate::steps::revision::Revision;

use super::progress;

mod create;
mod green;
mod start;
mod trouble;

use create::CodeDeployError;

/// A gate that stays shut after it was opened is opened again after this many looks.
const REOPEN: u32 = 5;
/// What is read so often is no read from before the shift.
const SURE: u32 = 6;

/// A deployment of ours.
pub(super) struct CodeDeployRollout<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    own_plan: &'a CodeDeployPlan,
    revision: &'a Revision,
    id: String,
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
    /// Lets traffic shift. Where that is denied, whoever may open the gate does, as with the
    /// official action.
    async fn let_traffic_shift(&mut self) -> Result<(), Failure> {
        if self.own_plan.gate == GatePlan::Absent {
            return Ok(());
        }
        match self.run.aws.continue_deployment(&self.id).await {
            Ok(()) => self.run.tell(Event::GateOpened {
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
                self.run.tell(AwsFact::AnswerLost {
                    error: error.to_string().into(),
                    effect: SoughtEffect::GateOpen,
                });
            }
            Err(error)
                if error.is("DeploymentIsNotInReadyState")
                    || error.is("DeploymentAlreadyCompleted")
                    || error.is("InvalidDeploymentStatus") =>
            {
                self.run.tell(GateFact::WaitsNoMore);
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

    /// Looks at the deployment.
    async fn look_at_deployment(&mut self, goal: Goal) -> RolloutObservation {
        self.looks += 1;
        match self.run.aws.get_deployment(&self.id).await {
            Ok(deployment) => {
                self.outage.sees();
                self.observation(&deployment, goal).await
            }
            Err(error) => RolloutObservation::failed(&mut self.outage, &error),
        }
    }

    async fn observation(
        &mut self,
        deployment: &CodeDeployDeployment,
        goal: Goal,
    ) -> RolloutObservation {
        if self.is_target_due(deployment, goal) {
            self.read_target().await;
        }
        let seen = self.seen(deployment, goal).await;
        RolloutObservation {
            seen,
            progress: Some(self.progress(deployment)),
            is_throttled: false,
        }
    }

    fn progress(&self, deployment: &CodeDeployDeployment) -> Progress {
        progress::of(deployment, self.target.as_ref())
    }

    /// The target shows weights and tasks. Every look needs the deployment; the target only now and
    /// then, and often while traffic moves, so that reads stay within the limit.
    fn is_target_due(&self, deployment: &CodeDeployDeployment, goal: Goal) -> bool {
        let every = if matches!(goal, Goal::Shifted) { 4 } else { 6 };
        let is_turning = deployment.status != Status::Going || deployment.termination_wait_started;
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
            .is_err_and(|error| error.is("DeploymentNotStarted"))
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

    async fn seen(&mut self, deployment: &CodeDeployDeployment, goal: Goal) -> Seen {
        match deployment.status {
            Status::Ready => self.at_gate(goal).await,
            Status::Succeeded => self.confirm(Seen::Completed).await,
            Status::Failed | Status::Stopped => Seen::Ended(self.trouble(deployment).await),
            Status::Going if deployment.termination_wait_started => {
                self.confirm(Seen::Shifted).await
            }
            Status::Going => self.going(deployment, goal).await,
        }
    }

    /// A gate that was opened and is still shut: the answer was lost on the way there.
    async fn at_gate(&mut self, goal: Goal) -> Seen {
        let waited = self.opened_at.map_or(0, |opened| self.looks - opened);
        if goal == Goal::Shifted
            && waited > 0
            && waited.is_multiple_of(REOPEN)
            && self.run.aws.continue_deployment(&self.id).await.is_ok()
        {
            self.run.tell(Event::GateOpened {
                gate: Gate::Green,
                seen: StepSeen::default(),
            });
        }
        let is_ours = !self.run.is_denied("codedeploy:ContinueDeployment");
        Seen::AtGate(if is_ours { At::Green } else { At::Foreign })
    }

    async fn going(&mut self, deployment: &CodeDeployDeployment, goal: Goal) -> Seen {
        let event = |name: &str| {
            self.target
                .as_ref()
                .and_then(|target| target.event(name))
                .unwrap_or("Pending")
                .to_owned()
        };
        match (
            event("AllowTraffic").as_str(),
            event("AfterAllowTraffic").as_str(),
        ) {
            ("Succeeded", "Succeeded" | "Skipped") => self.confirm(Seen::Shifted).await,
            ("InProgress" | "Succeeded", _) => Seen::Shifting,
            _ => self.coming_up(deployment, goal).await,
        }
    }

    /// CodeDeploy gives green an hour to become steady.
    async fn coming_up(&mut self, deployment: &CodeDeployDeployment, goal: Goal) -> Seen {
        let counted = CountedTasks {
            place: &self.plan.place,
            revision: &self.revision.arn,
            since: deployment.created_seconds,
            deployment: None,
        };
        self.task_failures
            .look(self.run, &counted, self.looks)
            .await;
        self.task_failures
            .trouble(LIMIT, goal)
            .map_or(Seen::Preparing, Seen::Ended)
    }

    /// CodeDeploy shifts no traffic any more, and some of it is not on green: somebody has changed
    /// the weights.
    fn shared(&mut self, observed: Observed) -> Seen {
        self.shared_looks += 1;
        if self.shared_looks < SURE {
            return Seen::Shifting;
        }
        let sentence = format!(
            "deployment {} has shifted all traffic, and somebody has changed the weights since",
            self.id
        );
        Seen::Ended(Trouble {
            reason: Reason::RolloutFailed,
            sentence,
            cause: Some(observed.words()),
        })
    }

    /// Nothing counts as shifted before the listeners, or the next best observer, say so.
    async fn confirm(&mut self, seen: Seen) -> Seen {
        if self.observed_by.is_some() && seen == Seen::Shifted {
            return seen;
        }
        let observed = traffic::observe(self.run, &self.plan.place, &self.plan.blue).await;
        let observed_by = match observed {
            Some(observed) if observed.whole() == Some(Serving::Green) => observed.observed_by,
            Some(observed) if seen == Seen::Completed => return self.shared(observed),
            Some(_) => return Seen::Shifting,
            None => ObservedBy::Controller,
        };
        if self.observed_by.replace(observed_by).is_none() {
            self.run
                .confirm_traffic(&self.revision.arn, Serving::Green, observed_by);
        }
        seen
    }
}

impl FollowedRollout for CodeDeployRollout<'_> {
    fn look(&mut self, goal: Goal) -> LocalBoxFuture<'_, RolloutObservation> {
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

    fn observe(&self) -> LocalBoxFuture<'_, Option<Observed>> {
        traffic::observe(self.run, &self.plan.place, &self.plan.blue).boxed_local()
    }

    /// The gate is open, and the weights cannot be read.
    fn may_have_moved(&self) -> bool {
        self.target.is_none()
            && (self.opened_at.is_some() || self.own_plan.group.ready_wait == ReadyWait::Continue)
    }

    fn find_green<'f>(
        &'f self,
        interval: &'f mut PollInterval,
    ) -> LocalBoxFuture<'f, Result<(), Failure>> {
        self.find_task_set(interval).boxed_local()
    }

    fn green_groups(&self) -> LocalBoxFuture<'_, Vec<String>> {
        self.groups_of_task_set().boxed_local()
    }

    fn open_green_gate(&mut self) -> LocalBoxFuture<'_, Result<(), Failure>> {
        self.let_traffic_shift().boxed_local()
    }
}
