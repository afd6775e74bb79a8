//! A test's request: its method, path and query, headers, credential and body.

mod auth;
mod body;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};

use crate::document::{Entry, Node, Place};
use crate::document_schema;
use crate::form::{FromNamedEntry, FromNode, read_all};
use crate::reader::{Fields, Reader};
use crate::smoke::form::{Request, RequestDestination};
use crate::template::{Template, Values};

use super::test::TestForm;
pub(super) use auth::Auth;
pub(super) use body::{BodyFile, FormField, build_body, check_one_body};
#[cfg(test)]
pub(super) use schema::one_method;

const METHOD_KEYS: &[&str] = &["get", "post", "put", "delete", "head", "patch", "request"];

/// A path, joined to the URL of the tested side.
#[derive(Debug, Clone)]
pub(super) struct RequestPath(pub(super) Template);

impl FromNode for RequestPath {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        Self::parse(reader, node, &text)
    }
}

impl RequestPath {
    fn parse(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Self> {
        if !path.starts_with('/') || path.contains(char::is_whitespace) {
            let remedy =
                "Write a path such as `/health`; it is joined to test-url and production-url";
            return reader.refuse(
                node.place,
                format!("`{path}` is not a path that starts with `/`"),
                remedy,
            );
        }
        reader.parse_template(node, path).map(Self)
    }
}

/// Any method: `METHOD /path`.
#[derive(Debug, Clone)]
pub(super) struct MethodAndPath(Method, RequestPath);

impl FromNode for MethodAndPath {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let (method, path) = text.split_once(' ').unwrap_or(("", &text));
        let Some(method) = parse_uppercase_method(method) else {
            return reader.refuse(
                node.place,
                format!("`{text}` does not begin with a method"),
                "Write `request: METHOD /path`, for example `request: OPTIONS /users`",
            );
        };
        RequestPath::parse(reader, node, path.trim()).map(|path| Self(method, path))
    }
}

/// Parses a method in capital letters.
pub(in crate::smoke) fn parse_uppercase_method(text: &str) -> Option<Method> {
    let is_upper = text.chars().all(|letter| letter.is_ascii_uppercase());
    Method::from_bytes(text.as_bytes())
        .ok()
        .filter(|_| is_upper)
}

/// The name of a header, as a value.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct SentHeaderName(pub(in crate::smoke) HeaderName);

impl FromNode for SentHeaderName {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        read_header_name(reader, node.place, &text).map(Self)
    }
}

document_schema!(SentHeaderName as String);

/// A header's name; names have no case.
pub(in crate::smoke) fn read_header_name(
    reader: &mut Reader<'_>,
    place: Place,
    written: &str,
) -> Option<HeaderName> {
    match HeaderName::from_bytes(written.as_bytes()) {
        Ok(name) => Some(name),
        Err(_) => reader.refuse(
            place,
            format!("`{written}` is not the name of a header"),
            "Write a name such as `content-type`",
        ),
    }
}

/// A header that is sent.
#[derive(Debug, Clone)]
pub(super) struct RequestHeader(pub(super) HeaderName, pub(super) Template);

impl FromNamedEntry for RequestHeader {
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        let name = read_header_name(reader, entry.place, &entry.key);
        let what = format!("Header `{}`", entry.key);
        let unsendable = format!("{what} has a value that cannot be sent");
        let value = read_header_value(reader, &entry.value, &what, unsendable)?;
        name.map(|name| Self(name, value))
    }
}

document_schema!(RequestHeader as Template);

/// A value that can be sent in a header; `unsendable` is the message for one that cannot.
pub(super) fn read_header_value(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    unsendable: String,
) -> Option<Template> {
    let value = reader.template(node, what)?;
    if HeaderValue::from_str(&value.render(&Values::default())).is_err() {
        reader.report(
            node.place,
            unsendable,
            "Write one line without control characters",
        );
    }
    Some(value)
}

/// A parameter of the query, with one value or several.
#[derive(Debug, Clone)]
pub(super) struct QueryParameter(Vec<(String, Template)>);

impl FromNamedEntry for QueryParameter {
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        let what = format!("Query parameter `{}`", entry.key);
        let items = entry.value.one_or_more();
        let pairs = read_all(reader, items, |reader, item| {
            Some((entry.key.clone(), reader.template(item, &what)?))
        });
        pairs.map(Self)
    }
}

document_schema!(QueryParameter as crate::form::OneOrMore<Template>);

/// A test has one request.
pub(super) fn check_one_request(reader: &mut Reader<'_>, test: &Node, fields: &Fields<'_>) {
    match fields.entries_with(METHOD_KEYS).as_slice() {
        [] => reader.report(
            test.place,
            "A test has no request",
            "Write `get: /path`; also known are post, put, delete, head, patch and request",
        ),
        [_] => {}
        [first, second, ..] => reader.report(
            second.place,
            format!(
                "A test has two requests: `{}` and `{}`",
                first.key, second.key
            ),
            "Keep one, and write a test of its own for the other",
        ),
    }
}

impl TestForm {
    /// The request as written; `None` if there is none.
    pub(super) fn build_request(&self, reader: &mut Reader<'_>) -> Option<Request> {
        let (method, path) = self.method_and_path()?;
        let headers: Vec<_> = self
            .headers
            .iter()
            .flat_map(|headers| headers.iter().cloned())
            .map(|RequestHeader(name, value)| (name, value))
            .collect();
        let credential = self
            .auth
            .as_ref()
            .and_then(|auth| auth.value.to_credential());
        if let (Some(auth), Some(credential)) = (&self.auth, &credential) {
            let name = credential.header_name();
            // Two values of one header are a mistake where one of them is a credential.
            if headers.iter().any(|(header, _)| *header == name) {
                reader.report(
                    auth.key,
                    format!("`auth` and `headers` both give `{name}`"),
                    "Keep `auth`, and leave the header out",
                );
            }
        }
        let query = self.query.iter().flat_map(|query| query.iter());
        Some(Request {
            method,
            path,
            query: query.flat_map(|parameter| parameter.0.clone()).collect(),
            headers,
            credential,
            test_header: None,
            body: build_body(
                self.json.as_ref(),
                self.body.as_ref(),
                self.form.as_ref(),
                self.file.as_ref(),
            ),
            destination: RequestDestination::Side,
        })
    }

    fn method_and_path(&self) -> Option<(Method, Template)> {
        let by_method = [
            (Method::GET, &self.get),
            (Method::POST, &self.post),
            (Method::PUT, &self.put),
            (Method::DELETE, &self.delete),
            (Method::HEAD, &self.head),
            (Method::PATCH, &self.patch),
        ];
        let any = self.request.clone();
        by_method
            .into_iter()
            .find_map(|(method, path)| Some((method, path.clone()?)))
            .or_else(|| any.map(|MethodAndPath(method, path)| (method, path)))
            .map(|(method, RequestPath(path))| (method, path))
    }
}

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    use super::{METHOD_KEYS, MethodAndPath, RequestPath};
    use crate::document_schema;

    /// A path, joined to the URL of the tested side.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct Path(#[schemars(regex(pattern = r"^/\S*$"))] String);

    document_schema!(RequestPath as Path);

    /// `METHOD /path`.
    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct Any(#[schemars(regex(pattern = r"^[A-Z]+ +/\S*$"))] String);

    document_schema!(MethodAndPath as Any);

    /// A test has exactly one of the methods.
    pub(in crate::smoke::parse) fn one_method() -> serde_json::Value {
        METHOD_KEYS
            .iter()
            .map(|method| serde_json::json!({ "required": [method] }))
            .collect()
    }
}
