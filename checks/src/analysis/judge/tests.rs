//! Whole rollouts: what is asked when, and what the answers come to. Times are seconds; a minute is
//! a multiple of 60.

mod rollouts;
mod verdicts;

use super::*;
use crate::analysis::parse;
use crate::analysis::question::Point;
use crate::analysis::sides::tests::sides;
use crate::environment::tests::test_environment;
use crate::secret::Secret;

/// A judge of this document, with both sides behind an Application Load Balancer.
pub(super) fn new_judge(text: &str) -> Judge {
    new_judge_with(text, sides())
}

pub(super) fn new_judge_with(text: &str, sides: Sides) -> Judge {
    let analysis =
        parse(text, "inline", test_environment()).unwrap_or_else(|problems| panic!("{problems:?}"));
    let environment = [("TOKEN".to_owned(), Secret::new("hunter2canary"))].into();
    Judge::new(
        &analysis,
        sides,
        Values {
            environment,
            ..Values::default()
        },
    )
}

/// What a question is about, in short: `RequestCount of green`.
pub(super) fn describe(question: &Question) -> String {
    match &question.query {
        Query::CloudWatch(query) => {
            let metric = &query.metrics[0].1;
            let blue = metric
                .dimensions
                .iter()
                .any(|(_, value)| value.contains("blue"));
            format!(
                "{} {} of {}",
                metric.name,
                metric.stat,
                if blue { "blue" } else { "green" }
            )
        }
        Query::Logs(query) => format!(
            "lines of {}",
            if query.side == Side::Blue {
                "blue"
            } else {
                "green"
            }
        ),
        Query::Prometheus(query) => query.promql.clone(),
        Query::Datadog(query) => query.query.clone(),
        Query::Http(query) => query.url.clone(),
    }
}

/// One point a minute over what was asked for.
pub(super) fn points_each_minute(question: &Question, value: f64) -> Answer {
    let mut points = Vec::new();
    let mut at = question.since;
    while at < question.until {
        points.push(Point { at, value });
        at += 60.0;
    }
    Answer::Points(points)
}

/// Asks at a time and answers everything by `value`; tells the measurements.
pub(super) fn measure_at(
    judge: &mut Judge,
    now: f64,
    value: impl Fn(&Question) -> Answer,
) -> Vec<Measurement> {
    let answers: Vec<_> = judge
        .due_questions(now)
        .iter()
        .map(|question| (question.id, value(question)))
        .collect();
    judge.record_answers(&answers, now, "2026-11-21T12:00:00Z")
}

/// A value for every minute by what is asked.
pub(super) fn answer_from<'t>(table: &'t [(&str, f64)]) -> impl Fn(&Question) -> Answer + 't {
    |question| {
        let about = describe(question);
        match table.iter().find(|(words, _)| about.contains(words)) {
            Some((_, value)) => points_each_minute(question, *value),
            None => Answer::Points(Vec::new()),
        }
    }
}

pub(super) fn expect_result(judge: &Judge) -> AnalysisResult {
    match judge.status() {
        AnalysisStatus::Ended(ended) => *ended,
        AnalysisStatus::Running => panic!("it goes on"),
    }
}

/// A metric of the user's own, asked over HTTP every 10 s: due at once, without a period.
pub(super) fn own_metric(keys: &str) -> String {
    format!(
        "metrics:\n- {{ name: own, http: {{ url: 'https://h/', path: $.v }}, interval: 10s, success: '< 5'{}{keys} }}",
        if keys.is_empty() { "" } else { ", " }
    )
}

pub(super) fn answer_point(value: f64) -> impl Fn(&Question) -> Answer {
    move |question| {
        Answer::Points(vec![Point {
            at: question.until,
            value,
        }])
    }
}

proptest::proptest! {
    /// Whatever is answered, in whatever order: what never was good is not good in the end, and
    /// what was bad is not either.
    #[test]
    fn nothing_passes_by_accident(answers in proptest::collection::vec(0u8..5, 0..20), failures in 0u32..3, inconclusives in 0u32..12) {
        let mut judge = new_judge(&format!("presets: [{{ preset: error-rate < 5 %, failure-limit: {failures}, inconclusive-limit: {inconclusives} }}]"));
        judge.enter(Moment::Step, 0.0);
        let (mut good, mut bad) = (0, 0);
        for (at, answer) in answers.iter().enumerate() {
            let Some(now) = judge.next_due() else { break };
            let table: &[(&str, f64)] = match answer {
                0 => &[("RequestCount", 2000.0)],
                1 => &[("RequestCount", 2000.0), ("5XX", 1900.0)],
                2 => &[("RequestCount", 1.0)],
                _ => &[],
            };
            let measured = measure_at(&mut judge, now, |question| if *answer == 4 { Answer::Failed(format!("{at}")) } else { answer_from(table)(question) });
            good += u32::from(measured[0].phase == Phase::Successful);
            bad += u32::from(measured[0].phase == Phase::Failed);
        }
        judge.finish();
        proptest::prop_assert!(expect_result(&judge).phase != Phase::Successful || (good + bad > 0 && bad <= failures));
    }
}
