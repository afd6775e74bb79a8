//! What is asked about deployments. Every look counts as an observation.

use serde_json::json;

use super::deployment_view::view as deployment_view;
use super::target_view::view as target_view;
use crate::account::{Deployment, Status, seconds};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;

pub(super) fn get(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let deployment = find(cloud, asked)?;
    observe(cloud, &deployment, |own| {
        own.status_seen = own.status_seen.max(deployment.version);
    });
    Ok(cloud.look(|account| json!({ "deploymentInfo": deployment_view(account, &deployment) })))
}

pub(super) fn target(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let deployment = find(cloud, asked)?;
    if matches!(deployment.status, Status::Created | Status::Queued) {
        return Err(Refusal::new(
            "DeploymentNotStartedException",
            "The specified deployment has not started.",
        ));
    }
    let id = format!("{}:{}", cloud.options.cluster, deployment.group.service);
    if asked.text("targetId") != Some(&id) {
        let message = format!(
            "The target id {} does not exist in the deployment",
            asked.text("targetId").unwrap_or_default()
        );
        return Err(Refusal::new(
            "DeploymentTargetDoesNotExistException",
            message,
        ));
    }
    observe(cloud, &deployment, |own| {
        own.target_seen = own.target_seen.max(deployment.version);
    });
    Ok(cloud.look(|account| json!({ "deploymentTarget": target_view(account, &deployment, &id) })))
}

fn observe(cloud: &Cloud, deployment: &Deployment, note: impl FnOnce(&mut Deployment)) {
    cloud.change(|account| account.deployment_mut(&deployment.id).map(note));
}

/// The deployment that a request names.
pub(super) fn find(cloud: &Cloud, asked: Asked<'_>) -> Result<Deployment, Refusal> {
    let id = asked.text("deploymentId").unwrap_or_default();
    let missing = || {
        Refusal::new(
            "DeploymentDoesNotExistException",
            format!("The deployment {id} could not be found"),
        )
    };
    cloud
        .look(|account| account.deployment(id).cloned())
        .ok_or_else(missing)
}

pub(super) fn list(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    if asked.text("applicationName").is_some() {
        super::groups::find(cloud, asked)?;
    }
    let (application, group) = (
        asked.text("applicationName"),
        asked.text("deploymentGroupName"),
    );
    let statuses = asked.texts("includeOnlyStatuses");
    let range = asked.get("createTimeRange").map(Asked);
    let after = range.and_then(|range| range.get("start")?.as_f64());
    let fits = |deployment: &&Deployment| {
        application.is_none_or(|name| deployment.group.application == name)
            && group.is_none_or(|name| deployment.group.name == name)
            && (statuses.is_empty() || statuses.contains(&deployment.status.as_str()))
            && after.is_none_or(|after| {
                seconds(deployment.created_ms)
                    .as_f64()
                    .is_some_and(|at| at >= after)
            })
    };
    Ok(cloud.look(|account| {
        let ids: Vec<&str> = account
            .deployments
            .iter()
            .rev()
            .filter(fits)
            .map(|deployment| deployment.id.as_str())
            .collect();
        json!({ "deployments": ids })
    }))
}
