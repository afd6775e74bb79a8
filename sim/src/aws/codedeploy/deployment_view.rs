//! A deployment as `GetDeployment` shows it.

use serde_json::{Map, Value, json};

use super::groups::{
    auto_rollback, blue_green_configuration, deployment_style, load_balancer_info,
};
use crate::account::{Account, Creator, Deployment, Status, epoch_seconds};

/// What `CodeDeploy` says about a deployment.
pub(super) fn view(account: &Account, deployment: &Deployment) -> Value {
    let group = &deployment.group;
    let mut view = json!({
        "applicationName": group.application, "deploymentGroupName": group.name, "deploymentConfigName": deployment.config,
        "deploymentId": deployment.id, "revision": deployment.revision, "status": deployment.status.as_str(),
        "createTime": epoch_seconds(deployment.created_ms), "deploymentOverview": overview(deployment.status),
        "creator": creator_name(&deployment.creator), "ignoreApplicationStopFailures": false, "updateOutdatedInstancesOnly": false,
        "autoRollbackConfiguration":
            deployment.auto_rollback_override.clone().unwrap_or_else(|| auto_rollback(&deployment.auto_rollback.events)),
        "deploymentStyle": deployment_style(), "instanceTerminationWaitTimeStarted": deployment.termination_wait_started,
        "blueGreenDeploymentConfiguration": blue_green_configuration(group), "loadBalancerInfo": load_balancer_info(&account.location, group),
        "fileExistsBehavior": "DISALLOW", "deploymentStatusMessages": [], "computePlatform": "ECS",
    });
    if let Some(members) = view.as_object_mut() {
        add_optional_members(members, account, deployment);
    }
    view
}

fn add_optional_members(view: &mut Map<String, Value>, account: &Account, deployment: &Deployment) {
    let error = deployment
        .error
        .as_ref()
        .map(|error| json!({ "code": error.code, "message": error.message }));
    let members = [
        (
            "description",
            deployment.description.clone().map(Value::from),
        ),
        ("startTime", deployment.started_ms.map(epoch_seconds)),
        ("completeTime", deployment.completed_ms.map(epoch_seconds)),
        ("errorInformation", error),
        ("rollbackInfo", rollback_info(deployment)),
        ("previousRevision", previous_revision(account, deployment)),
        (
            "overrideAlarmConfiguration",
            deployment.alarms_override.clone(),
        ),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            view.insert(name.to_owned(), value);
        }
    }
}

const fn creator_name(creator: &Creator) -> &'static str {
    match creator {
        Creator::User => "user",
        Creator::Rollback(_) => "codeDeployRollback",
    }
}

/// The one target, counted under its state.
fn overview(status: Status) -> Value {
    let count_if = |states: &[Status]| u32::from(states.contains(&status));
    json!({
        "Pending": count_if(&[Status::Created, Status::Queued]), "InProgress": count_if(&[Status::InProgress, Status::Baking]),
        "Succeeded": count_if(&[Status::Succeeded]), "Failed": count_if(&[Status::Failed]), "Skipped": count_if(&[Status::Stopped]),
        "Ready": count_if(&[Status::Ready]),
    })
}

fn rollback_info(deployment: &Deployment) -> Option<Value> {
    let link = &deployment.rollback;
    let message = link.message.clone()?;
    let mut info = json!({ "rollbackMessage": message });
    if let Some(id) = &link.rollback {
        info["rollbackDeploymentId"] = json!(id);
    }
    if let Some(id) = &link.triggering {
        info["rollbackTriggeringDeploymentId"] = json!(id);
    }
    Some(info)
}

fn previous_revision(account: &Account, deployment: &Deployment) -> Option<Value> {
    let is_earlier_success = |other: &&Deployment| {
        other.group.id == deployment.group.id
            && other.status == Status::Succeeded
            && other.created_ms < deployment.created_ms
    };
    account
        .deployments
        .iter()
        .rev()
        .find(is_earlier_success)
        .map(|deployment| deployment.revision.clone())
}
