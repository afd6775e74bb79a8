//! The text of a document (JSON or YAML 1.2) → an object, or every problem with line and column.
//!
//! It knows nothing about the object's meaning: task definition, `AppSpec` and the structured
//! inputs are all read here.

use serde_json::Value;

use crate::checks::document::{Fault, compose};
use crate::problem::Problem;

/// Reads a document that must be an object. `origin` is the file as the user wrote it, or `inline`;
/// `input` is the input's name.
pub fn parse(text: &str, origin: &str, input: &str) -> Result<Value, Vec<Problem>> {
    let value = parse_any(text, origin, input)?;
    match value {
        Value::Object(_) => Ok(value),
        Value::Null => Err(vec![empty_problem(origin, input)]),
        other => Err(vec![not_an_object_problem(&other, origin, input)]),
    }
}

/// Reads a document of any kind: `Null` when the text is empty.
pub fn parse_any(text: &str, origin: &str, input: &str) -> Result<Value, Vec<Problem>> {
    let problem = |fault: Fault| {
        Problem::new(input, fault.message, fault.remedy)
            .at_position(fault.place.to_position(origin))
    };
    match compose(text) {
        Ok(root) => Ok(root.to_json()),
        Err(faults) => Err(faults.into_iter().map(problem).collect()),
    }
}

fn empty_problem(origin: &str, input: &str) -> Problem {
    Problem::new(
        input,
        format!("`{origin}` is empty"),
        "Give a JSON or YAML document that is an object",
    )
}

fn not_an_object_problem(value: &Value, origin: &str, input: &str) -> Problem {
    let message = format!("`{origin}` is {}, not an object", kind_name(value));
    Problem::new(
        input,
        message,
        "Give a JSON or YAML document that is an object, with keys and values",
    )
}

/// The kind of a value, for a sentence.
pub(super) fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The items of the list under a key; none when there is no such list.
pub(crate) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_and_anything_but_an_object_is_a_problem() {
        let table = [
            ("", "task-definition: `td.json` is empty"),
            ("# only a comment", "task-definition: `td.json` is empty"),
            (
                "hello",
                "task-definition: `td.json` is a text, not an object",
            ),
            ("5", "task-definition: `td.json` is a number, not an object"),
            ("[1]", "task-definition: `td.json` is a list, not an object"),
        ];
        for (text, expected) in table {
            let problems = parse(text, "td.json", "task-definition").unwrap_err();
            assert_eq!(problems[0].to_string(), expected);
        }
    }

    #[test]
    fn a_problem_names_the_input_the_file_and_the_place() {
        let problems = parse(
            "family: a\nfamily: b\n",
            "deploy/td.yaml",
            "task-definition",
        )
        .unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "task-definition: deploy/td.yaml:2:1: the key `family` appears twice, keys must be unique"
        );
        assert_eq!(problems[0].remedy, "Remove one of the two `family`");
    }
}
