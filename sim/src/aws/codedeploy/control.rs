//! `ContinueDeployment` and `StopDeployment`.

use serde_json::json;

use super::deployments::find;
use crate::account::{Deployment, Status, StopRequest, WaitType};
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;
use crate::switches::{LateStop, StopAnswer};

pub(super) fn continue_deployment(cloud: &Cloud, input: Input<'_>) -> Answer {
    let deployment = find(cloud, input)?;
    let wait = match input.text("deploymentWaitType") {
        Some("READY_WAIT") | None => WaitType::Ready,
        Some("TERMINATION_WAIT") => WaitType::Termination,
        Some(other) => {
            return Err(ServiceError::new(
                "InvalidDeploymentWaitTypeException",
                format!("{other} is not a deployment wait type"),
            ));
        }
    };
    check_not_over(&deployment)?;
    if !is_waiting(&deployment, wait) {
        return Err(ServiceError::new(
            "DeploymentIsNotInReadyStateException",
            "The deployment is not in a ready state to be continued",
        ));
    }
    cloud.change(|account| {
        account
            .deployment_mut(&deployment.id)
            .map(|own| own.continued.insert(wait))
    });
    Ok(json!({}))
}

fn is_waiting(deployment: &Deployment, wait: WaitType) -> bool {
    match wait {
        WaitType::Ready => deployment.status == Status::Ready,
        WaitType::Termination => {
            deployment.termination_wait_started && !deployment.is_terminating_blue
        }
    }
}

fn check_not_over(deployment: &Deployment) -> Result<(), ServiceError> {
    if deployment.status.is_over() {
        Err(already_completed(deployment))
    } else {
        Ok(())
    }
}

fn already_completed(deployment: &Deployment) -> ServiceError {
    ServiceError::new(
        "DeploymentAlreadyCompletedException",
        format!("The deployment {} has already completed", deployment.id),
    )
}

pub(super) fn stop(cloud: &Cloud, input: Input<'_>) -> Answer {
    let deployment = find(cloud, input)?;
    check_not_over(&deployment)?;
    if deployment.is_terminating_blue && cloud.switches().late_stop == LateStop::Refused {
        return Err(already_completed(&deployment));
    }
    let request = match input.flag("autoRollbackEnabled") {
        Some(true) => StopRequest::WithRollback,
        Some(false) => StopRequest::WithoutRollback,
        None => StopRequest::AsConfigured,
    };
    cloud.change(|account| {
        account
            .deployment_mut(&deployment.id)
            .map(|own| own.stop.get_or_insert(request).to_owned())
    });
    let status = match cloud.switches().stop_answer {
        StopAnswer::Pending => "Pending",
        StopAnswer::Succeeded => "Succeeded",
    };
    Ok(
        json!({ "status": status, "statusMessage": "Stopping the deployment. No more lifecycle events are started." }),
    )
}
