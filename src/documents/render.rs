//! Applies changes to a task definition.
//!
//! Also decides which containers are meant: the named ones; without a name the only container, or
//! the only essential one. Everything that is not changed stays as it is, in its place.

use serde_json::{Map, Value, json};

use super::changes::{Changes, ContainerInput};
use super::clean::items_mut;
use super::pairs::Pair;
use super::task_definition::{TaskDefinition, text};
use crate::problem::Problem;

/// Applies the changes. The problems name the official input.
pub fn render(definition: &Value, changes: &Changes) -> Result<Value, Vec<Problem>> {
    let mut rendered = definition.clone();
    if changes.changes_containers() || !changes.containers.is_empty() {
        let chosen = choose_containers(
            TaskDefinition(definition),
            &changes.containers,
            changes.container_input,
        )?;
        let is_chosen = |container: &&mut Value| {
            text(container, "name").is_some_and(|name| chosen.iter().any(|chosen| chosen == name))
        };
        for container in items_mut(&mut rendered, "containerDefinitions").filter(is_chosen) {
            change_container(container, changes);
        }
    }
    set(
        &mut rendered,
        "taskRoleArn",
        changes.task_role_arn.as_deref(),
    );
    set(
        &mut rendered,
        "executionRoleArn",
        changes.execution_role_arn.as_deref(),
    );
    Ok(rendered)
}

/// The names of the containers that are meant by the given names, which may be empty.
pub fn choose_containers(
    definition: TaskDefinition<'_>,
    names: &[String],
    input: ContainerInput,
) -> Result<Vec<String>, Vec<Problem>> {
    if names.is_empty() {
        return find_only_container(definition)
            .map(|name| vec![name])
            .ok_or_else(|| vec![ambiguous_problem(definition, input)]);
    }
    let problems: Vec<Problem> = names
        .iter()
        .filter(|name| definition.container(name).is_none())
        .map(|name| unknown_container_problem(name, definition, input))
        .collect();
    if problems.is_empty() {
        Ok(names.to_vec())
    } else {
        Err(problems)
    }
}

/// The only container, or the only essential one.
pub fn find_only_container(definition: TaskDefinition<'_>) -> Option<String> {
    let mut containers = definition.containers();
    let mut essential = definition.essential_containers();
    let only = match (containers.next(), containers.next()) {
        (Some(only), None) => only,
        _ => essential.next().filter(|_| essential.next().is_none())?,
    };
    only.name().map(str::to_owned)
}

fn unknown_container_problem(
    name: &str,
    definition: TaskDefinition<'_>,
    input: ContainerInput,
) -> Problem {
    let message = format!(
        "Invalid task definition: Could not find container definition with matching name: `{name}`"
    );
    Problem::new(
        input.as_str(),
        message,
        format!(
            "The task definition has the containers {}",
            definition.container_names()
        ),
    )
}

fn ambiguous_problem(definition: TaskDefinition<'_>, input: ContainerInput) -> Problem {
    let remedy = format!(
        "Name one of the containers of the task definition: {}",
        definition.container_names()
    );
    Problem::new(
        input.as_str(),
        "No container is named, and the task definition has no single essential one",
        remedy,
    )
}

fn change_container(container: &mut Value, changes: &Changes) {
    set(container, "image", changes.image.as_deref());
    set(container, "command", changes.command.clone());
    set(
        container,
        "environmentFiles",
        changes
            .environment_files
            .as_deref()
            .map(environment_file_items),
    );
    remove_pairs(container, "secrets", &changes.environment);
    remove_pairs(container, "environment", &changes.secrets);
    upsert_pairs(container, "environment", "value", &changes.environment);
    upsert_pairs(container, "secrets", "valueFrom", &changes.secrets);
    insert_pairs(container, "dockerLabels", &changes.docker_labels);
    if changes.log_driver.is_some() || !changes.log_options.is_empty() {
        let configuration = object_at(container, "logConfiguration");
        set(configuration, "logDriver", changes.log_driver.as_deref());
        insert_pairs(configuration, "options", &changes.log_options);
    }
}

fn environment_file_items(arns: &[String]) -> Value {
    arns.iter()
        .map(|arn| json!({ "value": arn, "type": "s3" }))
        .collect()
}

pub(super) fn set(target: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let (Some(entries), Some(value)) = (target.as_object_mut(), value) {
        entries.insert(key.to_owned(), value.into());
    }
}

/// Sets environment variables, secrets or labels.
pub(super) fn set_pairs(container: &mut Value, list: &str, pairs: &[Pair]) {
    match list {
        "environment" => {
            remove_pairs(container, "secrets", pairs);
            upsert_pairs(container, list, "value", pairs);
        }
        "secrets" => {
            remove_pairs(container, "environment", pairs);
            upsert_pairs(container, list, "valueFrom", pairs);
        }
        _ => insert_pairs(container, list, pairs),
    }
}

/// Sets each pair in a list of `{name, …}`: in the place of the entry of that name, or at the end.
fn upsert_pairs(container: &mut Value, list: &str, value_key: &str, pairs: &[Pair]) {
    if pairs.is_empty() {
        return;
    }
    if !container.get(list).is_some_and(Value::is_array) {
        set(container, list, Some(Value::Array(Vec::new())));
    }
    let Some(items) = container.get_mut(list).and_then(Value::as_array_mut) else {
        return;
    };
    for pair in pairs {
        match items
            .iter_mut()
            .find(|item| item.get("name").and_then(Value::as_str) == Some(&pair.name))
        {
            Some(item) => set(item, value_key, Some(pair.value.expose())),
            None => items.push(json!({ "name": pair.name, value_key: pair.value.expose() })),
        }
    }
}

/// Removes the pairs' names from the other list, because AWS accepts a name in one list only. The
/// new pair wins.
fn remove_pairs(container: &mut Value, list: &str, pairs: &[Pair]) {
    let is_there = |item: &Value| pairs.iter().any(|pair| item["name"] == pair.name.as_str());
    let Some(items) = container.get_mut(list).and_then(Value::as_array_mut) else {
        return;
    };
    let before = items.len();
    items.retain(|item| !is_there(item));
    if let (true, Some(entries)) = (items.is_empty() && before > 0, container.as_object_mut()) {
        entries.shift_remove(list);
    }
}

/// Sets each pair in an object with text values.
fn insert_pairs(target: &mut Value, key: &str, pairs: &[Pair]) {
    if pairs.is_empty() {
        return;
    }
    let object = object_at(target, key);
    for pair in pairs {
        set(object, &pair.name, Some(pair.value.expose()));
    }
}

/// The object under a key, created when it is missing.
fn object_at<'a>(target: &'a mut Value, key: &str) -> &'a mut Value {
    if !target.get(key).is_some_and(Value::is_object) {
        set(target, key, Some(Value::Object(Map::new())));
    }
    &mut target[key]
}

#[cfg(test)]
mod tests;
