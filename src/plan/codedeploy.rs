//! PURE: the plan of a deployment that CodeDeploy performs.

use std::time::Duration;

use serde_json::Value;

use super::refuse;
use crate::aws::codedeploy_shapes::{DeploymentGroup, ReadyWait, Routing};
use crate::aws::ecs_shapes::Service;
use crate::choices::Follow;
use crate::documents::app_spec::{self, CapacityProvider};
use crate::documents::network::Network;
use crate::documents::task_definition::TaskDefinition;
use crate::identity::{ApplicationName, DeploymentGroupName};
use crate::problem::Problem;
use crate::rollout_kind::{GatePlan, KeepBlueAdvice, PlannedRollout};
use crate::settings::{AppSpecSource, Settings};
use crate::survey::Snapshot;

/// A CodeDeploy deployment.
#[derive(Debug)]
pub struct CodeDeployPlan {
    /// The names of application and group.
    pub key: GroupKey,
    /// The group.
    pub group: DeploymentGroup,
    /// How it shifts traffic; none if that could not be read.
    pub routing: Option<Routing>,
    /// The deployment configuration, if it is not the group's.
    pub config: Option<String>,
    /// The user's description of the deployment.
    pub description: Option<String>,
    /// The AppSpec without the revision.
    pub app_spec: AppSpecPlan,
    /// What must be done at the gate.
    pub gate: GatePlan,
}

/// The names of a deployment group and its application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupKey {
    /// The application.
    pub application: ApplicationName,
    /// The group.
    pub group: DeploymentGroupName,
}

/// Where the AppSpec comes from.
#[derive(Debug)]
pub enum AppSpecPlan {
    /// The user's.
    Given(Value),
    /// Built from the service.
    Built(BuiltParts),
}

/// What a built AppSpec copies from the service.
#[derive(Debug, Clone)]
pub struct BuiltParts {
    /// The load-balanced container.
    pub container: String,
    /// The container's port.
    pub port: u16,
    /// The Fargate platform version, if the service has one.
    pub platform_version: Option<String>,
    /// Capacity providers, where the service uses them.
    pub capacity_providers: Vec<CapacityProvider>,
    /// The tasks' network.
    pub network: Option<Network>,
}

/// The group that the inputs name, or the default name for the service.
pub(super) fn group_key(settings: &Settings) -> GroupKey {
    GroupKey {
        application: settings.rollout.application.clone(),
        group: settings.rollout.group.clone(),
    }
}

/// The plan of a deployment by the group; without a definition, of one that exists already.
pub(super) fn plan(
    settings: &Settings,
    snapshot: &Snapshot,
    service: &Service,
    definition: Option<&Value>,
) -> Result<CodeDeployPlan, Vec<Problem>> {
    let Some(group) = snapshot.group.clone() else {
        return Err(Vec::new());
    };
    let gate = match group.ready_wait {
        ReadyWait::Continue => GatePlan::Absent,
        ReadyWait::Minutes(_) if settings.checks.tests_green() => GatePlan::Test,
        ReadyWait::Minutes(_) => GatePlan::Pass,
    };
    let app_spec = match definition {
        Some(definition) => plan_app_spec(settings, service, definition)?,
        None => AppSpecPlan::Given(Value::Null),
    };
    Ok(CodeDeployPlan {
        key: self::group_key(settings),
        group,
        routing: snapshot.routing,
        config: settings.rollout.config.clone(),
        description: settings.rollout.description.clone(),
        app_spec,
        gate,
    })
}

fn plan_app_spec(
    settings: &Settings,
    service: &Service,
    definition: &Value,
) -> Result<AppSpecPlan, Vec<Problem>> {
    match &settings.rollout.app_spec {
        AppSpecSource::File { spec } => {
            let problems =
                app_spec::check_against(spec, TaskDefinition(definition), "codedeploy-appspec");
            if problems.is_empty() {
                Ok(AppSpecPlan::Given(spec.clone()))
            } else {
                Err(problems)
            }
        }
        AppSpecSource::Unusable(problems) => Err(problems.clone()),
        AppSpecSource::Built => Ok(AppSpecPlan::Built(build_parts(service, definition)?)),
    }
}

/// What an AppSpec copies from the service, taken from the task set that serves.
fn build_parts(service: &Service, definition: &Value) -> Result<BuiltParts, Vec<Problem>> {
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
        let message = format!(
            "the service's load balancer needs container `{container}`, but the definition has {there}"
        );
        return Err(vec![Problem::new(
            "task-definition",
            message,
            "name the container as the service does, or set codedeploy-appspec",
        )]);
    }
    let network = primary
        .and_then(|set| set.network_configuration.as_ref())
        .or(service.network_configuration.as_ref());
    let providers = primary
        .and_then(|set| set.capacity_provider_strategy.as_ref())
        .or(service.capacity_provider_strategy.as_ref());
    Ok(BuiltParts {
        container,
        port,
        platform_version: primary
            .and_then(|set| set.platform_version.clone())
            .or_else(|| service.platform_version.clone()),
        capacity_providers: providers
            .map(CapacityProvider::parse_list)
            .unwrap_or_default(),
        network: network.and_then(Network::from_value),
    })
}

impl PlannedRollout for CodeDeployPlan {
    fn controller(&self) -> &'static str {
        "codedeploy"
    }

    fn describe(&self, settings: &Settings) -> Vec<String> {
        let config = settings
            .rollout
            .config
            .as_deref()
            .or(self.group.config.as_deref())
            .unwrap_or("the group's configuration");
        let gate = match self.gate {
            GatePlan::Test => super::TESTED,
            GatePlan::Pass => super::UNTESTED,
            GatePlan::Absent => "the group shifts traffic as soon as green is up",
        };
        let shift = self
            .routing
            .map(Routing::shift_minutes)
            .filter(|minutes| *minutes > 0)
            .map(|minutes| format!(", about {minutes} min"))
            .unwrap_or_default();
        vec![
            gate.to_owned(),
            format!("CodeDeploy shifts traffic with {config}{shift}"),
            format!(
                "blue is kept for {} min after the shift",
                self.group.termination_minutes
            ),
        ]
    }

    fn gate(&self) -> GatePlan {
        self.gate
    }

    fn gate_timeout(&self) -> Duration {
        match self.group.ready_wait {
            ReadyWait::Minutes(minutes) => from_minutes(i64::from(minutes)),
            ReadyWait::Continue => Duration::ZERO,
        }
    }

    fn expected_duration(&self, settings: &Settings) -> Duration {
        let termination = if settings.rollout.follow == Follow::Completed {
            i64::from(self.group.termination_minutes)
        } else {
            0
        };
        from_minutes(termination + self.routing.map_or(0, Routing::shift_minutes))
    }

    /// CodeDeploy deployments set no count.
    fn wants_zero_tasks(&self, _asked: Option<i32>) -> bool {
        false
    }

    fn has_blue(&self) -> bool {
        true
    }

    fn blue_kept_for(&self) -> Option<Duration> {
        Some(from_minutes(i64::from(self.group.termination_minutes)))
    }

    fn keep_blue_advice(&self, settings: &Settings, minutes: u64) -> KeepBlueAdvice {
        let command = refuse::keep_blue_command(settings, &self.group, minutes);
        KeepBlueAdvice {
            by: format!("group `{}`", settings.rollout.group),
            remedy: format!("set terminationWaitTimeInMinutes to {minutes} or more: {command}"),
        }
    }

    fn traffic_steps(&self) -> Option<Vec<(f64, Duration)>> {
        let steps = self.routing?.traffic_steps().into_iter();
        Some(
            steps
                .map(|(percent, minutes)| (f64::from(percent), from_minutes(i64::from(minutes))))
                .collect(),
        )
    }

    fn own_settings(&self) -> String {
        format!("{:?} {:?} {:?}", self.key, self.config, self.app_spec)
    }

    fn if_left_alone(&self) -> String {
        let kept = self.group.termination_minutes;
        match self.group.ready_wait {
            ReadyWait::Minutes(minutes) => format!(
                "at its gate CodeDeploy waits {minutes} min and then stops the deployment; past it CodeDeploy continues, and keeps blue for {kept} min after the shift"
            ),
            ReadyWait::Continue => format!(
                "CodeDeploy continues by itself, and keeps blue for {kept} min after the shift"
            ),
        }
    }

    fn is_stepwise(&self) -> bool {
        self.routing
            .is_some_and(|routing| routing.shift_minutes() > 0)
    }

    fn is_all_at_once(&self) -> bool {
        self.routing == Some(Routing::AllAtOnce)
    }

    fn test_listeners(&self) -> &[String] {
        &self.group.test_listeners
    }

    fn no_test_listener_reason(&self) -> &'static str {
        "the deployment group has no test listener"
    }
}

fn from_minutes(minutes: i64) -> Duration {
    Duration::from_mins(u64::try_from(minutes).unwrap_or_default())
}
