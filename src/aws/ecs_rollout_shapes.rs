//! The answers about ECS's own deployments. Statuses and stages stay in AWS's spelling until they
//! are compared here.

use serde::Deserialize;
use serde_json::Value;

use crate::identity::{RevisionArn, ServiceDeploymentArn, ServiceRevisionArn, TargetGroupArn};

/// The status of a service deployment, reduced to what decisions need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentStatus {
    /// PENDING, IN_PROGRESS, or a status that is newer than this action.
    InProgress,
    /// STOP_REQUESTED, ROLLBACK_REQUESTED, ROLLBACK_IN_PROGRESS: being stopped or rolled back.
    RollingBack,
    /// SUCCESSFUL, the only success.
    Successful,
    /// STOPPED: it failed or was replaced, without a rollback.
    Stopped,
    /// ROLLBACK_SUCCESSFUL.
    RolledBack,
    /// ROLLBACK_FAILED.
    RollbackFailed,
}

/// A service deployment as the list shows it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceDeploymentSummary {
    /// The service deployment's ARN.
    #[serde(rename = "serviceDeploymentArn")]
    pub arn: ServiceDeploymentArn,
    /// The status in AWS's spelling.
    #[serde(rename = "status")]
    pub raw_status: String,
    /// The service revision it deploys. (also :87: "What is deployed.")
    pub target_service_revision_arn: Option<ServiceRevisionArn>,
    /// When it was created, in seconds since 1970.
    pub created_at: f64,
    /// When it ended, in seconds since 1970.
    pub finished_at: Option<f64>,
}

impl ServiceDeploymentSummary {
    /// The status as decisions need it.
    pub fn status(&self) -> DeploymentStatus {
        parse_status(&self.raw_status)
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        !matches!(
            self.status(),
            DeploymentStatus::InProgress | DeploymentStatus::RollingBack
        )
    }
}

fn parse_status(word: &str) -> DeploymentStatus {
    match word {
        "SUCCESSFUL" => DeploymentStatus::Successful,
        "STOPPED" => DeploymentStatus::Stopped,
        "ROLLBACK_SUCCESSFUL" => DeploymentStatus::RolledBack,
        "ROLLBACK_FAILED" => DeploymentStatus::RollbackFailed,
        "STOP_REQUESTED" | "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => {
            DeploymentStatus::RollingBack
        }
        // PENDING and IN_PROGRESS. A newer status also counts as in progress.
        _ => DeploymentStatus::InProgress,
    }
}

/// An ECS service deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceDeployment {
    /// The service deployment's ARN.
    #[serde(rename = "serviceDeploymentArn")]
    pub arn: ServiceDeploymentArn,
    /// The status in AWS's spelling.
    #[serde(rename = "status")]
    pub raw_status: String,
    /// AWS's reason for the status.
    pub status_reason: Option<String>,
    /// The lifecycle stage in AWS's spelling.
    pub lifecycle_stage: Option<String>,
    /// The service revisions that served before; empty for a first deployment.
    pub source_service_revisions: Vec<RevisionSummary>,
    /// The service revision it deploys.
    pub target_service_revision: Option<RevisionSummary>,
    /// Hooks of the present stage and of former ones.
    pub lifecycle_hook_details: Vec<HookDetail>,
    /// The configuration that governs this deployment.
    pub deployment_configuration: Value,
    /// The rollback, once it has begun.
    pub rollback: Option<Rollback>,
    /// The state of the circuit breaker.
    pub deployment_circuit_breaker: Option<CircuitBreakerState>,
    /// The state of its alarms.
    pub alarms: Option<ServiceDeploymentAlarms>,
    /// When it was created, in seconds since 1970.
    pub created_at: f64,
}

/// A side of a service deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RevisionSummary {
    /// The service revision's ARN.
    pub arn: ServiceRevisionArn,
    /// The number of tasks that it should have.
    pub requested_task_count: i64,
    /// The number of running tasks.
    pub running_task_count: i64,
    /// Requested test traffic in percent; the actual weight may lag.
    pub requested_test_traffic_weight: Option<f64>,
    /// Requested production traffic in percent; the actual weight may lag.
    pub requested_production_traffic_weight: Option<f64>,
}

/// A hook that was invoked.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HookDetail {
    /// The hook's id, a new one for every pause.
    pub hook_id: String,
    /// AWS_LAMBDA or PAUSE.
    pub target_type: String,
    /// The ARN of the Lambda function; none for a PAUSE hook.
    pub target_arn: Option<String>,
    /// AWAITING_ACTION, IN_PROGRESS, SUCCEEDED, FAILED, TIMED_OUT.
    pub status: String,
    /// When the timeout acts, in seconds since 1970.
    pub expires_at: Option<f64>,
    /// CONTINUE or ROLLBACK.
    pub timeout_action: Option<String>,
}

/// A rollback inside its deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollback {
    /// AWS's reason for the rollback.
    pub reason: Option<String>,
    /// The service revision that it rolls back to.
    pub service_revision_arn: Option<ServiceRevisionArn>,
}

/// The circuit breaker of a deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CircuitBreakerState {
    /// TRIGGERED, MONITORING …
    pub status: String,
}

/// The alarms of a deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceDeploymentAlarms {
    /// DISABLED, MONITORING, MONITORING_COMPLETE, TRIGGERED.
    pub status: String,
    /// The alarms that were in ALARM.
    pub triggered_alarm_names: Vec<String>,
}

/// A service revision, resolved.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceRevision {
    /// The service revision's ARN.
    pub service_revision_arn: ServiceRevisionArn,
    /// The task definition's ARN.
    pub task_definition: RevisionArn,
    /// The images its tasks run.
    pub container_images: Vec<ContainerImage>,
    /// VPC Lattice settings as AWS returns them; empty when the service does not use it.
    pub vpc_lattice_configurations: Vec<Value>,
    /// Settings of the gateway that ECS manages, as AWS returns them.
    pub gateway_connectors: Vec<Value>,
    /// Service Connect, where the service uses it.
    pub service_connect_configuration: Option<ServiceConnect>,
    resolved_configuration: Option<ResolvedConfiguration>,
}

/// An image that a container runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerImage {
    /// The image reference in the task definition.
    pub image: Option<String>,
    /// The digest that was pulled.
    pub image_digest: Option<String>,
}

/// Whether Service Connect is on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceConnect {
    /// Whether it is on.
    pub enabled: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResolvedConfiguration {
    load_balancers: Vec<ResolvedBalancer>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResolvedBalancer {
    target_group_arn: Option<TargetGroupArn>,
    production_listener_rule: Option<String>,
}

impl ServiceDeployment {
    /// The status as decisions need it.
    pub fn status(&self) -> DeploymentStatus {
        parse_status(&self.raw_status)
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        !matches!(
            self.status(),
            DeploymentStatus::InProgress | DeploymentStatus::RollingBack
        )
    }

    /// Whether it is rolling back although there is no revision to roll back to: no deployment of
    /// the service was ever completed.
    pub fn rolls_back_to_nothing(&self) -> bool {
        self.raw_status == "ROLLBACK_IN_PROGRESS"
            && self
                .rollback
                .as_ref()
                .is_some_and(|rollback| rollback.service_revision_arn.is_none())
    }

    /// The service revision it deploys.
    pub fn target_revision(&self) -> ServiceRevisionArn {
        self.target_service_revision
            .as_ref()
            .map_or_else(ServiceRevisionArn::default, |target| target.arn.clone())
    }

    /// The pauses of the present stage and of former ones, as far as they are shown.
    pub fn pauses(&self) -> impl Iterator<Item = &HookDetail> {
        self.lifecycle_hook_details
            .iter()
            .filter(|hook| hook.target_type == "PAUSE")
    }

    /// The pauses that wait for an answer.
    pub fn awaiting_pauses(&self) -> impl Iterator<Item = &HookDetail> {
        self.pauses()
            .filter(|hook| hook.status == "AWAITING_ACTION")
    }

    /// The first hook whose function failed or whose time ran out.
    pub fn failed_hook(&self) -> Option<&HookDetail> {
        self.lifecycle_hook_details
            .iter()
            .find(|hook| matches!(hook.status.as_str(), "FAILED" | "TIMED_OUT"))
    }

    /// Its id, the last part of its ARN.
    pub fn id(&self) -> &str {
        crate::aws::arn::short_name(&self.arn)
    }

    /// The lifecycle stage in AWS's spelling; empty when there is none.
    pub fn stage(&self) -> &str {
        self.lifecycle_stage.as_deref().unwrap_or_default()
    }
}

impl ServiceRevision {
    /// The target groups in which this revision's tasks are registered.
    pub fn target_groups(&self) -> Vec<TargetGroupArn> {
        self.resolved_balancers()
            .filter_map(|balancer| balancer.target_group_arn.clone())
            .collect()
    }

    /// The production rules (or listeners) that forward to them.
    pub fn production_rules(&self) -> Vec<String> {
        self.resolved_balancers()
            .filter_map(|balancer| balancer.production_listener_rule.clone())
            .collect()
    }

    fn resolved_balancers(&self) -> impl Iterator<Item = &ResolvedBalancer> {
        self.resolved_configuration
            .iter()
            .flat_map(|resolved| &resolved.load_balancers)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_successful_is_success_and_an_unknown_word_only_goes_on() {
        let status = |word: &str| {
            ServiceDeployment {
                raw_status: word.into(),
                ..ServiceDeployment::default()
            }
            .status()
        };
        assert_eq!(status("SUCCESSFUL"), DeploymentStatus::Successful);
        assert_eq!(status("ROLLBACK_SUCCESSFUL"), DeploymentStatus::RolledBack);
        assert_eq!(status("STOPPED"), DeploymentStatus::Stopped);
        assert_eq!(status("ALMOST_SUCCESSFUL"), DeploymentStatus::InProgress);
    }

    #[test]
    fn a_deployment_is_read_as_aws_gives_it() {
        let deployment: ServiceDeployment = serde_json::from_value(json!({
            "serviceDeploymentArn": "arn:aws:ecs:eu-central-1:1:service-deployment/prod/api/abc", "status": "IN_PROGRESS",
            "lifecycleStage": "POST_TEST_TRAFFIC_SHIFT", "createdAt": 1.5, "targetServiceRevision": { "arn": "r2", "requestedTaskCount": 2 },
            "lifecycleHookDetails": [
                { "hookId": "h1", "targetType": "PAUSE", "status": "SUCCEEDED" },
                { "hookId": "h2", "targetType": "PAUSE", "status": "AWAITING_ACTION", "expiresAt": 9.0, "timeoutAction": "ROLLBACK" },
            ],
        }))
        .unwrap();
        assert_eq!(
            (
                deployment.id(),
                deployment.target_revision(),
                deployment.stage()
            ),
            ("abc", "r2".into(), "POST_TEST_TRAFFIC_SHIFT")
        );
        assert_eq!(
            deployment
                .awaiting_pauses()
                .map(|hook| hook.hook_id.as_str())
                .collect::<Vec<_>>(),
            ["h2"]
        );
    }
}
