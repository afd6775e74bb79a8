//! A deployment as `GetDeployment` shows it.

use serde_json::{Map, Value, json};

use super::groups::{auto_rollback, blue_green, load_balancer, style};
use crate::account::{Account, Creator, Deployment, Status, seconds};

/// What `CodeDeploy` says about a deployment.
pub(super) fn view(account: &Account, deployment: &Deployment) -> Value {
    let group = &deployment.group;
    let mut view = json!({
        "applicationName": group.application, "deploymentGroupName": group.name, "deploymentConfigName": deployment.config,
        "deploymentId": deployment.id, "revision": deployment.revision, "status": deployment.status.as_str(),
        "createTime": seconds(deployment.created_ms), "deploymentOverview": overview(deployment.status),
        "creator": creator(&deployment.creator), "ignoreApplicationStopFailures": false, "updateOutdatedInstancesOnly": false,
        "autoRollbackConfiguration":
            deployment.auto_rollback_override.clone().unwrap_or_else(|| auto_rollback(&deployment.auto_rollback.events)),
        "deploymentStyle": style(), "instanceTerminationWaitTimeStarted": deployment.termination_wait_started,
        "blueGreenDeploymentConfiguration": blue_green(group), "loadBalancerInfo": load_balancer(&account.place, group),
        "fileExistsBehavior": "DISALLOW", "deploymentStatusMessages": [], "computePlatform": "ECS",
    });
    if let Some(members) = view.as_object_mut() {
        optional(members, account, deployment);
    }
    view
}

fn optional(view: &mut Map<String, Value>, account: &Account, deployment: &Deployment) {
    let error = deployment
        .error
        .as_ref()
        .map(|error| json!({ "code": error.code, "message": error.message }));
    let members = [
        (
            "description",
            deployment.description.clone().map(Value::from),
        ),
        ("startTime", deployment.started_ms.map(seconds)),
        ("completeTime", deployment.completed_ms.map(seconds)),
        ("errorInformation", error),
        ("rollbackInfo", rollback(deployment)),
        ("previousRevision", previous(account, deployment)),
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

const fn creator(creator: &Creator) -> &'static str {
    match creator {
        Creator::User => "user",
        Creator::Rollback(_) => "codeDeployRollback",
    }
}

/// The one target, counted under its state.
fn overview(status: Status) -> Value {
    let here = |states: &[Status]| u32::from(states.contains(&status));
    json!({
        "Pending": here(&[Status::Created, Status::Queued]), "InProgress": here(&[Status::InProgress, Status::Baking]),
        "Succeeded": here(&[Status::Succeeded]), "Failed": here(&[Status::Failed]), "Skipped": here(&[Status::Stopped]),
        "Ready": here(&[Status::Ready]),
    })
}

fn rollback(deployment: &Deployment) -> Option<Value> {
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

fn previous(account: &Account, deployment: &Deployment) -> Option<Value> {
    let earlier = |other: &&Deployment| {
        other.group.id == deployment.group.id
            && other.status == Status::Succeeded
            && other.created_ms < deployment.created_ms
    };
    account
        .deployments
        .iter()
        .rev()
        .find(earlier)
        .map(|deployment| deployment.revision.clone())
}
