//! The example of the documentation is read; every mistake is found, at its place, with a remedy, and all of them at once.

use super::*;
use crate::moment::Moment;

/// The suite that `docs/smoke-tests.md` shows.
pub(in crate::smoke) fn documented() -> String {
    let page = include_str!("../../../../docs/smoke-tests.md");
    let (_, after) = page.split_once("<!-- example -->\n```yaml\n").unwrap();
    after.split_once("```").unwrap().0.to_owned()
}

/// A workspace with nothing in it.
pub(in crate::smoke) fn no_files(_: &str) -> Result<Vec<u8>, String> {
    Err("cannot be read (there is no such file)".to_owned())
}

fn problems(text: &str) -> Vec<String> {
    let problems = parse(text, "smoke.yml", &no_files).unwrap_err();
    problems.iter().map(|problem| problem.to_string().replacen("smoke-tests: smoke.yml:", "", 1)).collect()
}

/// A suite of one test that has these lines besides its name.
fn with(lines: &str) -> String {
    format!("tests:\n- name: a\n  {}", lines.replace('\n', "\n  "))
}

#[test]
fn the_documented_example_is_read_with_its_defaults() {
    let suite = parse(&documented(), "inline", &no_files).unwrap();
    assert_eq!(suite.needs_env(), ["SMOKE_TOKEN"]);
    assert!(suite.count(Moment::Green) > suite.count(Moment::Production));
    let health = &suite.tests[0];
    assert_eq!((health.name.as_str(), health.request.method.as_str(), health.timeout), ("health", "GET", Duration::from_secs(3)));
    assert_eq!((health.retry.budget, health.retry.every), (Duration::from_secs(90), Duration::from_secs(1)));
}

#[test]
fn redirects_are_followed_unless_the_test_looks_at_one() {
    let table = [
        ("get: /", Redirects::Follow),
        ("get: /\nexpect: { status: 200 }", Redirects::Follow),
        ("get: /\nexpect: { status: [200, 302] }", Redirects::Judge),
        ("get: /\nexpect: { status: 3xx }", Redirects::Judge),
        ("get: /\nexpect: { status: [200, 304] }", Redirects::Follow),
        ("get: /\nexpect: { redirect: { to: /login } }", Redirects::Judge),
        ("get: /\nfollow: false", Redirects::Judge),
        ("get: /\nfollow: true\nexpect: { status: 200 }", Redirects::Follow),
    ];
    for (lines, expected) in table {
        assert_eq!(parse(&with(lines), "inline", &no_files).unwrap().tests[0].redirects, expected, "{lines}");
    }
}

#[test]
fn every_mistake_names_its_line_and_column() {
    let table = [
        ("", "1:1: the smoke tests must be a mapping, and is empty"),
        ("tests: []", "1:8: `tests` is empty"),
        ("test: []", "1:1: Unknown key `test` in the smoke tests|1:1: There are no `tests`"),
        ("tests: {}", "1:8: `tests` must be a list, and is a mapping"),
        (
            "defaults: { timeout: 5 }\ntests: [{ name: a, get: / }]",
            "1:22: `timeout`: `5` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`",
        ),
        ("defaults: { timeout: 0s }\ntests: [{ name: a, get: / }]", "1:22: `timeout` is zero: no request could be answered"),
        ("defaults: { retry: { every: 0s } }\ntests: [{ name: a, get: / }]", "1:29: `every` is shorter than 10ms"),
        ("tests:\n- get: /", "2:3: A test has no `name`"),
        ("tests:\n- { name: a, get: / }\n- { name: a, get: / }", "3:11: Two tests have the name `a`"),
        ("tests: [{ name: 'on ${version}', get: / }]", "1:17: A `name` is one line of plain words, without variables"),
    ];
    for (text, expected) in table {
        assert_eq!(problems(text).join("|"), expected, "{text}");
    }
}

#[test]
fn mistakes_in_a_request_are_found() {
    let table = [
        ("on: green", "2:3: A test has no request"),
        ("get: /\npost: /", "4:3: A test has two requests: `get` and `post`"),
        ("get: health", "3:8: `health` is not a path that starts with `/`"),
        ("get: https://elsewhere/", "3:8: `https://elsewhere/` is not a path that starts with `/`"),
        ("request: /users", "3:12: `/users` does not begin with a method"),
        ("get: /${tag}", "3:8: Unknown variable `${tag}`"),
        ("get: /\nheaders: { 'a b': c }", "4:14: `a b` is not the name of a header"),
        ("get: /\nheaders: { a: \"b\\nc\" }", "4:17: Header `a` has a value that cannot be sent"),
        ("get: /\nheaders: { a: '${env.1}' }", "4:17: Unknown variable `${env.1}`"),
        ("post: /\njson: { a: ['${version', '${x}'] }", "4:15: A variable that begins with `${` has no end|4:28: Unknown variable `${x}`"),
        ("post: /\njson: {}\nbody: x", "5:3: A test has two bodies: `json` and `body`"),
        ("get: /\nfollow: yes", "4:11: `follow` must be true or false, and is a text"),
        ("get: /\non: [gren, prod]", "4:8: `on` cannot be `gren`|4:14: `on` cannot be `prod`"),
        ("get: /\non: []", "4:7: `on` is empty: the test would never run"),
        ("get: /\nretry: { for: 1d }", "4:17: `for`: `1d` is not a duration such as `250ms`, `90s`, `10m` or `1h30m`"),
    ];
    for (lines, expected) in table {
        assert_eq!(problems(&with(lines)).join("|"), expected, "{lines}");
    }
}

#[test]
fn mistakes_in_an_expectation_are_found() {
    let table = [
        ("{ status: 99 }", "4:21: `99` is not an HTTP status"),
        ("{ status: [200, 6xx] }", "4:27: `6xx` is not an HTTP status"),
        ("{ status: [] }", "4:21: `status` is an empty list"),
        ("{ json: { status: ok } }", "4:21: `status` is not a JSONPath: it does not start with `$`"),
        ("{ json: { '$.a[': ok } }", "4:21: `$.a[` is not a JSONPath: it cannot be read from `[` on"),
        ("{ json: { '$.a b': ok } }", "4:21: `$.a b` is not a JSONPath: it cannot be read from ` b` on"),
        ("{ json: { '$.${version}': ok } }", "4:21: A JSONPath cannot hold variables"),
        ("{ json: { $.a: {} } }", "4:26: `$.a` has no condition"),
        ("{ json: { $.a: { gt: '1' } } }", "4:32: `gt` must be a number"),
        ("{ json: { $.a: { type: int } } }", "4:34: `type` cannot be `int`"),
        ("{ json: { $.a: { matches: '(' } } }", "4:37: `matches` is not a regular expression: unclosed group"),
        ("{ headers: { a: { is: b } } }", "4:29: Unknown key `is` in Header `a`"),
        ("{ redirect: { to: elsewhere } }", "4:29: `elsewhere` is neither a URL nor a path"),
        ("{ redirect: { to: 'https://a/?b=c' } }", "4:29: `to` has a query or a fragment"),
        ("{ cookies: { s: { httponly: true } } }", "4:29: Unknown key `httponly` in cookie `s`"),
        ("{ cookies: { s: { same-site: Laxx } } }", "4:40: `same-site` cannot be `Laxx`"),
        ("{ body: { equals: x } }", "4:21: Unknown key `equals` in `body`"),
    ];
    for (expect, expected) in table {
        let found = problems(&with(&format!("get: /\nexpect: {expect}"))).join("|");
        assert!(found.starts_with(expected), "{expect}: {found}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once_each_with_a_remedy() {
    let text = "defaults: { timeuot: 5s }\ntests:\n- name: a\n  gett: /\n- name: a\n  get: x\n  expects: {}\n  expect: { status: no, headers: { 'a b': { matches: '[' } } }\n";
    let problems = parse(text, "inline", &no_files).unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|problem| problem.at.as_ref().unwrap().line).collect();
    assert_eq!(lines, [1, 3, 4, 5, 6, 7, 8, 8, 8]);
    assert!(problems.iter().all(|problem| !problem.remedy.is_empty() && !problem.remedy.ends_with('.')));
    assert!(problems[0].remedy.starts_with("Did you mean `timeout`?") && problems[5].remedy.starts_with("Did you mean `expect`?"));
}

#[test]
fn follow_true_contradicts_a_redirect_that_is_expected() {
    let text = with("get: /\nfollow: true\nexpect: { redirect: { to: /login } }");
    assert_eq!(problems(&text), ["4:11: `follow: true` contradicts the redirect that is expected"]);
}
