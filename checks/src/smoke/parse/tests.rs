//! The example of the documentation is read; every mistake is found, at its place, with a remedy,
//! and all of them at once.

mod flow;

use super::*;
use crate::environment::tests::test_environment;
use crate::moment::Moment;
use crate::reader::Files;
use crate::smoke::form::HttpVersion;
use crate::smoke::form::RedirectPolicy;

/// The suite that `docs/smoke-tests.md` shows.
pub(in crate::smoke) fn documented_example() -> String {
    let page = include_str!("../../../../docs/smoke-tests.md");
    let (_, after) = page.split_once("<!-- example -->\n```yaml\n").unwrap();
    after.split_once("```").unwrap().0.to_owned()
}

/// A workspace with nothing in it.
pub(crate) fn no_files(_: &str) -> Result<Vec<u8>, String> {
    Err("cannot be read (there is no such file)".to_owned())
}

/// These files, and the environment of the tests.
pub(crate) fn test_resources(files: Files<'_>) -> DocumentResources<'_> {
    DocumentResources {
        files,
        environment: test_environment(),
    }
}

fn problems(text: &str) -> Vec<String> {
    let problems = parse(text, "smoke.yml", test_resources(&no_files)).unwrap_err();
    problems
        .iter()
        .map(|problem| {
            problem
                .to_string()
                .replacen("smoke-tests: smoke.yml:", "", 1)
        })
        .collect()
}

/// A suite of one test that has these lines besides its name.
fn document_with(lines: &str) -> String {
    format!("tests:\n- name: a\n  {}", lines.replace('\n', "\n  "))
}

#[test]
fn the_documented_example_is_read_with_its_defaults() {
    let suite = parse(&documented_example(), "inline", test_resources(&no_files)).unwrap();
    assert_eq!(suite.required_env(), ["SMOKE_TOKEN"]);
    assert!(suite.count_tests(Moment::Green) > suite.count_tests(Moment::Production));
    let health = &suite.tests[0];
    assert_eq!(
        (
            health.name.as_str(),
            health.request.method.as_str(),
            health.timeout
        ),
        ("health", "GET", Duration::from_secs(3))
    );
    assert_eq!(
        (health.retry.budget, health.retry.every),
        (Duration::from_secs(90), Duration::from_secs(1))
    );
}

/// The files that the documentation's examples name.
fn documented_files(path: &str) -> Result<Vec<u8>, String> {
    match path {
        "deploy/ca.pem" => {
            let key = rcgen::KeyPair::generate().unwrap();
            Ok(rcgen::CertificateParams::default()
                .self_signed(&key)
                .unwrap()
                .pem()
                .into_bytes())
        }
        "deploy/items.schema.json" => Ok(b"{}".to_vec()),
        _ => no_files(path),
    }
}

#[test]
fn the_bake_s_interval_is_a_minute_unless_it_is_said() {
    let suite = |head: &str| {
        parse(
            &format!("{head}{}", document_with("get: /")),
            "inline",
            test_resources(&no_files),
        )
        .unwrap()
        .bake_interval()
    };
    assert_eq!(
        (suite(""), suite("bake-interval: 30s\n")),
        (Duration::from_mins(1), Duration::from_secs(30))
    );
    let short = problems(&format!(
        "bake-interval: 500ms\n{}",
        document_with("get: /")
    ));
    assert_eq!(short, ["1:16: `bake-interval` is shorter than 1s"]);
}

#[test]
fn every_example_of_the_documentation_is_read() {
    let page = include_str!("../../../../docs/smoke-tests.md");
    let examples: Vec<_> = page
        .split("<!-- example -->\n```yaml\n")
        .skip(1)
        .map(|after| after.split_once("```").unwrap().0)
        .collect();
    assert!(examples.len() >= 4);
    for example in examples {
        let read = parse(example, "inline", test_resources(&documented_files));
        assert!(read.is_ok(), "{example}\n{read:?}");
    }
}

#[test]
fn redirects_are_followed_unless_the_test_expects_one() {
    let table = [
        ("get: /", RedirectPolicy::Follow),
        ("get: /\nexpect: { status: 200 }", RedirectPolicy::Follow),
        (
            "get: /\nexpect: { status: [200, 302] }",
            RedirectPolicy::Evaluate,
        ),
        ("get: /\nexpect: { status: 3xx }", RedirectPolicy::Evaluate),
        (
            "get: /\nexpect: { status: [200, 304] }",
            RedirectPolicy::Follow,
        ),
        (
            "get: /\nexpect: { redirect: { to: /login } }",
            RedirectPolicy::Evaluate,
        ),
        ("get: /\nfollow: false", RedirectPolicy::Evaluate),
        (
            "get: /\nfollow: true\nexpect: { status: 200 }",
            RedirectPolicy::Follow,
        ),
    ];
    for (lines, expected) in table {
        assert_eq!(
            parse(&document_with(lines), "inline", test_resources(&no_files))
                .unwrap()
                .tests[0]
                .redirects,
            expected,
            "{lines}"
        );
    }
}

#[test]
fn every_mistake_names_its_line_and_column() {
    let table = [
        ("", "1:1: the smoke tests must be a mapping, and is empty"),
        ("tests: []", "1:8: `tests` is empty"),
        (
            "test: []",
            "1:1: Unknown key `test` in the smoke tests|1:1: There are no `tests`",
        ),
        ("tests: {}", "1:8: `tests` must be a list, and is a mapping"),
        (
            "defaults: { timeout: 5 }\ntests: [{ name: a, get: / }]",
            "1:22: `timeout`: `5` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`",
        ),
        (
            "defaults: { timeout: 0s }\ntests: [{ name: a, get: / }]",
            "1:22: `timeout` is zero: no request could be answered",
        ),
        (
            "defaults: { retry: { every: 0s } }\ntests: [{ name: a, get: / }]",
            "1:29: `every` is shorter than 10ms",
        ),
        ("tests:\n- get: /", "2:3: A test has no `name`"),
        (
            "tests:\n- { name: a, get: / }\n- { name: a, get: / }",
            "3:11: Two tests have the name `a`",
        ),
        (
            "tests: [{ name: 'on ${version}', get: / }]",
            "1:17: A `name` is one line of plain words, without variables",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(problems(text).join("|"), expected, "{text}");
    }
}

#[test]
fn mistakes_in_a_request_are_found() {
    let table = [
        ("on: green", "2:3: A test has no request"),
        (
            "get: /\npost: /",
            "4:3: A test has two requests: `get` and `post`",
        ),
        (
            "get: health",
            "3:8: `health` is not a path that starts with `/`",
        ),
        (
            "get: https://elsewhere/",
            "3:8: `https://elsewhere/` is not a path that starts with `/`",
        ),
        (
            "request: /users",
            "3:12: `/users` does not begin with a method",
        ),
        ("get: /${tag}", "3:8: Unknown variable `${tag}`"),
        (
            "get: /\nheaders: { 'a b': c }",
            "4:14: `a b` is not the name of a header",
        ),
        (
            "get: /\nheaders: { a: \"b\\nc\" }",
            "4:17: Header `a` has a value that cannot be sent",
        ),
        (
            "get: /\nheaders: { a: '${env.1}' }",
            "4:17: Unknown variable `${env.1}`",
        ),
        (
            "post: /\njson: { a: ['${version', '${x}'] }",
            "4:15: A variable that begins with `${` has no end|4:28: Unknown variable `${x}`",
        ),
        (
            "post: /\njson: {}\nbody: x",
            "5:3: A test has two bodies: `json` and `body`",
        ),
        (
            "get: /\nfollow: yes",
            "4:11: `follow` must be true or false, and is a text",
        ),
        (
            "get: /\non: [gren, prod]",
            "4:8: `on` cannot be `gren`|4:14: `on` cannot be `prod`",
        ),
        (
            "get: /\non: []",
            "4:7: `on` is empty: the test would never run",
        ),
        (
            "get: /\nretry: { for: 1d }",
            "4:17: `for`: `1d` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`",
        ),
    ];
    for (lines, expected) in table {
        assert_eq!(
            problems(&document_with(lines)).join("|"),
            expected,
            "{lines}"
        );
    }
}

#[test]
fn mistakes_in_an_expectation_are_found() {
    let table = [
        ("{ status: 99 }", "4:21: `99` is not an HTTP status"),
        (
            "{ status: [200, 6xx] }",
            "4:27: `6xx` is not an HTTP status",
        ),
        ("{ status: [] }", "4:21: `status` is an empty list"),
        (
            "{ json: { status: ok } }",
            "4:21: `status` is not a JSONPath: it does not start with `$`",
        ),
        (
            "{ json: { '$.a[': ok } }",
            "4:21: `$.a[` is not a JSONPath: it cannot be read from `[` on",
        ),
        (
            "{ json: { '$.a b': ok } }",
            "4:21: `$.a b` is not a JSONPath: it cannot be read from ` b` on",
        ),
        (
            "{ json: { '$.a[0': ok } }",
            "4:21: `$.a[0` is not a JSONPath: it ends too early",
        ),
        (
            "{ json: { '$..a..b..c..d': ok } }",
            "4:21: `$..a..b..c..d` goes down through everything (`..`) more than 3 times",
        ),
        (
            "{ origin: 'https://a.example/b' }",
            "4:21: `https://a.example/b` is not an origin",
        ),
        (
            "{ origin: 'https://a.example/?b' }",
            "4:21: `https://a.example/?b` is not an origin",
        ),
        (
            "{ origin: 'ftp://a.example' }",
            "4:21: `ftp://a.example` is not an origin",
        ),
        (
            "{ origin: 'https://user@a.example' }",
            "4:21: `https://user@a.example` is not an origin",
        ),
        (
            "{ json: { '$.${version}': ok } }",
            "4:21: A JSONPath cannot hold variables",
        ),
        ("{ json: { $.a: {} } }", "4:26: `$.a` has no condition"),
        (
            "{ json: { $.a: { gt: '1' } } }",
            "4:32: `gt` must be a number",
        ),
        (
            "{ json: { $.a: { type: int } } }",
            "4:34: `type` cannot be `int`",
        ),
        (
            "{ json: { $.a: { matches: '(' } } }",
            "4:37: `matches` is not a regular expression: unclosed group",
        ),
        (
            "{ headers: { a: { is: b } } }",
            "4:29: Unknown key `is` in Header `a`",
        ),
        (
            "{ redirect: { to: elsewhere } }",
            "4:29: `elsewhere` is neither a URL nor a path",
        ),
        (
            "{ redirect: { to: 'https://a/?b=c' } }",
            "4:29: `to` has a query or a fragment",
        ),
        (
            "{ cookies: { s: { httponly: true } } }",
            "4:29: Unknown key `httponly` in cookie `s`",
        ),
        (
            "{ cookies: { s: { same-site: Laxx } } }",
            "4:40: `same-site` cannot be `Laxx`",
        ),
        (
            "{ body: { equals: x } }",
            "4:21: Unknown key `equals` in `body`",
        ),
    ];
    for (expect, expected) in table {
        let found = problems(&document_with(&format!("get: /\nexpect: {expect}"))).join("|");
        assert!(found.starts_with(expected), "{expect}: {found}");
    }
}

#[test]
fn mistakes_in_how_a_request_is_made_are_found() {
    let table = [
        (
            "get: /\nquery: [a]",
            "4:10: `query` must be a mapping, and is a list",
        ),
        (
            "get: /\nquery: { a: { b: c } }",
            "4:15: Query parameter `a` must be a text, and is a mapping",
        ),
        (
            "post: /\nfile: none.json",
            "4:9: `file`: `none.json` cannot be read (there is no such file)",
        ),
        (
            "post: /\nfile: a\njson: {}",
            "4:9: `file`: `a` cannot be read (there is no such file)|5:3: A test has two bodies: `file` and `json`",
        ),
        ("get: /\nauth: {}", "4:9: `auth` says nothing"),
        (
            "get: /\nauth: { bearer: a, basic: { user: a, password: b } }",
            "4:9: `auth` has two credentials",
        ),
        (
            "get: /\nauth: { token: a }",
            "4:9: `auth` says nothing|4:11: Unknown key `token` in `auth`",
        ),
        (
            "get: /\nauth: { basic: { user: a } }",
            "4:18: `basic` has no `password`",
        ),
        (
            "get: /\nauth: { basic: { user: 'a:b', password: c } }",
            "4:26: `user` has a `:`",
        ),
        (
            "get: /\nauth: { api-key: { header: 'a b', value: c } }",
            "4:30: `a b` is not the name of a header",
        ),
        (
            "get: /\nauth: { api-key: { value: c } }",
            "4:20: `api-key` has no `header`",
        ),
        (
            "get: /\nheaders: { authorization: a }\nauth: { bearer: b }",
            "5:3: `auth` and `headers` both give `authorization`",
        ),
        (
            "get: /\nauth: { bearer: '${secret.KEY}' }",
            "4:19: `${secret.KEY}` is not declared",
        ),
        ("get: /\nhttp: 3", "4:9: `http` cannot be `3`"),
        (
            "get: /\nconnect-timeout: 0s",
            "4:20: `connect-timeout` is zero: no request could be answered",
        ),
        (
            "get: /\ntls: { verify: false }",
            "4:10: Unknown key `verify` in `tls`",
        ),
        (
            "get: /\ntls: { server-name: 'https://a' }",
            "4:23: `https://a` is not the name of a host",
        ),
        (
            "get: /\ntls: { server-name: 'a:443' }",
            "4:23: `a:443` is not the name of a host",
        ),
        (
            "get: /\ntls: { ca: ca.pem }",
            "4:14: `ca`: `ca.pem` cannot be read (there is no such file)",
        ),
        (
            "get: /\ntls: { ca: '-----BEGIN CERTIFICATE-----' }",
            "4:14: `ca` is not a certificate: ",
        ),
        (
            "get: /\ntls: { ca: '-----BEGIN KEY-----\n\n  AAAA\n\n  -----END KEY-----' }",
            "4:14: `ca` is not a certificate: there is none in it",
        ),
        (
            "get: /\ntls: { ca: '-----BEGIN CERTIFICATE-----\n\n  AAAA\n\n  -----END CERTIFICATE-----' }",
            "4:14: `ca` is not a certificate: invalid peer certificate: BadEncoding",
        ),
    ];
    for (lines, expected) in table {
        let found = problems(&document_with(lines)).join("|");
        assert!(
            found.starts_with(expected) && (expected.ends_with(": ") || found == expected),
            "{lines}: {found}"
        );
    }
}

#[test]
fn mistakes_in_a_preset_are_found() {
    let table = [
        ("get: /\ncors: {}", "4:9: `cors` has no `origin`"),
        (
            "get: /\ncors: { origin: app.example.com }",
            "4:19: `app.example.com` is not an origin",
        ),
        (
            "get: /\ncors: { origin: 'https://a.example/' }",
            "4:19: `https://a.example/` is not an origin",
        ),
        (
            "get: /\ncors: { origin: 'https://a.example', method: put }",
            "4:48: `put` is not a method",
        ),
        (
            "get: /\ncors: { origin: 'https://a.example', headers: ['a b'] }",
            "4:50: `a b` is not the name of a header",
        ),
        (
            "get: /\ncors: { origin: 'https://a.example', credentials: yes }",
            "4:53: `credentials` must be true or false, and is a text",
        ),
        (
            "request: OPTIONS /\ncors: { origin: 'https://a.example' }",
            "4:3: `cors` does not say for which method",
        ),
        (
            "post: /\njson: {}\ncors: { origin: 'https://a.example' }",
            "4:3: A preflight has no `json`: browsers ask before they send it",
        ),
        (
            "get: /\nauth: { bearer: a }\ncors: { origin: 'https://a.example' }",
            "4:3: A preflight has no `auth`: browsers ask before they send it",
        ),
        (
            "post: /\nhttps-redirect: true",
            "4:3: `https-redirect` is for `get` and `head`",
        ),
        (
            "get: /\nhttps-redirect: { port: 0 }",
            "4:27: `0` is not a port",
        ),
        (
            "get: /\nhttps-redirect: { port: 70000 }",
            "4:27: `70000` is not a port",
        ),
        (
            "get: /\nauth: { bearer: a }\nhttps-redirect: true",
            "5:3: `https-redirect` would send a secret unencrypted",
        ),
        (
            "get: /\nheaders: { a: '${env.T}' }\nhttps-redirect: true",
            "5:3: `https-redirect` would send a secret unencrypted",
        ),
        (
            "get: '/?t=${env.T}'\nhttps-redirect: true",
            "4:3: `https-redirect` would send a secret unencrypted",
        ),
        (
            "get: /\ncors: { origin: 'https://a.example' }\nhttps-redirect: true",
            "5:3: A test is either `cors` or `https-redirect`",
        ),
        (
            "get: /\nhttps-redirect: true\nfollow: true",
            "5:11: `follow: true` contradicts the redirect that is expected",
        ),
    ];
    for (lines, expected) in table {
        assert_eq!(
            problems(&document_with(lines)).join("|"),
            expected,
            "{lines}"
        );
    }
}

#[test]
fn mistakes_in_what_is_evaluated_are_found() {
    let table = [
        (
            "{ latency: 5 }",
            "4:22: `latency`: `5` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`",
        ),
        (
            "{ latency: { eq: 1s } }",
            "4:24: Unknown key `eq` in `latency`",
        ),
        ("{ latency: {} }", "4:22: `latency` has no condition"),
        (
            "{ version: {} }",
            "4:22: `version` must say where it is, once",
        ),
        (
            "{ version: { json: $.a, header: b } }",
            "4:22: `version` must say where it is, once",
        ),
        (
            "{ version: { json: a } }",
            "4:30: `a` is not a JSONPath: it does not start with `$`",
        ),
        (
            "{ version: { header: 'a b' } }",
            "4:32: `a b` is not the name of a header",
        ),
        (
            "{ json: { $.a: { type: int } } }",
            "4:34: `type` cannot be `int`",
        ),
        (
            "{ json: { $.a: { length: '1' } } }",
            "4:36: `length` must be a whole number",
        ),
        (
            "{ json: { $.a: { length: { ge: -1 } } } }",
            "4:42: `ge` must be a whole number",
        ),
        (
            "{ json: { $.a: { length: 1.5 } } }",
            "4:36: `length` must be a whole number",
        ),
        (
            "{ json-schema: a.json }",
            "4:26: `json-schema`: `a.json` cannot be read (there is no such file)",
        ),
        (
            "{ json-schema: [] }",
            "4:26: `json-schema` is neither a path nor a schema",
        ),
        (
            "{ json-schema: { type: texts } }",
            "4:26: `json-schema` is not a JSON Schema: at /type, ",
        ),
        (
            "{ json-schema: { $ref: 'https://example.com/a.json' } }",
            "4:26: `json-schema` is not a JSON Schema: ",
        ),
        (
            "{ json-schema: { $ref: 'file:///etc/passwd' } }",
            "4:26: `json-schema` is not a JSON Schema: ",
        ),
        (
            "{ security-headers: [hsts] }",
            "4:32: `security-headers` cannot be `hsts`",
        ),
        (
            "{ security-headers: { csp: false } }",
            "4:33: Unknown key `csp` in `security-headers`",
        ),
        (
            "{ security-headers: { x-frame-options: 1 } }",
            "4:50: `x-frame-options` must be true or false, and is a number",
        ),
        (
            "{ security-headers: { strict-transport-security: { max-age: 1h } } }",
            "4:71: `max-age` must be a mapping, and is a text",
        ),
        (
            "{ certificate: {} }",
            "4:26: `certificate` has no `days-left`",
        ),
        (
            "{ certificate: { days-left: soon } }",
            "4:39: `days-left` must be a whole number",
        ),
        (
            "{ cookies: { s: { max-age: 1h } } }",
            "4:38: `max-age` must be a mapping, and is a text",
        ),
        (
            "{ cookies: { s: { session: 1 } } }",
            "4:38: `session` must be true or false, and is a number",
        ),
    ];
    for (expect, expected) in table {
        let found = problems(&document_with(&format!("get: /\nexpect: {expect}"))).join("|");
        assert!(found.starts_with(expected), "{expect}: {found}");
    }
}

#[test]
fn secrets_are_declared_and_only_those_that_are_used_are_wanted() {
    let document = "secrets: { A: prod/api, B: { secret: 'arn:aws:secretsmanager:eu-central-1:1:secret:x-AbCdEf', key: token }, C: unused }\n\
        tests: [{ name: a, get: /, headers: { a: '${secret.A}', b: '${secret.B} ${secret.A}' } }]";
    let suite = parse(document, "inline", test_resources(&no_files)).unwrap();
    let wanted: Vec<_> = suite
        .required_secrets()
        .iter()
        .map(|secret| (&*secret.name, &*secret.id, secret.key.as_deref()))
        .collect();
    assert_eq!(
        wanted,
        [
            ("A", "prod/api", None),
            (
                "B",
                "arn:aws:secretsmanager:eu-central-1:1:secret:x-AbCdEf",
                Some("token")
            )
        ]
    );
}

#[test]
fn mistakes_in_secrets_and_defaults_are_found() {
    let table = [
        (
            "secrets: [a]",
            "1:10: `secrets` must be a mapping, and is a list",
        ),
        (
            "secrets: { A-B: c }",
            "1:12: `A-B` cannot stand in `${secret.NAME}`",
        ),
        (
            "secrets: { A: 'a b' }",
            "1:15: `a b` is neither the name nor the ARN of a secret",
        ),
        (
            "secrets: { A: 'arn:aws:ssm:eu-central-1:1:parameter/x' }",
            "1:15: `arn:aws:ssm:eu-central-1:1:parameter/x` is neither the name nor the ARN of a secret",
        ),
        (
            "secrets: { A: { key: a } }",
            "1:15: Secret `A` has no `secret`",
        ),
        (
            "secrets: { A: { secret: a, name: b } }",
            "1:28: Unknown key `name` in secret `A`",
        ),
        (
            "defaults: { test-header: 1 }",
            "1:26: `test-header` must be a mapping, and is a number",
        ),
        (
            "defaults: { test-header: { name: 'a b' } }",
            "1:34: `a b` is not the name of a header",
        ),
        (
            "defaults: { test-header: { value: \"a\\nb\" } }",
            "1:35: `value` cannot be sent in a header",
        ),
        ("defaults: { http: h2 }", "1:19: `http` cannot be `h2`"),
    ];
    for (top, expected) in table {
        assert_eq!(
            problems(&format!("{top}\ntests: [{{ name: a, get: / }}]")).join("|"),
            expected,
            "{top}"
        );
    }
}

#[test]
fn a_test_takes_over_its_connection_from_the_defaults_and_adds_to_it() {
    let document = "defaults: { http: 2, connect-timeout: 1s, tls: { server-name: A.example } }\n\
        tests: [{ name: a, get: / }, { name: b, get: /, http: 1.1, tls: { server-name: b.example } }]";
    let suite = parse(document, "inline", test_resources(&no_files)).unwrap();
    let seen: Vec<_> = suite
        .tests
        .iter()
        .map(|test| {
            (
                test.transport.http,
                test.transport.tls.server_name.as_deref().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (HttpVersion::Two, "a.example"),
            (HttpVersion::One, "b.example")
        ]
    );
    assert!(
        suite
            .tests
            .iter()
            .all(|test| test.transport.connect_timeout == Some(Duration::from_secs(1)))
    );
}

#[test]
fn all_mistakes_are_reported_at_once_each_with_a_remedy() {
    let text = "defaults: { timeuot: 5s }\ntests:\n- name: a\n  gett: /\n- name: a\n  get: x\n  expects: {}\n  expect: { status: no, headers: { 'a b': { matches: '[' } } }\n";
    let problems = parse(text, "inline", test_resources(&no_files)).unwrap_err();
    let lines: Vec<usize> = problems
        .iter()
        .map(|problem| problem.position.as_ref().unwrap().line)
        .collect();
    assert_eq!(lines, [1, 3, 4, 5, 6, 7, 8, 8, 8]);
    assert!(
        problems
            .iter()
            .all(|problem| !problem.remedy.is_empty() && !problem.remedy.ends_with('.'))
    );
    assert!(
        problems[0].remedy.starts_with("Did you mean `timeout`?")
            && problems[5].remedy.starts_with("Did you mean `expect`?")
    );
}

#[test]
fn follow_true_contradicts_a_redirect_that_is_expected() {
    let text = document_with("get: /\nfollow: true\nexpect: { redirect: { to: /login } }");
    assert_eq!(
        problems(&text),
        ["4:11: `follow: true` contradicts the redirect that is expected"]
    );
}

/// The author of a document does not get the job's credentials, wherever in the document the
/// variable is used.
#[test]
fn names_of_the_platform_are_refused_at_their_place_in_tests_load_variables_and_testers() {
    let table = [
        "tests: [{ name: a, get: '/${env.GITHUB_TOKEN}' }]",
        "tests: [{ name: a, get: /, headers: { x: '${env.AWS_SECRET_ACCESS_KEY}' } }]",
        "variables: { a: '${env.ACTIONS_RUNTIME_TOKEN}' }\ntests: [{ name: a, get: / }]",
        "load: { path: '/${env.INPUT_REGISTRY_PASSWORD}', for: 1s }",
        "warm-up: { path: '/${env.RUNNER_TEMP}' }\ntests: [{ name: a, get: / }]",
        "testers: [{ name: a, image: a, environment: { X: '${env.STATE_undos}' } }]",
        "tests: [{ name: a, get: /, expect: { body: { contains: '${env.DOCKER_CONFIG}' } } }]",
    ];
    for text in table {
        let place = format!(
            "1:{}",
            text[..text.find("${").unwrap()].rfind('\'').unwrap() + 1
        );
        let problems = problems(text);
        let refused = |problem: &String| {
            problem.starts_with(&format!("{place}: `${{env."))
                && problem.contains("is never given to a document")
        };
        assert!(
            problems.len() == 1 && problems.iter().all(refused),
            "{text}: {problems:?}"
        );
    }
    let unset = problems("tests: [{ name: a, get: '/${env.UNSET}' }]");
    assert_eq!(
        unset,
        ["1:25: `${env.UNSET}` is used, but the environment has no UNSET"]
    );
}
