//! `ContinueServiceDeployment` and `StopServiceDeployment`.

use std::sync::Arc;

use serde_json::json;

use crate::account::{HookStatus, LifecycleStage, ServiceDeployment, ServiceDeploymentStatus};
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;
use crate::switches::{LateStop, StaleHook, StopAbort};

pub(super) fn continue_deployment(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    let hook = input
        .text("hookId")
        .ok_or_else(|| ServiceError::invalid_parameter("hookId cannot be empty."))?;
    let rolls_back = match input.text("action") {
        None | Some("CONTINUE") => false,
        Some("ROLLBACK") => true,
        Some(other) => {
            return Err(ServiceError::invalid_parameter(format!(
                "Invalid action: {other}"
            )));
        }
    };
    with_deployment(cloud, input, |deployment| {
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
            set_status(
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
) -> Result<(), ServiceError> {
    if deployment.status.is_over() {
        let message = "Continuing a service deployment is not allowed for service deployment in terminal states.";
        return Err(match stale {
            StaleHook::InvalidParameter => ServiceError::invalid_parameter(message),
            StaleHook::Client => ServiceError::client_exception(message),
        });
    }
    let is_active = deployment.status == ServiceDeploymentStatus::InProgress;
    let hook = deployment
        .hooks
        .iter_mut()
        .find(|hook| hook.id == id && is_active && hook.status == HookStatus::AwaitingAction);
    let message = "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN.";
    let hook = hook.ok_or_else(|| match stale {
        StaleHook::InvalidParameter => ServiceError::invalid_parameter(message),
        StaleHook::Client => ServiceError::client_exception(message),
    })?;
    hook.status = status;
    deployment.mark_changed();
    Ok(())
}

pub(super) fn stop(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    let status = match input.text("stopType") {
        None | Some("ROLLBACK") => ServiceDeploymentStatus::RollbackRequested,
        Some("ABORT") if cloud.switches().stop_abort == StopAbort::Works => {
            ServiceDeploymentStatus::StopRequested
        }
        Some(other) => {
            return Err(ServiceError::invalid_parameter(format!(
                "Invalid stopType: {other}. Valid values are ROLLBACK."
            )));
        }
    };
    with_deployment(cloud, input, |deployment| {
        let too_late = deployment.status.is_over()
            || (deployment.stage == Some(LifecycleStage::CleanUp)
                && cloud.switches().late_stop == LateStop::Refused);
        if too_late {
            return Err(ServiceError::new(
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
            deployment.mark_changed();
            cloud.ledger.mark(
                &deployment.arn,
                ServiceDeploymentStatus::RollbackRequested.as_str(),
            );
            return Ok(());
        }
        // A deployment that is stopping or going back already continues as it is.
        if deployment.status.is_advancing() && deployment.stage != Some(LifecycleStage::CleanUp) {
            let stopped = status == ServiceDeploymentStatus::StopRequested;
            let how = if stopped { "stopped" } else { "rolled back" };
            deployment.reason = Some(format!(
                "Service deployment {how} because of a user request."
            ));
            set_status(cloud, deployment, status);
        }
        Ok(())
    })
}

fn set_status(cloud: &Cloud, deployment: &mut ServiceDeployment, status: ServiceDeploymentStatus) {
    deployment.set_status(status);
    cloud.ledger.mark(&deployment.arn, status.as_str());
}

fn with_deployment(
    cloud: &Cloud,
    input: Input<'_>,
    change: impl FnOnce(&mut ServiceDeployment) -> Result<(), ServiceError>,
) -> Answer {
    let arn = input
        .text("serviceDeploymentArn")
        .ok_or_else(|| ServiceError::invalid_parameter("serviceDeploymentArn cannot be empty."))?;
    cloud.change(|account| {
        let deployment = account.service_deployment_mut(arn);
        change(deployment.ok_or_else(|| {
            ServiceError::new(
                "ServiceDeploymentNotFoundException",
                "Service deployment not found.",
            )
        })?)
    })?;
    Ok(json!({ "serviceDeploymentArn": arn }))
}
