//! A test's request: its method, path and query, headers, credential and body.

mod auth;
pub(super) mod body;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};

use crate::document::{Entry, Node, Place};
use crate::reader::{Fields, Reader};
use crate::smoke::form::{self, Credential, Request};
use crate::template::{Template, Values};

const METHOD_KEYS: &[&str] = &["get", "post", "put", "delete", "head", "patch", "request"];

pub(super) fn request(
    reader: &mut Reader<'_>,
    test: &Node,
    fields: &Fields<'_>,
) -> Option<Request> {
    let target = target(reader, test, fields);
    let query = fields
        .get("query")
        .map_or_else(|| Some(Vec::new()), |node| query(reader, node));
    let headers = fields
        .get("headers")
        .map_or_else(|| Some(Vec::new()), |node| headers(reader, node));
    let credential = fields
        .get("auth")
        .map_or(Some(None), |node| auth::credential(reader, node).map(Some));
    let body = body::body(reader, fields);
    let (method, path) = target?;
    let (headers, credential) = (headers?, credential?);
    said_once(reader, fields, &headers, credential.as_ref());
    let place = form::RequestDestination::Side;
    Some(Request {
        method,
        path,
        query: query?,
        headers,
        credential,
        test_header: None,
        body: body?,
        place,
    })
}

/// Two values of one header are a mistake where one of them is a credential.
fn said_once(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    headers: &[(HeaderName, Template)],
    credential: Option<&Credential>,
) {
    let (Some(entry), Some(credential)) = (fields.entry("auth"), credential) else {
        return;
    };
    let name = credential.header_name();
    if headers.iter().any(|(header, _)| *header == name) {
        let message = format!("`auth` and `headers` both give `{name}`");
        reader.report(
            entry.place,
            message,
            "Keep `auth`, and leave the header out",
        );
    }
}

/// Parameters by name, each with a value or a list of them.
pub(super) fn query(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<(String, Template)>> {
    let entries = reader.entries(node, "`query`")?;
    let pairs: Vec<_> = entries
        .iter()
        .flat_map(|entry| parameter(reader, entry))
        .collect();
    pairs.into_iter().collect()
}

fn parameter(reader: &mut Reader<'_>, entry: &Entry) -> Vec<Option<(String, Template)>> {
    let items = entry.value.one_or_more();
    let what = format!("Query parameter `{}`", entry.key);
    items
        .iter()
        .map(|item| Some((entry.key.clone(), reader.template(item, &what)?)))
        .collect()
}

fn target(reader: &mut Reader<'_>, test: &Node, fields: &Fields<'_>) -> Option<(Method, Template)> {
    let entries = fields.among(METHOD_KEYS);
    if let Some(second) = entries.get(1) {
        let message = format!(
            "A test has two requests: `{}` and `{}`",
            entries[0].key, second.key
        );
        reader.report(
            second.place,
            message,
            "Keep one, and write a test of its own for the other",
        );
    }
    let Some(entry) = entries.first() else {
        reader.report(
            test.place,
            "A test has no request",
            "Write `get: /path`; also known are post, put, delete, head, patch and request",
        );
        return None;
    };
    let written = reader.text(&entry.value, &format!("`{}`", entry.key))?;
    let (method, path) = split(reader, entry, &written)?;
    Some((method, self::path(reader, entry, &path)?))
}

/// The method by the key, or the first word of `request: METHOD /path`.
fn split(reader: &mut Reader<'_>, entry: &Entry, text: &str) -> Option<(Method, String)> {
    let (method, path) = match (entry.key.as_str(), text.split_once(' ')) {
        ("request", Some((method, path))) => (method.to_owned(), path.trim().to_owned()),
        ("request", None) => (String::new(), text.to_owned()),
        (key, _) => (key.to_uppercase(), text.to_owned()),
    };
    let upper = !method.is_empty()
        && method
            .chars()
            .all(|character| character.is_ascii_uppercase());
    if !upper {
        reader.report(
            entry.value.place,
            format!("`{text}` does not begin with a method"),
            "Write `request: METHOD /path`, for example `request: OPTIONS /users`",
        );
        return None;
    }
    Some((Method::from_bytes(method.as_bytes()).ok()?, path))
}

pub(super) fn path(reader: &mut Reader<'_>, entry: &Entry, path: &str) -> Option<Template> {
    if !path.starts_with('/') || path.contains(char::is_whitespace) {
        let remedy = "Write a path such as `/health`; it is joined to test-url and production-url";
        reader.report(
            entry.value.place,
            format!("`{path}` is not a path that starts with `/`"),
            remedy,
        );
        return None;
    }
    reader.parsed(&entry.value, path)
}

pub(super) fn headers(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<(HeaderName, Template)>> {
    let entries = reader.entries(node, "`headers`")?;
    let headers: Vec<_> = entries.iter().map(|entry| header(reader, entry)).collect();
    headers.into_iter().collect()
}

fn header(reader: &mut Reader<'_>, entry: &Entry) -> Option<(HeaderName, Template)> {
    let name = header_name(reader, entry);
    let value = reader.template(&entry.value, &format!("Header `{}`", entry.key))?;
    let sent = value.render(&Values::default());
    if HeaderValue::from_str(&sent).is_err() {
        reader.report(
            entry.value.place,
            format!("Header `{}` has a value that cannot be sent", entry.key),
            "Write one line without control characters",
        );
    }
    Some((name?, value))
}

/// A header's name; names have no case.
pub(super) fn header_name(reader: &mut Reader<'_>, entry: &Entry) -> Option<HeaderName> {
    named_header(reader, entry.place, &entry.key)
}

/// A header's name that stands somewhere else than as a key.
pub(super) fn named_header(
    reader: &mut Reader<'_>,
    place: Place,
    written: &str,
) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(written.as_bytes());
    if name.is_err() {
        reader.report(
            place,
            format!("`{written}` is not the name of a header"),
            "Write a name such as `content-type`",
        );
    }
    name.ok()
}
