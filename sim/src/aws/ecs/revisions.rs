//! Task definitions: registered as they came, described as AWS would, with its defaults filled in.

use serde_json::{Map, Value, json};

use crate::account::seconds;
use crate::account::{Revision, last_part};
use crate::aws::{Answer, Asked, Refusal, model};
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// At most so many revisions come in one page.
const PAGE: u64 = 100;

pub(super) fn register(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let body = asked.0.as_object().cloned().unwrap_or_default();
    let family = asked
        .text("family")
        .ok_or_else(|| Refusal::client("Family should not be null or empty."))?
        .to_owned();
    check(asked)?;
    let body = if cloud.switches().keep_unknown_fields {
        body
    } else {
        model::known_only(&body)
    };
    Ok(cloud.change(|account| {
        let place = account.place.clone();
        let revision = account.revisions.register(&family, body, |family, number| {
            place.revision_arn(family, number)
        });
        json!({ "taskDefinition": view(&revision, &place.caller_arn()), "tags": revision.tags })
    }))
}

/// The mistakes that ECS names in its own words.
fn check(asked: Asked<'_>) -> Result<(), Refusal> {
    let containers = asked
        .get("containerDefinitions")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty());
    let containers =
        containers.ok_or_else(|| Refusal::client("Container definitions should not be empty."))?;
    for (field, name) in [("name", "Container.name"), ("image", "Container.image")] {
        if containers
            .iter()
            .any(|container| Asked(container).text(field).is_none())
        {
            return Err(Refusal::client(format!(
                "{name} should not be null or empty."
            )));
        }
    }
    if containers
        .iter()
        .all(|container| container.get("essential").and_then(Value::as_bool) == Some(false))
    {
        return Err(Refusal::client(
            "Invalid setting for container. At least one container should be essential.",
        ));
    }
    check_fargate(asked, containers)
}

fn check_fargate(asked: Asked<'_>, containers: &[Value]) -> Result<(), Refusal> {
    if !asked.texts("requiresCompatibilities").contains(&"FARGATE") {
        return Ok(());
    }
    if let Some(missing) = ["cpu", "memory"]
        .into_iter()
        .find(|field| asked.text(field).is_none())
    {
        return Err(Refusal::client(format!(
            "Fargate requires that '{missing}' be defined at the task level."
        )));
    }
    if asked.text("networkMode") != Some("awsvpc") {
        return Err(Refusal::client(
            "Fargate only supports network mode ‘awsvpc’.",
        ));
    }
    let logs = containers.iter().any(|container| {
        container
            .pointer("/logConfiguration/logDriver")
            .and_then(Value::as_str)
            == Some("awslogs")
    });
    if logs && asked.text("executionRoleArn").is_none() {
        return Err(Refusal::client(
            "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        ));
    }
    Ok(())
}

pub(super) fn describe(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let reference = asked
        .text("taskDefinition")
        .ok_or_else(|| Refusal::client("taskDefinition can not be null or empty."))?;
    cloud.look(|account| {
        let revision = account.revisions.find(reference).ok_or_else(not_found)?;
        let tags = if asked.includes("TAGS") {
            revision.tags.clone()
        } else {
            json!([])
        };
        Ok(json!({ "taskDefinition": view(revision, &account.place.caller_arn()), "tags": tags }))
    })
}

fn not_found() -> Refusal {
    Refusal::client("Unable to describe task definition.")
}

pub(super) fn list(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let inactive = asked.text("status") == Some("INACTIVE");
    let family = asked.text("familyPrefix");
    let start: usize = asked
        .text("nextToken")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    let size = usize::try_from(asked.number("maxResults").unwrap_or(PAGE).min(PAGE)).unwrap_or(1);
    cloud.look(|account| {
        let fits = |revision: &&Revision| {
            revision.deregistered_ms.is_some() == inactive
                && family.is_none_or(|family| revision.family == family)
        };
        let mut arns: Vec<&str> = account
            .revisions
            .all()
            .filter(fits)
            .map(|revision| revision.arn.as_str())
            .collect();
        if asked.text("sort") == Some("DESC") {
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

pub(super) fn deregister(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let reference = asked.text("taskDefinition").unwrap_or_default();
    if !last_part(reference).contains(':') {
        return Err(Refusal::parameter("Invalid revision number."));
    }
    cloud.change(|account| {
        let caller = account.place.caller_arn();
        let revision = account.revisions.find_mut(reference);
        let revision = revision
            .ok_or_else(|| Refusal::client("The specified task definition does not exist."))?;
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
    view.extend(members(json!({
        "taskDefinitionArn": revision.arn, "revision": revision.number, "status": status,
        "requiresAttributes": [{ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }],
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": seconds(revision.registered_ms), "registeredBy": registered_by,
    })));
    if let Some(at) = revision.deregistered_ms {
        view.insert("deregisteredAt".to_owned(), seconds(at));
    }
    Value::Object(view)
}

fn members(value: Value) -> Map<String, Value> {
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
            .for_each(complete_mapping);
    }
    Value::Object(view)
}

fn complete_mapping(mapping: &mut Map<String, Value>) {
    if let Some(port) = mapping.get("containerPort").cloned() {
        mapping.entry("hostPort").or_insert(port);
    }
    mapping.entry("protocol").or_insert_with(|| json!("tcp"));
}
