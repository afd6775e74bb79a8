//! Task definitions: registered as they came, described as AWS would, with its defaults filled in.

use serde_json::{Map, Value, json};

use crate::account::epoch_seconds;
use crate::account::{Revision, name_from_arn};
use crate::aws::{Answer, Input, ServiceError, model};
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// At most so many revisions come in one page.
const MAX_PAGE: u64 = 100;

pub(super) fn register(cloud: &Cloud, input: Input<'_>) -> Answer {
    let body = input.0.as_object().cloned().unwrap_or_default();
    let family = input
        .text("family")
        .ok_or_else(|| ServiceError::client_exception("Family should not be null or empty."))?
        .to_owned();
    check_containers(input)?;
    let body = if cloud.switches().keep_unknown_fields {
        body
    } else {
        model::strip_unknown(&body)
    };
    Ok(cloud.change(|account| {
        let location = account.location.clone();
        let revision = account.revisions.register(&family, body, |family, number| {
            location.revision_arn(family, number)
        });
        json!({ "taskDefinition": view(&revision, &location.caller_arn()), "tags": revision.tags })
    }))
}

/// The mistakes that ECS names in its own words.
fn check_containers(input: Input<'_>) -> Result<(), ServiceError> {
    let containers = input
        .get("containerDefinitions")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    let containers = containers.ok_or_else(|| {
        ServiceError::client_exception("Container definitions should not be empty.")
    })?;
    for (field, name) in [("name", "Container.name"), ("image", "Container.image")] {
        if containers
            .iter()
            .any(|container| Input(container).text(field).is_none())
        {
            return Err(ServiceError::client_exception(format!(
                "{name} should not be null or empty."
            )));
        }
    }
    if containers
        .iter()
        .all(|container| container.get("essential").and_then(Value::as_bool) == Some(false))
    {
        return Err(ServiceError::client_exception(
            "Invalid setting for container. At least one container should be essential.",
        ));
    }
    check_fargate(input, containers)
}

fn check_fargate(input: Input<'_>, containers: &[Value]) -> Result<(), ServiceError> {
    if !input
        .text_list("requiresCompatibilities")
        .contains(&"FARGATE")
    {
        return Ok(());
    }
    if let Some(missing) = ["cpu", "memory"]
        .into_iter()
        .find(|field| input.text(field).is_none())
    {
        return Err(ServiceError::client_exception(format!(
            "Fargate requires that '{missing}' be defined at the task level."
        )));
    }
    if input.text("networkMode") != Some("awsvpc") {
        return Err(ServiceError::client_exception(
            "Fargate only supports network mode ‘awsvpc’.",
        ));
    }
    let logs = containers.iter().any(|container| {
        container
            .pointer("/logConfiguration/logDriver")
            .and_then(Value::as_str)
            == Some("awslogs")
    });
    if logs && input.text("executionRoleArn").is_none() {
        return Err(ServiceError::client_exception(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
    }
    Ok(())
}

pub(super) fn describe(cloud: &Cloud, input: Input<'_>) -> Answer {
    let reference = input.text("taskDefinition").ok_or_else(|| {
        ServiceError::client_exception("taskDefinition can not be null or empty.")
    })?;
    cloud.read(|account| {
        let revision = account.revisions.find(reference).ok_or_else(not_found)?;
        let tags = if input.includes("TAGS") {
            revision.tags.clone()
        } else {
            json!([])
        };
        Ok(json!({ "taskDefinition": view(revision, &account.location.caller_arn()), "tags": tags }))
    })
}

fn not_found() -> ServiceError {
    ServiceError::client_exception("Unable to describe task definition.")
}

pub(super) fn list(cloud: &Cloud, input: Input<'_>) -> Answer {
    let inactive = input.text("status") == Some("INACTIVE");
    let family = input.text("familyPrefix");
    let start: usize = input
        .text("nextToken")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    let size =
        usize::try_from(input.number("maxResults").unwrap_or(MAX_PAGE).min(MAX_PAGE)).unwrap_or(1);
    cloud.read(|account| {
        let fits = |revision: &&Revision| {
            revision.deregistered_ms.is_some() == inactive
                && family.is_none_or(|family| revision.family == family)
        };
        let mut arns: Vec<&str> = account
            .revisions
            .iter()
            .filter(fits)
            .map(|revision| revision.arn.as_str())
            .collect();
        if input.text("sort") == Some("DESC") {
            arns.reverse();
        }
        let page: Vec<&str> = arns.iter().skip(start).take(size).copied().collect();
        let mut answer = json!({ "taskDefinitionArns": page });
        if start + size < arns.len() {
            answer["nextToken"] = json!((start + size).to_string());
        }
        Ok(answer)
    })
}

pub(super) fn deregister(cloud: &Cloud, input: Input<'_>) -> Answer {
    let reference = input.text("taskDefinition").unwrap_or_default();
    if !name_from_arn(reference).contains(':') {
        return Err(ServiceError::invalid_parameter("Invalid revision number."));
    }
    cloud.change(|account| {
        let caller = account.location.caller_arn();
        let revision = account.revisions.find_mut(reference);
        let revision = revision.ok_or_else(|| {
            ServiceError::client_exception("The specified task definition does not exist.")
        })?;
        revision.deregistered_ms.get_or_insert_with(now_ms);
        Ok(json!({ "taskDefinition": view(revision, &caller) }))
    })
}

/// A revision as AWS describes it: what was registered, its identity, and the defaults.
fn view(revision: &Revision, registered_by: &str) -> Value {
    let mut view = revision.body.clone();
    let containers: Vec<Value> = revision.containers().map(container_view).collect();
    view.insert("containerDefinitions".to_owned(), Value::Array(containers));
    for list in ["volumes", "placementConstraints"] {
        view.entry(list).or_insert_with(|| json!([]));
    }
    let status = if revision.deregistered_ms.is_some() {
        "INACTIVE"
    } else {
        "ACTIVE"
    };
    view.extend(into_members(json!({
        "taskDefinitionArn": revision.arn, "revision": revision.number, "status": status,
        "requiresAttributes": [{ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }],
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": epoch_seconds(revision.registered_ms), "registeredBy": registered_by,
    })));
    if let Some(at) = revision.deregistered_ms {
        view.insert("deregisteredAt".to_owned(), epoch_seconds(at));
    }
    Value::Object(view)
}

fn into_members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// AWS fills these in: they are why a described definition differs from the registered one.
fn container_view(container: &Value) -> Value {
    let mut view = container.as_object().cloned().unwrap_or_default();
    view.entry("cpu").or_insert_with(|| json!(0));
    view.entry("essential").or_insert_with(|| json!(true));
    for list in [
        "portMappings",
        "environment",
        "mountPoints",
        "volumesFrom",
        "systemControls",
    ] {
        view.entry(list).or_insert_with(|| json!([]));
    }
    if let Some(Value::Array(mappings)) = view.get_mut("portMappings") {
        mappings
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(fill_mapping_defaults);
    }
    Value::Object(view)
}

fn fill_mapping_defaults(mapping: &mut Map<String, Value>) {
    if let Some(port) = mapping.get("containerPort").cloned() {
        mapping.entry("hostPort").or_insert(port);
    }
    mapping.entry("protocol").or_insert_with(|| json!("tcp"));
}
