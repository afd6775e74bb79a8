//! JSON Schemas (drafts 4 to 2020-12): compiled when the document is read, applied to bodies when
//! tests run.
//!
//! A schema can refer only to itself: nothing is loaded from files or the network.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use boon::{CompileError, Compiler, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

/// A name for the schema, so that it can refer to parts of itself.
const SCHEMA_URL: &str = "document:///json-schema";

/// A compiled schema.
#[derive(Clone)]
pub(super) struct JsonSchema {
    schemas: Arc<Schemas>,
    root: SchemaIndex,
}

impl fmt::Debug for JsonSchema {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JsonSchema")
    }
}

impl JsonSchema {
    /// Compiles a schema; the error says in one line why it is none.
    pub(super) fn new(schema: Value) -> Result<Self, String> {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.use_loader(Box::new(NoLoader));
        compiler.enable_format_assertions();
        compiler
            .add_resource(SCHEMA_URL, schema)
            .map_err(|error| describe_error(&error))?;
        let root = compiler
            .compile(SCHEMA_URL, &mut schemas)
            .map_err(|error| describe_error(&error))?;
        Ok(Self {
            schemas: Arc::new(schemas),
            root,
        })
    }

    /// The rules that a body breaks: the place in it (empty for the whole) and what is wrong there.
    pub(super) fn find_violations(&self, body: &Value) -> Vec<(String, String)> {
        let Err(error) = self.schemas.validate(body, self.root) else {
            return Vec::new();
        };
        leaf_errors(&error)
            .into_iter()
            .map(|leaf| (leaf.instance_location.to_string(), leaf.kind.to_string()))
            .collect()
    }
}

/// Loads nothing.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, _: &str) -> Result<Value, Box<dyn Error>> {
        Err("nothing is fetched".into())
    }
}

fn describe_error(error: &CompileError) -> String {
    let text = match error {
        CompileError::ValidationError { src, .. } => match leaf_errors(src).first() {
            Some(leaf) => format!("at {}, {}", leaf.instance_location, leaf.kind),
            None => error.to_string(),
        },
        CompileError::LoadUrlError { url, .. } => {
            format!("it refers to {url}, and nothing is fetched")
        }
        _ => error.to_string(),
    };
    text.replace(SCHEMA_URL, "the schema")
}

/// The errors without causes of their own.
fn leaf_errors<'e, 's, 'v>(error: &'e ValidationError<'s, 'v>) -> Vec<&'e ValidationError<'s, 'v>> {
    if error.causes.is_empty() {
        vec![error]
    } else {
        error.causes.iter().flat_map(leaf_errors).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_that_are_broken_are_named_with_their_place() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$defs": { "id": { "type": "integer", "minimum": 1 } },
            "type": "object",
            "required": ["items"],
            "properties": {
                "items": { "type": "array", "items": { "properties": { "id": { "$ref": "#/$defs/id" } } } },
                "kind": { "anyOf": [{ "const": "a" }, { "pattern": "^b$" }] },
                "at": { "format": "date-time" }
            }
        });
        let schema = JsonSchema::new(schema).unwrap();
        let table = [
            (
                json!({ "items": [{ "id": 1 }], "kind": "b", "at": "2026-11-21T12:00:00Z" }),
                "",
            ),
            (json!([]), ": want object, but got array"),
            (json!({}), ": missing properties 'items'"),
            (
                json!({ "items": [{ "id": 1 }, { "id": 0 }] }),
                "/items/1/id: must be >=1, but got 0",
            ),
            (
                json!({ "items": [], "kind": "c" }),
                "/kind: value must be 'a' | /kind: 'c' does not match pattern '^b$'",
            ),
        ];
        for (body, expected) in table {
            let found: Vec<_> = schema
                .find_violations(&body)
                .into_iter()
                .map(|(at, words)| format!("{at}: {words}"))
                .collect();
            assert_eq!(found.join(" | "), expected, "{body}");
        }
        assert!(
            schema.find_violations(&json!({ "items": [], "at": "soon" }))[0]
                .1
                .starts_with("'soon' is not valid date-time")
        );
    }

    #[test]
    fn a_schema_that_is_none_or_looks_elsewhere_is_refused() {
        let table = [
            (
                json!({ "minimum": "1" }),
                "at /minimum, want number, but got string",
            ),
            (
                json!({ "$ref": "https://example.com/a.json" }),
                "it refers to https://example.com/a.json, and nothing is fetched",
            ),
            (
                json!({ "$ref": "file:///etc/passwd" }),
                "it refers to file:///etc/passwd, and nothing is fetched",
            ),
            (
                json!({ "$ref": "#/$defs/none" }),
                "json-pointer in the schema#/$defs/none not found",
            ),
        ];
        for (schema, expected) in table {
            assert_eq!(
                JsonSchema::new(schema.clone()).unwrap_err(),
                expected,
                "{schema}"
            );
        }
    }
}
