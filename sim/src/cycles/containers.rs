//! From a revision and overrides to the containers of a task and the orders to run them. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::account::{Container, LogLocation, Revision, name_from_arn};
use crate::world::TaskSpec;

/// What `RunTask` changes about a revision.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    by_container: BTreeMap<String, Value>,
}

impl Overrides {
    /// Out of `overrides.containerOverrides`.
    pub(crate) fn parse(overrides: &Value) -> Self {
        let named = |value: &Value| Some((value.get("name")?.as_str()?.to_owned(), value.clone()));
        let list = overrides
            .get("containerOverrides")
            .and_then(Value::as_array);
        Self {
            by_container: list.into_iter().flatten().filter_map(named).collect(),
        }
    }

    /// The names of the containers it speaks of.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.by_container.keys()
    }
}

/// The containers of a task and, in the same order, what the world is to run for them.
pub(crate) fn build_containers(
    revision: &Revision,
    task: &str,
    overrides: &Overrides,
    secrets: &BTreeMap<String, String>,
) -> (Vec<Container>, Vec<TaskSpec>) {
    revision
        .containers()
        .map(|definition| {
            build_container(
                (definition, name_from_arn(&revision.arn)),
                task,
                overrides,
                secrets,
            )
        })
        .unzip()
}

fn build_container(
    (definition, revision): (&Value, &str),
    task: &str,
    overrides: &Overrides,
    secrets: &BTreeMap<String, String>,
) -> (Container, TaskSpec) {
    let name = text_field(definition, "name");
    let change = overrides.by_container.get(&name).unwrap_or(&Value::Null);
    let container = Container {
        image: text_field(definition, "image"),
        essential: definition
            .get("essential")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        port: container_port(definition),
        log: log_location(definition, &name, task),
        handle: None,
        exit_code: None,
        reason: None,
        name,
    };
    let spec = TaskSpec {
        id: format!("{task}-{}", container.name),
        revision: revision.to_owned(),
        image: container.image.clone(),
        environment: merge_environment(definition, change, secrets),
        command: string_list(change, "command").or_else(|| string_list(definition, "command")),
        port: container.port,
    };
    (container, spec)
}

fn text_field(value: &Value, field: &str) -> String {
    value
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn string_list(value: &Value, field: &str) -> Option<Vec<String>> {
    let list = value.get(field)?.as_array()?;
    (!list.is_empty()).then(|| {
        list.iter()
            .filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect()
    })
}

fn container_port(definition: &Value) -> u16 {
    let first = definition
        .pointer("/portMappings/0/containerPort")
        .and_then(Value::as_u64);
    first.and_then(|port| u16::try_from(port).ok()).unwrap_or(0)
}

/// The later wins: the definition's values, its secrets, the override's values.
fn merge_environment(
    definition: &Value,
    change: &Value,
    secrets: &BTreeMap<String, String>,
) -> Vec<(String, String)> {
    let mut all = BTreeMap::new();
    all.extend(name_value_pairs(definition, "environment", "value"));
    let resolved = name_value_pairs(definition, "secrets", "valueFrom")
        .map(|(name, from)| (name, secrets.get(&from).cloned().unwrap_or_default()));
    all.extend(resolved);
    all.extend(name_value_pairs(change, "environment", "value"));
    all.into_iter().collect()
}

fn name_value_pairs<'a>(
    value: &'a Value,
    list: &str,
    value_field: &'a str,
) -> impl Iterator<Item = (String, String)> + 'a {
    value
        .get(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(move |pair| (text_field(pair, "name"), text_field(pair, value_field)))
}

/// The awslogs driver names a stream `prefix/container/task`.
fn log_location(definition: &Value, container: &str, task: &str) -> Option<LogLocation> {
    let options = definition.pointer("/logConfiguration/options")?;
    if definition
        .pointer("/logConfiguration/logDriver")?
        .as_str()?
        != "awslogs"
    {
        return None;
    }
    let group = options.get("awslogs-group")?.as_str()?.to_owned();
    let prefix = options.get("awslogs-stream-prefix")?.as_str()?;
    Some(LogLocation {
        group,
        stream: format!("{prefix}/{container}/{task}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_override_wins_over_the_definition_and_keeps_the_rest() {
        let definition = json!({ "name": "app", "image": "i", "command": ["serve"], "portMappings": [{ "containerPort": 8080 }],
            "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }],
            "secrets": [{ "name": "S", "valueFrom": "arn:s" }] });
        let overrides = Overrides::parse(&json!({ "containerOverrides": [
            { "name": "app", "command": ["migrate"], "environment": [{ "name": "B", "value": "3" }] }] }));
        let secrets = BTreeMap::from([("arn:s".to_owned(), "hidden".to_owned())]);
        let (_, spec) = build_container((&definition, "api:1"), "t", &overrides, &secrets);
        assert_eq!(spec.command, Some(vec!["migrate".to_owned()]));
        assert_eq!(spec.port, 8080);
        let expected = [("A", "1"), ("B", "3"), ("S", "hidden")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(spec.environment, expected);
    }

    #[test]
    fn a_log_stream_is_named_as_the_awslogs_driver_names_it() {
        let definition = json!({ "logConfiguration": { "logDriver": "awslogs",
            "options": { "awslogs-group": "/ecs/app", "awslogs-stream-prefix": "ecs" } } });
        let location = log_location(&definition, "app", "0123");
        assert_eq!(
            location,
            Some(LogLocation {
                group: "/ecs/app".to_owned(),
                stream: "ecs/app/0123".to_owned()
            })
        );
    }
}
