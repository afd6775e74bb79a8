//! `json-schema`: a body against a JSON Schema in the document, or in a file. It is compiled when
//! the document is read, so that a schema that is no schema is a problem of the document. It can
//! refer only to itself: nothing is fetched.

use serde_json::Value;

use crate::document::{Content, Node};
use crate::form::FromNode;
use crate::reader::Reader;
use crate::scrub::mask;
use crate::smoke::json_schema::JsonSchema;
use crate::smoke::result::Mismatch;

/// A completely different body violates every rule; the first few are enough.
const MAX_VIOLATIONS: usize = 5;

impl FromNode for JsonSchema {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let schema = match &node.content {
            Content::Text(_) => read_schema_file(reader, node, what)?,
            // Without variables: in patterns `$` means the end.
            Content::Mapping(_) | Content::Boolean(_) => node.to_json(),
            Content::Null | Content::Number(_) | Content::List(_) => {
                return reader.refuse(
                    node.place,
                    format!("{what} is neither a path nor a schema"),
                    "Write a path, or a schema as a mapping",
                );
            }
        };
        match Self::new(schema) {
            Ok(schema) => Some(schema),
            Err(why) => reader.refuse(
                node.place,
                format!("{what} is not a JSON Schema: {why}"),
                "Correct the schema; it can refer to itself only",
            ),
        }
    }
}

fn read_schema_file(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Value> {
    let bytes = reader.file(node, what)?;
    match serde_json::from_slice(&bytes) {
        Ok(schema) => Some(schema),
        Err(error) => reader.refuse(
            node.place,
            format!("{what}: the file is not JSON: {error}"),
            "Correct the file",
        ),
    }
}

pub(super) fn evaluate(schema: &JsonSchema, body: &Value) -> Vec<Mismatch> {
    let violations = schema
        .find_violations(body)
        .into_iter()
        .take(MAX_VIOLATIONS)
        .map(|(at, words)| {
            let what = if at.is_empty() {
                "json-schema".to_owned()
            } else {
                format!("json-schema at {}", mask(&at))
            };
            Mismatch::new(what, "what the schema says", mask(&words))
        });
    violations.collect()
}

#[cfg(test)]
mod written {
    use schemars::JsonSchema;
    use serde_json::{Map, Value};

    /// A JSON Schema, or the path of a file with one.
    #[derive(JsonSchema)]
    #[schemars(untagged)]
    #[expect(dead_code, reason = "read by its derive only")]
    enum BodySchema {
        Path(String),
        Always(bool),
        Inline(Map<String, Value>),
    }

    crate::document_schema!(super::JsonSchema as BodySchema);
}
