//! `ContinueDeployment` and `StopDeployment`.

use serde_json::json;

use super::deployments::find;
use crate::account::{Deployment, Status, StopRequest, WaitType};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;
use crate::switches::{LateStop, StopAnswer};

pub(super) fn proceed(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let deployment = find(cloud, asked)?;
    let wait = match asked.text("deploymentWaitType") {
        Some("READY_WAIT") | None => WaitType::Ready,
        Some("TERMINATION_WAIT") => WaitType::Termination,
        Some(other) => {
            return Err(Refusal::new(
                "InvalidDeploymentWaitTypeException",
                format!("{other} is not a deployment wait type"),
            ));
        }
    };
    refuse_when_over(&deployment)?;
    if !waits(&deployment, wait) {
        return Err(Refusal::new(
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

fn waits(deployment: &Deployment, wait: WaitType) -> bool {
    match wait {
        WaitType::Ready => deployment.status == Status::Ready,
        WaitType::Termination => deployment.termination_wait_started && !deployment.too_late,
    }
}

fn refuse_when_over(deployment: &Deployment) -> Result<(), Refusal> {
    if deployment.status.is_over() {
        Err(completed(deployment))
    } else {
        Ok(())
    }
}

fn completed(deployment: &Deployment) -> Refusal {
    Refusal::new(
        "DeploymentAlreadyCompletedException",
        format!("The deployment {} has already completed", deployment.id),
    )
}

pub(super) fn stop(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let deployment = find(cloud, asked)?;
    refuse_when_over(&deployment)?;
    if deployment.too_late && cloud.switches().late_stop == LateStop::Refused {
        return Err(completed(&deployment));
    }
    let request = match asked.flag("autoRollbackEnabled") {
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
