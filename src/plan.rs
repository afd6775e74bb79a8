//! PURE: Settings and one look at AWS → Plan, or every reason why not. Nothing is left to choose afterwards.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::aws::codedeploy::{Group, ReadyWait};
use crate::aws::ecs_shapes::{Controller, Service, TaskSet};
use crate::documents::app_spec::CapacityProvider;
use crate::documents::network::Network;
use crate::documents::task_definition::TaskDefinition;
use crate::documents::{app_spec, clean, described, render};
use crate::error::Failure;
use crate::problem::Problem;
use crate::settings::{AppSpecSource, DefinitionSource, Follow, Mode, Settings, Strategy};
use crate::survey::{Registered, Snapshot};
use crate::undo::{Blue, ServiceKey, short};

mod native;
mod refuse;
mod running;
#[cfg(test)]
mod tests;

pub use running::undo_of;

/// What will be done.
#[derive(Debug)]
pub struct Plan {
    /// The definition to register, but for the image.
    pub definition: Value,
    /// The containers that get the image.
    pub image_containers: Vec<String>,
    /// The registered revisions the definition is compared with, the one that serves first.
    pub comparable: Vec<Registered>,
    /// Where it is rolled out.
    pub rollout: Option<RolloutPlan>,
    /// Lines for the log.
    pub lines: Vec<String>,
    /// Things the user should know.
    pub warnings: Vec<String>,
}

/// A rollout of a service.
#[derive(Debug)]
pub struct RolloutPlan {
    /// The service.
    pub place: ServiceKey,
    /// The cluster's name, for ids and links.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// What serves now.
    pub blue: Blue,
    /// How many tasks serve now.
    pub tasks: i64,
    /// How long it is followed.
    pub deadline: Duration,
    /// Who performs it.
    pub way: Way,
}

/// Who performs the rollout, and what that needs.
#[derive(Debug)]
pub enum Way {
    /// CodeDeploy.
    CodeDeploy(Box<CodeDeployWay>),
    /// ECS, rolling.
    Rolling(RollingWay),
    /// ECS, with weights and gates.
    Native(Box<NativeWay>),
}

impl RolloutPlan {
    /// The controller, in the words of the documentation.
    pub fn controller(&self) -> &'static str {
        match &self.way {
            Way::CodeDeploy(_) => "codedeploy",
            Way::Rolling(_) => "ecs, rolling",
            Way::Native(way) => match way.strategy {
                Strategy::Rolling => "ecs, rolling",
                Strategy::BlueGreen => "ecs, blue-green",
                Strategy::Canary => "ecs, canary",
                Strategy::Linear => "ecs, linear",
            },
        }
    }
}

/// A CodeDeploy deployment.
#[derive(Debug)]
pub struct CodeDeployWay {
    /// The group.
    pub group: Group,
    /// The AppSpec, all but the revision.
    pub app_spec: AppSpecPlan,
    /// What is owed at the gate.
    pub gate: Gate,
}

/// Where the AppSpec comes from.
#[derive(Debug)]
pub enum AppSpecPlan {
    /// The user's.
    Given(Value),
    /// Built from the service.
    Built(BuiltParts),
}

/// What a built AppSpec repeats of the service.
#[derive(Debug, Clone)]
pub struct BuiltParts {
    /// The load-balanced container.
    pub container: String,
    /// Its port.
    pub port: u16,
    /// Fargate platform, where the service names one.
    pub platform_version: Option<String>,
    /// Capacity providers, where the service uses them.
    pub capacity_providers: Vec<CapacityProvider>,
    /// The tasks' network.
    pub network: Option<Network>,
}

/// What is owed at the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Green is tested here, before anyone reaches it.
    Test,
    /// The rollout waits, but there is nothing to test.
    Pass,
    /// The rollout does not wait.
    Absent,
}

/// A rolling deployment.
#[derive(Debug)]
pub struct RollingWay {
    /// Deployments there are before ours.
    pub before: Vec<String>,
    /// Wanted tasks before.
    pub desired: i32,
}

/// A deployment of ECS's own, with weights and gates.
#[derive(Debug, Clone)]
pub struct NativeWay {
    /// How traffic moves.
    pub strategy: Strategy,
    /// What traffic goes through.
    pub balancer: Balancer,
    /// The configuration that goes with the UpdateService; none when it is as it should be.
    pub configuration: Option<Value>,
    /// The configuration before.
    pub present: Option<Value>,
    /// The strategy's members before.
    pub before: Value,
    /// The stages at which it must pause.
    pub pauses: BTreeSet<String>,
    /// How long a pause of ours lasts, in minutes.
    pub pause_minutes: u64,
    /// Service deployments there are before ours.
    pub known: Vec<String>,
    /// Test rules, or listeners.
    pub test: Vec<String>,
    /// Alarms of the service.
    pub alarms: Vec<String>,
    /// Those that ring already.
    pub ringing: Vec<String>,
    /// What is owed at green's gate.
    pub gate: Gate,
    /// Whether there is nothing to go back to.
    pub is_first: bool,
    /// Wanted tasks before.
    pub desired: i32,
    /// Minutes that blue is kept after the shift.
    pub bake_minutes: u64,
}

/// What traffic goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balancer {
    /// An application or network load balancer.
    Load,
    /// Service Connect's proxies.
    ServiceConnect,
    /// Nothing that ECS manages: tasks are exchanged, no traffic is.
    Headless,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Refusal {
    /// Problems with the inputs, or with what they name.
    Problems(Vec<Problem>),
    /// Not now.
    Failure(Failure),
}

/// Makes the plan.
///
/// # Errors
/// Every reason why the run cannot start.
pub fn plan(settings: &Settings, snapshot: &Snapshot) -> Result<Plan, Refusal> {
    let mut problems = refuse::problems(settings, snapshot);
    problems.extend(refuse::unscannable(settings, snapshot));
    // What else could be said about a definition that cannot be made would only repeat why.
    let Some((definition, notes)) = keep(&mut problems, definition(settings, snapshot)) else { return Err(Refusal::Problems(problems)) };
    let image_containers = keep(&mut problems, image_containers(settings, &definition)).unwrap_or_default();
    let rollout = keep(&mut problems, rollout(settings, snapshot, Some(&definition))).flatten();
    problems.extend(
        settings
            .task
            .iter()
            .flat_map(|asked| crate::documents::overrides::check_container_overrides(&asked.overrides, TaskDefinition(&definition))),
    );
    if !problems.is_empty() {
        return Err(Refusal::Problems(problems));
    }
    refuse::not_now(settings, snapshot).map_err(Refusal::Failure)?;
    let mut warnings = refuse::warnings(settings, snapshot);
    warnings.extend(notes);
    let lines = lines(settings, snapshot, rollout.as_ref());
    Ok(Plan { definition, image_containers, comparable: comparable(settings, snapshot), rollout, lines, warnings })
}

fn keep<T>(problems: &mut Vec<Problem>, result: Result<T, Vec<Problem>>) -> Option<T> {
    result.map_err(|found| problems.extend(found)).ok()
}

/// A service's live revision first; the family's newest is what a run that was cut short had registered.
/// A rollback brings the very revision, unless it is not registered any more.
fn comparable(settings: &Settings, snapshot: &Snapshot) -> Vec<Registered> {
    let is_active = |registered: &&Registered| registered.answer["taskDefinition"]["status"] != "INACTIVE";
    let target = snapshot.base.iter().filter(|_| settings.mode == Mode::Rollback);
    target.chain(&snapshot.live).chain(&snapshot.newest).filter(is_active).cloned().collect()
}

/// The definition with every change but the image, cleaned; and what to say about it.
fn definition(settings: &Settings, snapshot: &Snapshot) -> Result<(Value, Vec<String>), Vec<Problem>> {
    let source = match &settings.definition.source {
        DefinitionSource::File(value) => value.clone(),
        DefinitionSource::Registered(_) => described::from_described(&required(snapshot.base.as_ref())?.answer),
        DefinitionSource::Live => described::from_described(&required(snapshot.live.as_ref())?.answer),
    };
    let cleaned = clean::clean(&source, &settings.definition.kept);
    let rendered = render::render(&cleaned.definition, &settings.definition.changes)?;
    let ignored = cleaned.ignored.iter().map(|property| clean::ignored_warning(property));
    let notes = ignored.chain(cleaned.notes.iter().map(ToString::to_string)).collect();
    Ok((rendered, notes))
}

/// The survey has said already why it could not be read.
fn required(registered: Option<&Registered>) -> Result<&Registered, Vec<Problem>> {
    registered.ok_or_else(|| vec![Problem::new("task-definition", "there is none to start from", "set task-definition, or service")])
}

fn image_containers(settings: &Settings, definition: &Value) -> Result<Vec<String>, Vec<Problem>> {
    match settings.image {
        Some(_) => {
            render::choose(TaskDefinition(definition), &settings.definition.changes.containers, settings.definition.changes.container_input)
        }
        None => Ok(Vec::new()),
    }
}

/// The plan of a rollout that is in progress already: nothing is made, so no definition is needed.
///
/// # Errors
/// Every reason why it cannot be followed.
pub fn attached(settings: &Settings, snapshot: &Snapshot) -> Result<Option<RolloutPlan>, Vec<Problem>> {
    let problems = refuse::problems(settings, snapshot);
    if problems.is_empty() { rollout(settings, snapshot, None) } else { Err(problems) }
}

fn rollout(settings: &Settings, snapshot: &Snapshot, definition: Option<&Value>) -> Result<Option<RolloutPlan>, Vec<Problem>> {
    let Some(service) = &snapshot.service else { return Ok(None) };
    let way = match service.controller() {
        Controller::CodeDeploy => codedeploy(settings, snapshot, service, definition)?,
        Controller::Ecs(word) => match native::way(settings, snapshot, service, &word)? {
            Some(way) => Way::Native(Box::new(way)),
            None => Way::Rolling(rolling(service)),
        },
        Controller::Other(_) => return Ok(None),
    };
    Ok(Some(RolloutPlan {
        place: ServiceKey { cluster: settings.cluster.clone(), service: settings.service.clone().unwrap_or_default() },
        cluster: service.cluster_name().to_owned(),
        service: service.service_name.clone(),
        blue: blue(snapshot, service),
        tasks: service.running_count,
        deadline: deadline(settings, snapshot, &way),
        way,
    }))
}

fn blue(snapshot: &Snapshot, service: &Service) -> Blue {
    if let Some(revision) = snapshot.native.as_ref().and_then(|native| native.blue.as_ref()) {
        return Blue {
            revision: revision.task_definition.clone(),
            task_set: None,
            target_groups: revision.target_groups(),
            listeners: Some(revision.production_rules()).filter(|rules| !rules.is_empty()).unwrap_or_else(|| service.production_rules()),
        };
    }
    let primary = blue_set(snapshot, service);
    Blue {
        revision: primary.map_or_else(|| good_revision(service), |set| &set.task_definition).to_owned(),
        task_set: primary.map(|set| set.id.clone()),
        target_groups: primary.map(TaskSet::target_groups).unwrap_or_default(),
        listeners: snapshot.group.as_ref().map(|group| group.production.clone()).unwrap_or_default(),
    }
}

/// The primary task set, unless that is what a deployment in progress has brought: then it is the one beside it.
fn blue_set<'s>(snapshot: &Snapshot, service: &'s Service) -> Option<&'s TaskSet> {
    let brought = |set: &TaskSet| snapshot.running.as_ref().is_some_and(|running| set.external_id.as_deref() == Some(running.id.as_str()));
    let beside = service.task_sets.iter().find(|set| !brought(set) && set.status != "DRAINING");
    service.primary_task_set().filter(|set| !brought(set)).or(beside)
}

/// What a rolling service would go back to: the revision of a deployment that was completed, not one that is still
/// on its way or was given up.
fn good_revision(service: &Service) -> &str {
    let completed = service.deployments.iter().find(|deployment| deployment.is_completed());
    completed.map_or(service.revision(), |deployment| &deployment.task_definition)
}

fn codedeploy(settings: &Settings, snapshot: &Snapshot, service: &Service, definition: Option<&Value>) -> Result<Way, Vec<Problem>> {
    let Some(group) = snapshot.group.clone() else { return Err(Vec::new()) };
    let gate = match group.ready_wait {
        ReadyWait::Continue => Gate::Absent,
        ReadyWait::Minutes(_) if settings.checks.suite.is_some() && settings.checks.test_url.is_some() => Gate::Test,
        ReadyWait::Minutes(_) => Gate::Pass,
    };
    let app_spec = match definition {
        Some(definition) => app_spec_plan(settings, service, definition)?,
        None => AppSpecPlan::Given(Value::Null),
    };
    Ok(Way::CodeDeploy(Box::new(CodeDeployWay { group, app_spec, gate })))
}

fn app_spec_plan(settings: &Settings, service: &Service, definition: &Value) -> Result<AppSpecPlan, Vec<Problem>> {
    match &settings.rollout.app_spec {
        AppSpecSource::File { spec } => {
            let problems = app_spec::check_against(spec, TaskDefinition(definition), "codedeploy-appspec");
            if problems.is_empty() { Ok(AppSpecPlan::Given(spec.clone())) } else { Err(problems) }
        }
        AppSpecSource::Unusable(problems) => Err(problems.clone()),
        AppSpecSource::Built => Ok(AppSpecPlan::Built(built(service, definition)?)),
    }
}

/// The facts of the service that an AppSpec repeats, taken from the task set that serves.
fn built(service: &Service, definition: &Value) -> Result<BuiltParts, Vec<Problem>> {
    let primary = service.primary_task_set();
    let balancers = primary.map_or(&service.load_balancers, |set| &set.load_balancers);
    let balancer = balancers
        .iter()
        .chain(&service.load_balancers)
        .find_map(|balancer| Some((balancer.container_name.clone()?, balancer.container_port?)));
    let (container, port) = balancer.ok_or_else(|| {
        vec![Problem::new(
            "codedeploy-appspec",
            "it cannot be built: the service names no load-balanced container",
            "set codedeploy-appspec",
        )]
    })?;
    if TaskDefinition(definition).container(&container).is_none() {
        let there = TaskDefinition(definition).container_names();
        let message = format!("the service's load balancer needs container `{container}`, but the definition has {there}");
        return Err(vec![Problem::new("task-definition", message, "name the container as the service does, or set codedeploy-appspec")]);
    }
    let network = primary.and_then(|set| set.network_configuration.as_ref()).or(service.network_configuration.as_ref());
    let providers = primary.and_then(|set| set.capacity_provider_strategy.as_ref()).or(service.capacity_provider_strategy.as_ref());
    Ok(BuiltParts {
        container,
        port,
        platform_version: primary.and_then(|set| set.platform_version.clone()).or_else(|| service.platform_version.clone()),
        capacity_providers: providers.map(CapacityProvider::list).unwrap_or_default(),
        network: network.and_then(Network::from_value),
    })
}

fn rolling(service: &Service) -> RollingWay {
    RollingWay {
        before: service.deployments.iter().map(|deployment| deployment.id.clone()).collect(),
        desired: i32::try_from(service.desired_count).unwrap_or(i32::MAX),
    }
}

/// What the user allows, and what the group itself waits on top; six hours is the longest job GitHub runs.
fn deadline(settings: &Settings, snapshot: &Snapshot, way: &Way) -> Duration {
    const LONGEST: Duration = Duration::from_hours(6);
    let minutes = match way {
        Way::Rolling(_) => 0,
        Way::Native(way) => native::minutes(settings, way),
        Way::CodeDeploy(way) => {
            let ready = match way.group.ready_wait {
                ReadyWait::Minutes(minutes) => i64::from(minutes),
                ReadyWait::Continue => 0,
            };
            let termination = if settings.rollout.follow == Follow::Completed { i64::from(way.group.termination_minutes) } else { 0 };
            ready + termination + snapshot.shift_minutes
        }
    };
    let waits = Duration::from_mins(u64::try_from(minutes).unwrap_or(0));
    settings.rollout.deadline.unwrap_or_else(|| (settings.rollout.wait + waits).min(LONGEST))
}

fn lines(settings: &Settings, snapshot: &Snapshot, rollout: Option<&RolloutPlan>) -> Vec<String> {
    let Some(rollout) = rollout else { return vec!["no service is given: the definition is registered, no traffic is touched".into()] };
    let mut lines = vec![format!("{} serves with {} tasks", short(&rollout.blue.revision), rollout.tasks)];
    match &rollout.way {
        Way::Rolling(_) => lines.push("ECS replaces the tasks (rolling)".into()),
        Way::Native(way) => lines.extend(native::lines(way)),
        Way::CodeDeploy(way) => lines.extend(codedeploy_lines(settings, snapshot, way)),
    }
    lines
}

fn codedeploy_lines(settings: &Settings, snapshot: &Snapshot, way: &CodeDeployWay) -> Vec<String> {
    let config = settings.rollout.config.as_deref().or(way.group.config.as_deref()).unwrap_or("the group's configuration");
    let gate = match way.gate {
        Gate::Test => "green is tested before users reach it",
        Gate::Pass => "green is not tested before users reach it (no smoke-tests with test-url)",
        Gate::Absent => "the group shifts traffic as soon as green is up",
    };
    let shift = if snapshot.shift_minutes > 0 { format!(", about {} min", snapshot.shift_minutes) } else { String::new() };
    vec![
        gate.to_owned(),
        format!("CodeDeploy shifts traffic with {config}{shift}"),
        format!("blue is kept for {} min after the shift", way.group.termination_minutes),
    ]
}
