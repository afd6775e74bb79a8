//! `json-schema`: a JSON Schema in the document, or the path of a file with one. It is compiled
//! here, so that a schema that is no schema is a problem of the document. What it refers to must
//! stand in it: nothing is fetched.

use serde_json::Value;

use crate::document::{Content, Node};
use crate::reader::Reader;
use crate::smoke::json_schema::JsonSchema;

/// What the problem is called by.
const WHAT: &str = "`json-schema`";

pub(super) fn schema(reader: &mut Reader<'_>, node: &Node) -> Option<JsonSchema> {
    let schema = match &node.content {
        Content::Text(_) => from_file(reader, node)?,
        // Without variables: in patterns `$` means the end.
        Content::Mapping(_) | Content::Boolean(_) => node.to_json(),
        Content::Null | Content::Number(_) | Content::List(_) => {
            reader.report(
                node.place,
                format!("{WHAT} is neither a path nor a schema"),
                "Write a path, or a schema as a mapping",
            );
            return None;
        }
    };
    let remedy = "Correct the schema; it can refer to itself only";
    let compiled = JsonSchema::new(schema);
    compiled
        .map_err(|why| {
            reader.report(
                node.place,
                format!("{WHAT} is not a JSON Schema: {why}"),
                remedy,
            );
        })
        .ok()
}

fn from_file(reader: &mut Reader<'_>, node: &Node) -> Option<Value> {
    let bytes = reader.file(node, WHAT)?;
    let read = serde_json::from_slice(&bytes);
    read.map_err(|error| {
        reader.report(
            node.place,
            format!("{WHAT}: the file is not JSON: {error}"),
            "Correct the file",
        );
    })
    .ok()
}
