//! What is wrong with variables, captures, flows, matrices, order, warm-up and load is found at its
//! place.

use super::*;
use crate::smoke::flow::RunCondition;

#[test]
fn a_name_has_one_value_and_is_used_after_it() {
    let table = [
        (
            "tests:\n- { name: a, get: '/${id}' }\n- { name: b, get: /, capture: { id: $.id } }",
            "2:19: `${id}` is used before it has a value",
        ),
        (
            "tests:\n- { name: a, get: '/${id}', capture: { id: $.id } }",
            "2:19: `${id}` is used before it has a value",
        ),
        (
            "tests:\n- { name: a, get: /, capture: { id: $.id } }\n- { name: b, get: /, capture: { id: $.id } }",
            "3:33: `id` is given a value twice",
        ),
        (
            "variables: { id: a }\ntests:\n- { name: a, get: /, capture: { id: $.id } }",
            "3:33: `id` is given a value twice",
        ),
        (
            "variables: { version: a }\ntests: [{ name: a, get: / }]",
            "1:14: `version` has a meaning of its own: `${version}` would be ambiguous",
        ),
        (
            "variables: { run: a }\ntests: [{ name: a, get: / }]",
            "1:14: `run` has a meaning of its own: `${run}` would be ambiguous",
        ),
        (
            "variables: { a b: c }\ntests: [{ name: a, get: / }]",
            "1:14: `a b` cannot be the name of a value",
        ),
        (
            "variables: { a: '${b}', b: x }\ntests: [{ name: a, get: / }]",
            "1:17: `${b}` is used before it has a value",
        ),
        (
            "variables: [a]\ntests: [{ name: a, get: / }]",
            "1:12: `variables` must be a mapping, and is a list",
        ),
        (
            "tests:\n- { name: a, get: '/${unknown}${run}${base}${now}' }",
            "2:19: Unknown variable `${unknown}`",
        ),
        (
            "tests:\n- { name: a, get: /, on: green, capture: { id: $.id } }\n- { name: b, get: '/${id}' }",
            "3:19: `${id}` is used on production, where \"a\" does not capture it",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(problems(text).join("|"), expected, "{text}");
    }
    let known = parse(
        "variables: { user: a }\ntests: [{ name: a, get: '/${usr}' }]",
        "inline",
        test_resources(&no_files),
    )
    .unwrap_err();
    assert!(
        known[0]
            .remedy
            .starts_with("Known here: `${base}`, `${now}`, `${run}`, `${user}`, `${version}`"),
        "{known:?}"
    );
}

#[test]
fn mistakes_in_a_capture_are_found() {
    let table = [
        ("id", "4:17: Capture `c`: `id` is not a part of an answer"),
        (
            "'$.a['",
            "4:17: `$.a[` is not a JSONPath: it cannot be read from `[` on",
        ),
        (
            "{}",
            "4:17: Capture `c` does not name one part of an answer",
        ),
        (
            "{ cookie: a, header: b }",
            "4:17: Capture `c` does not name one part of an answer",
        ),
        (
            "{ cookies: a }",
            "4:19: Unknown key `cookies` in Capture `c`|4:17: Capture `c` does not name one part of an answer",
        ),
        (
            "{ matches: '(' }",
            "4:28: `matches` is not a regular expression: unclosed group",
        ),
        (
            "{ header: 'a b' }",
            "4:27: `a b` is not the name of a header",
        ),
        (
            "{ header: set-cookie }",
            "4:27: `set-cookie` holds more than a cookie's value",
        ),
        (
            "{ json: $.a, secret: yes }",
            "4:38: `secret` must be true or false, and is a text",
        ),
    ];
    for (source, expected) in table {
        let found = problems(&document_with(&format!(
            "get: /\ncapture: {{ c: {source} }}"
        )));
        assert!(
            expected
                .split('|')
                .all(|expected| found.iter().any(|found| found == expected)),
            "{source}: {found:?}"
        );
    }
}

#[test]
fn mistakes_in_a_flow_are_found() {
    let table = [
        ("- { name: f, flow: [] }", "2:20: `flow` has no steps"),
        (
            "- { flow: [{ name: a, get: / }] }",
            "2:3: A flow has no `name`",
        ),
        (
            "- { name: f, get: /, flow: [{ name: a, get: / }] }",
            "2:14: Unknown key `get` in a flow",
        ),
        (
            "- { name: f, flow: [{ name: a, get: /, on: green }] }",
            "2:40: A step has no `on` of its own: a flow runs as a whole",
        ),
        (
            "- { name: f, flow: [{ name: a, get: / }, { name: a, get: / }] }",
            "2:50: Two tests have the name `a`",
        ),
        (
            "- { name: f, cookies: some, flow: [{ name: a, get: / }] }",
            "2:23: `cookies` cannot be `some`",
        ),
        (
            "- { name: f, get: /, always: true }",
            "2:22: `always` is for the steps of a `flow`",
        ),
        (
            "- { name: f, get: /, after: f }",
            "2:29: `after` names `f`, and no test or flow before this one has that name",
        ),
        (
            "- { name: f, get: /, after: [g] }\n- { name: g, get: / }",
            "2:30: `after` names `g`, and no test or flow before this one has that name",
        ),
        (
            "- { name: f, flow: [{ name: a, flow: [] }] }",
            "2:32: Unknown key `flow` in a step|2:21: A test has no request",
        ),
    ];
    for (entries, expected) in table {
        let found = problems(&format!("tests:\n{entries}"));
        assert!(
            expected
                .split('|')
                .all(|expected| found.iter().any(|found| found == expected)),
            "{entries}: {found:?}"
        );
    }
}

#[test]
fn mistakes_in_a_matrix_are_found() {
    let many = (0..17)
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let large = format!("{{ a: [{many}], b: [{many}] }}");
    let table = [
        ("{}", "4:11: `matrix` has no values"),
        ("[a]", "4:11: `matrix` must be a mapping, and is a list"),
        ("{ a: b }", "4:16: `a` must be a list, and is a text"),
        ("{ a: [] }", "4:16: `a` has no values"),
        ("{ a: [x, x] }", "4:20: `x` stands twice in `a`"),
        (
            "{ a: [[x]] }",
            "4:17: A value of a matrix must be a text, and is a list",
        ),
        (
            "{ a: ['${version}'] }",
            "4:17: A value of a matrix is one line without variables",
        ),
        ("{ 'a b': [x] }", "4:13: `a b` cannot be a name in a matrix"),
        (
            large.as_str(),
            "4:11: `matrix` has more than 256 combinations",
        ),
    ];
    for (matrix, expected) in table {
        let found = problems(&document_with(&format!("get: /\nmatrix: {matrix}")));
        assert!(
            found.iter().any(|found| found == expected),
            "{matrix}: {found:?}"
        );
    }
    let outside = "tests:\n- { name: a, get: '/${matrix.n}', matrix: { n: [1] }, capture: { id: $.id } }\n- { name: b, get: '/${matrix.n}${id}' }";
    let outside = problems(outside);
    assert_eq!(outside.len(), 2);
    assert!(
        outside.iter().all(
            |problem| problem.contains("is used outside of the test or flow with the `matrix`")
        ),
        "{outside:?}"
    );
}

#[test]
fn mistakes_in_warm_up_and_load_are_found() {
    let table = [
        ("warm-up: { count: 5 }", "1:10: `warm-up` has no `path`"),
        (
            "warm-up: { path: /, count: 0 }",
            "1:28: `count` is not a whole number between 1 and 10000",
        ),
        (
            "warm-up: [{ path: /, concurrency: 101 }]",
            "1:35: `concurrency` is not a whole number between 1 and 100",
        ),
        (
            "warm-up: { path: https://elsewhere/ }",
            "1:18: `https://elsewhere/` is not a path that starts with `/`",
        ),
        (
            "warm-up: { path: /, for: 1h }",
            "1:26: `for` is not between 1ms and 5 m",
        ),
        ("load: { path: / }", "1:7: `load` has no `for`"),
        ("load: { for: 1s }", "1:7: `load` has no `path`"),
        (
            "load: { path: /, for: 11m }",
            "1:23: `for` is not between 1ms and 10 m",
        ),
        (
            "load: { path: /, for: 1s, concurrency: 1001 }",
            "1:40: `concurrency` is not a whole number between 1 and 1000",
        ),
        (
            "load: { path: /, for: 1s, rate: 10001/s }",
            "1:33: `rate` is not a whole number between 1 and 10000",
        ),
        (
            "load: { path: /, for: 1s, rate: 10/m }",
            "1:33: `rate` is not a whole number between 1 and 10000",
        ),
        (
            "load: { path: /, for: 1s, error-rate: 0.01 }",
            "1:39: `error-rate`: `0.01` is not a percentage",
        ),
        (
            "load: { path: /, for: 1s, p95: 0s }",
            "1:32: `p95` is not between 1ms and 10 m",
        ),
        (
            "load: { path: /, for: 1s, p42: 1s }",
            "1:27: Unknown key `p42` in `load`",
        ),
        (
            "load: { path: /, for: 1s, method: get }",
            "1:35: `get` is not a method",
        ),
        (
            "load: { path: /, for: 1s, expect-status: 99 }",
            "1:42: `99` is not an HTTP status",
        ),
        (
            "load: [{ path: /, for: 1s }, { path: /b, for: 1s }]",
            "1:30: Two probes have no `name`",
        ),
        (
            "load: { path: '/${matrix.a}', for: 1s }",
            "1:15: Unknown variable `${matrix.a}`",
        ),
    ];
    for (line, expected) in table {
        let found = problems(&format!("{line}\ntests: [{{ name: a, get: / }}]"));
        assert!(
            found.iter().any(|found| found == expected),
            "{line}: {found:?}"
        );
    }
    assert!(
        parse(
            "load: { path: '/${base}', for: 1s }",
            "inline",
            test_resources(&no_files)
        )
        .is_ok()
    );
}

#[test]
fn flows_name_their_steps_and_a_secret_in_a_variable_stays_one() {
    let text = "variables: { user: 'u-${env.NAME}', greeting: 'hi ${user}' }\ntests:\n- name: f\n  matrix: { n: [1, 2] }\n  retry: { for: 2s }\n\
        \x20 flow:\n  - { name: one, get: '/${greeting}', capture: { id: $.id } }\n  - { name: two, get: '/${id}', retry: { for: 3s }, always: true }\n";
    let suite = parse(text, "inline", test_resources(&no_files)).unwrap();
    let names: Vec<_> = suite
        .tests
        .iter()
        .map(|test| {
            (
                test.name.as_str(),
                test.retry.budget.as_secs(),
                test.run_condition,
            )
        })
        .collect();
    let expected = [
        ("f (1): one", 2, RunCondition::InOrder),
        ("f (1): two", 3, RunCondition::Always),
        ("f (2): one", 2, RunCondition::InOrder),
        ("f (2): two", 3, RunCondition::Always),
    ];
    assert_eq!(
        (
            names.as_slice(),
            suite.count_tests(Moment::Green),
            suite.flows.len()
        ),
        (&expected[..], 4, 2)
    );
    assert!(
        suite.tests[0].request.path.holds_secret() && !suite.tests[1].request.path.holds_secret()
    );
    assert_eq!(suite.required_env(), ["NAME"]);
}
