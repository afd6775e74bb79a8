//! `json-schema`: a JSON Schema in the document, or the path of a file with one. It is compiled
//! here, so that a schema that is no schema is a problem of the document. What it refers to must
//! stand in it: nothing is fetched.

use serde_json::{Map, Value};

use crate::document::{Content, Node};
use crate::smoke::json_schema::JsonSchema;
use crate::words::Words;

/// What the problem is called by.
const WHAT: &str = "`json-schema`";

pub(super) fn schema(words: &mut Words<'_>, node: &Node) -> Option<JsonSchema> {
    let schema = match &node.content {
        Content::Text(_) => from_file(words, node)?,
        Content::Mapping(_) | Content::Boolean(_) => plain(node),
        Content::Null | Content::Number(_) | Content::List(_) => {
            words.reader.report(
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
            words.reader.report(
                node.place,
                format!("{WHAT} is not a JSON Schema: {why}"),
                remedy,
            );
        })
        .ok()
}

fn from_file(words: &mut Words<'_>, node: &Node) -> Option<Value> {
    let bytes = words.file(node, WHAT)?;
    let read = serde_json::from_slice(&bytes);
    read.map_err(|error| {
        words.reader.report(
            node.place,
            format!("{WHAT}: the file is not JSON: {error}"),
            "Correct the file",
        );
    })
    .ok()
}

/// What stands there, without variables: in patterns `$` means the end.
fn plain(node: &Node) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Boolean(value) => Value::Bool(*value),
        Content::Number(value) => Value::Number(value.clone()),
        Content::Text(text) => Value::String(text.clone()),
        Content::List(items) => items.iter().map(plain).collect(),
        Content::Mapping(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), plain(&entry.value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}
