//! CodeDeploy: a deployment of ours, from CreateDeployment to its end.

use crate::aws::AwsErrorKind;
use crate::aws::codedeploy::NewDeployment;
use crate::aws::codedeploy_shapes::{CodeDeployDeployment, CodeDeployTarget, ReadyWait, Status};
use crate::decide::{At, Goal, Seen, Trouble};
use crate::error::Failure;
use crate::event::fact::{AwsFact, GateFact, SoughtEffect};
use crate::event::{Event, Gate, ObservedBy, Progress, Serving, StartedRollout, StepSeen};
use crate::observe::outage::Outage;
use crate::observe::traffic::{self, Observed};
use crate::outcome::Reason;
use crate::plan::{CodeDeployWay, RolloutPlan};
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::steps::task_failures::{CountedTasks, LIMIT, TaskFailures};
use crate::undo::{CodeDeployUndo, Undo};

use super::{Interrupted, RolloutObservation, progress};

mod create;
mod green;
mod trouble;

use create::CodeDeployError;

/// A gate that stays shut after it was opened is opened again after this many looks.
const REOPEN: u32 = 5;
/// What is read so often is no read from before the shift.
const SURE: u32 = 6;

/// A deployment of ours.
pub struct CodeDeploy<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    way: &'a CodeDeployWay,
    revision: &'a Revision,
    id: String,
    target: Option<CodeDeployTarget>,
    looks: u32,
    opened_at: Option<u32>,
    blind: Outage,
    witness: Option<ObservedBy>,
    task_failures: TaskFailures,
    /// How often traffic was seen on blue after CodeDeploy had shifted all of it.
    shared_looks: u32,
}

impl<'a> CodeDeploy<'a> {
    /// Creates the deployment; armed before, adopted when the answer is lost.
    pub async fn start(
        run: &'a Run,
        plan: &'a RolloutPlan,
        way: &'a CodeDeployWay,
        revision: &'a Revision,
    ) -> Result<Self, Interrupted> {
        let content = create::content(way, revision)?;
        let description = create::description(way.description.as_deref(), &run.id, revision);
        let undo = CodeDeployUndo {
            place: plan.place.clone(),
            application: way.key.application.clone(),
            group: way.key.group.clone(),
            run: run.id.clone(),
            deployment: None,
            blue: plan.blue.clone(),
            is_restored: false,
        };
        let armed = run.arm(Undo::CodeDeploy(undo.clone()));
        let new = NewDeployment {
            application: &way.key.application,
            group: &way.key.group,
            config: way.config.as_deref(),
            description: &description,
            content: &content,
            alarms: !way.group.alarms.is_empty(),
        };
        let id = create::create(run, armed, &new).await?;
        armed.narrow(Undo::CodeDeploy(CodeDeployUndo {
            deployment: Some(id.clone()),
            ..undo
        }));
        Ok(Self::attach(run, plan, way, revision, id, false))
    }

    /// Follows a deployment that is there already; its undo is the caller's business.
    pub fn attach(
        run: &'a Run,
        plan: &'a RolloutPlan,
        way: &'a CodeDeployWay,
        revision: &'a Revision,
        id: String,
        found: bool,
    ) -> Self {
        let console = format!(
            "https://{}/codesuite/codedeploy/deployments/{id}?region={}",
            run.aws.partition().console(),
            run.aws.partition().region()
        );
        run.tell(Event::RolloutStarted(StartedRollout {
            deployment: id.clone(),
            service_deployment: None,
            console,
            codedeploy: true,
            found,
        }));
        let (blind, task_failures) = (Outage::default(), TaskFailures::default());
        Self {
            run,
            plan,
            way,
            revision,
            id,
            target: None,
            looks: 0,
            opened_at: None,
            blind,
            witness: None,
            task_failures,
            shared_looks: 0,
        }
    }

    /// Lets traffic shift. Where that is denied, whoever may open the gate does, as with the
    /// official action.
    pub async fn proceed(&mut self) -> Result<(), Failure> {
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

    /// Who confirmed where traffic goes.
    pub fn witness(&self) -> ObservedBy {
        self.witness.unwrap_or(ObservedBy::Controller)
    }

    /// Whether traffic may have moved although nothing shows it: the gate is open, and the weights
    /// cannot be read.
    pub fn may_have_moved(&self) -> bool {
        self.target.is_none()
            && (self.opened_at.is_some() || self.way.group.ready_wait == ReadyWait::Continue)
    }

    /// Tasks of green that have failed.
    pub fn task_failures(&self) -> &TaskFailures {
        &self.task_failures
    }

    /// What CodeDeploy does when we leave.
    pub fn if_left_alone(&self) -> String {
        match (self.way.group.ready_wait, self.opened_at) {
            (ReadyWait::Minutes(minutes), None) => {
                format!(
                    "deployment {} goes on; at its gate CodeDeploy waits {minutes} min for ContinueDeployment and then stops it",
                    self.id
                )
            }
            _ => format!(
                "deployment {} goes on by itself; CodeDeploy keeps blue for {} min after the shift",
                self.id, self.way.group.termination_minutes
            ),
        }
    }

    /// Looks at the deployment.
    pub async fn look(&mut self, goal: Goal) -> RolloutObservation {
        self.looks += 1;
        match self.run.aws.get_deployment(&self.id).await {
            Ok(deployment) => {
                self.blind.sees();
                self.look_at(&deployment, goal).await
            }
            Err(error) => RolloutObservation::blind(&mut self.blind, &error),
        }
    }

    async fn look_at(
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
    /// then, and often while traffic moves, so that reads stay within the pace.
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

    /// Nothing counts as shifted before the listeners, or the next best witness, say so.
    async fn confirm(&mut self, seen: Seen) -> Seen {
        if self.witness.is_some() && seen == Seen::Shifted {
            return seen;
        }
        let observed = traffic::observe(self.run, &self.plan.place, &self.plan.blue).await;
        let witness = match observed {
            Some(observed) if observed.whole() == Some(Serving::Green) => observed.witness,
            Some(observed) if seen == Seen::Completed => return self.shared(observed),
            Some(_) => return Seen::Shifting,
            None => ObservedBy::Controller,
        };
        if self.witness.replace(witness).is_none() {
            self.run
                .confirm_traffic(&self.revision.arn, Serving::Green, witness);
        }
        seen
    }
}
