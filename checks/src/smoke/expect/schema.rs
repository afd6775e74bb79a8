//! A body against a JSON Schema.

use serde_json::Value;

use crate::smoke::form::JsonSchema;
use crate::smoke::result::Mismatch;

/// A body that is something else altogether breaks every rule; the first few tell enough.
const MOST: usize = 5;

pub(super) fn judge(schema: &JsonSchema, body: &Value) -> Vec<Mismatch> {
    let broken = schema.0.iter_errors(body).take(MOST).map(|error| {
        let at = error.instance_path().to_string();
        let what = if at.is_empty() { "json-schema".to_owned() } else { format!("json-schema at {at}") };
        Mismatch::new(what, format!("what `{}` says", error.kind().keyword()), error.to_string())
    });
    broken.collect()
}
