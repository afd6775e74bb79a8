//! Why a service deployment ended otherwise than well, in words.

use super::Native;
use crate::aws::ecs_rollout_shapes::{DeploymentStatus, ServiceDeployment};
use crate::decide::Trouble;
use crate::documents::deployment_configuration::run_in;
use crate::outcome::Reason;
use crate::scrub::masked;
use crate::steps::rollout::alarm;
use crate::survey::optional;

/// What a deployment that found our hooks on the service does.
const INHERITED: &str = " (it pauses at our gates, for mode continue or mode abort)";

impl Native<'_> {
    pub(super) async fn trouble(&self, deployment: &ServiceDeployment) -> Trouble {
        if let Some(newer) = self.newer().await {
            return Trouble { reason: Reason::Superseded, sentence: newer, cause: deployment.status_reason.as_deref().map(masked) };
        }
        let rollback = deployment.rollback.as_ref().and_then(|rollback| rollback.reason.clone());
        let cause = rollback.or_else(|| deployment.status_reason.clone()).filter(|why| !why.is_empty());
        let (reason, what) = self.reason(deployment, cause.as_deref()).await;
        Trouble { reason, sentence: format!("{what}; {}", follows(deployment)), cause: cause.as_deref().map(masked) }
    }

    async fn reason(&self, deployment: &ServiceDeployment, cause: Option<&str>) -> (Reason, String) {
        let id = deployment.id();
        let says = |word: &str| cause.is_some_and(|cause| cause.to_lowercase().contains(word));
        let rang = deployment.alarms.as_ref().filter(|alarms| alarms.status == "TRIGGERED");
        if let Some(alarms) = rang {
            return (Reason::Alarm, self.alarm(&alarms.triggered_alarm_names).await);
        }
        if let Some(hook) = deployment.failed_hook() {
            return match (hook.status.as_str(), hook.target_arn.as_deref()) {
                ("TIMED_OUT", _) => (Reason::Timeout, format!("a gate of service deployment {id} expired before it was opened")),
                (_, Some(function)) => (Reason::RolloutFailed, format!("the hook {function} failed in service deployment {id}")),
                (_, None) if says("hook") => {
                    (Reason::Stopped, format!("somebody else answered a gate of service deployment {id} with a rollback"))
                }
                // A deployment that is stopped while it waits closes its gate too.
                (_, None) => (Reason::Stopped, format!("service deployment {id} was stopped by somebody else")),
            };
        }
        let broke = deployment.deployment_circuit_breaker.as_ref().is_some_and(|breaker| breaker.status == "TRIGGERED");
        if broke || says("tasks failed") || says("unhealthy") || says("steady") {
            return (Reason::TasksUnhealthy, format!("green did not become healthy in service deployment {id}"));
        }
        if says("alarm") {
            return (Reason::Alarm, self.alarm(&self.way.alarms).await);
        }
        if says("stop") || says("request") || says("user") {
            return (Reason::Stopped, format!("service deployment {id} was stopped by somebody else"));
        }
        (Reason::RolloutFailed, format!("service deployment {id} failed"))
    }

    async fn alarm(&self, names: &[String]) -> String {
        let named = alarm::named(self.run, names, || names.join(", ")).await;
        format!("an alarm of the service rang: {named}")
    }

    /// A deployment that was made after ours: it took over.
    async fn newer(&self) -> Option<String> {
        let place = &self.plan.place;
        let listed = self.run.aws.service_deployments(&place.cluster, &place.service).await;
        let history = optional(self.run, "whether a newer deployment took over is not known", listed)?;
        let ours = history.iter().position(|brief| brief.arn == self.arn)?;
        let newer = history[..ours].iter().find(|brief| !self.way.known.contains(&brief.arn))?;
        let by = self.run.aws.describe_service_deployment(&newer.arn).await.ok().flatten();
        let whose = by.as_ref().and_then(|newer| run_in(&newer.deployment_configuration));
        // It took the service's hooks as they were, ours among them: that tells of us, and not of who started it.
        let is_inherited = whose == Some(self.run.id.as_str());
        let by = whose.filter(|_| !is_inherited).map(|run| format!(", by workflow run {run}")).unwrap_or_default();
        let (theirs, ours) = (crate::undo::short(&newer.arn), crate::undo::short(&self.arn));
        let gates = if is_inherited { INHERITED } else { "" };
        Some(format!("service deployment {theirs} ({}{by}) took the place of ours, {ours}{gates}", newer.word))
    }
}

fn follows(deployment: &ServiceDeployment) -> &'static str {
    match deployment.status() {
        DeploymentStatus::Returning => "ECS is taking it back",
        DeploymentStatus::RolledBack => "ECS took it back",
        DeploymentStatus::RollbackFailed => "ECS could not take it back",
        DeploymentStatus::Stopped => "ECS stopped it without a rollback",
        DeploymentStatus::Going | DeploymentStatus::Successful => "ECS goes on",
    }
}
