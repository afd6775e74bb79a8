//! Corrects values whose type differs from the one AWS takes, where the meaning is clear: `value:
//! 5`, `memory: "512"`, `essential: "true"`.
//!
//! AWS refuses them ("`NUMBER_VALUE` can not be converted to a String") and names no field. Each
//! changed value gets a note; a value that cannot be changed is a problem of [`super::typing`].
//! Fields that are newer than this program are left alone.

use std::fmt;

use serde_json::Value;

use super::types::{DEFINITION, Type};

/// A value that was changed to what AWS accepts, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The path: `containerDefinitions[0].environment[2].value`.
    pub path: String,
    /// The old and the new type. The value itself is left out, because it may be a secret.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path, self.message)
    }
}

/// Gives the values of a task definition the types that AWS takes, where the meaning is clear.
pub(super) fn coerce_definition(definition: &mut Value) -> Vec<Note> {
    let mut notes = Vec::new();
    coerce(definition, DEFINITION, "", &mut notes);
    notes
}

/// The same for a value of any kind at a path.
pub(super) fn coerce_to(value: &mut Value, kind: Type, path: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    coerce(value, kind, path, &mut notes);
    notes
}

fn coerce(value: &mut Value, kind: Type, path: &str, notes: &mut Vec<Note>) {
    match (kind, value) {
        (Type::Object(fields), Value::Object(entries)) => {
            for (name, kind) in fields {
                if let Some(value) = entries.get_mut(*name) {
                    coerce(value, *kind, &field_path(path, name), notes);
                }
            }
        }
        (Type::TextMap, Value::Object(entries)) => {
            for (key, value) in entries.iter_mut() {
                coerce(value, Type::Text, &field_path(path, key), notes);
            }
        }
        (Type::List(kind), Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                coerce(item, *kind, &format!("{path}[{index}]"), notes);
            }
        }
        (Type::Text | Type::Number | Type::Boolean, value) => {
            if let Some((meant, message)) = coerce_value(value, kind) {
                *value = meant;
                notes.push(Note {
                    path: path.to_owned(),
                    message,
                });
            }
        }
        (Type::Object(_) | Type::TextMap | Type::List(_), _) => {}
    }
}

pub(super) fn field_path(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The corrected value, and the words for the note.
fn coerce_value(value: &Value, kind: Type) -> Option<(Value, String)> {
    let as_text = |was: &str| {
        let message = format!(
            "was {was}, AWS takes only strings here: sent as a string; put it in quotes to control how it is written"
        );
        Some((Value::from(value.to_string()), message))
    };
    match (kind, value) {
        (Type::Text, Value::Number(_)) => as_text("a number"),
        (Type::Text, Value::Bool(_)) => as_text("a boolean"),
        (Type::Number, Value::Number(number)) if !number.is_i64() && !number.is_u64() => {
            let whole = number
                .as_f64()
                .filter(|number| number.fract() == 0.0 && number.abs() < 1e15)?;
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
            let whole = whole as i64;
            Some((
                Value::from(whole),
                format!("was {number}, AWS takes only whole numbers here: sent as {whole}"),
            ))
        }
        (Type::Number, Value::String(text)) => {
            let number = text.trim().parse::<i64>().ok()?;
            Some((
                Value::from(number),
                "was a text, AWS takes only numbers here: sent as a number".to_owned(),
            ))
        }
        (Type::Boolean, Value::String(text)) => {
            let truth = text.trim().to_ascii_lowercase().parse::<bool>().ok()?;
            Some((
                Value::from(truth),
                format!("was a text, AWS takes only true or false here: sent as {truth}"),
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parse::parse;
    use super::super::types::OVERRIDE;
    use super::*;

    fn paths_of(notes: &[Note]) -> Vec<&str> {
        notes.iter().map(|note| note.path.as_str()).collect()
    }

    #[test]
    fn numbers_and_booleans_become_texts_where_only_texts_can_stand() {
        let mut definition = json!({
            "containerDefinitions": [{
                "cpu": 256,
                "environment": [{"name": "A", "value": "x"}, {"name": "B", "value": 5}, {"name": "C", "value": true}],
                "dockerLabels": {"a": 1.5},
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-create-group": true}},
            }],
            "tags": [{"key": "k", "value": 7}],
        });
        let notes = coerce_definition(&mut definition);
        let expected = [
            "containerDefinitions[0].environment[1].value",
            "containerDefinitions[0].environment[2].value",
            "containerDefinitions[0].dockerLabels.a",
            "containerDefinitions[0].logConfiguration.options.awslogs-create-group",
            "tags[0].value",
        ];
        assert_eq!(paths_of(&notes), expected);
        let container = &definition["containerDefinitions"][0];
        assert_eq!(container["environment"][1]["value"], "5");
        assert_eq!(container["environment"][2]["value"], "true");
        assert_eq!(
            (&container["cpu"], &container["dockerLabels"]["a"]),
            (&json!(256), &json!("1.5"))
        );
    }

    #[test]
    fn every_wrong_type_of_the_example_becomes_the_right_one_with_a_note() {
        let mut definition = parse(
            include_str!("testdata/types.yaml"),
            "types.yaml",
            "task-definition",
        )
        .unwrap();
        let notes = coerce_definition(&mut definition);
        let expected = [
            "containerDefinitions[0].memory",
            "containerDefinitions[0].portMappings[0].containerPort",
            "containerDefinitions[0].command[2]",
            "containerDefinitions[0].user",
            "containerDefinitions[0].healthCheck.command[4]",
            "containerDefinitions[0].systemControls[0].value",
            "cpu",
            "memory",
            "ephemeralStorage.sizeInGiB",
        ];
        assert_eq!(paths_of(&notes), expected);
        let container = &definition["containerDefinitions"][0];
        assert_eq!(
            (
                &definition["cpu"],
                &definition["ephemeralStorage"]["sizeInGiB"]
            ),
            (&json!("256"), &json!(30))
        );
        assert_eq!(
            (
                &container["memory"],
                &container["portMappings"][0]["containerPort"]
            ),
            (&json!(512), &json!(8080))
        );
        assert_eq!(
            (&container["user"], &container["command"]),
            (&json!("1000"), &json!(["serve", "--port", "8080"]))
        );
        assert_eq!(coerce_definition(&mut definition), []);
    }

    #[test]
    fn what_is_not_plain_or_not_known_is_left_alone() {
        let original = json!({
            "newThing": 5,
            "containerDefinitions": [{ "memory": "512 MiB", "essential": "yes", "command": "serve", "environment": { "A": 5 }, "image": null }],
        });
        let mut definition = original.clone();
        assert_eq!(coerce_definition(&mut definition), []);
        assert_eq!(definition, original);
    }

    #[test]
    fn the_command_of_an_override_is_made_of_texts() {
        let mut item = json!({ "name": "api", "command": ["seed", 5, true], "cpu": "256", "environment": [{ "name": "A", "value": 1 }] });
        let notes = coerce_to(&mut item, OVERRIDE, "containerOverrides[0]");
        assert_eq!(
            item,
            json!({ "name": "api", "command": ["seed", "5", "true"], "cpu": 256, "environment": [{ "name": "A", "value": "1" }] })
        );
        assert_eq!(notes.len(), 4);
        assert_eq!(notes[0].path, "containerOverrides[0].command[1]");
    }
}
