//! `cors` and `https-redirect`: they turn a test's request into another one, and expect what must
//! come back.

use reqwest::Method;
use reqwest::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN,
};
use url::Url;

use crate::document::{Content, Node};
use crate::reader::{Fields, Reader};
use crate::smoke::form::{
    Cors, CorsCredentials, HttpVersion, HttpsRedirect, Redirects, Request, RequestDestination,
    SmokeTest,
};
use crate::template::Template;

use super::keys::{CORS_KEYS, HTTPS_REDIRECT_KEYS};
use super::request::named_header;

/// Where http is spoken unless the test says otherwise.
const HTTP_PORT: u16 = 80;

/// What a test's request is turned into.
pub(super) enum SmokePreset {
    Cors(CorsWanted),
    HttpsRedirect(u16),
}

/// A preflight whose method may still be that of the test's request.
pub(super) struct CorsWanted {
    origin: Template,
    method: Option<Method>,
    headers: Vec<HeaderName>,
    credentials: CorsCredentials,
}

pub(super) fn preset(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<SmokePreset> {
    let cors_wanted = fields.get("cors").and_then(|node| cors(reader, node));
    let port = fields
        .get("https-redirect")
        .and_then(|node| https_redirect(reader, node));
    if let (Some(entry), true) = (fields.entry("https-redirect"), fields.get("cors").is_some()) {
        reader.report(
            entry.place,
            "A test is either `cors` or `https-redirect`",
            "Write a test of its own for the other",
        );
    }
    cors_wanted
        .map(SmokePreset::Cors)
        .or(port.map(SmokePreset::HttpsRedirect))
}

fn cors(reader: &mut Reader<'_>, node: &Node) -> Option<CorsWanted> {
    let fields = reader.fields(node, "`cors`", CORS_KEYS)?;
    let origin = fields.get("origin").map(|node| origin(reader, node));
    if origin.is_none() {
        reader.report(
            node.place,
            "`cors` has no `origin`",
            "Write the origin of the page, such as `https://app.example.com`",
        );
    }
    let method = fields
        .get("method")
        .map_or(Some(None), |node| method(reader, node).map(Some));
    let headers = fields
        .get("headers")
        .map_or_else(|| Some(Vec::new()), |node| header_names(reader, node));
    let credentials = fields
        .get("credentials")
        .map_or(Some(false), |node| reader.boolean(node, "`credentials`"));
    let credentials = if credentials? {
        CorsCredentials::Sent
    } else {
        CorsCredentials::NotSent
    };
    Some(CorsWanted {
        origin: origin??,
        method: method?,
        headers: headers?,
        credentials,
    })
}

/// Scheme, host and port without anything behind, as browsers send it.
fn origin(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    let text = reader.text(node, "`origin`")?;
    let origin = reader.parsed(node, &text)?;
    let plain = !text.contains("${");
    if plain
        && Url::parse(&text)
            .map(|url| url.origin().ascii_serialization())
            .ok()
            .as_deref()
            != Some(&text)
    {
        let remedy = "Write scheme, host and port as browsers do, such as `https://app.example.com`: without a `/` at the end";
        reader.report(node.place, format!("`{text}` is not an origin"), remedy);
    }
    Some(origin)
}

fn method(reader: &mut Reader<'_>, node: &Node) -> Option<Method> {
    let text = reader.text(node, "`method`")?;
    let method = Method::from_bytes(text.as_bytes())
        .ok()
        .filter(|_| text.chars().all(|character| character.is_ascii_uppercase()));
    if method.is_none() {
        reader.report(
            node.place,
            format!("`{text}` is not a method"),
            "Write it in capitals, such as `PUT`",
        );
    }
    method
}

fn header_names(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<HeaderName>> {
    let items = node.one_or_more();
    let names: Vec<_> = items
        .iter()
        .map(|item| {
            let name = reader.text(item, "`headers`")?;
            named_header(reader, item.place, &name)
        })
        .collect();
    names.into_iter().collect()
}

/// The port at which http is spoken; `false` is as if nothing were said.
fn https_redirect(reader: &mut Reader<'_>, node: &Node) -> Option<u16> {
    if let Content::Boolean(wanted) = node.content {
        return wanted.then_some(HTTP_PORT);
    }
    let fields = reader.fields(node, "`https-redirect`", HTTPS_REDIRECT_KEYS)?;
    let Some(node) = fields.get("port") else {
        return Some(HTTP_PORT);
    };
    let text = reader.text(node, "`port`")?;
    let port = text.parse().ok().filter(|port| *port > 0);
    if port.is_none() {
        reader.report(
            node.place,
            format!("`{text}` is not a port"),
            "Write a number from 1 to 65535",
        );
    }
    port
}

/// The test with its request turned into what the preset asks.
pub(super) fn applied(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    test: SmokeTest,
    preset: Option<SmokePreset>,
) -> Option<SmokeTest> {
    match preset {
        None => Some(test),
        Some(SmokePreset::Cors(wanted)) => preflight(reader, fields, test, wanted),
        Some(SmokePreset::HttpsRedirect(port)) => plain_http(reader, fields, test, port),
    }
}

fn preflight(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    mut test: SmokeTest,
    wanted: CorsWanted,
) -> Option<SmokeTest> {
    let body_or_auth = fields.among(&["json", "body", "form", "file", "auth"]);
    if let Some(entry) = body_or_auth.first() {
        let message = format!(
            "A preflight has no `{}`: browsers ask before they send it",
            entry.key
        );
        reader.report(
            entry.place,
            message,
            "Leave it out, or write a test of its own for the request itself",
        );
    }
    let CorsWanted {
        origin,
        method,
        headers,
        credentials,
    } = wanted;
    if let (None, &Method::OPTIONS, Some(entry)) =
        (&method, &test.request.method, fields.entry("cors"))
    {
        let remedy = "Write `method:` with the method of the request that the browser asks for";
        reader.report(entry.place, "`cors` does not say for which method", remedy);
    }
    let method = method.unwrap_or_else(|| test.request.method.clone());
    let request = &mut test.request;
    request.headers.push((ORIGIN, origin.clone()));
    request.headers.push((
        ACCESS_CONTROL_REQUEST_METHOD,
        Template::parse(method.as_str()).ok()?,
    ));
    if !headers.is_empty() {
        let names = headers
            .iter()
            .map(HeaderName::as_str)
            .collect::<Vec<_>>()
            .join(",");
        request.headers.push((
            ACCESS_CONTROL_REQUEST_HEADERS,
            Template::parse(&names).ok()?,
        ));
    }
    request.method = Method::OPTIONS;
    test.expect.cors = Some(Cors {
        origin,
        method,
        headers,
        credentials,
    });
    Some(test)
}

fn plain_http(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    mut test: SmokeTest,
    port: u16,
) -> Option<SmokeTest> {
    let place = fields.entry("https-redirect").map(|entry| entry.place)?;
    if !matches!(test.request.method, Method::GET | Method::HEAD) {
        reader.report(
            place,
            "`https-redirect` is for `get` and `head`",
            "Write `get: /path`: browsers come with GET",
        );
    }
    if holds_secret(&test.request) {
        let remedy = "Leave out `auth` and every `${env.NAME}` and `${secret.NAME}`: whoever redirects does not need them";
        reader.report(
            place,
            "`https-redirect` would send a secret unencrypted",
            remedy,
        );
    }
    test.request.place = RequestDestination::PlainHttp(port);
    // Browsers never speak HTTP/2 without TLS, and load balancers seldom do.
    test.transport.http = HttpVersion::One;
    test.expect.https = HttpsRedirect::Expected;
    test.redirects = Redirects::Judge;
    Some(test)
}

fn holds_secret(request: &Request) -> bool {
    let texts = request
        .headers
        .iter()
        .map(|(_, value)| value)
        .chain(request.query.iter().map(|(_, value)| value));
    let in_test_header = request
        .test_header
        .as_ref()
        .is_some_and(|(_, value)| value.holds_secret());
    request.credential.is_some()
        || in_test_header
        || request.path.holds_secret()
        || request.body.holds_secret()
        || texts.into_iter().any(Template::holds_secret)
}
