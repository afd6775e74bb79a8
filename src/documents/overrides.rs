//! The `run-task-*` inputs that are lists of objects: container overrides, tags, capacity provider
//! strategy.
//!
//! Each is JSON (YAML works too) and is sent to AWS as it is. Only what makes an item useless is
//! refused: not a list, not an object, or without a name. The official action shows a raw syntax
//! error, or nothing, for these.

use serde_json::Value;

use super::coerce::Note;
use super::parse::{kind_name, parse_any};
use super::task_definition::{TaskDefinition, text};
use super::types::{OVERRIDE, PROVIDER, TAG, Type};
use super::typing::coerce_and_check;
use crate::problem::Problem;

/// The items of a list as they are sent, with notes on what was changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Items {
    /// The items as AWS takes them.
    pub items: Vec<Value>,
    /// The values that were corrected to what AWS takes.
    pub notes: Vec<Note>,
}

const OVERRIDES_INPUT: &str = "run-task-container-overrides";

/// Reads `run-task-container-overrides`.
pub fn parse_container_overrides(input: &str) -> Result<Items, Vec<Problem>> {
    parse_objects(
        input,
        &ListInput {
            input: OVERRIDES_INPUT,
            required: "name",
            path: "containerOverrides",
            kind: OVERRIDE,
        },
    )
}

/// Overrides of containers that are missing in the task definition: ECS would refuse the task.
pub fn check_container_overrides(
    overrides: &Items,
    definition: TaskDefinition<'_>,
) -> Vec<Problem> {
    let names = overrides.items.iter().filter_map(|item| text(item, "name"));
    names
        .filter(|name| definition.container(name).is_none())
        .map(|name| unknown_container_problem(name, definition))
        .collect()
}

fn unknown_container_problem(name: &str, definition: TaskDefinition<'_>) -> Problem {
    let remedy = format!(
        "The task definition has the containers {}",
        definition.container_names()
    );
    Problem::new(
        OVERRIDES_INPUT,
        format!("There is no container `{name}` to override"),
        remedy,
    )
}

/// Reads `run-task-tags`.
pub fn parse_tags(input: &str) -> Result<Items, Vec<Problem>> {
    parse_objects(
        input,
        &ListInput {
            input: "run-task-tags",
            required: "key",
            path: "tags",
            kind: TAG,
        },
    )
}

/// Reads `run-task-capacity-provider-strategy`. If it is not empty, no launch type may be sent.
pub fn parse_capacity_providers(input: &str) -> Result<Items, Vec<Problem>> {
    let (input_name, path) = (
        "run-task-capacity-provider-strategy",
        "capacityProviderStrategy",
    );
    parse_objects(
        input,
        &ListInput {
            input: input_name,
            required: "capacityProvider",
            path,
            kind: PROVIDER,
        },
    )
}

/// What an input lists: its name, the required key of each item, the item's path in messages, and
/// its type.
struct ListInput {
    input: &'static str,
    required: &'static str,
    path: &'static str,
    kind: Type,
}

/// Reads a list of objects that each have a text under the required key; empty for an empty input.
fn parse_objects(document: &str, list: &ListInput) -> Result<Items, Vec<Problem>> {
    let ListInput {
        input,
        required,
        path,
        kind,
    } = *list;
    let mut items = match parse_any(document, "inline", input)? {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        other => return Err(vec![not_a_list_problem(&other, input, required)]),
    };
    let (mut notes, mut problems) = (Vec::new(), Vec::new());
    for (index, item) in items.iter_mut().enumerate() {
        if text(item, required).is_none() {
            problems.push(useless_item_problem(index, item, input, required));
            continue;
        }
        let (changed, wrong) = coerce_and_check(item, kind, &format!("{path}[{index}]"), input);
        notes.extend(changed);
        problems.extend(wrong);
    }
    if problems.is_empty() {
        Ok(Items { items, notes })
    } else {
        Err(problems)
    }
}

fn not_a_list_problem(value: &Value, input: &str, required: &str) -> Problem {
    Problem::new(
        input,
        format!("The value is {}, not a list", kind_name(value)),
        list_example(required),
    )
}

fn useless_item_problem(index: usize, item: &Value, input: &str, required: &str) -> Problem {
    let message = match item {
        Value::Object(_) => format!("Item {index} has no `{required}`"),
        other => format!("Item {index} is {}, not an object", kind_name(other)),
    };
    Problem::new(input, message, list_example(required))
}

fn list_example(required: &str) -> String {
    format!("Give a JSON list of objects: [{{\"{required}\": \"…\", …}}]")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_objects_go_through_as_they_are() {
        let overrides =
            parse_container_overrides(r#"[{"name": "api", "command": ["migrate"], "newThing": 1, "environment": [{"name": "A", "value": 5}]}]"#)
                .unwrap();
        let expected = json!({ "name": "api", "command": ["migrate"], "newThing": 1, "environment": [{ "name": "A", "value": "5" }] });
        assert_eq!(overrides.items, [expected]);
        assert_eq!(
            overrides.notes[0].path,
            "containerOverrides[0].environment[0].value"
        );
        assert_eq!(
            parse_tags("- {key: a, value: 5}").unwrap().items,
            [json!({ "key": "a", "value": "5" })]
        );
        let providers =
            parse_capacity_providers(r#"[{"capacityProvider": "FARGATE_SPOT", "weight": "1"}]"#)
                .unwrap();
        assert_eq!(
            providers.items,
            [json!({ "capacityProvider": "FARGATE_SPOT", "weight": 1 })]
        );
        assert_eq!(
            (
                providers.notes.len(),
                parse_capacity_providers("[]").unwrap(),
                parse_tags("").unwrap()
            ),
            (1, Items::default(), Items::default())
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_the_input() {
        let table = [
            (
                parse_container_overrides("[{").map(drop),
                "run-task-container-overrides: inline:1:",
            ),
            (
                parse_container_overrides(r#"{"name": "a"}"#).map(drop),
                "run-task-container-overrides: The value is an object, not a list",
            ),
            (
                parse_container_overrides(r#"[{"name": "api", "command": "rails db:migrate"}]"#)
                    .map(drop),
                "run-task-container-overrides: `containerOverrides[0].command` is a text, and AWS takes a list of texts there",
            ),
            (
                parse_tags(r#"[{"Key": "a"}]"#).map(drop),
                "run-task-tags: Item 0 has no `key`",
            ),
            (
                parse_capacity_providers(r#"["FARGATE"]"#).map(drop),
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
        let overrides = parse_container_overrides(r#"[{"name": "api"}, {"name": "web"}]"#).unwrap();
        let problems = check_container_overrides(&overrides, TaskDefinition(&definition));
        assert_eq!(problems.len(), 1);
        assert_eq!(
            problems[0].message,
            "There is no container `web` to override"
        );
    }
}
