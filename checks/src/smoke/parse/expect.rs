//! A test's `expect`: status, latency, version, headers, JSON and its schema, redirect, cookies,
//! body and certificate.

mod conditions;
mod schema;
mod security;
mod version;

use reqwest::header::HeaderName;
use serde_json_path::JsonPath;
use url::Url;

use crate::document::{Entry, Node, Place};
use crate::reader::Reader;
use crate::smoke::form::{
    CertificateExpectation, CookieAttribute, CookieExpectation, CookieFlag, Expect, Flag,
    JsonExpectation, REDIRECTIONS, RedirectExpectation, SameSite, StatusPattern, TextCondition,
};
use crate::template::Template;

use super::keys::{BODY_KEYS, CERTIFICATE_KEYS, COOKIE_KEYS, EXPECT_KEYS, REDIRECT_KEYS};
use super::request::header_name;
use version::VersionSource;

/// How often a JSONPath may go down through all there is.
const DEEPEST: usize = 3;

const SAME_SITE: &[(&str, SameSite)] = &[
    ("lax", SameSite::Lax),
    ("strict", SameSite::Strict),
    ("none", SameSite::None),
];

impl Expect {
    /// Whether an answer that points elsewhere is itself what the test is about.
    pub(super) fn looks_at_redirect(&self) -> bool {
        let redirection = |status: &StatusPattern| match status {
            StatusPattern::Exactly(code) => REDIRECTIONS.contains(code),
            StatusPattern::Class(class) => *class == 3,
        };
        self.redirect.is_some() || self.status.iter().any(redirection)
    }
}

pub(super) fn expect(reader: &mut Reader<'_>, node: &Node) -> Option<Expect> {
    let fields = reader.fields(node, "`expect`", EXPECT_KEYS)?;
    let status = fields
        .get("status")
        .map_or_else(|| Some(Vec::new()), |node| statuses(reader, node));
    let latency = fields.get("latency").map_or_else(
        || Some(Vec::new()),
        |node| conditions::at_most(reader, node, "`latency`"),
    );
    let json = fields.get("json").map_or_else(
        || Some(Vec::new()),
        |node| each(reader, node, "`json`", json),
    );
    let json_schema = fields
        .get("json-schema")
        .map_or(Some(None), |node| schema::schema(reader, node).map(Some));
    let headers = fields.get("headers").map_or_else(
        || Some(Vec::new()),
        |node| each(reader, node, "`headers`", header),
    );
    let security_headers = fields
        .get("security-headers")
        .map_or_else(|| Some(Vec::new()), |node| security::headers(reader, node));
    let redirect = fields
        .get("redirect")
        .map_or(Some(None), |node| redirect(reader, node).map(Some));
    let cookies = fields.get("cookies").map_or_else(
        || Some(Vec::new()),
        |node| each(reader, node, "`cookies`", cookie),
    );
    let body = fields.get("body").map_or_else(
        || Some(Vec::new()),
        |node| conditions::text_mapping(reader, node, "`body`", BODY_KEYS),
    );
    let certificate = fields
        .get("certificate")
        .map_or(Some(None), |node| certificate(reader, node).map(Some));
    let version = fields
        .get("version")
        .map_or(Some(VersionSource::NotAsked), |node| {
            version::version(reader, node)
        });
    let origins = fields
        .get("origin")
        .map_or_else(|| Some(Vec::new()), |node| origins(reader, node));
    let (status, latency, json, json_schema, headers) =
        (status?, latency?, json?, json_schema?, headers?);
    let (security_headers, redirect, cookies, body, certificate) =
        (security_headers?, redirect?, cookies?, body?, certificate?);
    let expect = Expect {
        status,
        latency,
        json,
        json_schema,
        headers,
        redirect,
        cookies,
        body,
        security_headers,
        certificate,
        origins: origins?,
        ..Expect::default()
    };
    Some(expect.with_version(version?))
}

/// Where a test may end, one or a list.
fn origins(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<Template>> {
    let items = node.one_or_more();
    let origins: Vec<_> = items.iter().map(|item| origin(reader, item)).collect();
    origins.into_iter().collect()
}

fn origin(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    let text = reader.text(node, "`origin`")?;
    let origin = reader.parsed(node, &text)?;
    let is_one = |url: Url| {
        url.path() == "/"
            && url.query().is_none()
            && matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
    };
    if !text.contains("${") && !Url::parse(&text).is_ok_and(is_one) {
        let remedy =
            "Write scheme, host and port such as `https://login.example.com`, without a path";
        reader.report(node.place, format!("`{text}` is not an origin"), remedy);
    }
    Some(origin)
}

/// Reads every entry of a mapping with the user's own keys, and reports the problems of all of
/// them.
fn each<T>(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    read: fn(&mut Reader<'_>, &Entry) -> Option<T>,
) -> Option<Vec<T>> {
    let entries = reader.entries(node, what)?;
    let read: Vec<Option<T>> = entries.iter().map(|entry| read(reader, entry)).collect();
    read.into_iter().collect()
}

pub(super) fn statuses(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<StatusPattern>> {
    let items = node.one_or_more();
    if items.is_empty() {
        reader.report(
            node.place,
            "`status` is an empty list",
            "Write a status, or leave `status` out for 2xx",
        );
    }
    let statuses: Vec<_> = items.iter().map(|item| status(reader, item)).collect();
    statuses.into_iter().collect()
}

fn status(reader: &mut Reader<'_>, node: &Node) -> Option<StatusPattern> {
    let text = reader.text(node, "`status`")?;
    let class = text
        .strip_suffix("xx")
        .and_then(|class| class.parse().ok())
        .filter(|class| (1..=5).contains(class))
        .map(StatusPattern::Class);
    let code = text
        .parse()
        .ok()
        .filter(|code| (100..=599).contains(code))
        .map(StatusPattern::Exactly);
    if class.or(code).is_none() {
        reader.report(
            node.place,
            format!("`{text}` is not an HTTP status"),
            "Write a status such as `200`, a class such as `2xx`, or a list of them",
        );
    }
    class.or(code)
}

fn json(reader: &mut Reader<'_>, entry: &Entry) -> Option<JsonExpectation> {
    let path = json_path(reader, entry.place, &entry.key);
    let conditions = conditions::json(reader, &entry.value, &format!("`{}`", entry.key));
    Some(JsonExpectation {
        written: entry.key.clone(),
        path: path?,
        conditions: conditions?,
    })
}

pub(super) fn json_path(reader: &mut Reader<'_>, place: Place, written: &str) -> Option<JsonPath> {
    if written.contains("${") {
        let message = format!("A JSONPath cannot hold variables: `{written}`");
        reader.report(
            place,
            message,
            "Put the variable on the other side of the colon",
        );
        return None;
    }
    if written.matches("..").count() > DEEPEST {
        let message = format!(
            "`{written}` goes down through everything (`..`) more than {DEEPEST} times: each time multiplies the work"
        );
        reader.report(place, message, "Name the keys on the way");
        return None;
    }
    JsonPath::parse(written)
        .map_err(|error| bad_json_path(reader, place, written, &error))
        .ok()
}

fn bad_json_path(
    reader: &mut Reader<'_>,
    place: Place,
    written: &str,
    error: &serde_json_path::ParseError,
) {
    // The crate knows where, but seldom why.
    let reason = match written.get(error.position()..) {
        _ if !written.starts_with('$') => "it does not start with `$`".to_owned(),
        Some(rest) if !rest.is_empty() => format!("it cannot be read from `{rest}` on"),
        _ => "it ends too early".to_owned(),
    };
    let remedy = "Write a JSONPath (RFC 9535) such as `$.status` or `$.items[0].name`, in quotes where it has brackets";
    reader.report(
        place,
        format!("`{written}` is not a JSONPath: {reason}"),
        remedy,
    );
}

fn header(reader: &mut Reader<'_>, entry: &Entry) -> Option<(HeaderName, Vec<TextCondition>)> {
    let name = header_name(reader, entry);
    let conditions = conditions::text(reader, &entry.value, &format!("Header `{}`", entry.key));
    Some((name?, conditions?))
}

fn redirect(reader: &mut Reader<'_>, node: &Node) -> Option<RedirectExpectation> {
    let fields = reader.fields(node, "`redirect`", REDIRECT_KEYS)?;
    let to = fields
        .get("to")
        .map_or(Some(None), |node| target(reader, node).map(Some));
    let query = fields.get("query").map_or_else(
        || Some(Vec::new()),
        |node| each(reader, node, "`query`", parameter),
    );
    Some(RedirectExpectation {
        to: to?,
        query: query?,
    })
}

fn parameter(reader: &mut Reader<'_>, entry: &Entry) -> Option<(String, Vec<TextCondition>)> {
    let conditions = conditions::text(
        reader,
        &entry.value,
        &format!("Query parameter `{}`", entry.key),
    )?;
    Some((entry.key.clone(), conditions))
}

fn target(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    let text = reader.text(node, "`to`")?;
    let target = reader.parsed(node, &text)?;
    let starts_well = ["/", "http://", "https://", "${"]
        .iter()
        .any(|start| text.starts_with(start));
    if !starts_well {
        reader.report(
            node.place,
            format!("`{text}` is neither a URL nor a path"),
            "Write `https://host/path`, or `/path` for the tested host",
        );
    } else if text.contains(['?', '#']) {
        reader.report(
            node.place,
            "`to` has a query or a fragment",
            "Write scheme, host and path under `to`, and the query's parameters under `query`",
        );
    }
    Some(target)
}

fn cookie(reader: &mut Reader<'_>, entry: &Entry) -> Option<CookieExpectation> {
    let fields = reader.fields(
        &entry.value,
        &format!("cookie `{}`", entry.key),
        COOKIE_KEYS,
    )?;
    let attributes: Vec<_> = fields
        .among(COOKIE_KEYS)
        .into_iter()
        .map(|attribute| cookie_attribute(reader, attribute))
        .collect();
    Some(CookieExpectation {
        name: entry.key.clone(),
        attributes: attributes.into_iter().collect::<Option<_>>()?,
    })
}

fn cookie_attribute(reader: &mut Reader<'_>, entry: &Entry) -> Option<CookieAttribute> {
    let what = format!("`{}`", entry.key);
    let flag = |reader: &mut Reader<'_>| {
        reader
            .boolean(&entry.value, &what)
            .map(|set| if set { Flag::Set } else { Flag::Unset })
    };
    match entry.key.as_str() {
        "http-only" => flag(reader).map(|flag| CookieAttribute::Flag(CookieFlag::HttpOnly, flag)),
        "secure" => flag(reader).map(|flag| CookieAttribute::Flag(CookieFlag::Secure, flag)),
        "same-site" => reader
            .word(&entry.value, &what, SAME_SITE)
            .map(CookieAttribute::SameSite),
        "path" => reader
            .template(&entry.value, &what)
            .map(CookieAttribute::Path),
        "max-age" => {
            conditions::durations(reader, &entry.value, &what).map(CookieAttribute::MaxAge)
        }
        "session" => flag(reader).map(CookieAttribute::Session),
        _ => reader
            .template(&entry.value, &what)
            .map(CookieAttribute::Domain),
    }
}

fn certificate(reader: &mut Reader<'_>, node: &Node) -> Option<CertificateExpectation> {
    let fields = reader.fields(node, "`certificate`", CERTIFICATE_KEYS)?;
    let Some(days_left) = fields.get("days-left") else {
        reader.report(
            node.place,
            "`certificate` has no `days-left`",
            "Write `certificate: { days-left: { ge: 14 } }`",
        );
        return None;
    };
    Some(CertificateExpectation {
        days_left: conditions::counts(reader, days_left, "`days-left`", conditions::AT_LEAST)?,
    })
}
