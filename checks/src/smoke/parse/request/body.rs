//! A request's body: JSON, a text, form fields, or a file of the workspace.

use std::sync::Arc;

use crate::document::{Entry, Node};
use crate::document_schema;
use crate::form::{FromNamedEntry, FromNode, Named};
use crate::reader::{Fields, Reader};
use crate::smoke::form::RequestBody;
use crate::template::{JsonTemplate, Template};

/// A larger request tests the network, and is held in memory while the tests run.
const LARGEST_FILE: usize = 16 * 1024 * 1024;

/// The content type by the file's extension, unless the test gives a `content-type`.
const CONTENT_TYPES: &[(&str, &str)] = &[
    (".json", "application/json"),
    (".xml", "application/xml"),
    (".csv", "text/csv"),
    (".txt", "text/plain; charset=utf-8"),
    (".html", "text/html; charset=utf-8"),
];
const UNKNOWN_CONTENT: &str = "application/octet-stream";

/// A field of a body of form fields.
#[derive(Debug, Clone)]
pub(in crate::smoke::parse) struct FormField(String, Template);

impl FromNamedEntry for FormField {
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        let value = reader.template(&entry.value, &format!("Field `{}`", entry.key))?;
        Some(Self(entry.key.clone(), value))
    }
}

document_schema!(FormField as Template);

/// A file of the workspace that is sent as it is.
#[derive(Debug, Clone)]
pub(in crate::smoke::parse) struct BodyFile {
    content_type: &'static str,
    bytes: Arc<[u8]>,
}

impl FromNode for BodyFile {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let bytes = reader.file(node, what)?;
        if bytes.len() > LARGEST_FILE {
            reader.report(
                node.place,
                format!("{what} has more than 16 MiB"),
                "Send a smaller one: this is a smoke test",
            );
        }
        let path = reader.text(node, what)?;
        let known = CONTENT_TYPES.iter().find(|(end, _)| path.ends_with(end));
        Some(Self {
            content_type: known.map_or(UNKNOWN_CONTENT, |(_, content)| *content),
            bytes: bytes.into(),
        })
    }
}

document_schema!(BodyFile as String);

pub(in crate::smoke::parse) fn check_one_body(reader: &mut Reader<'_>, fields: &Fields<'_>) {
    if let [first, second, ..] = fields
        .entries_with(&["json", "body", "form", "file"])
        .as_slice()
    {
        let message = format!(
            "A test has two bodies: `{}` and `{}`",
            first.key, second.key
        );
        reader.report(
            second.place,
            message,
            "Keep one of json, form, body and file",
        );
    }
}

pub(in crate::smoke::parse) fn build_body(
    json: Option<&JsonTemplate>,
    body: Option<&Template>,
    form: Option<&Named<FormField>>,
    file: Option<&BodyFile>,
) -> RequestBody {
    match (json, body, form, file) {
        (Some(json), ..) => RequestBody::Json(json.clone()),
        (None, Some(text), ..) => RequestBody::Text(text.clone()),
        (None, None, Some(form), _) => {
            let fields = form.iter().cloned();
            RequestBody::Form(fields.map(|FormField(name, value)| (name, value)).collect())
        }
        (None, None, None, Some(file)) => RequestBody::File {
            content_type: file.content_type,
            bytes: Arc::clone(&file.bytes),
        },
        (None, None, None, None) => RequestBody::None,
    }
}
