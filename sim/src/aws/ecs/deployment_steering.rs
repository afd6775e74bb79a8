//! `ContinueServiceDeployment` and `StopServiceDeployment`.

use std::sync::Arc;

use serde_json::json;

use crate::account::{HookStatus, LifecycleStage, ServiceDeployment, ServiceDeploymentStatus};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;
use crate::switches::{LateStop, StaleHook, StopAbort};

pub(super) fn go_on(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    let hook = asked
        .text("hookId")
        .ok_or_else(|| Refusal::parameter("hookId cannot be empty."))?;
    let rolls_back = match asked.text("action") {
        None | Some("CONTINUE") => false,
        Some("ROLLBACK") => true,
        Some(other) => return Err(Refusal::parameter(format!("Invalid action: {other}"))),
    };
    with_deployment(cloud, asked, |deployment| {
        answer_hook(
            deployment,
            hook,
            if rolls_back {
                HookStatus::Failed
            } else {
                HookStatus::Succeeded
            },
            cloud.switches().stale_hook,
        )?;
        cloud.ledger.mark(
            &deployment.arn,
            format!("hook {}", if rolls_back { "rejected" } else { "continued" }),
        );
        if rolls_back {
            deployment.reason = Some(
                "Service deployment rolled back because of a rollback action on a lifecycle hook."
                    .to_owned(),
            );
            turn(
                cloud,
                deployment,
                ServiceDeploymentStatus::RollbackRequested,
            );
        }
        Ok(())
    })
}

fn answer_hook(
    deployment: &mut ServiceDeployment,
    id: &str,
    status: HookStatus,
    stale: StaleHook,
) -> Result<(), Refusal> {
    if deployment.status.is_over() {
        let message = "Continuing a service deployment is not allowed for service deployment in terminal states.";
        return Err(match stale {
            StaleHook::InvalidParameter => Refusal::parameter(message),
            StaleHook::Client => Refusal::client(message),
        });
    }
    let goes_on = deployment.status == ServiceDeploymentStatus::InProgress;
    let hook = deployment
        .hooks
        .iter_mut()
        .find(|hook| hook.id == id && goes_on && hook.status == HookStatus::AwaitingAction);
    let message = "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN.";
    let hook = hook.ok_or_else(|| match stale {
        StaleHook::InvalidParameter => Refusal::parameter(message),
        StaleHook::Client => Refusal::client(message),
    })?;
    hook.status = status;
    deployment.changed();
    Ok(())
}

pub(super) fn stop(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    let status = match asked.text("stopType") {
        None | Some("ROLLBACK") => ServiceDeploymentStatus::RollbackRequested,
        Some("ABORT") if cloud.switches().stop_abort == StopAbort::Works => {
            ServiceDeploymentStatus::StopRequested
        }
        Some(other) => {
            return Err(Refusal::parameter(format!(
                "Invalid stopType: {other}. Valid values are ROLLBACK."
            )));
        }
    };
    with_deployment(cloud, asked, |deployment| {
        let too_late = deployment.status.is_over()
            || (deployment.stage == Some(LifecycleStage::CleanUp)
                && cloud.switches().late_stop == LateStop::Refused);
        if too_late {
            return Err(Refusal::new(
                "ConflictException",
                "The service deployment has completed or can no longer be stopped.",
            ));
        }
        if deployment.stage == Some(LifecycleStage::CleanUp)
            && cloud.switches().late_stop == LateStop::TooLate
        {
            deployment.is_stopped_too_late = true;
            deployment.reason =
                Some("Service deployment rolled back because of a user request.".to_owned());
            deployment.changed();
            cloud.ledger.mark(
                &deployment.arn,
                ServiceDeploymentStatus::RollbackRequested.as_str(),
            );
            return Ok(());
        }
        // A deployment that is stopping or going back already continues as it is.
        if deployment.status.goes_forward() && deployment.stage != Some(LifecycleStage::CleanUp) {
            let stopped = status == ServiceDeploymentStatus::StopRequested;
            let how = if stopped { "stopped" } else { "rolled back" };
            deployment.reason = Some(format!(
                "Service deployment {how} because of a user request."
            ));
            turn(cloud, deployment, status);
        }
        Ok(())
    })
}

fn turn(cloud: &Cloud, deployment: &mut ServiceDeployment, status: ServiceDeploymentStatus) {
    deployment.turn(status);
    cloud.ledger.mark(&deployment.arn, status.as_str());
}

fn with_deployment(
    cloud: &Cloud,
    asked: Asked<'_>,
    change: impl FnOnce(&mut ServiceDeployment) -> Result<(), Refusal>,
) -> Answer {
    let arn = asked
        .text("serviceDeploymentArn")
        .ok_or_else(|| Refusal::parameter("serviceDeploymentArn cannot be empty."))?;
    cloud.change(|account| {
        let deployment = account.service_deployment_mut(arn);
        change(deployment.ok_or_else(|| {
            Refusal::new(
                "ServiceDeploymentNotFoundException",
                "Service deployment not found.",
            )
        })?)
    })?;
    Ok(json!({ "serviceDeploymentArn": arn }))
}
