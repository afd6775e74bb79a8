//! What AWS fills in when a field of a task definition is left out, and which default values it
//! leaves out.
//!
//! The values are those the API reference gives at the types of `RegisterTaskDefinition`; it says
//! nothing about the `scope` and `driver` of a Docker volume, where Docker's own defaults are
//! taken. Free texts of labels and options have no defaults.

use serde_json::{Map, Value};

use super::equality::to_text;

/// Fields whose default is neither empty, nor `false`, nor 0.
const DEFAULTS: [(&str, &str); 15] = [
    ("essential", "true"),
    ("protocol", "tcp"),
    ("networkMode", "bridge"),
    ("interval", "30"),
    ("timeout", "5"),
    ("retries", "3"),
    ("restartAttemptPeriod", "300"),
    ("versionConsistency", "enabled"),
    ("rootDirectory", "/"),
    ("transitEncryption", "DISABLED"),
    ("iam", "DISABLED"),
    ("scope", "task"),
    ("driver", "local"),
    ("type", "APPMESH"),
    ("strategy", "ROLLING"),
];

/// Fields for which `false` or 0 differs from leaving them out.
const NEVER_EMPTY: [&str; 5] = [
    "essential",
    "swappiness",
    "maxSwap",
    "softLimit",
    "hardLimit",
];

/// Objects with keys of the user's choice.
const FREE_TEXTS: [&str; 4] = ["dockerLabels", "options", "labels", "driverOpts"];

/// Whether the keys of an object are fields of the API or the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// Fields of the API, which may have defaults.
    ApiField,
    /// The user's own keys: leaving one out always makes a difference.
    UserKey,
}

impl KeyKind {
    /// The kind of the keys of the object under this key.
    pub(super) fn for_object(key: &str) -> Self {
        if FREE_TEXTS.contains(&key) {
            Self::UserKey
        } else {
            Self::ApiField
        }
    }
}

/// How host ports are chosen: in the modes `awsvpc` and `host` a task has the ports of its
/// containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// The host port is the container port.
    SamePorts,
    /// The host port is chosen when the task starts.
    DynamicPorts,
}

impl Context {
    /// The context of two definitions, either of which may leave its network mode out.
    pub(super) fn from_definitions(one: &Value, other: &Value) -> Self {
        let mode = |value: &Value| {
            value
                .get("networkMode")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        match mode(one).or_else(|| mode(other)).as_deref() {
            Some("awsvpc" | "host") => Self::SamePorts,
            _ => Self::DynamicPorts,
        }
    }
}

/// Whether leaving this entry of `parent` out means the same.
pub(super) fn is_default(
    fields: KeyKind,
    key: &str,
    value: &Value,
    parent: &Map<String, Value>,
    context: Context,
) -> bool {
    match fields {
        _ if value.is_null() => true,
        KeyKind::UserKey => false,
        KeyKind::ApiField if key == "hostPort" => is_default_host_port(value, parent, context),
        KeyKind::ApiField => {
            has_no_effect(key, value, context) || DEFAULTS.contains(&(key, &to_text(value)))
        }
    }
}

fn has_no_effect(key: &str, value: &Value, context: Context) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value && !NEVER_EMPTY.contains(&key),
        Value::Number(number) => number.as_f64() == Some(0.0) && !NEVER_EMPTY.contains(&key),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.iter().all(|(child, value)| {
            is_default(KeyKind::for_object(key), child, value, entries, context)
        }),
    }
}

fn is_default_host_port(value: &Value, parent: &Map<String, Value>, context: Context) -> bool {
    match context {
        Context::DynamicPorts => to_text(value) == "0",
        Context::SamePorts => {
            to_text(value) == "0"
                || parent
                    .get("containerPort")
                    .is_some_and(|port| to_text(port) == to_text(value))
        }
    }
}
