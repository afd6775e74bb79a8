//! Why a deployment ended otherwise than well, in words.

use super::CodeDeployRollout;
use crate::aws::codedeploy_shapes::{CodeDeployDeployment, CodeDeployTarget, Status};
use crate::decide::Trouble;
use crate::outcome::Reason;
use crate::scrub::masked;
use crate::steps::rollout::alarm;

impl CodeDeployRollout<'_> {
    pub(super) async fn trouble(&self, deployment: &CodeDeployDeployment) -> Trouble {
        let (code, message) = deployment.error.clone().unwrap_or_default();
        let failed = self.target.as_ref().and_then(CodeDeployTarget::failed);
        let diagnostics = failed.and_then(|event| {
            event
                .diagnostics
                .as_ref()
                .map(|why| format!("{}: {}", event.name, masked(why)))
        });
        let cause = diagnostics.or((!message.is_empty()).then(|| masked(&message)));
        let end = deployment.word.to_lowercase();
        match code.as_str() {
            "ALARM_ACTIVE" => Trouble {
                reason: Reason::Alarm,
                sentence: self.alarm().await,
                cause,
            },
            "MANUAL_STOP" => Trouble {
                reason: Reason::Stopped,
                sentence: format!("deployment {} was stopped by somebody else", self.id),
                cause,
            },
            // An install that takes too long fails; only a gate that nobody opened stops the
            // deployment.
            "TIMEOUT" if deployment.status == Status::Stopped => Trouble {
                reason: Reason::Timeout,
                sentence: format!(
                    "the gate of deployment {} expired before it was opened",
                    self.id
                ),
                cause,
            },
            "ECS_UPDATE_ERROR" | "CUSTOMER_APPLICATION_UNHEALTHY" | "TIMEOUT" => Trouble {
                reason: Reason::TasksUnhealthy,
                sentence: format!(
                    "green did not become healthy: CodeDeploy {end} the deployment ({code})"
                ),
                cause,
            },
            "" if deployment.status == Status::Stopped => Trouble {
                reason: Reason::Stopped,
                sentence: format!(
                    "deployment {} was stopped, by somebody else or because its gate expired",
                    self.id
                ),
                cause,
            },
            code => Trouble {
                reason: Reason::RolloutFailed,
                sentence: format!("CodeDeploy {end} deployment {} ({code})", self.id),
                cause,
            },
        }
    }

    async fn alarm(&self) -> String {
        let alarms = &self.own_plan.group.alarms;
        let named =
            alarm::named(self.run, alarms, || format!("one of {}", alarms.join(", "))).await;
        format!("an alarm of the deployment group rang: {named}")
    }
}
