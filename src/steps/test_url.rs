//! Whether test-url leads to green: by the rules of the listener behind it, as they are while green
//! waits to be tested.
//!
//! One file, because almost half of it is the tests of its private rules.

use std::collections::BTreeSet;

use url::Url;

use crate::aws::arn::target_group_name;
use crate::aws::elb::{Condition, ListenerRule};
use crate::checks::smoke::Suite;
use crate::event::TestUrl;
use crate::identity::TargetGroupArn;
use crate::plan::{ChecksPlan, TestUrlPlan};
use crate::run::Run;

/// Reads the rules, and reports whether they lead to green.
pub async fn check(run: &Run, checks: &ChecksPlan, plan: &TestUrlPlan, green: &[TargetGroupArn]) {
    let (Some(suite), Some(url)) = (&checks.suite, &checks.test_url) else {
        return;
    };
    let seen = match prove_green(run, suite, url, plan, green).await {
        Ok(()) => TestUrl::LeadsToGreen,
        Err(why) => TestUrl::Unproven { why: why.into() },
    };
    run.record_test_url(seen);
}

/// Called when the tests have passed: where one of them checked the version, and another version
/// had been served there, it is green that answered.
pub fn note_tests_passed(run: &Run, plan: &TestUrlPlan) {
    if plan.tells_another_version && run.test_url().is_some_and(|seen| seen.is_unproven()) {
        run.record_test_url(TestUrl::TellsNewVersion);
    }
}

async fn prove_green(
    run: &Run,
    suite: &Suite,
    url: &Url,
    plan: &TestUrlPlan,
    green: &[TargetGroupArn],
) -> Result<(), String> {
    let listener = plan.listener.as_ref().map_err(Clone::clone)?;
    if green.is_empty() {
        return Err("AWS does not show green's target group".to_owned());
    }
    let rules = run
        .aws
        .read_listener_rules(listener)
        .await
        .map_err(|error| error.summary())?;
    let header = suite.test_header();
    let header = header
        .as_ref()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let hosts: BTreeSet<String> = suite
        .server_names()
        .into_iter()
        .chain(url.host_str().map(str::to_owned))
        .collect();
    let paths: BTreeSet<Option<String>> = suite
        .green_paths()
        .into_iter()
        .map(|path| path.map(|path| join_path(url, &path)))
        .collect();
    for (host, path) in hosts
        .iter()
        .flat_map(|host| paths.iter().map(move |path| (host, path)))
    {
        check_leads_to_green(
            &rules,
            &TestRequest {
                host,
                path: path.as_deref(),
                header,
            },
            green,
        )?;
    }
    Ok(())
}

/// The path as the load balancer sees it, without its query.
fn join_path(base: &Url, path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("{}{path}", base.path().trim_end_matches('/'))
}

/// The parts of a request that rules are matched against, as far as they are known.
struct TestRequest<'a> {
    host: &'a str,
    path: Option<&'a str>,
    header: Option<(&'a str, &'a str)>,
}

/// Whether a condition matches a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConditionMatch {
    Never,
    Perhaps,
    Always,
}

/// Checks that every rule that may match the request forwards to green only, up to the first rule
/// that certainly matches.
fn check_leads_to_green(
    rules: &[ListenerRule],
    asked: &TestRequest<'_>,
    green: &[TargetGroupArn],
) -> Result<(), String> {
    for rule in rules {
        let fits: Vec<ConditionMatch> = rule
            .conditions
            .iter()
            .map(|condition| match_condition(condition, asked))
            .collect();
        if fits.contains(&ConditionMatch::Never) {
            continue;
        }
        let mut taking = rule
            .weights
            .iter()
            .filter(|(_, weight)| *weight > 0)
            .map(|(group, _)| group)
            .peekable();
        if taking.peek().is_none() {
            return Err(format!(
                "rule {} of the test listener does not forward",
                rule.arn
            ));
        }
        if let Some(group) = taking.find(|group| !green.contains(group)) {
            return Err(format!(
                "rule {} of the test listener forwards to {}, which is not green's",
                rule.arn,
                target_group_name(group)
            ));
        }
        if fits.iter().all(|fit| *fit == ConditionMatch::Always) {
            return Ok(());
        }
    }
    Err("no rule of the test listener is known to take its requests".to_owned())
}

fn match_condition(condition: &Condition, asked: &TestRequest<'_>) -> ConditionMatch {
    let any = |patterns: &[String], text: &str| {
        if patterns
            .iter()
            .any(|pattern| matches_pattern(pattern, text))
        {
            ConditionMatch::Always
        } else {
            ConditionMatch::Never
        }
    };
    let folded = |patterns: &[String]| {
        patterns
            .iter()
            .map(|pattern| pattern.to_lowercase())
            .collect::<Vec<_>>()
    };
    match (condition, asked.path, asked.header) {
        (Condition::Host(patterns), _, _) => any(&folded(patterns), &asked.host.to_lowercase()),
        (Condition::Path(patterns), Some(path), _) => any(patterns, path),
        (Condition::Header(name, patterns), _, Some((sent, value)))
            if name.eq_ignore_ascii_case(sent) =>
        {
            any(&folded(patterns), &value.to_lowercase())
        }
        (Condition::Path(_) | Condition::Header(..) | Condition::Other, _, _) => {
            ConditionMatch::Perhaps
        }
    }
}

/// `*` is any text, `?` one letter.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // The lengths of the text that the pattern so far can match.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for letter in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match letter {
                '*' => reached[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && reached[at - 1],
                letter => at > 0 && reached[at - 1] && text[at - 1] == letter,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(arn: &str, conditions: &[Condition], weights: &[(&str, i32)]) -> ListenerRule {
        let weights = weights
            .iter()
            .map(|(group, weight)| (TargetGroupArn::from(*group), *weight))
            .collect();
        ListenerRule {
            arn: arn.to_owned(),
            conditions: conditions.to_vec(),
            weights,
        }
    }

    #[test]
    fn only_rules_that_leave_nothing_open_prove_that_green_is_reached() {
        let texts = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        let host = |name: &str| Condition::Host(texts(&[name]));
        let path = |name: &str| Condition::Path(texts(&[name]));
        let header =
            |value: &str| Condition::Header("X-Amzn-Ecs-Blue-Green-Test".into(), texts(&[value]));
        let (green, blue, both) = (
            &[("green", 1)][..],
            &[("blue", 1)][..],
            &[("blue", 0), ("green", 1)][..],
        );
        let by_default = |weights| rule("default", &[], weights);
        let table: Vec<(&str, Vec<ListenerRule>, bool)> = vec![
            ("the default rule to green", vec![by_default(green)], true),
            ("blue with a weight of 0", vec![by_default(both)], true),
            ("still to blue", vec![by_default(blue)], false),
            (
                "shared",
                vec![by_default(&[("blue", 1), ("green", 1)])],
                false,
            ),
            ("a fixed answer", vec![by_default(&[])], false),
            (
                "another host's rule before",
                vec![
                    rule("1", &[host("www.example.com")], blue),
                    by_default(green),
                ],
                true,
            ),
            (
                "this host's rule before",
                vec![rule("1", &[host("*.Example.com")], blue), by_default(green)],
                false,
            ),
            (
                "this host's rule to green",
                vec![
                    rule("1", &[host("api.example.com")], green),
                    by_default(blue),
                ],
                true,
            ),
            (
                "another path's rule before",
                vec![rule("1", &[path("/orders/*")], blue), by_default(green)],
                true,
            ),
            (
                "this path's rule to green",
                vec![rule("1", &[path("/health")], green), by_default(blue)],
                true,
            ),
            (
                "this path's rule elsewhere",
                vec![rule("1", &[path("/h?alth")], blue), by_default(green)],
                false,
            ),
            (
                "a condition that may hold, to green",
                vec![rule("1", &[Condition::Other], green), by_default(green)],
                true,
            ),
            (
                "a condition that may hold, elsewhere",
                vec![rule("1", &[Condition::Other], blue), by_default(green)],
                false,
            ),
            (
                "a condition that may not hold",
                vec![rule("1", &[Condition::Other], green), by_default(blue)],
                false,
            ),
            (
                "the test header",
                vec![rule("1", &[header("1")], green), by_default(blue)],
                true,
            ),
            (
                "another test header",
                vec![rule("1", &[header("2")], green), by_default(blue)],
                false,
            ),
            (
                "host and path",
                vec![
                    rule("1", &[host("api.example.com"), path("/x")], blue),
                    by_default(green),
                ],
                true,
            ),
            ("no rule", vec![], false),
        ];
        for (name, rules, expected) in table {
            let asked = TestRequest {
                host: "api.example.com",
                path: Some("/health"),
                header: Some(("x-amzn-ecs-blue-green-test", "1")),
            };
            assert_eq!(
                check_leads_to_green(&rules, &asked, &["green".into()]).is_ok(),
                expected,
                "{name}"
            );
        }
        let unknown = TestRequest {
            host: "api.example.com",
            path: None,
            header: None,
        };
        for (rules, expected) in [
            (
                vec![rule("1", &[path("/orders/*")], blue), by_default(green)],
                false,
            ),
            (
                vec![rule("1", &[header("1")], green), by_default(blue)],
                false,
            ),
        ] {
            assert_eq!(
                check_leads_to_green(&rules, &unknown, &["green".into()]).is_ok(),
                expected
            );
        }
    }

    #[test]
    fn wildcards_are_the_load_balancer_s() {
        for (pattern, text, expected) in [
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("/*/x?", "/a/b/x1", true),
            ("/img/*", "/img/", true),
            ("?", "", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_path_is_joined_to_that_of_the_url() {
        let base = Url::parse("https://api.example.com:8443/v1/").unwrap();
        assert_eq!(join_path(&base, "/health?deep=1"), "/v1/health");
    }
}
