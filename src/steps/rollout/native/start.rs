//! Starting a service deployment: one UpdateService with the revision, the strategy and our pauses; adopted when the
//! answer is lost; its own snapshot read back before any traffic can move.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Native;
use crate::aws::AwsError;
use crate::aws::ecs_rollout_shapes::{DeploymentStatus, ServiceDeployment};
use crate::documents::deployment_configuration::{self as configuration, Pause};
use crate::error::Failure;
use crate::event::Event;
use crate::outcome::Reason;
use crate::pace::Easing;
use crate::plan::{NativeWay, RolloutPlan};
use crate::run::Run;
use crate::settings::{Settings, Strategy};
use crate::steps::blind::Blind;
use crate::steps::revision::Revision;
use crate::steps::rollout::ecs::{RollingError, request};
use crate::steps::task_failures::TaskFailures;
use crate::survey::optional;
use crate::undo::{HooksUndo, NativeUndo, ServiceKey, Undo, short};

/// A new deployment may take some looks to be listed.
const LISTED: u32 = 14;
/// One whose start was not answered is given up sooner, and started again.
const LOST: u32 = 6;

impl<'a> Native<'a> {
    /// Updates the service; armed before, adopted when the answer is lost, and checked before traffic moves.
    pub async fn start(
        run: &'a Run,
        settings: &Settings,
        plan: &'a RolloutPlan,
        way: &'a NativeWay,
        revision: &'a Revision,
    ) -> Result<Self, Failure> {
        let body = body(run, settings, plan, way, revision);
        if body.get("deploymentConfiguration").is_some() {
            let strategy = way.configuration.is_some().then(|| configuration::strategy_members(way.present.as_ref()));
            run.arm(Undo::Hooks(HooksUndo { place: plan.place.clone(), strategy, run: Some(run.id.clone()) }));
        }
        let undo = NativeUndo {
            place: plan.place.clone(),
            ours: revision.arn.clone(),
            before: way.known.clone(),
            deployment: None,
            blue: plan.blue.clone(),
            is_first: way.is_first,
            in_place: way.strategy == Strategy::Rolling,
            desired: settings.rollout.desired_count.filter(|count| *count != way.desired).map(|_| way.desired),
        };
        run.arm(Undo::Native(undo.clone()));
        let deployment = match update(run, &body).await? {
            Sent::Answered => listed(run, plan, way, revision, LISTED).await?,
            Sent::Lost => after_lost(run, plan, way, revision, &body).await?,
        };
        run.narrow(Undo::Native(NativeUndo { deployment: Some(deployment.arn.clone()), ..undo }));
        let native = Self::attach(run, plan, way, revision, &deployment, false);
        native.has_its_pauses(&deployment)?;
        native.is_alone().await?;
        Ok(native)
    }

    /// Follows a deployment that is there already; its undo is the caller's business.
    pub fn attach(
        run: &'a Run,
        plan: &'a RolloutPlan,
        way: &'a NativeWay,
        revision: &'a Revision,
        deployment: &ServiceDeployment,
        found: bool,
    ) -> Self {
        let partition = run.aws.partition();
        let console = format!(
            "https://{}/ecs/v2/clusters/{}/services/{}/deployments/{}?region={}",
            partition.console(),
            plan.cluster,
            plan.service,
            deployment.id(),
            partition.region()
        );
        let service_deployment = Some(deployment.arn.clone());
        run.tell(Event::RolloutStarted { deployment: deployment.id().to_owned(), service_deployment, console, codedeploy: false, found });
        Self {
            run,
            plan,
            way,
            revision,
            arn: deployment.arn.clone(),
            green: None,
            looks: 0,
            answered: BTreeMap::new(),
            waiting: None,
            pauses: configuration::all_paused_stages(&deployment.deployment_configuration),
            timeout_minutes: configuration::pause_of(&deployment.deployment_configuration),
            is_green_passed: false,
            is_production_passed: false,
            blind: Blind::default(),
            witness: None,
            task_failures: TaskFailures::default(),
            shared_looks: 0,
        }
    }

    /// A deployment that somebody else began between our look at the service and our update: ours may be queued behind it, and what
    /// serves when ours comes is not the blue that we know.
    async fn is_alone(&self) -> Result<(), Failure> {
        let place = &self.plan.place;
        let read = self.run.aws.service_deployments(&place.cluster, &place.service).await;
        let history = optional(self.run, "whether somebody else deployed at the same time is not known", read).unwrap_or_default();
        let goes_on = |status| matches!(status, DeploymentStatus::Going | DeploymentStatus::Successful);
        let other = history.iter().find(|brief| brief.arn != self.arn && !self.way.known.contains(&brief.arn) && goes_on(brief.status()));
        let Some(other) = other else { return Ok(()) };
        let sentence = format!(
            "service deployment {} ({}) was started by somebody else at the same time; ours is taken back",
            short(&other.arn),
            other.word
        );
        Err(Failure::new(Reason::AlreadyRunning, sentence).hint("let one workflow deploy at a time: give it a concurrency group"))
    }

    /// The deployment's own snapshot says what governs it: without its gates it must not reach users.
    fn has_its_pauses(&self, deployment: &ServiceDeployment) -> Result<(), Failure> {
        let there = configuration::all_paused_stages(&deployment.deployment_configuration);
        let missing: BTreeSet<&String> = self.way.pauses.difference(&there).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.into_iter().map(String::as_str).collect::<Vec<_>>();
        let sentence = format!("service deployment {} does not pause at {}, although it was asked to", deployment.id(), missing.join(", "));
        Err(Failure::new(Reason::HooksMissing, sentence).hint(format!(
            "put the hooks into the service's own definition, with manage-hooks: false: {}",
            configuration::snippet(&missing, self.way.pause_minutes)
        )))
    }
}

/// The request; our pause is added where the service's own hooks leave a gate open.
fn body(run: &Run, settings: &Settings, plan: &RolloutPlan, way: &NativeWay, revision: &Revision) -> Value {
    let mut body = request(settings, plan, revision);
    let present = &way.present;
    let theirs = configuration::paused_stages(present.as_ref());
    let stages: Vec<&'static str> = [configuration::GREEN, configuration::STEP, configuration::PRODUCTION]
        .into_iter()
        .filter(|stage| way.pauses.contains(*stage) && !theirs.contains(*stage))
        .collect();
    let (minutes, is_registered) = (way.pause_minutes, revision.registered);
    let pause = (!stages.is_empty()).then(|| Pause { stages, minutes, run: run.id.clone(), is_registered });
    if let Some(changed) = configuration::for_rollout(present.as_ref(), &settings.rollout.strategy, pause.as_ref()) {
        body["deploymentConfiguration"] = changed;
    }
    body
}

/// Whether AWS answered.
enum Sent {
    Answered,
    Lost,
}

/// When the answer is lost, the list of deployments says whether it landed. Sent again after all, the same revision
/// starts nothing twice.
async fn after_lost(
    run: &Run,
    plan: &RolloutPlan,
    way: &NativeWay,
    revision: &Revision,
    body: &Value,
) -> Result<ServiceDeployment, Failure> {
    if let Ok(found) = listed(run, plan, way, revision, LOST).await {
        return Ok(found);
    }
    run.aws.update_service(body).await.map_err(RollingError::from)?;
    listed(run, plan, way, revision, LISTED).await
}

/// Sent once.
async fn update(run: &Run, body: &Value) -> Result<Sent, Failure> {
    match run.aws.update_service(body).await {
        Ok(_) => Ok(Sent::Answered),
        Err(error) if error.may_have_landed() => {
            run.tell(Event::Noted { sentence: format!("{error}; looking whether the deployment was started all the same") });
            Ok(Sent::Lost)
        }
        Err(error) => {
            run.disarm_newest();
            Err(RollingError::from(error).into())
        }
    }
}

async fn listed(run: &Run, plan: &RolloutPlan, way: &NativeWay, revision: &Revision, looks: u32) -> Result<ServiceDeployment, Failure> {
    let mut easing = Easing::default();
    let mut last = None;
    for _ in 0..looks {
        match find(run, &plan.place, &way.known, &revision.arn).await {
            Ok(Some(deployment)) => return Ok(deployment),
            Ok(None) => {}
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => last = Some(error),
        }
        easing.rest().await;
    }
    let failure = Failure::new(Reason::AwsFailed, "ECS took the update, but no deployment of it appeared");
    Err(last.map_or(failure.clone(), |error| failure.caused_by(error.to_string())))
}

/// The newest service deployment that was not there before and brings our revision.
pub async fn find(run: &Run, place: &ServiceKey, known: &[String], ours: &str) -> Result<Option<ServiceDeployment>, AwsError> {
    let history = run.aws.service_deployments(&place.cluster, &place.service).await?;
    for brief in history.iter().filter(|brief| !known.contains(&brief.arn)) {
        let Some(target) = brief.target_service_revision_arn.clone() else { continue };
        let brings = run.aws.describe_service_revisions(&[target]).await?;
        if brings.iter().any(|revision| revision.task_definition == ours) {
            return run.aws.describe_service_deployment(&brief.arn).await;
        }
    }
    Ok(None)
}

/// What an update of the configuration alone looks like: it starts no deployment.
pub fn configuration_request(place: &ServiceKey, changed: &Value) -> Value {
    json!({ "cluster": place.cluster, "service": place.service, "deploymentConfiguration": changed })
}
