//! Expectations in the user's words against answers: what is met, and what is said of what is not.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use time::OffsetDateTime;

use super::super::answer::{Body, Extent};
use super::*;
use crate::secret::Secret;
use crate::smoke::parse;
use crate::smoke::parse::tests::no_files;

fn values() -> Values {
    let environment = [("TOKEN".to_owned(), Secret::new("hunter2"))].into();
    Values { version: "v1.2".to_owned(), digest: "sha256:ab".to_owned(), revision: "api:7".to_owned(), environment, ..Values::default() }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let pairs = headers.iter().map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap()));
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name, value);
    }
    let body = Body { bytes: body.as_bytes().to_vec(), extent: Extent::Whole };
    Answer {
        url: "https://green.example:8443/a/b".parse().unwrap(),
        status: StatusCode::from_u16(status).unwrap(),
        headers: map,
        body,
        elapsed: Duration::from_millis(300),
        // 2026-11-21 12:00 UTC
        at: OffsetDateTime::from_unix_timestamp(1_795_262_400).unwrap(),
        certificate: None,
    }
}

/// The failures as `what: expected, found`, or nothing.
fn failures(expect: &str, answer: &Answer) -> String {
    let suite = parse(&format!("tests: [{{ name: a, get: /, expect: {{ {expect} }} }}]"), "inline", &no_files).unwrap();
    let failures = judge(&suite.tests[0].expect, answer, &values());
    failures.iter().map(|Mismatch { what, expected, found }| format!("{what}: {expected}, {found}")).collect::<Vec<_>>().join(" | ")
}

#[test]
fn a_status_is_a_value_a_class_or_a_list_and_2xx_when_left_out() {
    let table = [
        ("", 204, ""),
        ("", 302, "status: 2xx, 302 Found"),
        ("status: 200", 200, ""),
        ("status: 200", 201, "status: 200, 201 Created"),
        ("status: 2xx", 299, ""),
        ("status: [200, 4xx]", 404, ""),
        ("status: [200, 4xx]", 503, "status: 200 or 4xx, 503 Service Unavailable"),
    ];
    for (expect, status, expected) in table {
        assert_eq!(failures(expect, &answer(status, &[], "")), expected, "{expect}");
    }
}

#[test]
fn json_is_compared_by_value_type_size_and_pattern() {
    let body = r#"{"status":"ok","version":"v1.2","n":3,"f":2.50,"at":"2026-11-21T01:02:03Z","local":"2026-11-21T01:02:03.123456",
        "list":[1,"two",{"a":1}],"none":null,"big":9007199254740993}"#;
    let table = [
        ("$.status: ok, $.version: '${version}', $.none: null, $.f: 2.5, $.n: 3.0", ""),
        ("$.list: [1, two, { a: 1 }]", ""),
        ("$.big: 9007199254740993", ""),
        ("$.big: 9007199254740992", "$.big: 9007199254740992, 9007199254740993"),
        ("$.status: OK", "$.status: \"OK\", \"ok\""),
        ("$.version: '${env.TOKEN}'", "$.version: \"***\", \"v1.2\""),
        ("$.n: { gt: 2, le: 3, ne: 4 }", ""),
        ("$.n: { gt: 3, lt: 3, ge: 4 }", "$.n: > 3, 3 | $.n: < 3, 3 | $.n: ≥ 4, 3"),
        ("$.status: { gt: 1 }", "$.status: > 1, \"ok\""),
        ("$.version: { matches: '^v\\d' }", ""),
        ("$.version: { matches: '^${version}$' }", ""),
        ("$.version: { matches: '^w' }", "$.version: matches ^w, \"v1.2\""),
        ("$.status: { contains: k }, $.list: { contains: two }", ""),
        ("$.list: { contains: 2 }", "$.list: contains 2, [1,\"two\",{\"a\":1}]"),
        ("$.at: { type: timestamp }, $.local: { type: timestamp }", ""),
        ("$.n: { type: number }, $.list: { type: array }, $.none: { exists: true }", ""),
        ("$.status: { type: timestamp }", "$.status: a timestamp (RFC 3339 or ISO 8601), \"ok\""),
        ("$.missing: { exists: false }", ""),
        ("$.missing: { exists: true }, $.gone: 1", "$.missing: anything, nothing | $.gone: 1, nothing"),
        ("$.n: { exists: false }", "$.n: nothing, 3"),
        ("'$.list[*]': { exists: true }", ""),
        ("'$.list[*]': { type: number }", "$.list[*]: a number, \"two\""),
    ];
    for (expect, expected) in table {
        assert_eq!(failures(&format!("json: {{ {expect} }}"), &answer(200, &[], body)), expected, "{expect}");
    }
}

#[test]
fn a_body_that_is_not_json_is_one_failure() {
    let found = failures("json: { $.a: 1, $.b: 2 }", &answer(200, &[], "<html>"));
    assert_eq!(found, "body: JSON, something else (expected value at line 1 column 1)");
    assert_eq!(failures("json: { $.a: 1 }", &answer(200, &[], "")), "body: JSON, an empty body");
}

#[test]
fn headers_are_compared_in_any_of_their_occurrences() {
    let answer = answer(200, &[("content-type", "application/json; charset=utf-8"), ("vary", "a"), ("vary", "b"), ("x-count", "5")], "");
    let table = [
        ("Content-Type: { contains: json, matches: '^application/' }, vary: a, x-count: 5", ""),
        ("vary: b, x-none: { absent: true }, x-count: { exists: true }", ""),
        ("content-type: text/html", "header content-type: text/html, application/json; charset=utf-8"),
        ("vary: c", "header vary: c, b"),
        ("x-none: { exists: true }", "header x-none: anything, nothing"),
        ("x-count: { absent: true }", "header x-count: nothing, 5"),
    ];
    for (expect, expected) in table {
        assert_eq!(failures(&format!("headers: {{ {expect} }}"), &answer), expected, "{expect}");
    }
}

#[test]
fn a_redirect_is_judged_by_scheme_host_path_and_single_parameters() {
    let google = "https://accounts.google.com/o/oauth2/auth?redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback&state=sesame";
    let login = "/login?next=%2F";
    let table = [
        (
            google,
            "to: 'https://accounts.google.com/', query: { redirect_uri: 'https://app.example.com/callback', state: { exists: true } }",
            "",
        ),
        (google, "to: 'https://accounts.google.com/o/oauth2'", ""),
        (google, "to: 'https://accounts.google.com:443/o/oauth2/auth'", ""),
        (
            google,
            "to: 'https://accounts.google.com/o/oauth'",
            "redirect: https://accounts.google.com/o/oauth, https://accounts.google.com/o/oauth2/auth?…",
        ),
        (google, "to: 'http://accounts.google.com/'", "redirect: http://accounts.google.com/, https://accounts.google.com/o/oauth2/auth?…"),
        (google, "query: { redirect_uri: x }", "redirect query redirect_uri: x, https://app.example.com/callback"),
        (google, "query: { nonce: { exists: true } }", "redirect query nonce: anything, nothing"),
        (login, "to: /login, query: { next: / }", ""),
        (login, "to: 'https://green.example:8443/login'", ""),
        (login, "to: 'https://green.example/login'", "redirect: https://green.example/login, https://green.example:8443/login?…"),
    ];
    for (location, expect, expected) in table {
        assert_eq!(failures(&format!("redirect: {{ {expect} }}"), &answer(302, &[("location", location)], "")), expected, "{expect}");
    }
    let found = failures("redirect: { to: /login }", &answer(200, &[], ""));
    assert_eq!(found, "status: 3xx, 200 OK | redirect: /login, no readable Location header");
}

#[test]
fn cookies_are_judged_by_their_flags_and_their_values_are_not_shown() {
    let set = [("set-cookie", "session=sesame; Path=/; HttpOnly; SameSite=Lax; Domain=.example.com"), ("set-cookie", "theme=dark")];
    let shown = "path=/; httponly; samesite=Lax; domain=.example.com";
    let table = [
        ("session: { http-only: true, secure: false, same-site: lax, path: /, domain: example.com }, theme: {}", String::new()),
        (
            "session: { secure: true, same-site: strict }",
            format!("cookie session: secure, {shown} | cookie session: samesite=strict, {shown}"),
        ),
        ("session: { http-only: false, path: /a }", format!("cookie session: no httponly, {shown} | cookie session: path=/a, {shown}")),
        ("Session: {}", "cookie Session: set, only session, theme".to_owned()),
        ("theme: { secure: true }", "cookie theme: secure, no attributes".to_owned()),
    ];
    for (expect, expected) in table {
        assert_eq!(failures(&format!("cookies: {{ {expect} }}"), &answer(200, &set, "")), expected, "{expect}");
    }
    assert_eq!(failures("cookies: { a: {} }", &answer(200, &[], "")), "cookie a: set, no cookie");
    assert_eq!(failures("headers: { set-cookie: x }", &answer(200, &set, "")), "header set-cookie: x, other cookies");
}

#[test]
fn a_body_contains_and_matches() {
    let answer = answer(200, &[], "<title>Welcome to v1.2</title>");
    assert_eq!(failures("body: { contains: Welcome, matches: 'to ${version}<' }", &answer), "");
    assert_eq!(failures("body: { contains: Goodbye }", &answer), "body: contains Goodbye, other text");
}
