//! How long blue must be kept, and how many requests there must be.

use super::simulation::{PRESETS, aws_schedules};
use super::*;
use crate::analysis::parse;
use crate::environment::tests::test_environment;

fn parse_analysis(text: &str) -> Analysis {
    parse(text, "inline", test_environment()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn immediate_schedule(bake: u64) -> TrafficSchedule {
    TrafficSchedule {
        steps: Vec::new(),
        bake: Duration::from_secs(bake),
        is_gated: false,
    }
}

fn canary_schedule(bake: u64) -> TrafficSchedule {
    TrafficSchedule {
        steps: vec![(10.0, Duration::from_mins(5))],
        ..immediate_schedule(bake)
    }
}

#[test]
fn blue_must_be_kept_until_the_first_whole_period_at_100_percent_is_judged() {
    let http = "metrics: [{ name: own, http: { url: 'https://h/', path: $.v }, success: '< 5'";
    let table = [
        // The rest of a minute, a whole one, and one for which it may change.
        ("error-rate < 5 %".to_owned(), Some(195)),
        (
            "presets: [{ preset: error-rate < 5 %, interval: 5m }]".to_owned(),
            Some(195),
        ),
        (
            "presets: [{ preset: error-rate < 5 %, on: step }]".to_owned(),
            Some(195),
        ),
        (
            "presets: [{ preset: error-rate < 5 %, dry-run: true }]".to_owned(),
            None,
        ),
        (
            "presets: [{ preset: error-rate < 5 %, on-inconclusive: proceed }]".to_owned(),
            None,
        ),
        (
            "presets: [{ preset: error-rate < 5 %, on: green }]".to_owned(),
            None,
        ),
        (
            "logs: [{ name: panics, pattern: panic }]".to_owned(),
            Some(45),
        ),
        (format!("{http}, interval: 10s }}]"), Some(15)),
    ];
    for (text, expected) in table {
        let needed = parse_analysis(&text)
            .find_time_shortage(&immediate_schedule(0))
            .map(|short| short.needed_bake.as_secs());
        assert_eq!(needed, expected, "{text}");
        if let Some(needed) = needed {
            assert_eq!(
                parse_analysis(&text).find_time_shortage(&immediate_schedule(needed)),
                None,
                "{text}"
            );
        }
    }
    // Steps that are evaluated while they last need no time at 100 %.
    assert_eq!(
        parse_analysis("presets: [{ preset: error-rate < 5 %, on: step }]")
            .find_time_shortage(&canary_schedule(0)),
        None
    );
    assert_eq!(
        parse_analysis("error-rate < 5 %")
            .find_time_shortage(&canary_schedule(0))
            .map(|short| short.needed_bake.as_secs()),
        Some(195)
    );
}

#[test]
fn what_is_too_quiet_is_told_with_the_number_that_is_needed() {
    let quiet = |text: &str, requests: f64| {
        let analysis = parse_analysis(text);
        let found = analysis.find_traffic_shortages(
            &canary_schedule(270),
            Traffic {
                requests,
                errors: 0.0,
            },
        );
        found
            .iter()
            .map(|quiet| {
                (
                    quiet.check.to_owned(),
                    quiet.needed_requests.map(f64::round),
                    quiet.needed_bake.map(|kept| kept.as_secs()),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(quiet(PRESETS, 600.0), []);
    let names = |requests: f64| {
        quiet(PRESETS, requests)
            .into_iter()
            .map(|(name, ..)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(300.0), ["p95: green no worse than blue"]);
    assert_eq!(
        names(0.0),
        [
            "error-rate < 5 %",
            "p99 < 1 s",
            "errors: green no worse than blue",
            "p95: green no worse than blue"
        ]
    );
    let [(_, needed, kept)] = quiet("green no worse than blue", 300.0)
        .try_into()
        .unwrap_or_else(|all| panic!("{all:?}"));
    assert!(
        needed.is_some_and(|needed| (300.0..600.0).contains(&needed)),
        "{needed:?}"
    );
    assert_eq!(
        kept, None,
        "with all traffic on green there is no blue beside it, however long"
    );
    let [(_, needed, kept)] = quiet("p99 < 1 s", 60.0)
        .try_into()
        .unwrap_or_else(|all| panic!("{all:?}"));
    assert!(
        needed.is_some_and(|needed| (100.0..600.0).contains(&needed)),
        "{needed:?}"
    );
    assert!(kept.is_some_and(|kept| kept > 270), "{kept:?}");
}

#[test]
fn a_threshold_that_no_window_can_fill_is_too_quiet_for_ever() {
    let text = "presets: [{ preset: p99 < 1 s, min-request-volume: 1000 }]";
    let analysis = parse_analysis(text);
    let [quiet] = analysis
        .find_traffic_shortages(
            &immediate_schedule(100_000),
            Traffic {
                requests: 50.0,
                errors: 0.0,
            },
        )
        .try_into()
        .unwrap();
    assert_eq!(quiet.needed_bake, None);
    // Ten minutes of 111 requests, with some caution.
    assert!(
        quiet
            .needed_requests
            .is_some_and(|needed| (111.0..113.0).contains(&needed)),
        "{:?}",
        quiet.needed_requests
    );
}

#[test]
fn every_course_of_aws_is_long_enough_with_five_minutes_and_a_gate_may_leave_it_to_a_person() {
    for (name, schedule) in aws_schedules() {
        assert_eq!(
            parse_analysis(PRESETS).find_time_shortage(&schedule),
            None,
            "{name}"
        );
        let asks = parse_analysis(&format!("presets: [{PRESETS}]\non-inconclusive: pause"));
        let quiet = asks.find_traffic_shortages(
            &schedule,
            Traffic {
                requests: 1.0,
                errors: 0.0,
            },
        );
        assert_eq!(quiet.is_empty(), schedule.is_gated, "{name}");
    }
}

/// The table "A quiet service" in `docs/analysis.md`.
#[test]
fn with_less_traffic_something_else_is_written_and_is_known_in_time() {
    const SHORTER: &str = "error-rate < 5 %, p95 < 1 s";
    const LONGER: &str = "presets:\n- { preset: error-rate < 5 %, window: 30m, min-request-volume: 30 }\n\
                          - { preset: p95 < 1 s, window: 30m, min-request-volume: 60 }";
    let against_blue = format!("{SHORTER}, green no worse than blue");
    let long = |name: &str| name.contains("15") || name.contains("Every3");
    for (name, schedule) in aws_schedules() {
        let mut table = vec![(60.0, PRESETS), (12.0, SHORTER), (4.0, LONGER)];
        table.extend(long(name).then_some((25.0, PRESETS)));
        table.extend(schedule.is_gated.then_some((25.0, against_blue.as_str())));
        for (on_green, text) in table {
            let traffic = Traffic {
                requests: 10.0 * on_green,
                errors: 0.005,
            };
            assert_eq!(
                parse_analysis(text).find_traffic_shortages(&schedule, traffic),
                [],
                "{name}, {on_green} a minute on green: {text}"
            );
        }
    }
}

#[test]
fn what_is_asked_about_blue_are_its_requests_and_errors() {
    use crate::analysis::sides::tests::sides;
    let [requests, errors] = parse_analysis("p99 < 1 s")
        .traffic_queries(&sides())
        .unwrap();
    let about = |query: &CloudWatchQuery| {
        (
            query.metrics[0].1.name.clone(),
            query.metrics[0].1.dimensions[1].1.clone(),
        )
    };
    assert_eq!(
        about(&requests),
        ("RequestCount".to_owned(), "targetgroup/blue/1".to_owned())
    );
    assert_eq!(about(&errors).0, "HTTPCode_Target_5XX_Count");
    assert!(
        parse_analysis("logs: [{ name: panics, pattern: panic }]")
            .traffic_queries(&sides())
            .is_none()
    );
}
