//! The JSON Schema of the file, made from the list of inputs.

use serde_json::{Map, Value, json};

use super::{SECRETS, WORKFLOW_ONLY};
use crate::documents::patch::{CONTAINER_FIELDS, PatchField, PatchKind, TASK_FIELDS};
use crate::inputs::TABLE;

/// The schema of the whole file.
pub fn schema() -> Value {
    let scalar = json!(["string", "number", "boolean", "null"]);
    let is_allowed = |name: &str| !SECRETS.contains(&name) && !WORKFLOW_ONLY.contains(&name);
    let mut inputs: Map<String, Value> = TABLE
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
    inputs.insert("task".to_owned(), json!({ "$ref": "#/$defs/task", "description": "What is changed in the task definition for the whole task." }));
    inputs.insert(
        "containers".to_owned(),
        json!({
            "description": "What is changed in the task definition, by the container's name.",
            "type": ["object", "null"],
            "additionalProperties": { "$ref": "#/$defs/container" },
        }),
    );
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
            "task": fields_schema(&TASK_FIELDS),
            "container": fields_schema(&CONTAINER_FIELDS),
        },
    })
}

fn fields_schema(fields: &[PatchField]) -> Value {
    let scalar = json!(["string", "number", "boolean"]);
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let mut value = match field.kind {
                PatchKind::Pairs => {
                    json!({ "type": ["object", "null"], "additionalProperties": { "type": scalar } })
                }
                PatchKind::Words => json!({ "type": ["array", "null"], "items": { "type": scalar } }),
                PatchKind::Number => json!({ "type": ["integer", "null"], "minimum": 1 }),
            };
            value["description"] = field.text.into();
            (field.key.to_owned(), value)
        })
        .collect();
    json!({ "type": ["object", "null"], "additionalProperties": false, "properties": properties })
}
