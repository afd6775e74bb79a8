//! Cleans a task definition by the official rules: removes empty values and what only AWS may set,
//! and restores what must be present although it is empty.
//!
//! Unknown fields are kept. Two differences from the official action, on purpose: a key that
//! `keep-null-value-keys` names is kept at any depth (the official action drops it with its parent
//! when it has no sibling), and that input may also be a JSON list.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::coerce::{Note, coerce_definition};
use super::task_definition::text;
use crate::problem::Problem;

/// What `DescribeTaskDefinition` returns and `RegisterTaskDefinition` refuses. All but the last are
/// the official list.
const READ_ONLY: [&str; 9] = [
    "compatibilities",
    "taskDefinitionArn",
    "requiresAttributes",
    "revision",
    "status",
    "registeredAt",
    "deregisteredAt",
    "registeredBy",
    "deleteRequestedAt",
];

/// The keys that stay although their value is empty: the input `keep-null-value-keys`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptKeys(HashSet<String>);

impl KeptKeys {
    /// Reads a comma list (`tag, command`) or a JSON list of texts (`["tag", "command"]`).
    pub fn parse(input: &str) -> Result<Self, Vec<Problem>> {
        super::lists::parse_list(input, "keep-null-value-keys")
            .map(|keys| Self(keys.into_iter().collect()))
    }

    fn contains(&self, key: &str) -> bool {
        self.0.contains(key)
    }
}

/// A cleaned task definition, and what the log says about the cleaning.
#[derive(Debug, Clone, PartialEq)]
pub struct CleanedDefinition {
    /// The definition, ready to be registered.
    pub definition: Value,
    /// The properties that were removed because only AWS sets them; [`ignored_warning`] returns the
    /// message for one.
    pub ignored: Vec<&'static str>,
    /// Values that were changed to what AWS accepts.
    pub notes: Vec<Note>,
}

/// Cleans a task definition by the official rules.
pub fn clean(definition: &Value, kept_keys: &KeptKeys) -> CleanedDefinition {
    let mut definition = remove_empty(definition, kept_keys);
    let ignored = remove_read_only(&mut definition);
    restore_proxy_properties(&mut definition);
    restore_environment_values(&mut definition);
    let notes = coerce_definition(&mut definition);
    CleanedDefinition {
        definition,
        ignored,
        notes,
    }
}

/// The official warning about a property that was removed.
pub fn ignored_warning(property: &str) -> String {
    format!(
        "Ignoring property '{property}' in the task definition file. This property is returned by the Amazon ECS DescribeTaskDefinition API \
         and may be shown in the ECS console, but it is not a valid field when registering a new task definition. This field can be safely \
         removed from your task definition file."
    )
}

/// Removes what only AWS sets, and returns the names of what was removed.
pub(super) fn remove_read_only(definition: &mut Value) -> Vec<&'static str> {
    let Some(entries) = definition.as_object_mut() else {
        return Vec::new();
    };
    READ_ONLY
        .into_iter()
        .filter(|property| entries.shift_remove(*property).is_some())
        .collect()
}

fn remove_empty(value: &Value, kept_keys: &KeptKeys) -> Value {
    match value {
        Value::Array(items) => items
            .iter()
            .filter(|item| !is_empty(item, kept_keys))
            .map(|item| remove_empty(item, kept_keys))
            .collect(),
        Value::Object(entries) => Value::Object(non_empty_entries(entries, kept_keys)),
        other => other.clone(),
    }
}

fn non_empty_entries(entries: &Map<String, Value>, kept_keys: &KeptKeys) -> Map<String, Value> {
    let stays =
        |(key, value): &(&String, &Value)| kept_keys.contains(key) || !is_empty(value, kept_keys);
    entries
        .iter()
        .filter(stays)
        .map(|(key, value)| (key.clone(), remove_empty(value, kept_keys)))
        .collect()
}

/// Null, the empty text, and anything that contains nothing else; `0` and `false` are values.
fn is_empty(value: &Value, kept_keys: &KeptKeys) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(|item| is_empty(item, kept_keys)),
        Value::Object(entries) => entries
            .iter()
            .all(|(key, value)| !kept_keys.contains(key) && is_empty(value, kept_keys)),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// App Mesh requires both keys of a property, even when they are empty.
fn restore_proxy_properties(definition: &mut Value) {
    let Some(proxy) = definition.get_mut("proxyConfiguration") else {
        return;
    };
    if text(proxy, "type") == Some("APPMESH") {
        for property in items_mut(proxy, "properties") {
            restore(property, "value");
            restore(property, "name");
        }
    }
}

/// An environment variable may be set to the empty text, which differs from leaving it out.
fn restore_environment_values(definition: &mut Value) {
    for container in items_mut(definition, "containerDefinitions") {
        for variable in items_mut(container, "environment") {
            restore(variable, "value");
        }
    }
}

fn restore(item: &mut Value, key: &str) {
    if let Some(entries) = item.as_object_mut() {
        let value = entries.entry(key).or_insert_with(|| Value::from(""));
        if value.is_null() {
            *value = Value::from("");
        }
    }
}

/// The items of the list under a key, to be changed.
pub(super) fn items_mut<'a>(
    value: &'a mut Value,
    key: &str,
) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    value
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests;
