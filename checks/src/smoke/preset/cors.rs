//! Whether a browser would let the page send its request: what the answer to a preflight allows
//! (the Fetch standard, "CORS-preflight fetch" and "CORS check").

use reqwest::Method;
use reqwest::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    AUTHORIZATION, HeaderMap, HeaderName, ORIGIN,
};
use url::Url;

use crate::document::{Node, Place};
use crate::form::{FromNode, OneOrMore};
use crate::reader::Reader;
use crate::scrub::mask;
use crate::smoke::form::SmokeTest;
use crate::smoke::parse::request::{SentHeaderName, parse_uppercase_method};
use crate::smoke::result::Mismatch;
use crate::template::{Template, Values};
use crate::{document_form, document_schema};

use super::SmokePreset;

document_form! {
    /// The preflight that a browser sends before this request.
    #[schemars(rename = "Cors")]
    pub(in crate::smoke) struct CorsForm {
        /// The origin of the page, such as `https://app.example.com`.
        #[required("Write the origin of the page, such as `https://app.example.com`")]
        origin: PageOrigin,
        /// The method that is asked for; the test's own when absent.
        method: Option<RequestedMethod>,
        /// The headers that are asked for.
        headers: Option<OneOrMore<SentHeaderName>>,
        /// Whether the page sends cookies.
        credentials: Option<bool>,
    }
}

/// Scheme, host and port without anything behind, as browsers send it.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct PageOrigin(Template);

impl FromNode for PageOrigin {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let origin = reader.parse_template(node, &text)?;
        let is_origin =
            || Url::parse(&text).is_ok_and(|url| url.origin().ascii_serialization() == text);
        if !text.contains("${") && !is_origin() {
            let remedy = "Write scheme, host and port as browsers do, such as `https://app.example.com`: without a `/` at the end";
            reader.report(node.place, format!("`{text}` is not an origin"), remedy);
        }
        Some(Self(origin))
    }
}

document_schema!(PageOrigin as String);

#[derive(Debug, Clone)]
pub(in crate::smoke) struct RequestedMethod(Method);

impl FromNode for RequestedMethod {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        match parse_uppercase_method(&text) {
            Some(method) => Some(Self(method)),
            None => reader.refuse(
                node.place,
                format!("`{text}` is not a method"),
                "Write it in capitals, such as `PUT`",
            ),
        }
    }
}

/// What a browser asks before it lets a page of `origin` send a request.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct Cors {
    origin: Template,
    method: Method,
    headers: Vec<HeaderName>,
    credentials: CorsCredentials,
}

/// Whether the page sends cookies (and may read the answer nevertheless).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CorsCredentials {
    Sent,
    NotSent,
}

impl CorsForm {
    /// The test with its request turned into its preflight.
    pub(in crate::smoke) fn apply(
        &self,
        reader: &mut Reader<'_>,
        key: Place,
        mut test: SmokeTest,
    ) -> Option<SmokeTest> {
        let own = self.method.as_ref().map(|RequestedMethod(method)| method);
        if own.is_none() && test.request.method == Method::OPTIONS {
            reader.report(
                key,
                "`cors` does not say for which method",
                "Write `method:` with the method of the request that the browser asks for",
            );
        }
        let preflight = Cors {
            origin: self.origin.0.clone(),
            method: own.unwrap_or(&test.request.method).clone(),
            headers: self
                .headers
                .iter()
                .flat_map(|names| names.iter().map(|name| name.0.clone()))
                .collect(),
            credentials: if self.credentials == Some(true) {
                CorsCredentials::Sent
            } else {
                CorsCredentials::NotSent
            },
        };
        test.request.headers.extend(preflight.request_headers()?);
        test.request.method = Method::OPTIONS;
        test.preset = Some(SmokePreset::Cors(preflight));
        Some(test)
    }
}

impl Cors {
    /// The headers of the preflight.
    fn request_headers(&self) -> Option<Vec<(HeaderName, Template)>> {
        let method = Template::parse(self.method.as_str()).ok()?;
        let mut headers = vec![
            (ORIGIN, self.origin.clone()),
            (ACCESS_CONTROL_REQUEST_METHOD, method),
        ];
        if !self.headers.is_empty() {
            let names: Vec<&str> = self.headers.iter().map(HeaderName::as_str).collect();
            let names = Template::parse(&names.join(",")).ok()?;
            headers.push((ACCESS_CONTROL_REQUEST_HEADERS, names));
        }
        Some(headers)
    }
}

/// Allows everything, unless the page sends cookies.
const WILDCARD: &str = "*";

/// Shown for a header that is missing.
const NOTHING: &str = "nothing";

pub(super) fn evaluate(preflight: &Cors, headers: &HeaderMap, values: &Values) -> Vec<Mismatch> {
    let mut failures: Vec<Mismatch> = evaluate_origin(preflight, headers, values)
        .into_iter()
        .collect();
    failures.extend(evaluate_credentials(preflight, headers));
    failures.extend(evaluate_method(preflight, headers));
    failures.extend(
        preflight
            .headers
            .iter()
            .filter_map(|name| evaluate_header(preflight, name, headers)),
    );
    failures
}

/// Compared byte by byte; several headers count as none.
fn evaluate_origin(preflight: &Cors, headers: &HeaderMap, values: &Values) -> Option<Mismatch> {
    let found = join_values(headers, &ACCESS_CONTROL_ALLOW_ORIGIN);
    let met = found == preflight.origin.render(values)
        || (found == WILDCARD && preflight.credentials == CorsCredentials::NotSent);
    (!met).then(|| {
        Mismatch::new(
            describe_header(&ACCESS_CONTROL_ALLOW_ORIGIN),
            preflight.origin.render_masked(values),
            format_found(&found),
        )
    })
}

fn evaluate_credentials(preflight: &Cors, headers: &HeaderMap) -> Option<Mismatch> {
    let found = join_values(headers, &ACCESS_CONTROL_ALLOW_CREDENTIALS);
    let met = preflight.credentials == CorsCredentials::NotSent || found == "true";
    (!met).then(|| {
        Mismatch::new(
            describe_header(&ACCESS_CONTROL_ALLOW_CREDENTIALS),
            "true",
            format_found(&found),
        )
    })
}

fn evaluate_method(preflight: &Cors, headers: &HeaderMap) -> Option<Mismatch> {
    let found = join_values(headers, &ACCESS_CONTROL_ALLOW_METHODS);
    // Pages may send these without permission.
    let always = matches!(preflight.method, Method::GET | Method::HEAD | Method::POST);
    let met = always
        || split_items(&found)
            .any(|item| item == preflight.method.as_str() || preflight.is_wildcard(item));
    (!met).then(|| {
        Mismatch::new(
            describe_header(&ACCESS_CONTROL_ALLOW_METHODS),
            preflight.method.to_string(),
            format_found(&found),
        )
    })
}

fn evaluate_header(preflight: &Cors, name: &HeaderName, headers: &HeaderMap) -> Option<Mismatch> {
    let found = join_values(headers, &ACCESS_CONTROL_ALLOW_HEADERS);
    // `*` never includes `Authorization`.
    let is_allowed = |item: &str| {
        item.eq_ignore_ascii_case(name.as_str())
            || (*name != AUTHORIZATION && preflight.is_wildcard(item))
    };
    let met = split_items(&found).any(is_allowed);
    (!met).then(|| {
        Mismatch::new(
            describe_header(&ACCESS_CONTROL_ALLOW_HEADERS),
            name.as_str(),
            format_found(&found),
        )
    })
}

impl Cors {
    fn is_wildcard(&self, item: &str) -> bool {
        item == WILDCARD && self.credentials == CorsCredentials::NotSent
    }
}

fn describe_header(name: &HeaderName) -> String {
    format!("header {name}")
}

/// The header's values, joined as the Fetch standard does.
fn join_values(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
    values.collect::<Vec<_>>().join(", ")
}

fn split_items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim)
}

fn format_found(found: &str) -> String {
    if found.is_empty() {
        NOTHING.to_owned()
    } else {
        mask(found)
    }
}

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct InCapitals(#[schemars(regex(pattern = "^[A-Z]+$"))] String);

    crate::document_schema!(super::RequestedMethod as InCapitals);
}
