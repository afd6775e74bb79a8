//! ECS's answers, as far as decisions need them. Statuses stay in AWS's spelling until they are
//! compared here.
//!
//! One file, because the types contain each other: a service has deployments, task sets and load
//! balancers.

use serde::Deserialize;
use serde_json::Value;

use super::ecs::PAUSE_TAG;
use crate::documents::deployment_configuration::Pause;
use crate::identity::{
    ClusterName, DeploymentId, RevisionArn, RollingDeploymentId, ServiceArn, ServiceDeploymentArn,
    ServiceName, ServiceRevisionArn, TargetGroupArn, TaskArn, TaskSetId,
};

/// What performs the service's deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentController {
    /// CodeDeploy, blue/green.
    CodeDeploy,
    /// ECS itself, with the strategy's name (`ROLLING` when AWS gives none).
    Ecs(String),
    /// Another controller, in AWS's spelling, such as `EXTERNAL`.
    Other(String),
}

/// An ECS service as DescribeServices shows it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// The service's ARN.
    pub service_arn: ServiceArn,
    /// The service's name.
    pub service_name: ServiceName,
    /// The cluster's ARN.
    pub cluster_arn: ClusterName,
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: String,
    /// The number of tasks that it should have.
    pub desired_count: i64,
    /// The number of running tasks.
    pub running_count: i64,
    /// The revision of the service itself; under CodeDeploy that of the primary task set.
    pub task_definition: RevisionArn,
    /// FARGATE, EC2 or EXTERNAL.
    pub launch_type: Option<String>,
    /// The Fargate platform version.
    pub platform_version: Option<String>,
    /// The capacity provider strategy as AWS returns it.
    pub capacity_provider_strategy: Option<Value>,
    /// The network configuration as AWS returns it.
    pub network_configuration: Option<Value>,
    /// Load balancers of a rolling service.
    pub load_balancers: Vec<LoadBalancer>,
    /// Deployments of a rolling service, newest first.
    pub deployments: Vec<RollingDeployment>,
    /// Task sets of a CodeDeploy service.
    pub task_sets: Vec<TaskSet>,
    /// Messages of the service, newest first.
    pub events: Vec<ServiceEvent>,
    /// The newest deployment under the ECS controller.
    pub current_service_deployment: Option<ServiceDeploymentArn>,
    /// The service revisions that have tasks, under the ECS controller.
    pub current_service_revisions: Vec<CurrentRevision>,
    /// The deployment configuration as AWS returns it.
    pub deployment_configuration: Option<Value>,
    /// AWS's whole answer about the service; `null` unless it was described.
    #[serde(skip)]
    pub answer: Value,
    tags: Vec<Tag>,
    resource_management_type: Option<String>,
    deployment_controller: Option<ControllerType>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Tag {
    key: String,
    value: String,
}

/// A service revision that has tasks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CurrentRevision {
    /// The service revision's ARN.
    pub arn: ServiceRevisionArn,
}

#[derive(Debug, Clone, Deserialize)]
struct ControllerType {
    #[serde(rename = "type")]
    kind: String,
}

/// The circuit breaker of rolling deployments.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct CircuitBreaker {
    /// Whether it is on.
    pub enable: bool,
    /// Whether it rolls back when it triggers.
    pub rollback: bool,
    threshold_configuration: Option<Threshold>,
}

#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
struct Threshold {
    #[serde(rename = "type")]
    kind: String,
    value: Option<i64>,
}

/// A target group, with the container of the service that is registered in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancer {
    /// The target group's ARN.
    pub target_group_arn: Option<TargetGroupArn>,
    /// The container's name.
    pub container_name: Option<String>,
    /// The container's port.
    pub container_port: Option<u16>,
    /// What ECS needs to shift traffic between two target groups.
    pub advanced_configuration: Option<AdvancedConfiguration>,
}

/// How ECS shifts traffic at a load balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdvancedConfiguration {
    /// The ARN of the other target group.
    pub alternate_target_group_arn: Option<TargetGroupArn>,
    /// A rule, or the listener of a network load balancer.
    pub production_listener_rule: Option<String>,
    /// The rule or listener for test traffic.
    pub test_listener_rule: Option<String>,
    /// The role by which ECS changes listeners.
    pub role_arn: Option<String>,
}

/// A deployment of a rolling service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RollingDeployment {
    /// `ecs-svc/…`.
    pub id: RollingDeploymentId,
    /// PRIMARY, ACTIVE or INACTIVE.
    pub status: String,
    /// The revision it deploys.
    pub task_definition: RevisionArn,
    /// The number of tasks that it should have.
    pub desired_count: i64,
    /// The number of running tasks.
    pub running_count: i64,
    /// Tasks that failed to start.
    pub failed_tasks: i64,
    /// IN_PROGRESS, COMPLETED or FAILED; absent with old services.
    pub rollout_state: Option<String>,
    /// AWS's reason for the state.
    pub rollout_state_reason: Option<String>,
    /// When it was created, in seconds since 1970.
    pub created_at: f64,
}

/// A task set of a CodeDeploy service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskSet {
    /// `ecs-svc/…`.
    pub id: TaskSetId,
    /// The task set's ARN.
    pub task_set_arn: String,
    /// The id of the CodeDeploy deployment that created it.
    pub external_id: Option<DeploymentId>,
    /// PRIMARY, ACTIVE or DRAINING.
    pub status: String,
    /// The revision of its tasks.
    pub task_definition: RevisionArn,
    /// The number of tasks that it should have.
    pub computed_desired_count: i64,
    /// The number of running tasks.
    pub running_count: i64,
    /// Its target groups.
    pub load_balancers: Vec<LoadBalancer>,
    /// The network configuration as AWS returns it.
    pub network_configuration: Option<Value>,
    /// The capacity provider strategy as AWS returns it.
    pub capacity_provider_strategy: Option<Value>,
    /// The Fargate platform version.
    pub platform_version: Option<String>,
    /// FARGATE, EC2 or EXTERNAL.
    pub launch_type: Option<String>,
    /// When it was created, in seconds since 1970.
    pub created_at: f64,
}

/// A message of the service.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ServiceEvent {
    /// The message in AWS's words.
    pub message: String,
}

/// A task as DescribeTasks shows it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Task {
    /// The task's ARN.
    pub task_arn: TaskArn,
    /// The revision it runs.
    pub task_definition_arn: RevisionArn,
    /// PROVISIONING … STOPPED.
    pub last_status: String,
    /// Why it stopped, in AWS's words.
    pub stopped_reason: Option<String>,
    /// AWS's code for the reason, such as `EssentialContainerExited`.
    pub stop_code: Option<String>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// When it was created, in seconds since 1970.
    pub created_at: f64,
    /// What started it: a deployment's or task set's id, for a task of a service.
    pub started_by: Option<String>,
    /// `service:NAME`, `family:NAME`, or what RunTask was given.
    pub group: Option<String>,
    /// What RunTask changed about the revision.
    pub overrides: TaskOverrides,
}

/// What RunTask changed about a revision.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskOverrides {
    /// By container.
    pub container_overrides: Vec<ContainerOverride>,
}

/// What RunTask changed about a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerOverride {
    /// The container's name.
    pub name: String,
    /// The words of its command.
    pub command: Vec<String>,
}

/// A container of a task.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// The container's name.
    pub name: String,
    /// The exit code; none when it did not run.
    pub exit_code: Option<i32>,
    /// Why it stopped, where AWS gives a reason.
    pub reason: Option<String>,
    /// The image, as the definition names it.
    pub image: Option<String>,
    /// The image's digest, once it was pulled.
    pub image_digest: Option<String>,
}

impl Service {
    /// What performs the service's deployments.
    pub fn controller(&self) -> DeploymentController {
        match self
            .deployment_controller
            .as_ref()
            .map(|controller| controller.kind.as_str())
        {
            Some("CODE_DEPLOY") => DeploymentController::CodeDeploy,
            None | Some("" | "ECS") => DeploymentController::Ecs(self.strategy()),
            Some(other) => DeploymentController::Other(other.to_owned()),
        }
    }

    fn strategy(&self) -> String {
        self.configuration_member("strategy")
            .and_then(Value::as_str)
            .unwrap_or("ROLLING")
            .to_owned()
    }

    fn configuration_member(&self, member: &str) -> Option<&Value> {
        self.deployment_configuration
            .as_ref()?
            .get(member)
            .filter(|value| !value.is_null())
    }

    /// The circuit breaker; off when AWS returns none.
    pub fn circuit_breaker(&self) -> CircuitBreaker {
        let breaker = self
            .configuration_member("deploymentCircuitBreaker")
            .cloned();
        breaker
            .and_then(|breaker| serde_json::from_value(breaker).ok())
            .unwrap_or_default()
    }

    /// How many failed tasks its circuit breaker tolerates; none when it is off.
    pub fn tolerated_failures(&self) -> Option<i64> {
        let breaker = self.circuit_breaker();
        breaker
            .enable
            .then(|| breaker.threshold(self.desired_count))
    }

    /// The alarms that make ECS stop one of its own deployments.
    pub fn alarms(&self) -> Vec<String> {
        let Some(alarms) = self
            .configuration_member("alarms")
            .filter(|alarms| alarms["enable"] == Value::Bool(true))
        else {
            return Vec::new();
        };
        alarms["alarmNames"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    }

    /// Whether it is an Express service: ECS manages its load balancer and its deployment
    /// configuration.
    pub fn is_express(&self) -> bool {
        self.resource_management_type.as_deref() == Some("ECS")
    }

    /// The PAUSE hook of ours that the service's tag describes.
    pub fn tagged_pause(&self) -> Option<Pause> {
        self.tag(PAUSE_TAG).and_then(Pause::from_tag)
    }

    /// Whether it has that tag, with any value.
    pub fn has_pause_tag(&self) -> bool {
        self.tag(PAUSE_TAG).is_some()
    }

    /// The value of a tag, where it has the tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        let mut tags = self.tags.iter();
        tags.find(|tag| tag.key == key)
            .map(|tag| tag.value.as_str())
    }

    /// Whether a deployment of it is in progress, or blue is still kept.
    pub fn is_changing(&self) -> bool {
        let is_beside = |set: &TaskSet| set.status == "ACTIVE";
        let is_in_progress =
            |primary: &RollingDeployment| primary.rollout_state.as_deref() == Some("IN_PROGRESS");
        self.task_sets.iter().any(is_beside)
            || self.primary_deployment().is_some_and(is_in_progress)
    }

    /// The production rules (or listeners) of its load balancers.
    pub fn production_rules(&self) -> Vec<String> {
        self.advanced_configurations()
            .filter_map(|advanced| advanced.production_listener_rule.clone())
            .collect()
    }

    /// The test rules (or listeners) of its load balancers.
    pub fn test_rules(&self) -> Vec<String> {
        self.advanced_configurations()
            .filter_map(|advanced| advanced.test_listener_rule.clone())
            .collect()
    }

    /// The roles by which ECS changes listeners.
    pub fn infrastructure_roles(&self) -> impl Iterator<Item = &str> {
        self.advanced_configurations()
            .filter_map(|advanced| advanced.role_arn.as_deref())
    }

    fn advanced_configurations(&self) -> impl Iterator<Item = &AdvancedConfiguration> {
        self.load_balancers
            .iter()
            .filter_map(|balancer| balancer.advanced_configuration.as_ref())
    }

    /// Whether it accepts deployments.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    /// The task set that serves production.
    pub fn primary_task_set(&self) -> Option<&TaskSet> {
        self.task_sets.iter().find(|set| set.is_primary())
    }

    /// The deployment that ECS is moving the service to.
    pub fn primary_deployment(&self) -> Option<&RollingDeployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.status == "PRIMARY")
    }

    /// Whether all of its running tasks are of one revision, and ECS is not moving it to another.
    pub fn runs_only(&self, revision: &RevisionArn) -> bool {
        let is_primary = self.primary_deployment().is_some_and(|primary| {
            primary.task_definition == *revision && primary.running_count > 0
        });
        is_primary
            && self
                .deployments
                .iter()
                .all(|other| other.task_definition == *revision || other.running_count == 0)
    }

    /// The revision that serves when nothing is in progress.
    pub fn revision(&self) -> &RevisionArn {
        self.primary_task_set()
            .map_or(&self.task_definition, |set| &set.task_definition)
    }

    /// Running tasks of a revision; none where the service does not count tasks by revision.
    pub fn running_tasks_of(&self, revision: &RevisionArn) -> Option<i64> {
        let sets = self
            .task_sets
            .iter()
            .map(|set| (&set.task_definition, set.running_count));
        let deployments = self
            .deployments
            .iter()
            .map(|deployment| (&deployment.task_definition, deployment.running_count));
        let running_counts = sets
            .chain(deployments)
            .filter(|(task_definition, _)| *task_definition == revision)
            .map(|(_, running)| running);
        running_counts.reduce(|sum, running| sum + running)
    }

    /// ARNs of the target groups that the service names. Which one serves alternates, except with
    /// rolling deployments.
    pub fn target_groups(&self) -> Vec<TargetGroupArn> {
        self.load_balancers
            .iter()
            .filter_map(|balancer| balancer.target_group_arn.clone())
            .collect()
    }

    /// ARNs of the same target groups and of their alternates.
    pub fn all_target_groups(&self) -> Vec<TargetGroupArn> {
        let alternate = self
            .advanced_configurations()
            .filter_map(|advanced| advanced.alternate_target_group_arn.clone());
        self.target_groups().into_iter().chain(alternate).collect()
    }

    /// The cluster's name.
    pub fn cluster_name(&self) -> &str {
        crate::aws::arn::short_name(&self.cluster_arn)
    }
}

impl CircuitBreaker {
    /// The formula of the developer guide: half of the desired tasks, at least 3 and at most 200,
    /// unless the service sets another threshold.
    fn threshold(&self, desired: i64) -> i64 {
        const HALF: i64 = 50;
        let (kind, value) = match &self.threshold_configuration {
            Some(threshold) => (threshold.kind.as_str(), threshold.value),
            None => ("", None),
        };
        let share = (desired.saturating_mul(value.unwrap_or(HALF)) + 99) / 100;
        match (kind, value) {
            ("COUNT", Some(count)) => count,
            ("UNBOUNDED_PERCENT", _) => share,
            _ => share.clamp(3, 200),
        }
    }
}

impl TaskSet {
    /// Whether it serves production.
    pub fn is_primary(&self) -> bool {
        self.status == "PRIMARY"
    }

    /// Its target groups' ARNs.
    pub fn target_groups(&self) -> Vec<TargetGroupArn> {
        self.load_balancers
            .iter()
            .filter_map(|balancer| balancer.target_group_arn.clone())
            .collect()
    }
}

impl RollingDeployment {
    /// Whether ECS reports it as COMPLETED.
    pub fn is_completed(&self) -> bool {
        self.rollout_state.as_deref() == Some("COMPLETED")
    }

    /// Whether ECS reports it as FAILED.
    pub fn is_failed(&self) -> bool {
        self.rollout_state.as_deref() == Some("FAILED")
    }
}

impl Task {
    /// Whether its status is STOPPED.
    pub fn is_stopped(&self) -> bool {
        self.last_status == "STOPPED"
    }

    /// Whether it stopped because an essential container exited by itself.
    pub fn has_ended_by_itself(&self) -> bool {
        self.stop_code.as_deref() == Some("EssentialContainerExited")
    }

    /// Whether its containers may have been started.
    pub fn may_have_started(&self) -> bool {
        !matches!(
            self.last_status.as_str(),
            "PROVISIONING" | "PENDING" | "ACTIVATING"
        )
    }

    /// The task's id, the last part of its ARN.
    pub fn id(&self) -> &str {
        crate::aws::arn::short_name(&self.task_arn)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tolerated_failures_of(desired: i64, breaker: &Value) -> Option<i64> {
        let configuration = json!({ "deploymentCircuitBreaker": breaker });
        Service {
            desired_count: desired,
            deployment_configuration: Some(configuration),
            ..Service::default()
        }
        .tolerated_failures()
    }

    #[test]
    fn a_circuit_breaker_bears_what_the_service_says() {
        let on = |threshold: Value| json!({ "enable": true, "rollback": true, "resetOnHealthyTask": true, "thresholdConfiguration": threshold });
        assert_eq!(
            tolerated_failures_of(20, &json!({ "enable": false, "rollback": false })),
            None
        );
        assert_eq!(
            tolerated_failures_of(1, &json!({ "enable": true, "rollback": false })),
            Some(3)
        );
        assert_eq!(
            tolerated_failures_of(21, &on(json!({ "type": "BOUNDED_PERCENT", "value": 50 }))),
            Some(11)
        );
        assert_eq!(tolerated_failures_of(1000, &on(Value::Null)), Some(200));
        assert_eq!(
            tolerated_failures_of(
                1000,
                &on(json!({ "type": "UNBOUNDED_PERCENT", "value": 30 }))
            ),
            Some(300)
        );
        assert_eq!(
            tolerated_failures_of(20, &on(json!({ "type": "COUNT", "value": 2 }))),
            Some(2)
        );
    }
}
