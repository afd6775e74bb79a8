//! What AWS cannot accept in a task definition or an override: values of a wrong type, and
//! misspelled keys.
//!
//! AWS ignores keys it does not know, and names no field when it refuses a value; so both are found
//! here, with their paths.

use serde_json::{Map, Value};

use super::coerce::{Note, coerce_definition, coerce_to, field_path};
use super::parse::kind_name;
use super::types::{DEFINITION, Fields, Type};
use crate::nearest::is_typo;
use crate::problem::Problem;

/// What happens with keys that look like misspelled keys of AWS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MisspelledKeys {
    /// They are problems, because AWS would ignore them.
    #[default]
    Refused,
    /// They are sent as they are.
    Sent,
}

/// A key that differs from AWS's only in case or separators.
struct MiscasedKey {
    path: String,
    expected: &'static str,
}

struct TypeChecker<'a> {
    input: &'a str,
    misspelled: MisspelledKeys,
    problems: Vec<Problem>,
    miscased: Vec<MiscasedKey>,
}

/// Problems with the types and keys of a task definition, after values with a clear meaning were
/// corrected.
pub(super) fn definition_problems(
    definition: &Value,
    input: &str,
    misspelled: MisspelledKeys,
) -> Vec<Problem> {
    let mut definition = definition.clone();
    coerce_definition(&mut definition);
    find_problems(&definition, DEFINITION, "", input, misspelled)
}

/// The same for a value of an input, which is corrected in place.
pub(super) fn coerce_and_check(
    value: &mut Value,
    kind: Type,
    path: &str,
    input: &str,
) -> (Vec<Note>, Vec<Problem>) {
    let notes = coerce_to(value, kind, path);
    (
        notes,
        find_problems(value, kind, path, input, MisspelledKeys::Sent),
    )
}

fn find_problems(
    value: &Value,
    kind: Type,
    path: &str,
    input: &str,
    misspelled: MisspelledKeys,
) -> Vec<Problem> {
    let mut typing = TypeChecker {
        input,
        misspelled,
        problems: Vec::new(),
        miscased: Vec::new(),
    };
    typing.check_value(value, kind, path);
    let other_case = typing.miscased_keys_problem();
    // Other problems of the same object would only repeat this one.
    if let Some(problem) = other_case {
        vec![problem]
    } else {
        typing.problems
    }
}

impl TypeChecker<'_> {
    fn check_value(&mut self, value: &Value, wanted: Type, path: &str) {
        match (wanted, value) {
            (_, Value::Null) | (Type::Text, Value::String(_)) | (Type::Boolean, Value::Bool(_)) => {
            }
            (Type::Number, Value::Number(number)) if number.is_i64() || number.is_u64() => {}
            (Type::Object(fields), Value::Object(entries)) => {
                self.check_object(entries, fields, path);
            }
            (Type::TextMap, Value::Object(entries)) => {
                entries.iter().for_each(|(key, value)| {
                    self.check_value(value, Type::Text, &field_path(path, key));
                });
            }
            (Type::List(kind), Value::Array(items)) => {
                items.iter().enumerate().for_each(|(index, item)| {
                    self.check_value(item, *kind, &format!("{path}[{index}]"));
                });
            }
            (wanted, value) => self
                .problems
                .push(wrong_type_problem(value, wanted, path, self.input)),
        }
    }

    fn check_object(&mut self, entries: &Map<String, Value>, fields: Fields, path: &str) {
        for (key, value) in entries {
            match fields.iter().find(|(name, _)| name == key) {
                Some((_, kind)) => self.check_value(value, *kind, &field_path(path, key)),
                None => self.check_unknown_key(key, value, entries, fields, path),
            }
        }
    }

    fn check_unknown_key(
        &mut self,
        key: &str,
        value: &Value,
        entries: &Map<String, Value>,
        fields: Fields,
        path: &str,
    ) {
        if let Some((known, kind)) = fields
            .iter()
            .find(|(name, _)| is_same_ignoring_case(name, key))
        {
            self.miscased.push(MiscasedKey {
                path: field_path(path, key),
                expected: known,
            });
            self.check_value(value, *kind, &field_path(path, key));
            return;
        }
        let absent = fields
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| !entries.contains_key(*name));
        if let (MisspelledKeys::Refused, Some(meant)) =
            (self.misspelled, find_misspelled(key, absent))
        {
            let message = format!(
                "`{}` is no field that AWS knows: it would be left out",
                field_path(path, key).escape_debug()
            );
            let remedy = format!(
                "Did you mean `{meant}`? A field that is newer than this action is sent with allow-dropped-fields: true"
            );
            self.problems
                .push(Problem::new(self.input, message, remedy));
        }
    }

    fn miscased_keys_problem(&self) -> Option<Problem> {
        let first = self.miscased.first()?;
        let shown: Vec<String> = self
            .miscased
            .iter()
            .take(5)
            .map(|key| format!("`{}`", key.path.escape_debug()))
            .collect();
        let more = self.miscased.len() - shown.len();
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        let message = format!(
            "keys are not spelled as the ECS API spells them: {}{more}",
            shown.join(", ")
        );
        let remedy = format!(
            "Spell them as `aws ecs register-task-definition` takes them, such as `{}`; CloudFormation's spelling is another one",
            first.expected
        );
        Some(Problem::new(self.input, message, remedy))
    }
}

/// `ContainerDefinitions`, `container_definitions`, `container-definitions`.
fn is_same_ignoring_case(expected: &str, key: &str) -> bool {
    let letters = key
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-'))
        .flat_map(char::to_lowercase);
    expected.chars().flat_map(char::to_lowercase).eq(letters)
}

/// A typo or two in a longer word. A short word may just as well be a new field.
fn find_misspelled(key: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    names
        .filter(|name| name.len() > 4)
        .find(|name| is_typo(key, name))
}

fn wrong_type_problem(value: &Value, wanted: Type, path: &str, input: &str) -> Problem {
    let (word, remedy) = match wanted {
        Type::Text => ("a text", "Write a text".to_owned()),
        Type::Number => (
            "a whole number",
            "Write a whole number, without a unit".to_owned(),
        ),
        Type::Boolean => ("true or false", "Write true or false".to_owned()),
        Type::TextMap => (
            "an object of texts",
            "Write keys and values: {\"key\": \"value\"}".to_owned(),
        ),
        Type::List(Type::Text) => ("a list of texts", "Write a list: [\"…\"]".to_owned()),
        Type::List(Type::Number) => ("a list of numbers", "Write a list: [1]".to_owned()),
        Type::List(Type::Object(fields)) => (
            "a list of objects",
            format!("Write a list of objects: [{{{}}}]", field_examples(fields)),
        ),
        Type::List(_) => ("a list", "Write a list".to_owned()),
        Type::Object(fields) => (
            "an object",
            format!("Write an object: {{{}}}", field_examples(fields)),
        ),
    };
    let is = match value {
        Value::Number(_) if matches!(wanted, Type::Number) => "a number that is not whole",
        other => kind_name(other),
    };
    Problem::new(
        input,
        format!("`{path}` is {is}, and AWS takes {word} there"),
        remedy,
    )
}

fn field_examples(fields: Fields) -> String {
    fields
        .iter()
        .take(2)
        .map(|(name, _)| format!("\"{name}\": …"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem_messages(definition: &Value) -> Vec<String> {
        definition_problems(definition, "task-definition", MisspelledKeys::Refused)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn container(container: &Value) -> Value {
        json!({ "family": "f", "containerDefinitions": [container] })
    }

    #[test]
    fn values_of_another_type_are_told_with_their_paths_all_at_once() {
        let definition = json!({
            "family": ["f"], "cpu": { "units": 256 }, "requiresCompatibilities": "FARGATE",
            "containerDefinitions": [{
                "name": "web", "memory": "512 MiB", "cpu": 0.5, "essential": "yes", "command": "npm start", "environment": { "A": "b" },
                "portMappings": [8080], "dockerLabels": ["a=b"], "healthCheck": "curl",
            }],
        });
        let expected = [
            "task-definition: `family` is a list, and AWS takes a text there",
            "task-definition: `cpu` is an object, and AWS takes a text there",
            "task-definition: `requiresCompatibilities` is a text, and AWS takes a list of texts there",
            "task-definition: `containerDefinitions[0].memory` is a text, and AWS takes a whole number there",
            "task-definition: `containerDefinitions[0].cpu` is a number that is not whole, and AWS takes a whole number there",
            "task-definition: `containerDefinitions[0].essential` is a text, and AWS takes true or false there",
            "task-definition: `containerDefinitions[0].command` is a text, and AWS takes a list of texts there",
            "task-definition: `containerDefinitions[0].environment` is an object, and AWS takes a list of objects there",
            "task-definition: `containerDefinitions[0].portMappings[0]` is a number, and AWS takes an object there",
            "task-definition: `containerDefinitions[0].dockerLabels` is a list, and AWS takes an object of texts there",
            "task-definition: `containerDefinitions[0].healthCheck` is a text, and AWS takes an object there",
        ];
        assert_eq!(problem_messages(&definition), expected);
    }

    #[test]
    fn misspelled_keys_are_told_with_the_name_that_was_meant_and_new_ones_are_not() {
        let table = [
            (
                container(&json!({ "name": "a", "enviroment": [] })),
                Some("environment"),
            ),
            (
                container(&json!({ "name": "a", "secret": [] })),
                Some("secrets"),
            ),
            (
                container(&json!({ "name": "a", "healthCheck": { "intervall": 5 } })),
                Some("interval"),
            ),
            (
                json!({ "family": "f", "taskRolArn": "x" }),
                Some("taskRoleArn"),
            ),
            (
                container(&json!({ "name": "a", "gpu": 1, "warpFactor": 9, "cpus": 2 })),
                None,
            ),
            (
                json!({ "family": "f", "quantumIsolation": {}, "volume": [], "volumes": [] }),
                None,
            ),
        ];
        for (definition, meant) in table {
            let problems =
                definition_problems(&definition, "task-definition", MisspelledKeys::Refused);
            let remedy = problems.first().map(|problem| problem.remedy.as_str());
            assert_eq!(remedy.is_some(), meant.is_some(), "{definition}");
            assert!(
                remedy.is_none_or(
                    |remedy| remedy.contains(&format!("Did you mean `{}`?", meant.unwrap()))
                ),
                "{remedy:?}"
            );
            assert_eq!(
                definition_problems(&definition, "task-definition", MisspelledKeys::Sent),
                []
            );
        }
    }

    #[test]
    fn the_spelling_of_cloudformation_is_one_problem_and_names_some_keys() {
        let definition = json!({
            "Family": "f", "Cpu": 5,
            "ContainerDefinitions": [{ "Name": "a", "Image": "b", "Environment": [{ "Name": "A", "Value": ["x"] }], "port_mappings": [] }],
        });
        let expected = "task-definition: keys are not spelled as the ECS API spells them: `Family`, `Cpu`, `ContainerDefinitions`, \
                        `ContainerDefinitions[0].Name`, `ContainerDefinitions[0].Image` and 4 more";
        assert_eq!(problem_messages(&definition), [expected]);
    }
}
