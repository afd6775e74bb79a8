//! Reads of deployments. Each read is recorded: under the observed clock it lets the deployment
//! advance.

use serde_json::json;

use super::deployment_view::view as deployment_view;
use super::target_view::view as target_view;
use crate::account::{Deployment, Status, epoch_seconds};
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;

pub(super) fn get(cloud: &Cloud, input: Input<'_>) -> Answer {
    let deployment = find(cloud, input)?;
    mark_seen(cloud, &deployment, |stored| {
        stored.status_seen = stored.status_seen.max(deployment.version);
    });
    Ok(cloud.read(|account| json!({ "deploymentInfo": deployment_view(account, &deployment) })))
}

pub(super) fn get_target(cloud: &Cloud, input: Input<'_>) -> Answer {
    let deployment = find(cloud, input)?;
    if matches!(deployment.status, Status::Created | Status::Queued) {
        return Err(ServiceError::new(
            "DeploymentNotStartedException",
            "The specified deployment has not started.",
        ));
    }
    let id = format!("{}:{}", cloud.options.cluster, deployment.group.service);
    if input.text("targetId") != Some(&id) {
        let message = format!(
            "The target id {} does not exist in the deployment",
            input.text("targetId").unwrap_or_default()
        );
        return Err(ServiceError::new(
            "DeploymentTargetDoesNotExistException",
            message,
        ));
    }
    mark_seen(cloud, &deployment, |stored| {
        stored.target_seen = stored.target_seen.max(deployment.version);
    });
    Ok(cloud.read(|account| json!({ "deploymentTarget": target_view(account, &deployment, &id) })))
}

fn mark_seen(cloud: &Cloud, deployment: &Deployment, note: impl FnOnce(&mut Deployment)) {
    cloud.change(|account| account.deployment_mut(&deployment.id).map(note));
}

/// The deployment that a request names.
pub(super) fn find(cloud: &Cloud, input: Input<'_>) -> Result<Deployment, ServiceError> {
    let id = input.text("deploymentId").unwrap_or_default();
    let missing = || {
        ServiceError::new(
            "DeploymentDoesNotExistException",
            format!("The deployment {id} could not be found"),
        )
    };
    cloud
        .read(|account| account.deployment(id).cloned())
        .ok_or_else(missing)
}

pub(super) fn list(cloud: &Cloud, input: Input<'_>) -> Answer {
    if input.text("applicationName").is_some() {
        super::groups::find(cloud, input)?;
    }
    let (application, group) = (
        input.text("applicationName"),
        input.text("deploymentGroupName"),
    );
    let statuses = input.text_list("includeOnlyStatuses");
    let range = input.get("createTimeRange").map(Input);
    let after = range.and_then(|range| range.get("start")?.as_f64());
    let is_match = |deployment: &&Deployment| {
        application.is_none_or(|name| deployment.group.application == name)
            && group.is_none_or(|name| deployment.group.name == name)
            && (statuses.is_empty() || statuses.contains(&deployment.status.as_str()))
            && after.is_none_or(|after| {
                epoch_seconds(deployment.created_ms)
                    .as_f64()
                    .is_some_and(|at| at >= after)
            })
    };
    Ok(cloud.read(|account| {
        let ids: Vec<&str> = account
            .deployments
            .iter()
            .rev()
            .filter(is_match)
            .map(|deployment| deployment.id.as_str())
            .collect();
        json!({ "deployments": ids })
    }))
}
