//! CodeDeploy: a deployment of ours, from CreateDeployment to its end.

use tokio::time::Instant;

use crate::aws::codedeploy::{Deployment, NewDeployment, Status, Target};
use crate::aws::{AwsError, Kind};
use crate::decide::{Goal, Seen, Trouble};
use crate::documents::app_spec::{self, Content, ServiceParts};
use crate::error::{Explain, Failure};
use crate::event::{Event, Progress, Serving, Witness};
use crate::outcome::Reason;
use crate::pace::Pace;
use crate::plan::{AppSpecPlan, CodeDeployWay, RolloutPlan};
use crate::run::Run;
use crate::settings::Settings;
use crate::steps::revision::Revision;
use crate::steps::traffic;
use crate::undo::{CodeDeployUndo, Undo};

use super::{Look, confirmed, green, progress};

/// The official action cuts descriptions here.
const DESCRIPTION: usize = 512;
/// How far back a deployment whose answer was lost is looked for.
const LOST: usize = 5;
/// A gate that stays shut after it was opened is opened again after this many looks.
const REOPEN: u32 = 5;
/// This many tasks of green that stopped by themselves are no accident; CodeDeploy would try for an hour.
const CRASHES: usize = 3;
/// Every half a minute is often enough to ask for them, and keeps within the pace.
const CRASH_LOOKS: u32 = 12;

/// A deployment of ours.
pub struct CodeDeploy<'a> {
    run: &'a Run,
    plan: &'a RolloutPlan,
    way: &'a CodeDeployWay,
    revision: &'a Revision,
    id: String,
    target: Option<Target>,
    looks: u32,
    opened_at: Option<u32>,
    blind_since: Option<Instant>,
    witness: Option<Witness>,
}

/// CodeDeploy did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[error("CodeDeploy did not {what}")]
pub struct CodeDeployError {
    what: &'static str,
    source: AwsError,
}

impl Explain for CodeDeployError {
    fn reason(&self) -> Reason {
        if self.source.is("DeploymentLimitExceeded") { Reason::AlreadyRunning } else { self.source.reason() }
    }

    fn hint(&self) -> Option<String> {
        let running = self.source.is("DeploymentLimitExceeded");
        running.then(|| "another deployment of the group is in progress: wait for it, or stop it".to_owned()).or_else(|| self.source.hint())
    }
}

impl<'a> CodeDeploy<'a> {
    /// Creates the deployment; armed before, adopted when the answer is lost.
    pub async fn start(
        run: &'a Run,
        settings: &Settings,
        plan: &'a RolloutPlan,
        way: &'a CodeDeployWay,
        revision: &'a Revision,
    ) -> Result<Self, Failure> {
        let content = content(way, revision)?;
        let description = description(settings.rollout.description.as_deref(), &run.id);
        let rollout = &settings.rollout;
        let undo = CodeDeployUndo {
            place: plan.place.clone(),
            application: rollout.application.clone(),
            group: rollout.group.clone(),
            run: run.id.clone(),
            deployment: None,
            blue: plan.blue.clone(),
        };
        run.arm(Undo::CodeDeploy(undo.clone()));
        let new = NewDeployment {
            application: &rollout.application,
            group: &rollout.group,
            config: rollout.config.as_deref(),
            description: &description,
            content: &content,
            alarms: !way.group.alarms.is_empty(),
        };
        let id = create(run, &new).await?;
        run.narrow(Undo::CodeDeploy(CodeDeployUndo { deployment: Some(id.clone()), ..undo }));
        let console = format!(
            "https://{}/codesuite/codedeploy/deployments/{id}?region={}",
            run.aws.partition().console(),
            run.aws.partition().region()
        );
        run.tell(Event::RolloutStarted { deployment: id.clone(), service_deployment: None, console, codedeploy: true });
        Ok(Self { run, plan, way, revision, id, target: None, looks: 0, opened_at: None, blind_since: None, witness: None })
    }

    /// Finds green behind the test listener.
    pub async fn find_green(&self, pace: &mut Pace) -> Result<(), Failure> {
        green::find(self.run, self.plan, self.way, &self.id, pace).await
    }

    /// Lets traffic shift. Where that is denied, whoever may open the gate does, as with the official action.
    pub async fn proceed(&mut self) -> Result<(), Failure> {
        match self.run.aws.continue_deployment(&self.id).await {
            Ok(()) => self.run.tell(Event::GateOpened),
            Err(error) if error.kind == Kind::Denied => {
                self.run.narrow_check("the gate is left to whoever may continue the deployment", &error);
                return Ok(());
            }
            Err(error) if error.may_have_landed() || error.kind == Kind::Throttled => {
                self.run.tell(Event::Noted { sentence: format!("{error}; looking whether the gate is open") });
            }
            Err(error)
                if error.is("DeploymentIsNotInReadyState")
                    || error.is("DeploymentAlreadyCompleted")
                    || error.is("InvalidDeploymentStatus") =>
            {
                self.run.tell(Event::Noted { sentence: "the gate does not wait any more; looking why".into() });
            }
            Err(source) => return Err(CodeDeployError { what: "continue the deployment", source }.into()),
        }
        self.opened_at = Some(self.looks);
        Ok(())
    }

    /// Who confirmed where traffic goes.
    pub fn witness(&self) -> Witness {
        self.witness.unwrap_or(Witness::Controller)
    }

    /// What CodeDeploy does when we leave.
    pub fn goes_on(&self) -> String {
        match (self.way.group.ready_wait, self.opened_at) {
            (crate::aws::codedeploy::ReadyWait::Minutes(minutes), None) => {
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
    pub async fn look(&mut self, goal: Goal) -> Look {
        self.looks += 1;
        match self.run.aws.get_deployment(&self.id).await {
            Ok(deployment) => {
                self.blind_since = None;
                self.look_at(&deployment, goal).await
            }
            Err(error) => self.blind(&error),
        }
    }

    async fn look_at(&mut self, deployment: &Deployment, goal: Goal) -> Look {
        if self.is_target_due(deployment, goal) {
            self.read_target().await;
        }
        let seen = self.seen(deployment, goal).await;
        Look { seen, progress: Some(self.progress(deployment)), is_throttled: false }
    }

    fn progress(&self, deployment: &Deployment) -> Progress {
        progress::of(deployment, self.target.as_ref())
    }

    /// The target shows weights and tasks. Every look needs the deployment; the target only now and then, and often
    /// while traffic moves, so that reads stay within the pace.
    fn is_target_due(&self, deployment: &Deployment, goal: Goal) -> bool {
        let every = if matches!(goal, Goal::Shifted) { 4 } else { 6 };
        let is_turning = deployment.status != Status::Going || deployment.termination_wait_started;
        self.looks % every == 1 || (is_turning && goal != Goal::Completed)
    }

    async fn read_target(&mut self) {
        const ACTION: &str = "codedeploy:GetDeploymentTarget";
        if self.run.is_denied(ACTION) {
            return;
        }
        let read = self.run.aws.get_deployment_target(&self.id, &self.plan.cluster, &self.plan.service).await;
        self.target =
            crate::survey::optional(self.run, "traffic weights and task counts are not shown while waiting", read).or(self.target.take());
    }

    async fn seen(&mut self, deployment: &Deployment, goal: Goal) -> Seen {
        match deployment.status {
            Status::Ready => self.at_gate(goal).await,
            Status::Succeeded => self.confirm(Seen::Completed).await,
            Status::Failed | Status::Stopped => Seen::Ended(self.trouble(deployment).await),
            Status::Going if deployment.termination_wait_started => self.confirm(Seen::Shifted).await,
            Status::Going => self.going().await,
        }
    }

    /// A gate that was opened and is still shut: the answer was lost on the way there.
    async fn at_gate(&mut self, goal: Goal) -> Seen {
        let waited = self.opened_at.map_or(0, |opened| self.looks - opened);
        if goal == Goal::Shifted && waited > 0 && waited.is_multiple_of(REOPEN) && self.run.aws.continue_deployment(&self.id).await.is_ok()
        {
            self.run.tell(Event::GateOpened);
        }
        Seen::AtGate
    }

    async fn going(&mut self) -> Seen {
        let event = |name: &str| self.target.as_ref().and_then(|target| target.event(name)).unwrap_or("Pending").to_owned();
        match (event("AllowTraffic").as_str(), event("AfterAllowTraffic").as_str()) {
            ("Succeeded", "Succeeded" | "Skipped") => self.confirm(Seen::Shifted).await,
            ("InProgress" | "Succeeded", _) => Seen::Shifting,
            _ => self.coming_up().await,
        }
    }

    /// CodeDeploy gives green an hour to become steady. Tasks that end by themselves again and again never will.
    async fn coming_up(&self) -> Seen {
        let missing = self.target.as_ref().is_some_and(|target| target.sets.iter().any(|set| set.is_green && set.running < set.desired));
        if !missing || !self.looks.is_multiple_of(CRASH_LOOKS) || self.run.is_denied("ecs:ListTasks") {
            return Seen::Preparing;
        }
        let place = &self.plan.place;
        let stopped = crate::steps::stopped::crashed(self.run, &place.cluster, &place.service, &self.revision.arn).await;
        if stopped < CRASHES {
            return Seen::Preparing;
        }
        let sentence = format!("green does not come up: {stopped} of its tasks have stopped");
        Seen::Ended(Trouble { reason: Reason::TasksUnhealthy, sentence, cause: None })
    }

    /// Nothing counts as shifted before the listeners, or the next best witness, say so.
    async fn confirm(&mut self, seen: Seen) -> Seen {
        if self.witness.is_some() && seen == Seen::Shifted {
            return seen;
        }
        let observed = traffic::observe(self.run, &self.plan.place, &self.plan.blue).await;
        let witness = match observed {
            Some(observed) if observed.whole() == Some(Serving::Green) => observed.witness,
            Some(_) => return Seen::Shifting,
            None => Witness::Controller,
        };
        if self.witness.replace(witness).is_none() {
            confirmed(self.run, &self.revision.arn, Serving::Green, witness);
        }
        seen
    }

    fn blind(&mut self, error: &AwsError) -> Look {
        let since = self.blind_since.get_or_insert_with(Instant::now).elapsed();
        Look { seen: Seen::Blind(super::ecs::blindness(error, since)), progress: None, is_throttled: error.kind == Kind::Throttled }
    }

    async fn trouble(&mut self, deployment: &Deployment) -> Trouble {
        let (code, message) = deployment.error.clone().unwrap_or_default();
        let failed = self.target.as_ref().and_then(Target::failed);
        let diagnostics = failed.and_then(|event| event.diagnostics.as_ref().map(|why| format!("{}: {why}", event.name)));
        let cause = diagnostics.or((!message.is_empty()).then(|| message.clone()));
        let end = deployment.word.to_lowercase();
        match code.as_str() {
            "ALARM_ACTIVE" => Trouble { reason: Reason::Alarm, sentence: self.alarm().await, cause },
            "MANUAL_STOP" => {
                Trouble { reason: Reason::Stopped, sentence: format!("deployment {} was stopped by somebody else", self.id), cause }
            }
            // An install that takes too long fails; only a gate that nobody opened stops the deployment.
            "TIMEOUT" if deployment.status == Status::Stopped => Trouble {
                reason: Reason::Timeout,
                sentence: format!("the gate of deployment {} expired before it was opened", self.id),
                cause,
            },
            "ECS_UPDATE_ERROR" | "CUSTOMER_APPLICATION_UNHEALTHY" | "TIMEOUT" => Trouble {
                reason: Reason::TasksUnhealthy,
                sentence: format!("green did not become healthy: CodeDeploy {end} the deployment ({code})"),
                cause,
            },
            "" if deployment.status == Status::Stopped => Trouble {
                reason: Reason::Stopped,
                sentence: format!("deployment {} was stopped, by somebody else or because its gate expired", self.id),
                cause,
            },
            code => Trouble { reason: Reason::RolloutFailed, sentence: format!("CodeDeploy {end} deployment {} ({code})", self.id), cause },
        }
    }

    async fn alarm(&self) -> String {
        let rings = self.run.aws.ringing(&self.way.group.alarms).await;
        let rings = crate::survey::optional(self.run, "the alarm that rang is not named", rings).unwrap_or_default();
        let names: Vec<String> = rings.iter().map(|alarm| format!("{} ({})", alarm.name, alarm.why)).collect();
        let names = if names.is_empty() { format!("one of {}", self.way.group.alarms.join(", ")) } else { names.join("; ") };
        format!("an alarm of the deployment group rang: {names}")
    }
}

fn content(way: &CodeDeployWay, revision: &Revision) -> Result<Content, Failure> {
    match &way.app_spec {
        AppSpecPlan::Given(spec) => app_spec::fill(spec, &revision.arn, "codedeploy-appspec").map_err(|problems| {
            let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::new(Reason::InvalidInputs, sentences.join("; "))
        }),
        AppSpecPlan::Built(parts) => Ok(Content::of(&app_spec::build(
            &revision.arn,
            &ServiceParts {
                container_name: &parts.container,
                container_port: parts.port,
                platform_version: parts.platform_version.as_deref(),
                capacity_providers: &parts.capacity_providers,
                network: parts.network.as_ref(),
            },
        ))),
    }
}

/// The user's words and our run id, within the limit; the id is what a lost answer is found by.
fn description(given: Option<&str>, run: &str) -> String {
    let mark = format!("[ecs-bluegreen run {run}]");
    let Some(given) = given else { return mark };
    let room = DESCRIPTION - mark.chars().count() - 1;
    if given.chars().count() <= room {
        return format!("{given} {mark}");
    }
    let head: String = given.chars().take(room - 1).collect();
    format!("{head}… {mark}")
}

async fn create(run: &Run, new: &NewDeployment<'_>) -> Result<String, Failure> {
    let error = match run.aws.create_deployment(new).await {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    if !error.may_have_landed() {
        run.disarm_newest();
        return Err(CodeDeployError { what: "create the deployment", source: error }.into());
    }
    run.tell(Event::Noted { sentence: format!("{error}; looking whether the deployment was created all the same") });
    match find(run, new.application, new.group, &run.id).await {
        Ok(Some(id)) => Ok(id),
        Ok(None) => run.aws.create_deployment(new).await.map_err(|source| CodeDeployError { what: "create the deployment", source }.into()),
        Err(source) => Err(CodeDeployError { what: "say whether the deployment was created", source }.into()),
    }
}

/// The deployment of the group that carries a run's id.
pub async fn find(run: &Run, application: &str, group: &str, mark: &str) -> Result<Option<String>, AwsError> {
    for id in run.aws.latest_deployments(application, group).await?.into_iter().take(LOST) {
        if run.aws.get_deployment(&id).await?.description.contains(&format!("run {mark}]")) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_description_is_cut_but_never_the_run_id() {
        let text = description(Some(&"x".repeat(600)), "7-1-ab");
        assert_eq!(text.chars().count(), DESCRIPTION);
        assert!(text.ends_with("… [ecs-bluegreen run 7-1-ab]"));
        assert_eq!(description(Some("release 4"), "7-1-ab"), "release 4 [ecs-bluegreen run 7-1-ab]");
    }
}
