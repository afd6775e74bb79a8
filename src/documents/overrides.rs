//! The `run-task-*` inputs that are lists of objects: container overrides, tags, capacity provider strategy.
//!
//! Each is JSON (YAML works too) and goes to AWS as it is. Only what makes an item useless is judged: no list, no
//! object, no name. The official action shows a raw syntax error, or nothing, for these.

use serde_json::Value;

use super::coerce::{Note, override_texts_from_numbers};
use super::parse::{kind, parse_any};
use super::task_definition::{TaskDefinition, text};
use crate::problem::Problem;

/// Container overrides as they are sent, and what was changed in them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContainerOverrides {
    /// The items of `overrides.containerOverrides`.
    pub items: Vec<Value>,
    /// Numbers that became texts.
    pub notes: Vec<Note>,
}

const OVERRIDES_INPUT: &str = "run-task-container-overrides";

/// Reads `run-task-container-overrides`.
pub fn container_overrides(input: &str) -> Result<ContainerOverrides, Vec<Problem>> {
    let mut items = objects(input, OVERRIDES_INPUT, "name")?;
    let texts = |(index, item): (usize, &mut Value)| override_texts_from_numbers(item, &format!("containerOverrides[{index}]"));
    let notes = items.iter_mut().enumerate().flat_map(texts).collect();
    Ok(ContainerOverrides { items, notes })
}

/// Overrides of containers that the task definition lacks: ECS would refuse the task.
pub fn check_container_overrides(overrides: &ContainerOverrides, definition: TaskDefinition<'_>) -> Vec<Problem> {
    let names = overrides.items.iter().filter_map(|item| text(item, "name"));
    names.filter(|name| definition.container(name).is_none()).map(|name| unknown_container(name, definition)).collect()
}

fn unknown_container(name: &str, definition: TaskDefinition<'_>) -> Problem {
    let remedy = format!("The task definition has the containers {}", definition.container_names());
    Problem::new(OVERRIDES_INPUT, format!("There is no container `{name}` to override"), remedy)
}

/// Reads `run-task-tags`.
pub fn tags(input: &str) -> Result<Vec<Value>, Vec<Problem>> {
    objects(input, "run-task-tags", "key")
}

/// Reads `run-task-capacity-provider-strategy`. Not empty means that no launch type may be sent.
pub fn capacity_provider_strategy(input: &str) -> Result<Vec<Value>, Vec<Problem>> {
    objects(input, "run-task-capacity-provider-strategy", "capacityProvider")
}

/// A list of objects that each have a text under `required`; empty for an empty input.
fn objects(document: &str, input: &str, required: &str) -> Result<Vec<Value>, Vec<Problem>> {
    let items = match parse_any(document, "inline", input)? {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        other => return Err(vec![not_a_list(&other, input, required)]),
    };
    let problems: Vec<Problem> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| text(item, required).is_none())
        .map(|(index, item)| useless(index, item, input, required))
        .collect();
    if problems.is_empty() { Ok(items) } else { Err(problems) }
}

fn not_a_list(value: &Value, input: &str, required: &str) -> Problem {
    Problem::new(input, format!("The value is {}, not a list", kind(value)), example(required))
}

fn useless(index: usize, item: &Value, input: &str, required: &str) -> Problem {
    let message = match item {
        Value::Object(_) => format!("Item {index} has no `{required}`"),
        other => format!("Item {index} is {}, not an object", kind(other)),
    };
    Problem::new(input, message, example(required))
}

fn example(required: &str) -> String {
    format!("Give a JSON list of objects: [{{\"{required}\": \"…\", …}}]")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_objects_go_through_as_they_are() {
        let overrides =
            container_overrides(r#"[{"name": "api", "command": ["migrate"], "newThing": 1, "environment": [{"name": "A", "value": 5}]}]"#)
                .unwrap();
        let expected = json!({ "name": "api", "command": ["migrate"], "newThing": 1, "environment": [{ "name": "A", "value": "5" }] });
        assert_eq!(overrides.items, [expected]);
        assert_eq!(overrides.notes[0].path, "containerOverrides[0].environment[0].value");
        assert_eq!(tags("- {key: a, value: b}").unwrap(), [json!({ "key": "a", "value": "b" })]);
        assert_eq!(capacity_provider_strategy("[]").unwrap(), Vec::<Value>::new());
        assert_eq!(tags("").unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn what_is_wrong_is_said_with_the_input() {
        let table = [
            (container_overrides("[{").map(drop), "run-task-container-overrides: inline:1:"),
            (container_overrides(r#"{"name": "a"}"#).map(drop), "run-task-container-overrides: The value is an object, not a list"),
            (tags(r#"[{"Key": "a"}]"#).map(drop), "run-task-tags: Item 0 has no `key`"),
            (
                capacity_provider_strategy(r#"["FARGATE"]"#).map(drop),
                "run-task-capacity-provider-strategy: Item 0 is a text, not an object",
            ),
        ];
        for (result, expected) in table {
            let problem = result.unwrap_err().remove(0).to_string();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    #[test]
    fn an_override_of_a_container_that_is_not_there_is_a_problem() {
        let definition = json!({ "containerDefinitions": [{ "name": "api" }] });
        let overrides = container_overrides(r#"[{"name": "api"}, {"name": "web"}]"#).unwrap();
        let problems = check_container_overrides(&overrides, TaskDefinition(&definition));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].message, "There is no container `web` to override");
    }
}
