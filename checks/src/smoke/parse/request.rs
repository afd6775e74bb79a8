//! A test's request: its method and path, headers and body.

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};

use crate::document::{Entry, Node, Place};
use crate::reader::Fields;
use crate::smoke::form::{Body, Request};
use crate::template::{Template, Values};

use crate::words::Words;

const METHOD_KEYS: &[&str] = &["get", "post", "put", "delete", "head", "patch", "request"];

const BODY_KEYS: &[&str] = &["json", "body", "form"];

pub(super) fn request(words: &mut Words<'_>, test: &Node, fields: &Fields<'_>) -> Option<Request> {
    let target = target(words, test, fields);
    let headers = fields.get("headers").map_or_else(|| Some(Vec::new()), |node| headers(words, node));
    let body = body(words, fields);
    let (method, path) = target?;
    Some(Request { method, path, headers: headers?, body: body? })
}

fn target(words: &mut Words<'_>, test: &Node, fields: &Fields<'_>) -> Option<(Method, Template)> {
    let entries = fields.among(METHOD_KEYS);
    if let Some(second) = entries.get(1) {
        let message = format!("A test has two requests: `{}` and `{}`", entries[0].key, second.key);
        words.reader.report(second.place, message, "Keep one, and write a test of its own for the other");
    }
    let Some(entry) = entries.first() else {
        words.reader.report(
            test.place,
            "A test has no request",
            "Write `get: /path`; also known are post, put, delete, head, patch and request",
        );
        return None;
    };
    let written = words.reader.text(&entry.value, &format!("`{}`", entry.key))?;
    let (method, path) = split(words, entry, &written)?;
    Some((method, self::path(words, entry, &path)?))
}

/// The method by the key, or the first word of `request: METHOD /path`.
fn split(words: &mut Words<'_>, entry: &Entry, text: &str) -> Option<(Method, String)> {
    let (method, path) = match (entry.key.as_str(), text.split_once(' ')) {
        ("request", Some((method, path))) => (method.to_owned(), path.trim().to_owned()),
        ("request", None) => (String::new(), text.to_owned()),
        (key, _) => (key.to_uppercase(), text.to_owned()),
    };
    let upper = !method.is_empty() && method.chars().all(|character| character.is_ascii_uppercase());
    if !upper {
        words.reader.report(
            entry.value.place,
            format!("`{text}` does not begin with a method"),
            "Write `request: METHOD /path`, for example `request: OPTIONS /users`",
        );
        return None;
    }
    Some((Method::from_bytes(method.as_bytes()).ok()?, path))
}

pub(super) fn path(words: &mut Words<'_>, entry: &Entry, path: &str) -> Option<Template> {
    if !path.starts_with('/') || path.contains(char::is_whitespace) {
        let remedy = "Write a path such as `/health`; it is joined to test-url and production-url";
        words.reader.report(entry.value.place, format!("`{path}` is not a path that starts with `/`"), remedy);
        return None;
    }
    words.parsed(&entry.value, path)
}

pub(super) fn headers(words: &mut Words<'_>, node: &Node) -> Option<Vec<(HeaderName, Template)>> {
    let entries = words.reader.entries(node, "`headers`")?;
    let headers: Vec<_> = entries.iter().map(|entry| header(words, entry)).collect();
    headers.into_iter().collect()
}

fn header(words: &mut Words<'_>, entry: &Entry) -> Option<(HeaderName, Template)> {
    let name = header_name(words, entry);
    let value = words.template(&entry.value, &format!("Header `{}`", entry.key))?;
    let sent = value.render(&Values::default());
    if HeaderValue::from_str(&sent).is_err() {
        words.reader.report(
            entry.value.place,
            format!("Header `{}` has a value that cannot be sent", entry.key),
            "Write one line without control characters",
        );
    }
    Some((name?, value))
}

/// A header's name; names have no case.
pub(super) fn header_name(words: &mut Words<'_>, entry: &Entry) -> Option<HeaderName> {
    header_name_of(words, entry.place, &entry.key)
}

pub(super) fn header_name_of(words: &mut Words<'_>, place: Place, text: &str) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(text.as_bytes());
    if name.is_err() {
        words.reader.report(place, format!("`{text}` is not the name of a header"), "Write a name such as `content-type`");
    }
    name.ok()
}

pub(super) fn body(words: &mut Words<'_>, fields: &Fields<'_>) -> Option<Body> {
    let entries = fields.among(BODY_KEYS);
    if let Some(second) = entries.get(1) {
        let message = format!("A test has two bodies: `{}` and `{}`", entries[0].key, second.key);
        words.reader.report(second.place, message, "Keep one of json, form and body");
    }
    let Some(entry) = entries.first() else { return Some(Body::None) };
    match entry.key.as_str() {
        "json" => words.json(&entry.value).map(Body::Json),
        "form" => form(words, &entry.value).map(Body::Form),
        _ => words.template(&entry.value, "`body`").map(Body::Text),
    }
}

fn form(words: &mut Words<'_>, node: &Node) -> Option<Vec<(String, Template)>> {
    let entries = words.reader.entries(node, "`form`")?;
    let pairs: Vec<_> =
        entries.iter().map(|entry| Some((entry.key.clone(), words.template(&entry.value, &format!("Field `{}`", entry.key))?))).collect();
    pairs.into_iter().collect()
}
