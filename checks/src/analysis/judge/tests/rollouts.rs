//! What is asked when: whole periods, late data, steps and the bake, gates.

use super::*;

const GOOD: &[(&str, f64)] = &[("RequestCount", 200.0), ("TargetResponseTime", 0.2)];

#[test]
fn nothing_is_asked_before_the_first_whole_minute_ended_a_minute_ago() {
    let mut judge = new_judge("error-rate < 5 %");
    assert_eq!(judge.next_due(), None);
    judge.enter(Moment::Step, 1000.0);
    // 1000 is 40 s into a minute: the first whole one is 1020 to 1080, and complete at 1140.
    assert_eq!(judge.next_due(), Some(1140.0));
    assert!(judge.due_questions(1139.0).is_empty());
    let questions = judge.due_questions(1140.0);
    let asked: Vec<String> = questions.iter().map(describe).collect();
    assert_eq!(
        asked,
        [
            "HTTPCode_Target_5XX_Count Sum of green",
            "RequestCount Sum of green"
        ]
    );
    assert!(
        questions
            .iter()
            .all(|question| (question.since, question.until) == (1020.0, 1080.0))
    );
    assert_eq!(
        (judge.next_due(), judge.due_questions(1141.0).len()),
        (None, 0),
        "answers are awaited"
    );
    judge.ask_again();
    assert_eq!(judge.next_due(), Some(1140.0));
}

#[test]
fn one_request_count_serves_every_check_that_wants_it() {
    let mut judge = new_judge("error-rate < 5 %, success-rate > 95 %, p99 < 1 s, requests > 10");
    judge.enter(Moment::Step, 0.0);
    let asked: Vec<String> = judge.due_questions(120.0).iter().map(describe).collect();
    assert_eq!(
        asked,
        [
            "HTTPCode_Target_5XX_Count Sum of green",
            "RequestCount Sum of green",
            "TargetResponseTime p99 of green"
        ]
    );
}

#[test]
fn late_corrections_of_an_old_minute_are_seen_because_the_whole_window_is_asked_for_anew() {
    let mut judge = new_judge("presets: [{ preset: error-rate < 5 %, failure-limit: 5 }]");
    judge.enter(Moment::Step, 0.0);
    let first = measure_at(&mut judge, 120.0, answer_from(GOOD));
    assert_eq!(
        (first[0].phase, first[0].value.as_str()),
        (Phase::Successful, "0 % (0 errors of 200)")
    );
    // The errors of the first minute came in after it was evaluated.
    let late = |question: &Question| match describe(question).as_str() {
        "RequestCount Sum of green" => points_each_minute(question, 200.0),
        _ => Answer::Points(vec![Point {
            at: 0.0,
            value: 80.0,
        }]),
    };
    let second = measure_at(&mut judge, 180.0, late);
    assert_eq!(
        (second[0].phase, second[0].value.as_str()),
        (Phase::Failed, "20 % (80 errors of 400)")
    );
    assert_eq!(
        second[0].query,
        "AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum of AWS/ApplicationELB RequestCount Sum (green, 2 m)"
    );
}

#[test]
fn a_measurement_is_made_only_when_there_is_a_new_minute() {
    let mut judge = new_judge("presets: [{ preset: error-rate < 5 %, interval: 10s }]");
    judge.enter(Moment::Step, 0.0);
    measure_at(&mut judge, 130.0, answer_from(GOOD));
    assert_eq!(judge.next_due(), Some(180.0));
}

#[test]
fn a_preset_judges_the_newest_ten_minutes() {
    let mut judge = new_judge("error-rate < 5 %");
    judge.enter(Moment::Step, 0.0);
    let questions = judge.due_questions(3600.0);
    assert!(
        questions
            .iter()
            .all(|question| (question.since, question.until) == (2940.0, 3540.0))
    );
    let answers: Vec<_> = questions
        .iter()
        .map(|question| (question.id, answer_from(GOOD)(question)))
        .collect();
    let (first, rest) = answers.split_at(1);
    assert_eq!(
        judge.record_answers(first, 3600.0, "").len(),
        0,
        "a check waits for all of its answers"
    );
    let measured = judge.record_answers(rest, 3600.0, "");
    assert!(
        measured[0].query.ends_with("(green, 10 m)"),
        "{}",
        measured[0].query
    );
}

#[test]
fn a_metric_runs_on_from_the_steps_to_the_bake() {
    let mut judge = new_judge(&own_metric("failure-limit: 1"));
    judge.enter(Moment::Step, 0.0);
    assert_eq!(
        measure_at(&mut judge, 0.0, answer_point(9.0))[0].moment,
        Moment::Step
    );
    judge.enter(Moment::Step, 5.0);
    assert_eq!(
        judge.next_due(),
        Some(10.0),
        "another step does not begin anew"
    );
    judge.enter(Moment::Bake, 10.0);
    assert_eq!(
        measure_at(&mut judge, 10.0, answer_point(9.0))[0].moment,
        Moment::Bake
    );
    assert_eq!(
        (
            expect_result(&judge).phase,
            expect_result(&judge).reason.as_str()
        ),
        (
            Phase::Failed,
            "2 of 2 measurements failed, and at most 1 may"
        )
    );
}

#[test]
fn green_and_production_are_measured_on_their_own_and_once_unless_a_count_is_given() {
    let mut judge = new_judge(&own_metric("on: [green, production], failure-limit: 1"));
    judge.enter(Moment::Green, 0.0);
    assert!(!judge.is_complete());
    measure_at(&mut judge, 0.0, answer_point(9.0));
    assert!(
        !judge.is_complete(),
        "a bad one that the limit allows is no conclusion"
    );
    let next = judge.next_due().unwrap();
    measure_at(&mut judge, next, answer_point(1.0));
    assert!(judge.is_complete());
    judge.enter(Moment::Step, next + 20.0);
    assert_eq!((judge.next_due(), judge.is_complete()), (None, true));
    judge.enter(Moment::Production, next + 40.0);
    assert!(!judge.is_complete());
    measure_at(&mut judge, next + 40.0, answer_point(1.0));
    assert_eq!(
        (judge.is_complete(), judge.status()),
        (true, AnalysisStatus::Running)
    );
}

#[test]
fn a_count_at_the_gate_is_waited_for() {
    let mut judge = new_judge(&own_metric("on: green, count: 2"));
    judge.enter(Moment::Green, 0.0);
    measure_at(&mut judge, 0.0, answer_point(1.0));
    assert!(!judge.is_complete());
    measure_at(&mut judge, 10.0, answer_point(1.0));
    assert_eq!((judge.is_complete(), judge.next_due()), (true, None));
}

#[test]
fn what_is_asked_at_green_alone_is_not_asked_in_a_step() {
    let mut judge = new_judge(&own_metric("on: green, count: 2"));
    judge.enter(Moment::Green, 0.0);
    measure_at(&mut judge, 0.0, answer_point(1.0));
    judge.enter(Moment::Step, 5.0);
    assert_eq!(
        (judge.next_due(), judge.due_questions(20.0).len()),
        (None, 0)
    );
}

#[test]
fn nothing_is_asked_once_the_analysis_has_ended() {
    let metric = |name: &str| {
        format!(
            "- {{ name: {name}, http: {{ url: 'https://{name}/', path: $.v }}, interval: 10s, success: '< 5' }}\n"
        )
    };
    let mut judge = new_judge(&format!("metrics:\n{}{}", metric("bad"), metric("good")));
    judge.enter(Moment::Step, 0.0);
    measure_at(&mut judge, 0.0, |question| {
        let value = if describe(question).contains("bad") {
            9.0
        } else {
            1.0
        };
        answer_point(value)(question)
    });
    assert_eq!(expect_result(&judge).phase, Phase::Failed);
    assert_eq!(
        (judge.next_due(), judge.due_questions(20.0).len()),
        (None, 0)
    );
}

#[test]
fn the_last_value_is_told_where_the_last_measurement_has_none() {
    let mut judge = new_judge(&own_metric("failure-limit: 1"));
    judge.enter(Moment::Step, 0.0);
    measure_at(&mut judge, 0.0, answer_point(9.0));
    for _ in 0..5 {
        let now = judge.next_due().unwrap();
        measure_at(&mut judge, now, |_| Answer::Failed("throttled".to_owned()));
    }
    let ended = expect_result(&judge);
    assert_eq!(
        (
            ended.phase,
            ended.value.as_deref(),
            ended.measurement.unwrap().value.as_str()
        ),
        (Phase::Error, Some("9"), "")
    );
}

#[test]
fn a_step_is_settled_by_a_verdict_on_a_minute_that_began_after_it() {
    let mut judge = new_judge("error-rate < 5 %");
    judge.enter(Moment::Step, 0.0);
    let table = [
        (120.0, true, false),
        (180.0, false, false),
        (240.0, false, true),
    ];
    for (now, first, second) in table {
        measure_at(&mut judge, now, answer_from(GOOD));
        // The step began at 61 s: the minute from 60 on is not wholly its own.
        assert_eq!(
            (judge.is_settled(0.0), judge.is_settled(61.0)),
            (first || now > 120.0, second),
            "at {now}"
        );
    }
}

#[test]
fn a_dry_run_holds_no_step_and_decides_nothing() {
    let mut judge = new_judge(&own_metric("dry-run: true"));
    judge.enter(Moment::Step, 0.0);
    assert!(judge.is_settled(0.0));
    assert_eq!(
        measure_at(&mut judge, 0.0, answer_point(9.0))[0].phase,
        Phase::Failed
    );
    assert_eq!(judge.status(), AnalysisStatus::Running);
    judge.finish();
    assert_eq!(expect_result(&judge).phase, Phase::Successful);
}

#[test]
fn an_initial_delay_is_kept() {
    let mut judge = new_judge(&own_metric("initial-delay: 30s"));
    judge.enter(Moment::Step, 100.0);
    assert_eq!(
        (judge.due_questions(129.0).len(), judge.next_due()),
        (0, Some(130.0))
    );
}

#[test]
fn after_an_error_it_is_tried_again_in_ten_seconds() {
    let mut judge = new_judge("error-rate < 5 %");
    judge.enter(Moment::Step, 0.0);
    let failed = |_: &Question| Answer::Failed("throttled\nand again".to_owned());
    let measured = measure_at(&mut judge, 120.0, failed);
    assert_eq!(
        (measured[0].phase, measured[0].note.as_deref()),
        (Phase::Error, Some("throttled and again"))
    );
    for retry in 1..=3 {
        assert_eq!(judge.next_due(), Some(120.0 + 10.0 * f64::from(retry)));
        measure_at(&mut judge, 120.0 + 10.0 * f64::from(retry), failed);
    }
    assert_eq!(judge.status(), AnalysisStatus::Running);
    measure_at(&mut judge, 160.0, failed);
    assert_eq!(
        (
            expect_result(&judge).phase,
            expect_result(&judge).reason.as_str()
        ),
        (Phase::Error, "5 errors in a row, and at most 4 may be")
    );
    assert_eq!(judge.next_due(), None);
}
