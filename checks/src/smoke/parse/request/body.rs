//! A request's body: JSON, a text, form fields, or a file of the workspace.

use crate::document::Node;
use crate::reader::{Fields, Reader};
use crate::smoke::form::RequestBody;
use crate::template::Template;

const BODY_KEYS: &[&str] = &["json", "body", "form", "file"];

/// A larger request tests the network, and is held in memory while the tests run.
const LARGEST_FILE: usize = 16 * 1024 * 1024;

/// What the content of a file is by the end of its name, unless the test gives a `content-type`.
const CONTENT_TYPES: &[(&str, &str)] = &[
    (".json", "application/json"),
    (".xml", "application/xml"),
    (".csv", "text/csv"),
    (".txt", "text/plain; charset=utf-8"),
    (".html", "text/html; charset=utf-8"),
];
const UNKNOWN_CONTENT: &str = "application/octet-stream";

pub(in crate::smoke::parse) fn body(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
) -> Option<RequestBody> {
    let entries = fields.among(BODY_KEYS);
    if let Some(second) = entries.get(1) {
        let message = format!(
            "A test has two bodies: `{}` and `{}`",
            entries[0].key, second.key
        );
        reader.report(
            second.place,
            message,
            "Keep one of json, form, body and file",
        );
    }
    let Some(entry) = entries.first() else {
        return Some(RequestBody::None);
    };
    match entry.key.as_str() {
        "json" => reader.json(&entry.value).map(RequestBody::Json),
        "form" => form(reader, &entry.value).map(RequestBody::Form),
        "file" => file(reader, &entry.value),
        _ => reader
            .template(&entry.value, "`body`")
            .map(RequestBody::Text),
    }
}

fn form(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<(String, Template)>> {
    let entries = reader.entries(node, "`form`")?;
    let pairs: Vec<_> = entries
        .iter()
        .map(|entry| {
            Some((
                entry.key.clone(),
                reader.template(&entry.value, &format!("Field `{}`", entry.key))?,
            ))
        })
        .collect();
    pairs.into_iter().collect()
}

fn file(reader: &mut Reader<'_>, node: &Node) -> Option<RequestBody> {
    let bytes = reader.file(node, "`file`")?;
    if bytes.len() > LARGEST_FILE {
        reader.report(
            node.place,
            "`file` has more than 16 MiB",
            "Send a smaller one: this is a smoke test",
        );
    }
    let path = reader.text(node, "`file`")?;
    let known = CONTENT_TYPES
        .iter()
        .find(|(end, _)| path.ends_with(end))
        .map(|(_, kind)| *kind);
    Some(RequestBody::File {
        content_type: known.unwrap_or(UNKNOWN_CONTENT),
        bytes: bytes.into(),
    })
}
