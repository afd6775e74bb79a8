//! Values that AWS takes only as texts, written as numbers or booleans: `value: 5` in YAML.
//!
//! AWS refuses them with "`NUMBER_VALUE` can not be converted to a String" and names no field. What is meant is plain,
//! so they become texts, and each gets a note. Only the maps and lists below are looked at, in which nothing but
//! texts can stand; every other type is AWS's to judge.

use std::fmt;

use serde_json::Value;

use super::clean::items_mut;

/// A value that was changed to what AWS accepts, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where: `containerDefinitions[0].environment[2].value`.
    pub path: String,
    /// What it was and what it is now. The value itself is not told: it may be a secret.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.path, self.message)
    }
}

/// Turns the numbers and booleans at places for texts into texts.
pub(super) fn texts_from_numbers(definition: &mut Value) -> Vec<Note> {
    let mut notes = Vec::new();
    for (index, container) in items_mut(definition, "containerDefinitions").enumerate() {
        let path = format!("containerDefinitions[{index}]");
        list_values(container, "environment", &path, &mut notes);
        map_values(container.get_mut("dockerLabels"), &format!("{path}.dockerLabels"), &mut notes);
        for holder in ["logConfiguration", "firelensConfiguration"] {
            let options = container.get_mut(holder).and_then(|configuration| configuration.get_mut("options"));
            map_values(options, &format!("{path}.{holder}.options"), &mut notes);
        }
    }
    list_values_at_the_top(definition, &mut notes);
    notes
}

/// The same for one container override, which has nothing but environment values at such places.
pub(super) fn override_texts_from_numbers(container_override: &mut Value, path: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    list_values(container_override, "environment", path, &mut notes);
    notes
}

fn list_values_at_the_top(definition: &mut Value, notes: &mut Vec<Note>) {
    for (index, tag) in items_mut(definition, "tags").enumerate() {
        become_text(tag.get_mut("value"), || format!("tags[{index}].value"), notes);
    }
}

fn list_values(container: &mut Value, key: &str, path: &str, notes: &mut Vec<Note>) {
    for (index, item) in items_mut(container, key).enumerate() {
        become_text(item.get_mut("value"), || format!("{path}.{key}[{index}].value"), notes);
    }
}

fn map_values(map: Option<&mut Value>, path: &str, notes: &mut Vec<Note>) {
    for (key, value) in map.and_then(Value::as_object_mut).into_iter().flatten() {
        become_text(Some(value), || format!("{path}.{key}"), notes);
    }
}

fn become_text(value: Option<&mut Value>, path: impl Fn() -> String, notes: &mut Vec<Note>) {
    let Some(value) = value else { return };
    let kind = match value {
        Value::Number(_) => "a number",
        Value::Bool(_) => "a boolean",
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => return,
    };
    *value = Value::from(value.to_string());
    let message = format!("was {kind}, AWS takes only texts here: sent as a text, put it in quotes to choose its spelling");
    notes.push(Note { path: path(), message });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let notes = texts_from_numbers(&mut definition);
        let paths: Vec<&str> = notes.iter().map(|note| note.path.as_str()).collect();
        let expected = [
            "containerDefinitions[0].environment[1].value",
            "containerDefinitions[0].environment[2].value",
            "containerDefinitions[0].dockerLabels.a",
            "containerDefinitions[0].logConfiguration.options.awslogs-create-group",
            "tags[0].value",
        ];
        assert_eq!(paths, expected);
        let container = &definition["containerDefinitions"][0];
        assert_eq!(container["environment"][1]["value"], "5");
        assert_eq!(container["environment"][2]["value"], "true");
        assert_eq!((&container["cpu"], &container["dockerLabels"]["a"]), (&json!(256), &json!("1.5")));
    }
}
