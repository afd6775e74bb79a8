//! Why a service deployment failed, in words.

use super::{EcsRollout, conflict};
use crate::aws::arn::short_name;
use crate::aws::ecs_rollout_shapes::{
    DeploymentStatus, ServiceDeployment, ServiceDeploymentSummary,
};
use crate::decide::RolloutFailure;
use crate::documents::deployment_configuration::{HookIdentity, marked_run, run_of_hooks};
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::run::Run;
use crate::scrub::mask;
use crate::steps::rollout::alarm;

/// How many reads look for the deployment that replaced one that was stopped.
const SUCCESSOR_LOOKS: u32 = 4;

/// Of a deployment that found our hooks on the service.
const INHERITED: &str = " (it pauses at our gates, for mode continue or mode abort)";

impl EcsRollout<'_> {
    pub(super) async fn explain_failure(&self, deployment: &ServiceDeployment) -> RolloutFailure {
        if let Some(newer) = self.wait_for_successor(deployment.status()).await {
            return RolloutFailure {
                reason: Reason::Superseded,
                sentence: newer,
                cause: deployment.status_reason.as_deref().map(mask),
            };
        }
        let rollback = deployment
            .rollback
            .as_ref()
            .and_then(|rollback| rollback.reason.clone());
        let cause = rollback
            .or_else(|| deployment.status_reason.clone())
            .filter(|why| !why.is_empty());
        let (reason, what) = self.find_reason(deployment, cause.as_deref()).await;
        RolloutFailure {
            reason,
            sentence: format!("{what}; {}", describe_next(deployment)),
            cause: cause.as_deref().map(mask),
        }
    }

    async fn find_reason(
        &self,
        deployment: &ServiceDeployment,
        cause: Option<&str>,
    ) -> (Reason, String) {
        let id = deployment.id();
        let says = |word: &str| cause.is_some_and(|cause| cause.to_lowercase().contains(word));
        let triggered = deployment
            .alarms
            .as_ref()
            .filter(|alarms| alarms.status == "TRIGGERED");
        if let Some(alarms) = triggered {
            return (
                Reason::Alarm,
                self.describe_alarm(&alarms.triggered_alarm_names).await,
            );
        }
        if let Some(hook) = deployment.failed_hook() {
            return match (hook.status.as_str(), hook.target_arn.as_deref()) {
                ("TIMED_OUT", _) => (
                    Reason::Timeout,
                    format!("a gate of service deployment {id} expired before it was opened"),
                ),
                (_, Some(function)) => (
                    Reason::RolloutFailed,
                    format!("the hook {function} failed in service deployment {id}"),
                ),
                (_, None) if says("hook") => (
                    Reason::Stopped,
                    format!(
                        "somebody else answered a gate of service deployment {id} with a rollback"
                    ),
                ),
                // A deployment that is stopped while it waits closes its gate too.
                (_, None) => (
                    Reason::Stopped,
                    format!("service deployment {id} was stopped by somebody else"),
                ),
            };
        }
        // Hooks of earlier stages may not be shown any more.
        if says("pause hook timed out") {
            return (
                Reason::Timeout,
                format!("a gate of service deployment {id} expired before it was opened"),
            );
        }
        let broke = deployment
            .deployment_circuit_breaker
            .as_ref()
            .is_some_and(|breaker| breaker.status == "TRIGGERED");
        if broke || says("tasks failed") || says("unhealthy") || says("steady") {
            return (
                Reason::TasksUnhealthy,
                format!("green did not become healthy in service deployment {id}"),
            );
        }
        if says("alarm") {
            return (
                Reason::Alarm,
                self.describe_alarm(&self.own_plan.alarms).await,
            );
        }
        if says("stop") || says("request") || says("user") {
            return (
                Reason::Stopped,
                format!("service deployment {id} was stopped by somebody else"),
            );
        }
        (
            Reason::RolloutFailed,
            format!("service deployment {id} failed"),
        )
    }

    async fn describe_alarm(&self, names: &[String]) -> String {
        let named = alarm::describe_in_alarm(self.run, names, || names.join(", ")).await;
        format!("an alarm of the service went into ALARM: {named}")
    }

    /// The deployment that replaced ours. Where ours was stopped without a rollback it is looked
    /// for several times: the list may be older than the stop.
    async fn wait_for_successor(&self, status: DeploymentStatus) -> Option<String> {
        let mut backoff = Backoff::default();
        for _ in 1..SUCCESSOR_LOOKS {
            let found = self.find_successor().await;
            if found.is_some() || status != DeploymentStatus::Stopped {
                return found;
            }
            backoff.wait().await;
        }
        self.find_successor().await
    }

    /// The service's deployments, newest first; `limited` is what is not known without them.
    pub(super) async fn read_history(
        &self,
        limited: &str,
    ) -> Option<Vec<ServiceDeploymentSummary>> {
        let place = &self.plan.place;
        let listed = self
            .run
            .aws
            .list_service_deployments(&place.cluster, &place.service)
            .await;
        self.run.optional_read(limited, listed)
    }

    async fn find_successor(&self) -> Option<String> {
        let history = self
            .read_history("whether a newer deployment took over is not known")
            .await?;
        let newer =
            conflict::find_successor(&self.arn, &self.own_plan.existing_deployments, &history)?;
        let description = describe_deployment(self.run, newer).await;
        // It started with the service's hooks as they were, ours among them.
        let gates = if self.has_passed_hooks_to(newer).await {
            INHERITED
        } else {
            ""
        };
        Some(format!(
            "{description} took the place of ours, {}{gates}",
            short_name(&self.arn)
        ))
    }

    async fn has_passed_hooks_to(&self, newer: &ServiceDeploymentSummary) -> bool {
        let read = self
            .run
            .aws
            .describe_service_deployment(&newer.arn)
            .await
            .ok()
            .flatten();
        let own_hooks = HookIdentity::from_pause(self.pause.as_ref());
        read.is_some_and(|newer| {
            run_of_hooks(&newer.deployment_configuration, own_hooks) == Some(self.run.id.as_str())
        })
    }
}

/// A deployment of somebody else in words: its id, what it deploys, its status, and the run that
/// started it, as far as they can be read.
pub(super) async fn describe_deployment(run: &Run, brief: &ServiceDeploymentSummary) -> String {
    let read = run
        .aws
        .describe_service_deployment(&brief.arn)
        .await
        .ok()
        .flatten();
    let by = read
        .as_ref()
        .and_then(|read| marked_run(&read.deployment_configuration))
        .filter(|by| *by != run.id);
    let by = by
        .map(|by| format!(", by workflow run {by}"))
        .unwrap_or_default();
    let revisions = match &brief.target_service_revision_arn {
        Some(target) => run
            .aws
            .describe_service_revisions(std::slice::from_ref(target))
            .await
            .unwrap_or_default(),
        None => Vec::new(),
    };
    let brings = revisions
        .first()
        .map(|revision| format!(" of {}", short_name(&revision.task_definition)))
        .unwrap_or_default();
    format!(
        "service deployment {}{brings} ({}{by})",
        short_name(&brief.arn),
        brief.raw_status
    )
}

fn describe_next(deployment: &ServiceDeployment) -> &'static str {
    match deployment.status() {
        DeploymentStatus::RollingBack => "ECS is rolling it back",
        DeploymentStatus::RolledBack => "ECS rolled it back",
        DeploymentStatus::RollbackFailed => "ECS could not roll it back",
        DeploymentStatus::Stopped => "ECS stopped it without a rollback",
        DeploymentStatus::InProgress | DeploymentStatus::Successful => "it continues in ECS",
    }
}
