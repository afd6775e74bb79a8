//! What answers come to: traffic, missing data, conditions, comparisons, logs, and who decides.

use super::*;
use crate::analysis::form::OnInconclusive;
use crate::analysis::sides::{LoadBalancerKind, SideFacts};

#[test]
fn no_point_of_errors_is_no_error_when_there_were_requests() {
    let mut judge = new_judge("error-rate < 5 %");
    judge.enter(Moment::Step, 0.0);
    let measured = measure_at(&mut judge, 120.0, answer_from(&[("RequestCount", 3001.0)]));
    assert_eq!(
        (measured[0].phase, measured[0].value.as_str()),
        (Phase::Successful, "0 % (0 errors of 3,001)")
    );
    assert_eq!(
        (measured[0].condition.as_str(), measured[0].check.as_str()),
        ("< 5 %", "error-rate < 5 %")
    );
}

#[test]
fn successes_are_what_is_left_of_errors() {
    let mut judge = new_judge("success-rate > 95 %");
    judge.enter(Moment::Step, 0.0);
    let some = answer_from(&[("RequestCount", 200.0), ("5XX", 5.0)]);
    let measured = measure_at(&mut judge, 120.0, some);
    assert_eq!(measured[0].value.as_str(), "97.5 % (5 errors of 200)");
}

#[test]
fn without_requests_it_is_said_how_many_are_needed_where_any_are() {
    for (keys, expected) in [
        (
            "",
            "no requests on green in 1 m, and 100 are needed to tell",
        ),
        (", min-request-volume: 0", "no requests on green in 1 m"),
    ] {
        let mut judge = new_judge(&format!("presets: [{{ preset: error-rate < 5 %{keys} }}]"));
        judge.enter(Moment::Step, 0.0);
        let measured = measure_at(&mut judge, 120.0, answer_from(&[]));
        assert_eq!(measured[0].note.as_deref(), Some(expected), "{keys}");
    }
}

#[test]
fn too_little_traffic_is_inconclusive_and_neither_good_nor_bad() {
    let mut judge = new_judge("error-rate < 5 %");
    judge.enter(Moment::Step, 0.0);
    // Half of the requests fail, but they are too few to tell.
    let few = answer_from(&[("RequestCount", 10.0), ("5XX", 5.0)]);
    let measured = measure_at(&mut judge, 120.0, &few);
    assert_eq!(measured[0].phase, Phase::Inconclusive);
    assert_eq!(
        measured[0].note.as_deref(),
        Some("10 requests on green in 1 m, and 100 are needed to tell")
    );
    for minute in 3..=21 {
        measure_at(
            &mut judge,
            f64::from(minute) * 60.0,
            answer_from(&[("RequestCount", 4.0), ("5XX", 2.0)]),
        );
    }
    assert_eq!(judge.status(), AnalysisStatus::Running);
    measure_at(
        &mut judge,
        22.0 * 60.0,
        answer_from(&[("RequestCount", 4.0), ("5XX", 2.0)]),
    );
    assert_eq!(
        (
            expect_result(&judge).phase,
            expect_result(&judge).on_inconclusive
        ),
        (Phase::Inconclusive, OnInconclusive::Rollback)
    );
    assert_eq!(
        expect_result(&judge).reason,
        "21 of 21 measurements were inconclusive, and at most 20 may be"
    );
}

#[test]
fn missing_data_are_what_the_check_says_they_are() {
    let table = [
        ("", Phase::Inconclusive),
        ("no-data: fail", Phase::Failed),
        ("no-data: pass", Phase::Successful),
        ("no-data: error", Phase::Error),
    ];
    for (keys, expected) in table {
        let mut judge = new_judge(&own_metric(keys));
        judge.enter(Moment::Step, 0.0);
        let measured = measure_at(&mut judge, 0.0, |_| Answer::Points(Vec::new()));
        assert_eq!(
            (measured[0].phase, measured[0].note.as_deref()),
            (expected, Some("no data")),
            "{keys}"
        );
        let nan = phase_of_nan(keys);
        assert_eq!(
            nan, expected,
            "a point that is not a number is no data: {keys}"
        );
    }
}

fn phase_of_nan(keys: &str) -> Phase {
    let mut judge = new_judge(&own_metric(keys));
    judge.enter(Moment::Step, 0.0);
    measure_at(&mut judge, 0.0, answer_point(f64::NAN))[0].phase
}

#[test]
fn a_condition_that_speaks_of_missing_data_decides_itself() {
    let text = "metrics: [{ name: own, http: { url: 'https://h/', path: $.v }, success-condition: 'default(result, 0) < 5' }]";
    let mut judge = new_judge(text);
    judge.enter(Moment::Step, 0.0);
    assert_eq!(
        measure_at(&mut judge, 0.0, |_| Answer::Points(Vec::new()))[0].phase,
        Phase::Successful
    );
}

#[test]
fn with_both_conditions_the_middle_is_inconclusive() {
    let text = "metrics: [{ name: own, http: { url: 'https://h/', path: $.v }, success-condition: result < 5, \
                failure-condition: result > 8, inconclusive-limit: 9, failure-limit: 9, interval: 10s }]";
    let table = [
        (4.0, Phase::Successful),
        (6.0, Phase::Inconclusive),
        (9.0, Phase::Failed),
    ];
    let mut judge = new_judge(text);
    judge.enter(Moment::Step, 0.0);
    for (at, (value, expected)) in table.into_iter().enumerate() {
        let now = 10.0 * f64::from(u8::try_from(at).unwrap());
        assert_eq!(
            measure_at(&mut judge, now, answer_point(value))[0].phase,
            expected,
            "{value}"
        );
    }
}

#[test]
fn one_condition_decides_both_ways() {
    for (condition, value, expected) in [
        ("success-condition: result < 5", 4.0, Phase::Successful),
        ("success-condition: result < 5", 6.0, Phase::Failed),
        ("failure-condition: result > 5", 4.0, Phase::Successful),
        ("failure-condition: result > 5", 6.0, Phase::Failed),
        (
            "threshold-range: { min: 1, max: 6 }",
            6.0,
            Phase::Successful,
        ),
        ("threshold-range: { min: 1, max: 6 }", 0.9, Phase::Failed),
    ] {
        let mut judge = new_judge(&format!(
            "metrics: [{{ name: own, http: {{ url: 'https://h/', path: $.v }}, {condition} }}]"
        ));
        judge.enter(Moment::Step, 0.0);
        assert_eq!(
            measure_at(&mut judge, 0.0, answer_point(value))[0].phase,
            expected,
            "{condition} of {value}"
        );
    }
}

#[test]
fn points_are_reduced_to_a_result() {
    for (reduce, expected) in [
        ("last", "4"),
        ("avg", "3"),
        ("min", "2"),
        ("max", "4"),
        ("sum", "9"),
    ] {
        let mut judge = new_judge(&own_metric(&format!("reduce: {reduce}, failure-limit: 9")));
        judge.enter(Moment::Step, 0.0);
        let three = |_: &Question| {
            Answer::Points(
                [2.0, 3.0, 4.0]
                    .map(|value| Point { at: value, value })
                    .to_vec(),
            )
        };
        assert_eq!(
            measure_at(&mut judge, 0.0, three)[0].value,
            expected,
            "{reduce}"
        );
    }
}

#[test]
fn several_series_are_no_result_unless_it_is_said_which() {
    for (keys, expected) in [
        ("", Phase::Error),
        ("reduce: max", Phase::Failed),
        ("reduce: min", Phase::Successful),
    ] {
        let mut judge = new_judge(&own_metric(keys));
        judge.enter(Moment::Step, 0.0);
        let series = |_: &Question| {
            Answer::Points([9.0, 2.0].map(|value| Point { at: 7.0, value }).to_vec())
        };
        assert_eq!(
            measure_at(&mut judge, 0.0, series)[0].phase,
            expected,
            "{keys}"
        );
    }
}

#[test]
fn a_latency_preset_weighs_minutes_by_their_requests() {
    let mut judge = new_judge("p99 < 1 s");
    judge.enter(Moment::Step, 0.0);
    // A cold first minute with few requests, then many fast ones.
    let answers = |question: &Question| {
        let requests = describe(question).starts_with("RequestCount");
        let (cold, warm) = if requests { (10.0, 990.0) } else { (5.0, 0.2) };
        Answer::Points(vec![
            Point {
                at: 0.0,
                value: cold,
            },
            Point {
                at: 60.0,
                value: warm,
            },
        ])
    };
    let measured = measure_at(&mut judge, 180.0, answers);
    assert_eq!(
        (measured[0].phase, measured[0].value.as_str()),
        (Phase::Successful, "248 ms")
    );
}

#[test]
fn too_few_requests_so_far_are_no_failure() {
    let mut judge = new_judge("requests > 500");
    judge.enter(Moment::Step, 0.0);
    let steady = answer_from(&[("RequestCount", 200.0)]);
    assert_eq!(
        measure_at(&mut judge, 120.0, &steady)[0].phase,
        Phase::Inconclusive
    );
    assert_eq!(
        measure_at(&mut judge, 180.0, &steady)[0].phase,
        Phase::Inconclusive
    );
    assert_eq!(
        measure_at(&mut judge, 240.0, &steady)[0].phase,
        Phase::Successful
    );
}

#[test]
fn a_worse_green_is_found_and_an_equal_one_is_not() {
    let run = |errors: f64, latency: f64| {
        let mut judge = new_judge("green no worse than blue");
        judge.enter(Moment::Step, 0.0);
        let table = [
            ("RequestCount", 1000.0),
            ("5XX_Count Sum of green", errors),
            ("5XX_Count Sum of blue", 10.0),
            ("p95 of green", latency),
        ];
        let varied = |question: &Question| match describe(question).as_str() {
            "TargetResponseTime p95 of blue" => points_around(question, 0.2),
            "TargetResponseTime p95 of green" => points_around(question, latency),
            _ => answer_from(&table)(question),
        };
        for minute in 2..=12 {
            measure_at(&mut judge, f64::from(minute) * 60.0, varied);
        }
        judge.finish();
        expect_result(&judge)
    };
    let equal = run(10.0, 0.2);
    assert_eq!((equal.phase, equal.check), (Phase::Successful, None));
    let errors = run(30.0, 0.2);
    assert_eq!(
        (errors.phase, errors.check.as_deref()),
        (Phase::Failed, Some("errors: green no worse than blue"))
    );
    assert_eq!(errors.measurement.unwrap().kind, CheckKind::Comparison);
    let slow = run(10.0, 0.4);
    assert_eq!(
        (slow.phase, slow.check.as_deref()),
        (Phase::Failed, Some("p95: green no worse than blue"))
    );
}

#[test]
fn looks_that_are_planned_share_the_false_alarms_evenly() {
    let analysis = parse("green no worse than blue", "inline", test_environment()).unwrap();
    let note = |judge: Judge| {
        let mut judge = judge;
        judge.enter(Moment::Step, 0.0);
        let measured = measure_at(&mut judge, 120.0, answer_from(&[("RequestCount", 1000.0)]));
        measured[0].note.clone().unwrap_or_default()
    };
    let open = note(Judge::new(&analysis, sides(), Values::default()));
    let planned = note(
        Judge::new(&analysis, sides(), Values::default()).with_expected_looks(
            std::time::Duration::from_mins(5),
            std::time::Duration::from_mins(10),
        ),
    );
    // Half of 5 % is each check's: the first of open looks has a half of it, one of ten planned
    // looks a tenth of nine tenths.
    assert!(open.contains("against 0.0125 at look 1"), "{open}");
    assert!(planned.contains("against 0.00225 at look 1"), "{planned}");
}

#[test]
fn a_metric_of_ones_own_can_say_how_its_traffic_is_counted() {
    let text = "metrics: [{ name: own, http: { url: 'https://value/', path: $.v }, volume: { http: { url: 'https://count/', path: $.v } }, \
                min-request-volume: 50, success: '< 5' }]";
    for (count, expected) in [(49.0, Phase::Inconclusive), (50.0, Phase::Failed)] {
        let mut judge = new_judge(text);
        judge.enter(Moment::Step, 0.0);
        let measured = measure_at(&mut judge, 0.0, |question| {
            answer_point(if describe(question).contains("count") {
                count
            } else {
                9.0
            })(question)
        });
        assert_eq!(measured[0].phase, expected, "{count}");
    }
}

/// Values around one, all different.
fn points_around(question: &Question, around: f64) -> Answer {
    let Answer::Points(points) = points_each_minute(question, around) else {
        return Answer::Points(Vec::new());
    };
    let points_around = points.iter().map(|point| Point {
        value: around + (point.at / 60.0 * 0.7).sin() / 50.0,
        ..*point
    });
    Answer::Points(points_around.collect())
}

#[test]
fn a_condition_may_speak_of_blue() {
    let text = "metrics: [{ name: cpu, cloudwatch: { namespace: App, metric: Cpu, stat: Average, dimensions: { TargetGroup: '${target-group}' } }, \
                success-condition: green <= blue * 1.25 }]";
    let mut judge = new_judge(text);
    judge.enter(Moment::Step, 0.0);
    let measured = measure_at(
        &mut judge,
        120.0,
        answer_from(&[("of green", 30.0), ("of blue", 20.0)]),
    );
    assert_eq!(
        (measured[0].phase, measured[0].value.as_str()),
        (Phase::Failed, "green 30, blue 20")
    );
}

#[test]
fn lines_of_logs_are_counted_and_the_first_are_shown_without_secrets() {
    let mut judge = new_judge("logs: [{ name: panics, pattern: panic }]");
    judge.enter(Moment::Step, 0.0);
    let first = vec!["panic at\n 'hunter2canary'".to_owned()];
    let measured = measure_at(&mut judge, 30.0, |_| Answer::Lines {
        count: 1,
        first: first.clone(),
    });
    assert_eq!(
        (measured[0].phase, measured[0].value.as_str()),
        (Phase::Failed, "1 line")
    );
    assert_eq!(measured[0].note.as_deref(), Some("first: panic at '***'"));
    assert_eq!(
        (measured[0].query.as_str(), measured[0].condition.as_str()),
        ("log lines with panic (green, 15 s)", "at most 0 lines")
    );
}

#[test]
fn lines_against_blue_are_held_against_the_requests_of_both_sides() {
    let run = |green: u64| {
        let mut judge = new_judge(
            "logs: [{ name: errors, pattern: ERROR, compare: blue, allowed-increase: 1.5 }]",
        );
        judge.enter(Moment::Step, 0.0);
        assert_eq!(
            judge.due_questions(60.0).len(),
            0,
            "requests are not known yet"
        );
        assert_eq!(judge.next_due(), Some(120.0));
        let measured = measure_at(&mut judge, 120.0, |question| {
            match describe(question).as_str() {
                "lines of green" => Answer::Lines {
                    count: green,
                    first: Vec::new(),
                },
                "lines of blue" => Answer::Lines {
                    count: 100,
                    first: Vec::new(),
                },
                // A tenth of the traffic is green's.
                "RequestCount Sum of green" => points_each_minute(question, 1000.0),
                _ => points_each_minute(question, 9000.0),
            }
        });
        measured[0].phase
    };
    assert_eq!((run(11), run(100)), (Phase::Successful, Phase::Failed));
}

#[test]
fn lines_alone_are_held_against_blues_where_requests_are_not_counted() {
    let network = Sides {
        load_balancer_kind: LoadBalancerKind::NetworkLoadBalancer,
        ..sides()
    };
    for (green, expected) in [(15, Phase::Successful), (16, Phase::Failed)] {
        let text = "logs: [{ name: errors, pattern: ERROR, compare: blue, allowed-increase: 1.5 }]";
        let mut judge = new_judge_with(text, network.clone());
        judge.enter(Moment::Step, 0.0);
        let measured = measure_at(&mut judge, 60.0, |question| Answer::Lines {
            count: if describe(question).ends_with("blue") {
                10
            } else {
                green
            },
            first: Vec::new(),
        });
        assert_eq!(measured[0].phase, expected, "{green}");
        assert_eq!(
            measured[0].note.as_deref(),
            Some("requests are not counted here: lines alone are held against 1.5 times blue's")
        );
    }
}

#[test]
fn a_minute_with_few_requests_on_a_side_is_left_out_of_the_comparison() {
    for (few, left_out) in [(19.0, true), (20.0, false)] {
        let mut judge = new_judge("green no worse than blue");
        judge.enter(Moment::Step, 0.0);
        let answers = |question: &Question| match describe(question).as_str() {
            "RequestCount Sum of blue" => {
                let Answer::Points(mut points) = points_each_minute(question, 1000.0) else {
                    panic!("points");
                };
                points[3].value = few;
                Answer::Points(points)
            }
            "TargetResponseTime p95 of blue" => points_around(question, 0.2),
            "TargetResponseTime p95 of green" => points_around(question, 0.21),
            _ => answer_from(&[("RequestCount", 1000.0)])(question),
        };
        let measured = measure_at(&mut judge, 600.0, answers);
        let slow = measured
            .iter()
            .find(|measurement| measurement.check.starts_with("p95"))
            .unwrap();
        let note = slow.note.as_deref().unwrap();
        let why = "; 1 of green's 9 values are left out: fewer than 20 requests on a side";
        assert_eq!(note.ends_with(why), left_out, "{note}");
        assert_eq!(note.contains("left out"), left_out, "{note}");
    }
}

#[test]
fn a_second_look_is_the_second() {
    let mut judge = new_judge("green no worse than blue");
    judge.enter(Moment::Step, 0.0);
    let same = answer_from(&[("RequestCount", 1000.0), ("5XX", 10.0)]);
    for (now, look) in [(120.0, "at look 1,"), (180.0, "at look 2,")] {
        let measured = measure_at(&mut judge, now, &same);
        let errors = measured
            .iter()
            .find(|measurement| measurement.check.starts_with("errors"))
            .unwrap();
        let note = errors.note.as_deref().unwrap();
        assert!(note.contains(look), "{note}");
    }
}

#[test]
fn a_least_volume_is_asked_of_green_alone() {
    let text = "metrics: [{ name: cpu, cloudwatch: { namespace: App, metric: Cpu, stat: Average, dimensions: { TargetGroup: '${target-group}' } }, \
                volume: { cloudwatch: { namespace: App, metric: Count, stat: Sum, dimensions: { TargetGroup: '${target-group}' } } }, \
                min-request-volume: 5, success-condition: green <= blue * 1.25 }]";
    let mut judge = new_judge(text);
    judge.enter(Moment::Step, 0.0);
    let asked: Vec<String> = judge.due_questions(120.0).iter().map(describe).collect();
    assert_eq!(
        asked,
        [
            "Cpu Average of green",
            "Cpu Average of blue",
            "Count Sum of green"
        ]
    );
}

#[test]
fn checks_that_are_not_critical_decide_when_more_than_half_and_at_least_two_are_bad() {
    let metric = |name: usize| {
        format!(
            "- {{ name: m{name}, critical: false, http: {{ url: 'https://{name}/', path: $.v }}, success: '< 5' }}\n"
        )
    };
    for (all, bad, expected) in [
        (1, 1, false),
        (3, 1, false),
        (3, 2, true),
        (3, 3, true),
        (4, 2, false),
        (5, 3, true),
    ] {
        let metrics: String = (0..all).map(metric).collect();
        let mut judge = new_judge(&format!("metrics:\n{metrics}"));
        judge.enter(Moment::Step, 0.0);
        measure_at(&mut judge, 0.0, |question| {
            let host = describe(question);
            let failing = (0..bad).any(|name| host == format!("https://{name}/"));
            answer_point(if failing { 9.0 } else { 1.0 })(question)
        });
        assert_eq!(
            matches!(judge.status(), AnalysisStatus::Ended(_)),
            expected,
            "{bad} of {all}"
        );
    }
}

#[test]
fn the_worst_of_several_checks_stands() {
    let metric = |name: &str| {
        format!(
            "- {{ name: {name}, http: {{ url: 'https://{name}/', path: $.v }}, success: '< 5' }}\n"
        )
    };
    let mut judge = new_judge(&format!("metrics:\n{}{}", metric("silent"), metric("bad")));
    judge.enter(Moment::Step, 0.0);
    measure_at(&mut judge, 0.0, |question| {
        if describe(question).contains("bad") {
            answer_point(9.0)(question)
        } else {
            Answer::Points(Vec::new())
        }
    });
    assert_eq!(
        (
            expect_result(&judge).phase,
            expect_result(&judge).check.as_deref()
        ),
        (Phase::Failed, Some("bad"))
    );
}

#[test]
fn of_equally_bad_checks_the_first_is_told() {
    let metric = |name: &str| {
        format!(
            "- {{ name: {name}, http: {{ url: 'https://{name}/', path: $.v }}, success: '< 5' }}\n"
        )
    };
    let mut judge = new_judge(&format!("metrics:\n{}{}", metric("one"), metric("two")));
    judge.enter(Moment::Step, 0.0);
    measure_at(&mut judge, 0.0, answer_point(9.0));
    assert_eq!(expect_result(&judge).check.as_deref(), Some("one"));
}

#[test]
fn what_could_not_tell_is_passed_over_where_that_is_wanted() {
    let mut judge = new_judge(&own_metric("on-inconclusive: proceed"));
    judge.enter(Moment::Step, 0.0);
    measure_at(&mut judge, 0.0, |_| Answer::Points(Vec::new()));
    assert_eq!(judge.status(), AnalysisStatus::Running);
    assert_eq!(
        judge.describe_findings(),
        "own could not tell good from bad"
    );
    judge.finish();
    assert_eq!(
        (
            expect_result(&judge).phase,
            expect_result(&judge).reason.as_str()
        ),
        (
            Phase::Successful,
            "1 measurements of 1 checks passed no limit; own could not reach a verdict, and was ignored"
        )
    );
}

#[test]
fn only_what_began_and_decides_is_told_in_the_end() {
    let metric = |name: &str, keys: &str| {
        format!(
            "- {{ name: {name}, http: {{ url: 'https://{name}/', path: $.v }}, success: '< 5'{keys} }}\n"
        )
    };
    let mut judge = new_judge(&format!(
        "metrics:\n{}{}{}",
        metric("good", ""),
        metric("later", ", on: production"),
        metric("dry", ", dry-run: true")
    ));
    judge.enter(Moment::Step, 0.0);
    measure_at(&mut judge, 0.0, |question| {
        answer_point(if describe(question).contains("dry") {
            9.0
        } else {
            1.0
        })(question)
    });
    assert_eq!(judge.describe_findings(), "nothing was found wrong");
    judge.finish();
    assert_eq!(
        expect_result(&judge).reason,
        "1 measurements of 1 checks passed no limit"
    );
}

#[test]
fn what_began_and_never_knew_is_inconclusive_in_the_end() {
    let mut judge = new_judge("presets: [{ preset: error-rate < 5 %, on-inconclusive: pause }]");
    judge.enter(Moment::Step, 0.0);
    judge.finish();
    assert_eq!(
        (
            expect_result(&judge).phase,
            expect_result(&judge).on_inconclusive
        ),
        (Phase::Inconclusive, OnInconclusive::Pause)
    );
    assert_eq!(
        expect_result(&judge).reason,
        "no measurement could tell good from bad"
    );
}

#[test]
fn what_never_began_is_not_asked_for_in_the_end() {
    let mut judge = new_judge(&own_metric("on: production"));
    judge.enter(Moment::Step, 0.0);
    judge.finish();
    assert_eq!(expect_result(&judge).phase, Phase::Successful);
}

#[test]
fn a_check_that_cannot_be_asked_is_told_before_and_never_passes() {
    let alone = Sides {
        blue: None,
        ..sides()
    };
    let network = Sides {
        load_balancer_kind: LoadBalancerKind::NetworkLoadBalancer,
        ..sides()
    };
    let bare = Sides {
        load_balancer_kind: LoadBalancerKind::ApplicationLoadBalancer,
        green: SideFacts::default(),
        ..sides()
    };
    let table = [
        (
            alone,
            "green no worse than blue",
            "it holds green against blue, and there is no blue",
        ),
        (
            network,
            "p99 < 1 s",
            "only an Application Load Balancer counts requests for each side, and this service has a Network Load Balancer",
        ),
        (
            bare,
            "p99 < 1 s",
            "there is no `target-group` of green here",
        ),
    ];
    for (sides, text, expected) in table {
        let problems = parse(text, "inline", test_environment())
            .unwrap()
            .unsupported_checks(&sides);
        assert!(
            problems[0].message.ends_with(expected),
            "{}",
            problems[0].message
        );
        let mut judge = new_judge_with(text, sides);
        judge.enter(Moment::Step, 0.0);
        assert_eq!(
            (expect_result(&judge).phase, expect_result(&judge).reason),
            (
                Phase::Inconclusive,
                format!("it cannot be asked here: {expected}")
            )
        );
    }
    assert_eq!(
        parse("green no worse than blue", "inline", test_environment())
            .unwrap()
            .unsupported_checks(&sides()),
        []
    );
}

#[test]
fn queries_show_no_secrets() {
    let text = "providers: { p: { prometheus: 'https://u:${env.TOKEN}@h', headers: { Authorization: 'Bearer ${env.TOKEN}' } } }\n\
                metrics: [{ name: q, prometheus: { query: 'up{token=\"${env.TOKEN}\",r=\"${revision}\"}' }, success: '< 5' }]";
    let mut judge = new_judge(text);
    judge.enter(Moment::Step, 0.0);
    let questions = judge.due_questions(75.0);
    let Query::Prometheus(query) = &questions[0].query else {
        panic!("Prometheus")
    };
    assert_eq!(query.promql, "up{token=\"hunter2canary\",r=\"api:8\"}");
    let measured = judge.record_answers(
        &[(
            questions[0].id,
            Answer::Failed("401 for hunter2canary".to_owned()),
        )],
        75.0,
        "",
    );
    assert_eq!(
        (measured[0].query.as_str(), measured[0].note.as_deref()),
        (
            "up{token=\"***\",r=\"api:8\"} (green, 1 m)",
            Some("401 for ***")
        )
    );
    assert!(!format!("{measured:?}{:?}", query.headers).contains("hunter2canary"));
}

#[test]
fn that_nothing_was_found_wrong_is_only_said_of_what_was_measured_to_be_good() {
    let none = |_: &Question| Answer::Points(Vec::new());
    let table: [(&str, &[f64], &str); 3] = [
        ("failure-limit: 2", &[1.0, 2.0], "nothing was found wrong"),
        (
            "failure-limit: 2",
            &[1.0, 9.0],
            "no limit was passed: 1 of 2 measurements failed",
        ),
        (
            "inconclusive-limit: 5",
            &[],
            "own could not tell good from bad",
        ),
    ];
    for (keys, answers, expected) in table {
        let mut judge = super::new_judge(&own_metric(keys));
        judge.enter(Moment::Step, 0.0);
        let mut now = 0.0;
        for value in answers {
            measure_at(&mut judge, now, answer_point(*value));
            now += 10.0;
        }
        if answers.is_empty() {
            measure_at(&mut judge, now, none);
        }
        assert_eq!(judge.describe_findings(), expected, "{keys}");
    }
    let mut unasked = new_judge(&own_metric(""));
    unasked.enter(Moment::Step, 0.0);
    assert_eq!(unasked.describe_findings(), "nothing was measured");
}
