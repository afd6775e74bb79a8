//! The examples of the documentation are read; every mistake is found, at its place, with a remedy,
//! and all of them at once.

use super::*;
use crate::analysis::form::OnInconclusive;
use crate::environment::tests::test_environment;
use crate::measurement::Phase;
use crate::moment::Moment;

fn find_problems(text: &str) -> Vec<String> {
    let problems = parse(text, "a.yml", test_environment()).unwrap_err();
    problems
        .iter()
        .map(|problem| problem.to_string().replacen("analysis: a.yml:", "", 1))
        .collect()
}

/// A document of one metric that has these keys besides its name.
fn metric_document(keys: &str) -> String {
    format!("metrics:\n- name: a\n  {}", keys.replace('\n', "\n  "))
}

/// The blocks of the documentation that are marked as examples.
pub(in crate::analysis) fn documented_examples() -> Vec<&'static str> {
    let page = include_str!("../../../../docs/analysis.md");
    let marked = page.split("<!-- example -->\n```").skip(1);
    marked
        .filter_map(|after| after.split_once('\n')?.1.split_once("```"))
        .map(|(example, _)| example)
        .collect()
}

#[test]
fn the_documented_examples_are_read() {
    let examples = documented_examples();
    assert!(examples.len() >= 2);
    for example in &examples {
        parse(example, "inline", test_environment())
            .unwrap_or_else(|problems| panic!("{example}: {problems:?}"));
    }
    let whole = parse(
        examples.iter().max_by_key(|example| example.len()).unwrap(),
        "inline",
        test_environment(),
    )
    .unwrap();
    assert_eq!(
        whole.required_env(),
        ["DD_API_KEY", "DD_APP_KEY", "PROM_TOKEN", "STATUS_TOKEN"]
    );
    assert!(
        whole.reads_logs()
            && whole.runs_on(Moment::Step)
            && whole.runs_on(Moment::Production)
            && !whole.runs_on(Moment::Green)
    );
}

#[test]
fn presets_are_written_in_many_ways() {
    let expected = ["error-rate < 5 %", "p99 < 1 s"];
    for text in [
        "error-rate < 5 %, p99 < 1 s",
        "error-rate < 5 %\np99 < 1 s\n",
        "# watched\n  error-rate   < 5 %,\n  p99 < 1 s # of green",
        "- error-rate < 5 %\n- p99 < 1 s",
        "[error-rate < 5 %, p99 < 1 s]",
        "presets: [error-rate < 5 %, { preset: p99 < 1 s, failure-limit: 2 }]",
    ] {
        assert_eq!(
            parse(text, "inline", test_environment()).unwrap().names(),
            expected,
            "{text}"
        );
    }
    let two = parse("green no worse than blue", "inline", test_environment()).unwrap();
    assert_eq!(
        two.names(),
        [
            "errors: green no worse than blue",
            "p95: green no worse than blue"
        ]
    );
    assert_eq!(two.checks_needing_blue().len(), 2);
}

#[test]
fn an_input_is_the_analysis_or_the_path_of_a_file() {
    for text in [
        "p99 < 1 s",
        "green no worse than blue",
        "presets: [p99 < 1 s]",
        "{ presets: [] }",
        "- p99 < 1 s\n",
        "requests>5, nonsense",
    ] {
        assert!(is_inline(text), "{text}");
    }
    for path in ["deploy/analysis.yml", "analysis.yaml", "./a b/green.yml"] {
        assert!(!is_inline(path), "{path}");
    }
}

#[test]
fn a_check_takes_over_defaults_and_overrides_them() {
    let text = "defaults: { interval: 30s, on: bake, failure-limit: 3, inconclusive-limit: 7, critical: false, no-data: pass }\n\
                on-inconclusive: pause\n\
                presets: [error-rate < 5 %]\n\
                metrics: [{ name: a, http: { url: 'https://h/', path: $.v }, success: '< 5', failure-limit: -1, on: [step, production] }]";
    let analysis = parse(text, "inline", test_environment()).unwrap();
    let [preset, own] = analysis.checks.as_slice() else {
        panic!("two checks")
    };
    assert_eq!(
        (
            preset.limits.failures,
            preset.limits.inconclusives,
            preset.on.as_slice()
        ),
        (Some(3), 7, [Moment::Bake].as_slice())
    );
    assert_eq!(
        (own.limits.failures, own.on.as_slice()),
        (None, [Moment::Step, Moment::Production].as_slice())
    );
    for check in [preset, own] {
        assert_eq!(
            (
                check.schedule.interval.as_secs(),
                check.no_data,
                check.on_inconclusive
            ),
            (30, Phase::Successful, OnInconclusive::Pause)
        );
    }
    assert!(analysis.needs_gate());
}

#[test]
fn a_check_that_waits_for_traffic_is_given_time_for_it() {
    let http = "http: { url: 'https://h/', path: $.v }";
    let table = [
        ("error-rate < 5 %".to_owned(), 20),
        ("green no worse than blue".to_owned(), 20),
        ("requests > 5".to_owned(), 4),
        (metric_document(&format!("{http}\nsuccess: < 5")), 0),
        (
            metric_document(&format!("{http}\nsuccess: < 5\nmin-request-volume: 50")),
            20,
        ),
        (metric_document(&format!("{http}\ncompare: blue")), 20),
        (
            metric_document(&format!("{http}\ncompare: blue\ninconclusive-limit: 1")),
            1,
        ),
        ("logs: [{ name: a, pattern: b }]".to_owned(), 0),
    ];
    for (text, expected) in table {
        assert_eq!(
            parse(&text, "inline", test_environment()).unwrap().checks[0]
                .limits
                .inconclusives,
            expected,
            "{text}"
        );
    }
}

#[test]
fn mistakes_in_presets_name_their_place() {
    let table = [
        (
            "error-rate < 5 %, p98 < 1 s",
            "1:19: `p98 < 1 s` is not a preset",
        ),
        (
            "error-rate < 5\n  p99 < 1",
            "1:1: `error-rate < 5` has no bound that can be read|2:3: `p99 < 1` has no bound that can be read",
        ),
        (
            "p99 < 1 s, p99 < 1 s",
            "1:12: Two checks have the name `p99 < 1 s`",
        ),
        (
            "presets: [error-rate < 5]",
            "1:11: `error-rate < 5` has no bound that can be read",
        ),
        ("presets: [{ name: a }]", "1:11: A preset has no `preset`"),
        (
            "presets: [{ preset: p99 < 1 s, intervall: 5s }]",
            "1:32: Unknown key `intervall` in a preset",
        ),
        ("presets: []", "1:10: `presets` is empty"),
    ];
    for (text, expected) in table {
        assert_eq!(find_problems(text).join("|"), expected, "{text}");
    }
}

#[test]
fn mistakes_of_the_document_name_their_place() {
    let table = [
        (
            "presetz: []",
            "1:1: Unknown key `presetz` in the analysis|1:1: There are no `presets`, `metrics` or `logs`",
        ),
        (
            "defaults: { interval: 1s }\npresets: [p99 < 1 s]",
            "1:23: `interval` is shorter than 5s",
        ),
        (
            "defaults: { period: 90s }\npresets: [p99 < 1 s]",
            "1:21: `period` is not one that CloudWatch has",
        ),
        (
            "defaults: { on: [] }\npresets: [p99 < 1 s]",
            "1:17: `on` is empty: nothing would ever be measured",
        ),
        (
            "defaults: { on: canary }\npresets: [p99 < 1 s]",
            "1:17: `on` cannot be `canary`",
        ),
        (
            "defaults: { count: 0 }\npresets: [p99 < 1 s]",
            "1:20: `count` is zero: nothing would ever be measured",
        ),
        (
            "defaults: { failure-limit: -2 }\npresets: [p99 < 1 s]",
            "1:28: `failure-limit`: `-2` is not a count",
        ),
        (
            "defaults: { no-data: ok }\npresets: [p99 < 1 s]",
            "1:22: `no-data` cannot be `ok`",
        ),
        (
            "on-inconclusive: stop\npresets: [p99 < 1 s]",
            "1:18: `on-inconclusive` cannot be `stop`",
        ),
        (
            "defaults: { on-inconclusive: pause }\non-inconclusive: pause\npresets: [p99 < 1 s]",
            "2:1: `on-inconclusive` is in `defaults` too",
        ),
        ("logs: [{ name: a }]", "1:8: A log check has no `pattern`"),
        (
            "logs: [{ name: a, pattern: b, allowed-increase: 2 }]",
            "1:31: `allowed-increase` wants `compare: blue`",
        ),
        (
            "logs: [{ name: a, pattern: b, compare: green }]",
            "1:40: `compare` cannot be `green`",
        ),
        (
            "providers: { p: { url: x } }\npresets: [p99 < 1 s]",
            "1:14: The provider `p` is neither or both of prometheus and datadog|1:19: Unknown key `url` in provider `p`",
        ),
        (
            "providers: { p: { prometheus: prom } }\npresets: [p99 < 1 s]",
            "1:31: `prometheus`: `prom` is not a URL",
        ),
        (
            "providers: { p: { datadog: datadoghq.eu, api-key: x } }\npresets: [p99 < 1 s]",
            "1:14: Datadog wants `application-key`",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(find_problems(text).join("|"), expected, "{text}");
    }
}

#[test]
fn mistakes_in_a_metric_are_found() {
    let http = |keys: &str| format!("http: {{ url: 'https://h/', path: $.v }}\n{keys}");
    let table = [
        ("success: < 5".to_owned(), "2:3: a metric does not say what is asked"),
        (http(""), "2:3: A metric has no condition: anything would be good"),
        (http("success: 5"), "4:12: `success`: `5` is not a threshold"),
        (http("success-condition: reslt < 5"), "4:22: Unknown name `reslt` in a condition"),
        (http("success-condition: result + 5"), "4:22: There is a number where a comparison is wanted"),
        (http("failure-condition: result >"), "4:22: `result >` is not a condition: it ends too early or has a word too many"),
        (http("success: < 5\nthreshold-range: { max: 5 }"), "5:3: `success` and `threshold-range` say the same thing twice"),
        (http("threshold-range: { min: 5, max: 1 }"), "4:20: `min` is above `max`"),
        (http("threshold-range: {}"), "4:20: `threshold-range` is empty"),
        (http("compare: blue\nsuccess: < 5"), "5:3: `compare` and `success` cannot be used together"),
        (http("compare: { to: red }"), "4:18: `to` cannot be `red`"),
        (http("compare: { alpha: 2 }"), "4:21: `alpha` is not between 0 and 0.5"),
        (http("compare: { allowed-increase: 0.5 }"), "4:32: `allowed-increase` is below 1"),
        (http("compare: { test: two-proportion }"), "4:12: `two-proportion` wants counts"),
        (http("success: < 5\nvolume: { http: { url: 'https://h/', path: $.n } }"), "5:3: `volume` is measured but not used"),
        (http("success: < 5\nerrors: {}"), "5:3: `errors` and `requests` belong together|5:11: `errors` does not say what is asked"),
        (http("success: < 5\nreduce: mean"), "5:11: `reduce` cannot be `mean`"),
        (http("prometheus: { query: up }\nsuccess: < 5"), "4:3: a metric asks two sources: `http` and `prometheus`"),
        ("http: { url: h, path: v }\nsuccess: < 5".to_owned(), "3:16: `url`: `h` is not a URL|3:25: `v` is not a JSONPath"),
        ("prometheus: { query: up }\nsuccess: < 5".to_owned(), "3:15: `prometheus` does not say which provider is asked"),
        ("prometheus: { query: up, provider: p }\nsuccess: < 5".to_owned(), "3:38: There is no provider `p`"),
        ("cloudwatch: { metric: a, stat: Sum }\nsuccess: < 5".to_owned(), "3:15: `cloudwatch` has no `namespace`"),
        ("cloudwatch: { expression: a / b }\nsuccess: < 5".to_owned(), "3:29: Metric math wants `metrics` and `expression`"),
        (
            "cloudwatch: { metrics: { A: { namespace: n, metric: m, stat: Sum } }, expression: A }\nsuccess: < 5".to_owned(),
            "3:28: `A` is not an id of a metric",
        ),
        (
            "cloudwatch: { namespace: n, metric: m, stat: Sum, dimensions: { d: '${group}' } }\nsuccess: < 5".to_owned(),
            "3:70: Unknown variable `${group}`",
        ),
    ];
    for (keys, expected) in table {
        assert_eq!(
            find_problems(&metric_document(&keys)).join("|"),
            expected,
            "{keys}"
        );
    }
}

#[test]
fn names_are_given_and_their_own() {
    let table = [
        (
            "metrics: [{ http: { url: 'https://h/', path: $.v }, success: < 5 }]",
            "1:11: A metric has no `name`",
        ),
        (
            "logs: [{ name: a, pattern: b }, { name: a, pattern: c }]",
            "1:41: Two checks have the name `a`",
        ),
        (
            "logs: [{ name: '${side}', pattern: b }]",
            "1:16: A `name` is one line of plain words, without variables",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(find_problems(text).join("|"), expected, "{text}");
    }
}

#[test]
fn names_of_the_platform_are_refused_at_their_place() {
    let document = "providers:\n  prom: { prometheus: 'https://p.example', headers: { x: '${env.AWS_SESSION_TOKEN}' } }\npresets: ['error-rate < 5 %']";
    let problems = find_problems(document);
    assert!(
        problems.len() == 1
            && problems[0]
                .starts_with("2:58: `${env.AWS_SESSION_TOKEN}` is never given to a document"),
        "{problems:?}"
    );
}
