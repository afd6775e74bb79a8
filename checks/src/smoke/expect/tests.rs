//! Expectations in the user's words against answers: what is met, and what is said of what is not.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use time::OffsetDateTime;

use super::super::answer::{BodyExtent, ResponseBody};
use super::*;
use crate::secret::Secret;
use crate::smoke::parse;
use crate::smoke::parse::tests::{no_files, test_resources};

fn values() -> Values {
    let environment = [("TOKEN".to_owned(), Secret::new("hunter2"))].into();
    Values {
        version: "v1.2".to_owned(),
        digest: "sha256:ab".to_owned(),
        revision: "api:7".to_owned(),
        environment,
        ..Values::default()
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> SmokeResponse {
    let pairs = headers.iter().map(|(name, value)| {
        (
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::try_from(*value).unwrap(),
        )
    });
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(name, value);
    }
    let body = ResponseBody {
        bytes: body.as_bytes().to_vec(),
        extent: BodyExtent::Complete,
    };
    SmokeResponse {
        is_cross_origin: false,
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
fn format_failures(expect: &str, answer: &SmokeResponse) -> String {
    let suite = parse(
        &format!("tests: [{{ name: a, get: /, expect: {{ {expect} }} }}]"),
        "inline",
        test_resources(&no_files),
    )
    .unwrap();
    let failures = evaluate(&suite.tests[0], answer, &values());
    failures
        .iter()
        .map(
            |Mismatch {
                 what,
                 expected,
                 found,
             }| format!("{what}: {expected}, {found}"),
        )
        .collect::<Vec<_>>()
        .join(" | ")
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
        (
            "status: [200, 4xx]",
            503,
            "status: 200 or 4xx, 503 Service Unavailable",
        ),
    ];
    for (expect, status, expected) in table {
        assert_eq!(
            format_failures(expect, &answer(status, &[], "")),
            expected,
            "{expect}"
        );
    }
}

#[test]
fn json_is_compared_by_value_type_size_and_pattern() {
    let body = r#"{"status":"ok","version":"v1.2","n":3,"f":2.50,"at":"2026-11-21T01:02:03Z","local":"2026-11-21T01:02:03.123456","basic":"20261121T010203Z",
        "list":[1,"two",{"a":1}],"none":null,"big":9007199254740993}"#;
    let table = [
        (
            "$.status: ok, $.version: '${version}', $.none: null, $.f: 2.5, $.n: 3.0",
            "",
        ),
        ("$.list: [1, two, { a: 1 }]", ""),
        ("$..a..b..c: { exists: false }", ""),
        ("$.big: 9007199254740993", ""),
        (
            "$.big: 9007199254740992",
            "$.big: 9007199254740992, 9007199254740993",
        ),
        ("$.status: OK", "$.status: \"OK\", \"ok\""),
        ("$.version: '${env.TOKEN}'", "$.version: \"***\", \"v1.2\""),
        ("$.n: { gt: 2, le: 3, ne: 4 }", ""),
        (
            "$.n: { gt: 3, lt: 3, ge: 4 }",
            "$.n: > 3, 3 | $.n: < 3, 3 | $.n: ≥ 4, 3",
        ),
        ("$.status: { gt: 1 }", "$.status: > 1, \"ok\""),
        ("$.version: { matches: '^v\\d' }", ""),
        ("$.version: { matches: '^${version}$' }", ""),
        (
            "$.version: { matches: '^w' }",
            "$.version: matches ^w, \"v1.2\"",
        ),
        ("$.status: { contains: k }, $.list: { contains: two }", ""),
        (
            "$.list: { contains: 2 }",
            "$.list: contains 2, [1,\"two\",{\"a\":1}]",
        ),
        (
            "$.at: { type: timestamp }, $.local: { type: timestamp }, $.basic: { type: timestamp }",
            "",
        ),
        (
            "$.n: { type: number }, $.list: { type: array }, $.none: { exists: true }",
            "",
        ),
        (
            "$.status: { type: timestamp }",
            "$.status: a timestamp (RFC 3339 or ISO 8601), \"ok\"",
        ),
        ("$.missing: { exists: false }", ""),
        (
            "$.n: { type: integer }, $.none: { type: 'null' }, $.f: { type: number }",
            "",
        ),
        (
            "$.f: { type: integer }, $.status: { type: 'null' }",
            "$.f: a whole number, 2.5 | $.status: null, \"ok\"",
        ),
        (
            "$.status: { length: 2 }, $.list: { length: { ge: 1, lt: 4 } }",
            "",
        ),
        (
            "$.list: { length: 2 }",
            "$.list: a length of 2, 3: [1,\"two\",{\"a\":1}]",
        ),
        (
            "$.status: { length: { gt: 2, le: 9 } }",
            "$.status: a length > 2 and ≤ 9, 2: \"ok\"",
        ),
        (
            "$.status: { length: { ge: 3, le: 9 } }",
            "$.status: a length ≥ 3 and ≤ 9, 2: \"ok\"",
        ),
        ("$.n: { length: 1 }", "$.n: a length of 1, 3"),
        (
            "$.missing: { exists: true }, $.gone: 1",
            "$.missing: anything, nothing | $.gone: 1, nothing",
        ),
        ("$.n: { exists: false }", "$.n: nothing, 3"),
        ("'$.list[*]': { exists: true }", ""),
        (
            "'$.list[*]': { type: number }",
            "$.list[*]: a number, \"two\"",
        ),
    ];
    for (expect, expected) in table {
        assert_eq!(
            format_failures(&format!("json: {{ {expect} }}"), &answer(200, &[], body)),
            expected,
            "{expect}"
        );
    }
}

#[test]
fn lists_and_objects_are_equal_where_all_their_parts_are() {
    let seen = answer(200, &[], r#"{"list":[1,"two",{"a":1}]}"#);
    let table = [
        ("$.list: [1.0, two, { a: 1.0 }]", ""),
        (
            "$.list: [1, two, { a: 1, b: 2 }]",
            "$.list: [1,\"two\",{\"a\":1,\"b\":2}], [1,\"two\",{\"a\":1}]",
        ),
        (
            "$.list: [1, two, { a: 2 }]",
            "$.list: [1,\"two\",{\"a\":2}], [1,\"two\",{\"a\":1}]",
        ),
        (
            "$.list: [1, two]",
            "$.list: [1,\"two\"], [1,\"two\",{\"a\":1}]",
        ),
    ];
    for (expect, expected) in table {
        assert_eq!(
            format_failures(&format!("json: {{ {expect} }}"), &seen),
            expected,
            "{expect}"
        );
    }
}

#[test]
fn a_body_that_is_not_json_is_one_failure() {
    let found = format_failures("json: { $.a: 1, $.b: 2 }", &answer(200, &[], "<html>"));
    assert_eq!(
        found,
        "body: JSON, something else (expected value at line 1 column 1)"
    );
    assert_eq!(
        format_failures("json: { $.a: 1 }", &answer(200, &[], "")),
        "body: JSON, an empty body"
    );
}

#[test]
fn a_body_that_breaks_its_schema_is_told_by_where_and_one_of_another_origin_is_not() {
    let expect = "json: { $.n: 1 }, json-schema: { properties: { n: { type: string } } }";
    let hidden = "something else (not shown: it is of another origin)";
    let (mut seen, table) = (
        answer(200, &[], r#"{"n":2}"#),
        [
            (
                false,
                "$.n: 1, 2 | json-schema at /n: what the schema says, want string, but got number"
                    .to_owned(),
            ),
            (
                true,
                format!("$.n: 1, {hidden} | json-schema: what the schema says, {hidden}"),
            ),
        ],
    );
    for (foreign, expected) in table {
        seen.is_cross_origin = foreign;
        assert_eq!(format_failures(expect, &seen), expected, "{foreign}");
    }
    assert_eq!(
        format_failures(expect, &answer(200, &[], r#"{"n":"1"}"#)),
        "$.n: 1, \"1\""
    );
}

#[test]
fn headers_are_compared_in_any_of_their_occurrences() {
    let answer = answer(
        200,
        &[
            ("content-type", "application/json; charset=utf-8"),
            ("vary", "a"),
            ("vary", "b"),
            ("x-count", "5"),
        ],
        "",
    );
    let table = [
        (
            "Content-Type: { contains: json, matches: '^application/' }, vary: a, x-count: 5",
            "",
        ),
        (
            "vary: b, x-none: { absent: true }, x-count: { exists: true }",
            "",
        ),
        (
            "content-type: text/html",
            "header content-type: text/html, application/json; charset=utf-8",
        ),
        ("vary: c", "header vary: c, b"),
        (
            "x-none: { exists: true }",
            "header x-none: anything, nothing",
        ),
        ("x-count: { absent: true }", "header x-count: nothing, 5"),
    ];
    for (expect, expected) in table {
        assert_eq!(
            format_failures(&format!("headers: {{ {expect} }}"), &answer),
            expected,
            "{expect}"
        );
    }
}

#[test]
fn a_redirect_is_evaluated_by_scheme_host_path_and_single_parameters() {
    let google = "https://accounts.google.com/o/oauth2/auth?redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback&state=sesame";
    let login = "/login?next=%2F";
    let table = [
        (
            google,
            "to: 'https://accounts.google.com/', query: { redirect_uri: 'https://app.example.com/callback', state: { exists: true } }",
            "",
        ),
        (google, "to: 'https://accounts.google.com/o/oauth2'", ""),
        (
            google,
            "to: 'https://accounts.google.com:443/o/oauth2/auth'",
            "",
        ),
        (
            google,
            "to: 'https://accounts.google.com/o/oauth'",
            "redirect: https://accounts.google.com/o/oauth, https://accounts.google.com/o/oauth2/auth?…",
        ),
        (
            google,
            "to: 'http://accounts.google.com/'",
            "redirect: http://accounts.google.com/, https://accounts.google.com/o/oauth2/auth?…",
        ),
        (
            google,
            "query: { redirect_uri: x }",
            "redirect query redirect_uri: x, https://app.example.com/callback",
        ),
        (
            google,
            "query: { nonce: { exists: true } }",
            "redirect query nonce: anything, nothing",
        ),
        (login, "to: /login, query: { next: / }", ""),
        (login, "to: 'https://green.example:8443/login'", ""),
        (
            login,
            "to: 'https://green.example/login'",
            "redirect: https://green.example/login, https://green.example:8443/login?…",
        ),
        (
            login,
            "to: 'https://blue.example:8443/login'",
            "redirect: https://blue.example:8443/login, https://green.example:8443/login?…",
        ),
    ];
    for (location, expect, expected) in table {
        assert_eq!(
            format_failures(
                &format!("redirect: {{ {expect} }}"),
                &answer(302, &[("location", location)], "")
            ),
            expected,
            "{expect}"
        );
    }
    let found = format_failures("redirect: { to: /login }", &answer(200, &[], ""));
    assert_eq!(
        found,
        "status: 3xx, 200 OK | redirect: /login, no readable Location header"
    );
}

#[test]
fn cookies_are_evaluated_by_their_flags_and_their_values_are_not_shown() {
    let set = [
        (
            "set-cookie",
            "session=sesame; Path=/; HttpOnly; SameSite=Lax; Domain=.example.com",
        ),
        ("set-cookie", "theme=dark"),
    ];
    let shown = "path=/; httponly; samesite=Lax; domain=.example.com";
    let table = [
        (
            "session: { http-only: true, secure: false, same-site: lax, path: /, domain: example.com }, theme: {}",
            String::new(),
        ),
        (
            "session: { secure: true, same-site: strict }",
            format!("cookie session: secure, {shown} | cookie session: samesite=strict, {shown}"),
        ),
        (
            "session: { http-only: false, path: /a }",
            format!("cookie session: no httponly, {shown} | cookie session: path=/a, {shown}"),
        ),
        (
            "session: { domain: example.org }",
            format!("cookie session: domain=example.org, {shown}"),
        ),
        (
            "Session: {}",
            "cookie Session: set, only session, theme".to_owned(),
        ),
        (
            "theme: { secure: true }",
            "cookie theme: secure, no attributes".to_owned(),
        ),
    ];
    for (expect, expected) in table {
        assert_eq!(
            format_failures(&format!("cookies: {{ {expect} }}"), &answer(200, &set, "")),
            expected,
            "{expect}"
        );
    }
    assert_eq!(
        format_failures("cookies: { a: {} }", &answer(200, &[], "")),
        "cookie a: set, no cookie"
    );
    assert_eq!(
        format_failures("headers: { set-cookie: x }", &answer(200, &set, "")),
        "header set-cookie: x, other cookies"
    );
}

#[test]
fn a_body_contains_and_matches() {
    let answer = answer(200, &[], "<title>Welcome to v1.2</title>");
    assert_eq!(
        format_failures(
            "body: { contains: Welcome, matches: 'to ${version}<' }",
            &answer
        ),
        ""
    );
    assert_eq!(
        format_failures("body: { contains: Goodbye }", &answer),
        "body: contains Goodbye, other text"
    );
}

#[test]
fn types_are_recognised_by_what_a_text_looks_like() {
    let table = [
        (
            "uuid",
            "123e4567-e89b-12d3-a456-426614174000",
            "123e4567e89b12d3a456426614174000",
        ),
        (
            "uuid",
            "00000000-0000-0000-0000-00000000000A",
            "123e4567-e89b-12d3-a456-42661417400g",
        ),
        ("url", "https://a.example/b?c", "/b?c"),
        ("url", "postgres://db:5432/x", "mailto:a@example.com"),
        ("date", "2026-02-28", "2026-02-30"),
        ("date", "2024-02-29", "2026-02-28T00:00:00Z"),
    ];
    for (kind, good, bad) in table {
        let body = serde_json::json!({ "good": good, "bad": bad }).to_string();
        let found = format_failures(
            &format!("json: {{ $.good: {{ type: {kind} }}, $.bad: {{ type: {kind} }} }}"),
            &answer(200, &[], &body),
        );
        assert!(
            found.starts_with("$.bad: ") && !found.contains(" | "),
            "{kind} {good} {bad}: {found}"
        );
    }
}

#[test]
fn a_latency_is_a_longest_time_or_bounds() {
    let table = [
        ("300ms", ""),
        ("299ms", "latency: ≤ 299 ms, 300 ms"),
        ("{ lt: 1s, gt: 100ms }", ""),
        ("{ lt: 300ms }", "latency: < 300 ms, 300 ms"),
        (
            "{ ge: 301ms, le: 2s }",
            "latency: ≥ 301 ms and ≤ 2 s, 300 ms",
        ),
    ];
    for (latency, expected) in table {
        assert_eq!(
            format_failures(&format!("latency: {latency}"), &answer(200, &[], "")),
            expected,
            "{latency}"
        );
    }
}

#[test]
fn the_deployed_version_is_a_path_or_a_header() {
    let seen = answer(
        200,
        &[("x-version", "v1.2")],
        r#"{"version":"v1.2","app":{"build":"v1.1"}}"#,
    );
    let table = [
        ("true", ""),
        ("false", ""),
        ("{ json: $.version }", ""),
        ("{ header: X-Version }", ""),
        ("{ json: $.app.build }", "$.app.build: \"v1.2\", \"v1.1\""),
        ("{ header: x-build }", "header x-build: v1.2, nothing"),
    ];
    for (version, expected) in table {
        assert_eq!(
            format_failures(&format!("version: {version}"), &seen),
            expected,
            "{version}"
        );
    }
    assert_eq!(
        format_failures("version: true", &answer(200, &[], r#"{"version":"v1.1"}"#)),
        "$.version: \"v1.2\", \"v1.1\""
    );
}

#[test]
fn a_cookies_lifetime_is_evaluated_by_max_age_and_expires() {
    let set = [
        ("set-cookie", "year=1; Max-Age=31536000"),
        (
            "set-cookie",
            "hour=1; Expires=Sat, 21 Nov 2026 13:00:00 GMT",
        ),
        ("set-cookie", "gone=; Max-Age=0"),
        ("set-cookie", "brief=1"),
    ];
    let table = [
        (
            "year: { max-age: { ge: 8760h }, session: false }, hour: { max-age: { ge: 1h, le: 1h } }, brief: { session: true }",
            "",
        ),
        ("gone: { max-age: { le: 0s } }", ""),
        (
            "hour: { max-age: { gt: 1h } }",
            "cookie hour: a life > 1 h, expires=Sat, 21 Nov 2026 13:00:00 GMT",
        ),
        (
            "brief: { max-age: { ge: 1s } }",
            "cookie brief: a life ≥ 1 s, no attributes",
        ),
        (
            "year: { session: true }",
            "cookie year: a session cookie, without max-age and expires, max-age=31536000",
        ),
        (
            "brief: { session: false }",
            "cookie brief: max-age or expires, no attributes",
        ),
    ];
    for (expect, expected) in table {
        assert_eq!(
            format_failures(&format!("cookies: {{ {expect} }}"), &answer(200, &set, "")),
            expected,
            "{expect}"
        );
    }
}

const PROTECTED_HEADERS: [(&str, &str); 4] = [
    (
        "strict-transport-security",
        "includeSubDomains; Max-Age=\"31536000\"",
    ),
    (
        "content-security-policy",
        "default-src 'self'; style-src 'self' 'Unsafe-Inline'",
    ),
    ("x-frame-options", "sameorigin"),
    ("x-content-type-options", "NoSniff"),
];

/// What is said when the header of this name has another value, or is not there.
fn failures_with_header(name: &str, value: Option<&str>, expect: &str) -> String {
    let kept = PROTECTED_HEADERS
        .iter()
        .filter(|(header, _)| *header != name)
        .copied();
    let headers: Vec<_> = kept.chain(value.map(|value| (name, value))).collect();
    format_failures(
        &format!("security-headers: {expect}"),
        &answer(200, &headers, ""),
    )
}

#[test]
fn security_headers_are_held_against_owasp_unless_the_test_says_otherwise() {
    let lax = "{ content-security-policy: { unsafe-inline: true } }";
    let hsts = "header strict-transport-security: max-age ≥ 8760 h, ";
    let frame = "header x-frame-options: DENY or SAMEORIGIN, or `frame-ancestors` in the policy, ";
    let table = [
        ("x-other", None, lax, String::new()),
        (
            "x-other",
            None,
            "true",
            "header content-security-policy: a policy without 'unsafe-inline', style-src 'self' 'Unsafe-Inline'".to_owned(),
        ),
        ("x-other", None, "false", String::new()),
        ("x-other", None, "[x-frame-options]", String::new()),
        ("strict-transport-security", None, lax, format!("{hsts}nothing")),
        ("strict-transport-security", Some("max-age=31535999"), lax, format!("{hsts}max-age=31535999")),
        ("strict-transport-security", Some("includeSubDomains"), lax, format!("{hsts}includeSubDomains")),
        (
            "strict-transport-security",
            Some("max-age=3600"),
            "{ strict-transport-security: { max-age: { ge: 1h } }, content-security-policy: false }",
            String::new(),
        ),
        ("strict-transport-security", None, "{ strict-transport-security: false, content-security-policy: false }", String::new()),
        ("content-security-policy", None, lax, "header content-security-policy: a policy, nothing".to_owned()),
        ("content-security-policy", Some("default-src 'self'"), "true", String::new()),
        ("x-frame-options", None, lax, format!("{frame}nothing")),
        ("x-frame-options", Some("ALLOWALL"), lax, format!("{frame}ALLOWALL")),
        ("x-content-type-options", Some("sniff"), lax, "header x-content-type-options: nosniff, sniff".to_owned()),
        ("x-content-type-options", None, "[x-content-type-options]", "header x-content-type-options: nosniff, nothing".to_owned()),
    ];
    for (name, value, expect, expected) in table {
        assert_eq!(
            failures_with_header(name, value, expect),
            expected,
            "{name} {value:?} {expect}"
        );
    }
}

#[test]
fn frame_ancestors_stand_for_x_frame_options_unless_they_let_everyone() {
    for (policy, met) in [
        ("default-src 'self'; Frame-Ancestors 'none'", true),
        ("frame-ancestors https://a.example", true),
        ("frame-ancestors *", false),
    ] {
        let found = format_failures(
            "security-headers: [x-frame-options]",
            &answer(200, &[("content-security-policy", policy)], ""),
        );
        assert_eq!(found.is_empty(), met, "{policy}: {found}");
    }
}

#[test]
fn strict_transport_security_is_not_asked_of_plain_http() {
    let mut plain = answer(200, &[], "");
    plain.url = "http://green.example/".parse().unwrap();
    assert_eq!(
        format_failures("security-headers: [strict-transport-security]", &plain),
        ""
    );
}

#[test]
fn a_cookie_that_no_browser_keeps_fails_with_the_reason() {
    let table = [
        (
            "sid=1; HttpOnly; SameSite=None",
            "sid: { same-site: none }",
            "SameSite=None requires Secure",
        ),
        (
            "sid=1; SameSite=none; HttpOnly",
            "sid: {}",
            "SameSite=None requires Secure",
        ),
        (
            "__Secure-sid=1",
            "__Secure-sid: {}",
            "`__Secure-` requires Secure",
        ),
        (
            "__Host-sid=1; Path=/",
            "__Host-sid: { path: / }",
            "`__Host-` requires Secure, Path=/ and no Domain",
        ),
        (
            "sid=1; Partitioned",
            "sid: {}",
            "Partitioned requires Secure",
        ),
    ];
    for (set, expected, why) in table {
        let found = format_failures(
            &format!("cookies: {{ {expected} }}"),
            &answer(200, &[("set-cookie", set)], ""),
        );
        let name = set.split_once('=').unwrap().0;
        assert_eq!(
            found,
            format!("cookie {name}: a cookie that browsers keep, one that browsers reject: {why}"),
            "{set}"
        );
    }
    let kept = answer(
        200,
        &[("set-cookie", "__Host-sid=1; Path=/; Secure; SameSite=None")],
        "",
    );
    assert_eq!(
        format_failures(
            "cookies: { __Host-sid: { same-site: none, secure: true } }",
            &kept
        ),
        ""
    );
}
