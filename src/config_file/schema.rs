//! The JSON Schema of the file, made from the list of inputs.

use serde_json::{Map, Value, json};

use super::{SECRETS, WORKFLOW_ONLY};
use crate::inputs::TABLE;

/// The schema of the whole file.
pub fn schema() -> Value {
    let scalar = json!(["string", "number", "boolean", "null"]);
    let is_allowed = |name: &str| !SECRETS.contains(&name) && !WORKFLOW_ONLY.contains(&name);
    let inputs: Map<String, Value> = TABLE
        .iter()
        .filter(|input| is_allowed(input.name))
        .map(|input| {
            let value = json!({
                "description": format!("{} Default: {}.", input.text, input.default),
                "anyOf": [{ "type": scalar }, { "type": "array", "items": { "type": scalar } }],
            });
            (input.name.to_owned(), value)
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Inputs by environment",
        "description": "The file of the input `config`: see docs/environments.md.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "defaults": { "$ref": "#/$defs/inputs", "description": "What holds for every environment." },
            "environments": {
                "description": "What holds for one environment, by its name.",
                "type": "object",
                "additionalProperties": { "$ref": "#/$defs/inputs" },
            },
        },
        "$defs": {
            "inputs": { "type": ["object", "null"], "additionalProperties": false, "properties": inputs },
        },
    })
}
