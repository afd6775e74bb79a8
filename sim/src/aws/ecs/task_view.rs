//! A task as `DescribeTasks` shows it.

use serde_json::{Map, Value, json};

use crate::account::{Account, Container, Origin, Phase, Revision, Task, epoch_seconds};

/// What AWS says about a task.
pub(super) fn view(account: &Account, task: &Task) -> Value {
    let revision = account.revisions.find(&task.revision);
    let containers: Vec<Value> = task
        .containers
        .iter()
        .map(|container| container_view(account, task, container))
        .collect();
    let mut view = json!({
        "taskArn": account.location.task_arn(&task.id), "taskDefinitionArn": task.revision, "clusterArn": account.location.cluster_arn(),
        "availabilityZone": format!("{}a", account.location.region), "attachments": [], "containers": containers,
        "cpu": text_or(revision, "cpu", "256"), "memory": text_or(revision, "memory", "512"),
        "createdAt": epoch_seconds(task.created_ms), "desiredStatus": if task.is_over() { "STOPPED" } else { "RUNNING" },
        "lastStatus": task.phase.as_str(), "enableExecuteCommand": false, "healthStatus": "UNKNOWN", "launchType": "FARGATE",
        "overrides": { "containerOverrides": [] }, "platformVersion": "1.4.0", "platformFamily": "Linux", "tags": [],
        "version": task_version(task.phase), "attributes": [{ "name": "ecs.cpu-architecture", "value": "x86_64" }],
    });
    if let Some(members) = view.as_object_mut() {
        members.extend(task.launch.clone());
        add_origin(members, &task.origin);
        add_times(members, task);
    }
    view
}

fn text_or(revision: Option<&Revision>, field: &str, default: &str) -> String {
    revision
        .and_then(|revision| revision.text(field))
        .unwrap_or(default)
        .to_owned()
}

const fn task_version(phase: Phase) -> u32 {
    match phase {
        Phase::Provisioning => 1,
        Phase::Pending => 2,
        Phase::Running => 3,
        Phase::Deactivating => 4,
        Phase::Stopping => 5,
        Phase::Stopped => 6,
    }
}

fn add_origin(view: &mut Map<String, Value>, origin: &Origin) {
    let (group, started_by) = match origin {
        Origin::Fleet { service, fleet } => (format!("service:{service}"), Some(fleet)),
        Origin::Run { started_by, group } => (group.clone(), started_by.as_ref()),
    };
    view.insert("group".to_owned(), json!(group));
    if let Some(by) = started_by {
        view.insert("startedBy".to_owned(), json!(by));
    }
}

fn add_times(view: &mut Map<String, Value>, task: &Task) {
    let all = [
        ("startedAt", task.started_ms),
        ("stoppingAt", task.stopping_ms),
        ("stoppedAt", task.stopped_ms),
    ];
    for (name, at) in all {
        if let Some(at) = at {
            view.insert(name.to_owned(), epoch_seconds(at));
        }
    }
    if let (Some(code), Some(reason)) = (task.stop_code, &task.stopped_reason) {
        view.insert("stopCode".to_owned(), json!(code.as_str()));
        view.insert("stoppedReason".to_owned(), json!(reason));
    }
}

fn container_view(account: &Account, task: &Task, container: &Container) -> Value {
    let mut view = json!({
        "containerArn": account.location.container_arn(&task.id, &container.name), "taskArn": account.location.task_arn(&task.id),
        "name": container.name, "image": container.image, "lastStatus": container_status(task, container),
        "networkBindings": [], "networkInterfaces": [], "healthStatus": "UNKNOWN", "cpu": "0",
    });
    let digest = container
        .image
        .rsplit_once('@')
        .map(|(_, digest)| digest.to_owned());
    let optional = [
        ("imageDigest", digest.map(Value::from)),
        ("exitCode", container.exit_code.map(Value::from)),
        ("reason", container.reason.clone().map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            view[name] = value;
        }
    }
    view
}

const fn container_status(task: &Task, container: &Container) -> &'static str {
    match (task.phase, &container.exit_code) {
        (Phase::Stopped, _) | (_, Some(_)) => "STOPPED",
        (Phase::Provisioning | Phase::Pending, None) => "PENDING",
        (Phase::Running | Phase::Deactivating | Phase::Stopping, None) => "RUNNING",
    }
}
