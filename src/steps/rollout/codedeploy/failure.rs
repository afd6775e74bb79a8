//! Why a deployment failed, in words.

use super::CodeDeployRollout;
use crate::aws::codedeploy_shapes::{CodeDeployDeployment, CodeDeployStatus, CodeDeployTarget};
use crate::decide::RolloutFailure;
use crate::outcome::Reason;
use crate::scrub::mask;
use crate::steps::rollout::alarm;

impl CodeDeployRollout<'_> {
    pub(super) async fn explain_failure(
        &self,
        deployment: &CodeDeployDeployment,
    ) -> RolloutFailure {
        let (code, message) = deployment.error.clone().unwrap_or_default();
        let failed = self
            .target
            .as_ref()
            .and_then(CodeDeployTarget::failed_event);
        let diagnostics = failed.and_then(|event| {
            event
                .diagnostics
                .as_ref()
                .map(|why| format!("{}: {}", event.name, mask(why)))
        });
        let cause = diagnostics.or((!message.is_empty()).then(|| mask(&message)));
        let end = deployment.raw_status.to_lowercase();
        match code.as_str() {
            "ALARM_ACTIVE" => RolloutFailure {
                reason: Reason::Alarm,
                sentence: self.describe_alarm().await,
                cause,
            },
            "MANUAL_STOP" => RolloutFailure {
                reason: Reason::Stopped,
                sentence: format!("deployment {} was stopped by somebody else", self.id),
                cause,
            },
            // An install that takes too long fails; only a gate that nobody opened stops the
            // deployment.
            "TIMEOUT" if deployment.status == CodeDeployStatus::Stopped => RolloutFailure {
                reason: Reason::Timeout,
                sentence: format!(
                    "the gate of deployment {} expired before it was opened",
                    self.id
                ),
                cause,
            },
            "ECS_UPDATE_ERROR" | "CUSTOMER_APPLICATION_UNHEALTHY" | "TIMEOUT" => RolloutFailure {
                reason: Reason::TasksUnhealthy,
                sentence: format!(
                    "green did not become healthy: CodeDeploy {end} the deployment ({code})"
                ),
                cause,
            },
            "" if deployment.status == CodeDeployStatus::Stopped => RolloutFailure {
                reason: Reason::Stopped,
                sentence: format!(
                    "deployment {} was stopped, by somebody else or because its gate expired",
                    self.id
                ),
                cause,
            },
            code => RolloutFailure {
                reason: Reason::RolloutFailed,
                sentence: format!("CodeDeploy {end} deployment {} ({code})", self.id),
                cause,
            },
        }
    }

    async fn describe_alarm(&self) -> String {
        let alarms = &self.own_plan.group.alarms;
        let named =
            alarm::describe_in_alarm(self.run, alarms, || format!("one of {}", alarms.join(", ")))
                .await;
        format!("an alarm of the deployment group went into ALARM: {named}")
    }
}
