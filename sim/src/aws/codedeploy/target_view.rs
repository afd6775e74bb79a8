//! A deployment's one target as `GetDeploymentTarget` shows it: lifecycle events and both task
//! sets.

use serde_json::{Value, json};

use crate::account::{
    Account, Deployment, EventStatus, Fleet, LifecycleEvent, Phase, Side, Status, epoch_seconds,
};

/// What `CodeDeploy` says about the service as a target.
pub(super) fn view(account: &Account, deployment: &Deployment, target_id: &str) -> Value {
    let events: Vec<Value> = deployment.events.iter().map(event_view).collect();
    json!({
        "deploymentTargetType": "ECSTarget",
        "ecsTarget": {
            "deploymentId": deployment.id, "targetId": target_id, "targetArn": account.location.service_arn(&deployment.group.service),
            "lastUpdatedAt": epoch_seconds(deployment.updated_ms), "lifecycleEvents": events, "status": target_status(deployment.status),
            "taskSetsInfo": task_sets(account, deployment),
        },
    })
}

const fn target_status(status: Status) -> &'static str {
    match status {
        Status::Created | Status::Queued => "Pending",
        Status::InProgress | Status::Baking => "InProgress",
        Status::Ready => "Ready",
        Status::Succeeded => "Succeeded",
        Status::Failed => "Failed",
        Status::Stopped => "Skipped",
    }
}

fn event_view(event: &LifecycleEvent) -> Value {
    let mut view = json!({ "lifecycleEventName": event.name, "status": event.status.as_str() });
    for (name, at) in [("startTime", event.started_ms), ("endTime", event.ended_ms)] {
        if let Some(at) = at {
            view[name] = epoch_seconds(at);
        }
    }
    if let Some(message) = &event.message {
        let code = if event.status == EventStatus::Failed {
            "UnknownError"
        } else {
            "Success"
        };
        view["diagnostics"] =
            json!({ "errorCode": code, "scriptName": "", "message": message, "logTail": "" });
    }
    view
}

fn task_sets(account: &Account, deployment: &Deployment) -> Vec<Value> {
    let sides = [("Blue", &deployment.blue), ("Green", &deployment.green)];
    sides
        .into_iter()
        .filter_map(|(label, side)| task_set(account, deployment, label, side.as_ref()?))
        .collect()
}

fn task_set(account: &Account, deployment: &Deployment, label: &str, side: &Side) -> Option<Value> {
    let fleet: &Fleet = account.fleet(&side.fleet)?;
    let running = account
        .live_tasks(&fleet.id)
        .filter(|task| task.phase == Phase::Running)
        .count();
    let pending = account.live_tasks(&fleet.id).count() - running;
    let weight = account.weight(&deployment.group.exposure.production, &side.target_group);
    Some(json!({
        "identifer": fleet.id, "desiredCount": fleet.desired, "pendingCount": pending, "runningCount": running,
        "status": fleet.role.as_str(), "trafficWeight": f64::from(weight), "targetGroup": { "name": side.target_group }, "taskSetLabel": label,
    }))
}
