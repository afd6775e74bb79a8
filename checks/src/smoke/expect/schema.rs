//! A body against a JSON Schema.

use serde_json::Value;

use crate::scrub::masked;
use crate::smoke::json_schema::JsonSchema;
use crate::smoke::result::Mismatch;

/// A body that is something else altogether breaks every rule; the first few tell enough.
const MOST: usize = 5;

pub(super) fn judge(schema: &JsonSchema, body: &Value) -> Vec<Mismatch> {
    let broken = schema
        .broken_by(body)
        .into_iter()
        .take(MOST)
        .map(|(at, words)| {
            let what = if at.is_empty() {
                "json-schema".to_owned()
            } else {
                format!("json-schema at {}", masked(&at))
            };
            Mismatch::new(what, "what the schema says", masked(&words))
        });
    broken.collect()
}
