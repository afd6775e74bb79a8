//! What is read of ECS's own deployments. Statuses and stages stay AWS's words until they are
//! compared here.

use serde::Deserialize;
use serde_json::Value;

use crate::identity::{RevisionArn, ServiceDeploymentArn, ServiceRevisionArn, TargetGroupArn};

/// Where a service deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentStatus {
    /// PENDING, IN_PROGRESS, or a word that is newer than this action.
    InProgress,
    /// STOP_REQUESTED, ROLLBACK_REQUESTED, ROLLBACK_IN_PROGRESS: on its way back or down.
    RollingBack,
    /// SUCCESSFUL, the only success.
    Successful,
    /// STOPPED: it failed, or was replaced, and nothing was rolled back.
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
    /// ARN.
    #[serde(rename = "serviceDeploymentArn")]
    pub arn: ServiceDeploymentArn,
    /// AWS's word.
    #[serde(rename = "status")]
    pub raw_status: String,
    /// The service revision it brings.
    pub target_service_revision_arn: Option<ServiceRevisionArn>,
    /// When it was made, in seconds of the epoch.
    pub created_at: f64,
    /// When it was over, in seconds of the epoch.
    pub finished_at: Option<f64>,
}

impl ServiceDeploymentSummary {
    /// Where it is.
    pub fn status(&self) -> DeploymentStatus {
        parse_status(&self.raw_status)
    }

    /// Whether nothing more happens to it.
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
        // PENDING and IN_PROGRESS; a newer word is never progress.
        _ => DeploymentStatus::InProgress,
    }
}

/// An ECS service deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceDeployment {
    /// ARN.
    #[serde(rename = "serviceDeploymentArn")]
    pub arn: ServiceDeploymentArn,
    /// AWS's word.
    #[serde(rename = "status")]
    pub raw_status: String,
    /// Why, in AWS's words.
    pub status_reason: Option<String>,
    /// AWS's word for the stage.
    pub lifecycle_stage: Option<String>,
    /// What served before; none with a first deployment.
    pub source_service_revisions: Vec<RevisionSummary>,
    /// What is brought.
    pub target_service_revision: Option<RevisionSummary>,
    /// Hooks of the present stage and of former ones.
    pub lifecycle_hook_details: Vec<HookDetail>,
    /// The configuration that governs this deployment.
    pub deployment_configuration: Value,
    /// The way back, once it has begun.
    pub rollback: Option<Rollback>,
    /// The circuit breaker.
    pub deployment_circuit_breaker: Option<CircuitBreakerState>,
    /// Its alarms.
    pub alarms: Option<ServiceDeploymentAlarms>,
    /// When it was made, in seconds of the epoch.
    pub created_at: f64,
}

/// A side of a service deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RevisionSummary {
    /// The service revision.
    pub arn: ServiceRevisionArn,
    /// Wanted tasks.
    pub requested_task_count: i64,
    /// Running tasks.
    pub running_task_count: i64,
    /// Percent of test traffic that was asked for; it may lag.
    pub requested_test_traffic_weight: Option<f64>,
    /// Percent of production traffic that was asked for; it may lag.
    pub requested_production_traffic_weight: Option<f64>,
}

/// A hook that was invoked.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HookDetail {
    /// Its id, fresh at every pause.
    pub hook_id: String,
    /// AWS_LAMBDA or PAUSE.
    pub target_type: String,
    /// The function, for those that have one.
    pub target_arn: Option<String>,
    /// AWAITING_ACTION, IN_PROGRESS, SUCCEEDED, FAILED, TIMED_OUT.
    pub status: String,
    /// When the timeout acts, in seconds of the epoch.
    pub expires_at: Option<f64>,
    /// CONTINUE or ROLLBACK.
    pub timeout_action: Option<String>,
}

/// A rollback inside its deployment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollback {
    /// Why, in AWS's words.
    pub reason: Option<String>,
    /// What it goes back to.
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
    /// Those that rang.
    pub triggered_alarm_names: Vec<String>,
}

/// A service revision, resolved.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceRevision {
    /// ARN.
    pub service_revision_arn: ServiceRevisionArn,
    /// The task definition.
    pub task_definition: RevisionArn,
    /// The images its tasks run.
    pub container_images: Vec<ContainerImage>,
    /// VPC Lattice, where the service uses it: as AWS has it.
    pub vpc_lattice_configurations: Vec<Value>,
    /// What connects it to a gateway of ECS's own: as AWS has it.
    pub gateway_connectors: Vec<Value>,
    /// Service Connect, where the service uses it.
    pub service_connect_configuration: Option<ServiceConnect>,
    resolved_configuration: Option<ResolvedConfiguration>,
}

/// An image that a container runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerImage {
    /// As the definition names it.
    pub image: Option<String>,
    /// The digest that was pulled.
    pub image_digest: Option<String>,
}

/// Whether Service Connect is on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceConnect {
    /// It is.
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
    /// Where it is.
    pub fn status(&self) -> DeploymentStatus {
        parse_status(&self.raw_status)
    }

    /// Whether nothing more happens to it.
    pub fn is_over(&self) -> bool {
        !matches!(
            self.status(),
            DeploymentStatus::InProgress | DeploymentStatus::RollingBack
        )
    }

    /// Whether it is on its way back, and to no revision: nothing was ever completed.
    pub fn rolls_back_to_nothing(&self) -> bool {
        self.raw_status == "ROLLBACK_IN_PROGRESS"
            && self
                .rollback
                .as_ref()
                .is_some_and(|rollback| rollback.service_revision_arn.is_none())
    }

    /// The service revision it brings.
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

    /// Hooks whose function failed, or whose time ran out.
    pub fn failed_hook(&self) -> Option<&HookDetail> {
        self.lifecycle_hook_details
            .iter()
            .find(|hook| matches!(hook.status.as_str(), "FAILED" | "TIMED_OUT"))
    }

    /// Its id, the last part of its ARN.
    pub fn id(&self) -> &str {
        crate::aws::arn::short_name(&self.arn)
    }

    /// AWS's word for the stage; empty when there is none.
    pub fn stage(&self) -> &str {
        self.lifecycle_stage.as_deref().unwrap_or_default()
    }
}

impl ServiceRevision {
    /// The target groups that this revision's tasks stand in.
    pub fn target_groups(&self) -> Vec<TargetGroupArn> {
        self.resolved_balancers()
            .filter_map(|balancer| balancer.target_group_arn.clone())
            .collect()
    }

    /// The production rules (or listeners) that lead to them.
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
