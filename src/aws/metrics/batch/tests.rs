//! Tables: which questions share a request, under which ids, and which points answer which
//! question.

use std::time::Duration;

use super::*;

fn metric(name: &str) -> CloudWatchMetric {
    let dimensions = vec![("TargetGroup".to_owned(), "targetgroup/green/1".to_owned())];
    CloudWatchMetric {
        namespace: "AWS/ApplicationELB".into(),
        name: name.into(),
        dimensions,
        stat: "Sum".into(),
    }
}

fn metric_query(name: &str, period: u64) -> CloudWatchQuery {
    CloudWatchQuery {
        metrics: vec![(String::new(), metric(name))],
        expression: None,
        period: Duration::from_secs(period),
    }
}

fn expression_query(expression: &str) -> CloudWatchQuery {
    let metrics = vec![
        ("errors".to_owned(), metric("HTTPCode_Target_5XX_Count")),
        ("requests".to_owned(), metric("RequestCount")),
    ];
    CloudWatchQuery {
        metrics,
        expression: Some(expression.to_owned()),
        period: Duration::from_mins(1),
    }
}

fn question(id: usize, query: &CloudWatchQuery, since: f64, until: f64) -> MetricQuestion<'_> {
    MetricQuestion {
        id,
        query,
        since,
        until,
    }
}

fn series(id: &str, points: &[(f64, f64)], fate: SeriesStatus) -> Series {
    let points = points
        .iter()
        .map(|(at, value)| Point {
            at: *at,
            value: *value,
        })
        .collect();
    Series {
        id: id.to_owned(),
        points,
        status: fate,
        messages: Vec::new(),
    }
}

fn points_of(told: &SourceAnswer) -> Vec<(f64, f64)> {
    let Answer::Points(points) = &told.answer else {
        panic!("{told:?}")
    };
    points.iter().map(|point| (point.at, point.value)).collect()
}

fn failure_of(told: &SourceAnswer) -> &str {
    let Answer::Failed(words) = &told.answer else {
        panic!("{told:?}")
    };
    words
}

#[test]
fn ids_are_scoped_to_their_question_and_only_what_is_asked_is_returned() {
    let (first, second) = (
        metric_query("RequestCount", 60),
        expression_query("100 * errors / requests"),
    );
    let batches = batches(&[
        question(7, &first, 0.0, 60.0),
        question(9, &second, 0.0, 60.0),
    ]);
    assert_eq!(batches.len(), 1);
    let shown: Vec<(String, bool)> = batches[0]
        .queries()
        .iter()
        .map(|query| (query.id.clone(), query.is_asked))
        .collect();
    let expected = [("q0", true), ("q1m0", false), ("q1m1", false), ("q1", true)]
        .map(|(id, is_asked)| (id.to_owned(), is_asked));
    assert_eq!(shown, expected);
    assert_eq!(
        batches[0].queries()[3].kind,
        BatchQueryKind::Expression("100 * q1m0 / q1m1".to_owned())
    );
}

#[test]
fn different_windows_share_a_request_and_each_answer_is_cut_to_its_own() {
    let (short, long) = (metric_query("a", 60), metric_query("b", 300));
    let batches = batches(&[
        question(1, &short, 660.0, 780.0),
        question(2, &long, 600.0, 900.0),
    ]);
    assert_eq!(
        (batches.len(), batches[0].since, batches[0].until),
        (1, 600.0, 900.0)
    );
    let minutes = [(600.0, 1.0), (660.0, 2.0), (720.0, 3.0), (780.0, 4.0)];
    let answers = batches[0].answers(&[
        series("q0", &minutes, SeriesStatus::Complete),
        series("q1", &[(600.0, 9.0)], SeriesStatus::Complete),
    ]);
    assert_eq!(
        (answers[0].0, points_of(&answers[0].1)),
        (1, vec![(660.0, 2.0), (720.0, 3.0)])
    );
    assert_eq!(
        (answers[1].0, points_of(&answers[1].1)),
        (2, vec![(600.0, 9.0)])
    );
}

#[test]
fn the_window_begins_where_every_period_begins() {
    let (minute, five, ninety) = (
        metric_query("a", 60),
        metric_query("b", 300),
        metric_query("c", 90),
    );
    let since = |questions: &[MetricQuestion<'_>]| batches(questions)[0].since;
    assert!((since(&[question(1, &minute, 725.0, 900.0)]) - 720.0).abs() < f64::EPSILON);
    assert!(
        (since(&[
            question(1, &minute, 720.0, 900.0),
            question(2, &five, 900.0, 1200.0)
        ]) - 600.0)
            .abs()
            < f64::EPSILON
    );
    assert!(
        (since(&[
            question(1, &five, 900.0, 1200.0),
            question(2, &ninety, 990.0, 1200.0)
        ]) - 900.0)
            .abs()
            < f64::EPSILON
    );
    assert_eq!(
        (
            common_multiple(60, 300),
            common_multiple(60, 90),
            common_multiple(86_399, 86_400)
        ),
        (300, 180, 86_400)
    );
}

#[test]
fn what_depends_on_its_window_is_not_asked_in_a_longer_one() {
    let (share, plain) = (
        expression_query("errors / SUM(errors)"),
        metric_query("a", 60),
    );
    let together = [
        question(1, &plain, 0.0, 600.0),
        question(2, &share, 300.0, 600.0),
        question(3, &share, 300.0, 600.0),
        question(4, &share, 0.0, 600.0),
    ];
    let shown: Vec<Vec<usize>> = batches(&together)
        .iter()
        .map(|batch| batch.questions.iter().map(|asked| asked.id).collect())
        .collect();
    assert_eq!(shown, [vec![1], vec![2, 3], vec![4]]);
}

#[test]
fn a_request_holds_five_hundred_queries() {
    let query = expression_query("errors / requests");
    let many: Vec<MetricQuestion<'_>> =
        (0..200).map(|id| question(id, &query, 0.0, 60.0)).collect();
    let sizes: Vec<usize> = batches(&many)
        .iter()
        .map(|batch| batch.queries().len())
        .collect();
    assert_eq!(sizes, [498, 102]);
    assert!(batches(&[]).is_empty());
}

#[test]
fn pages_are_joined_and_the_last_one_says_whether_it_is_all() {
    let query = metric_query("a", 60);
    let batch = &batches(&[question(1, &query, 0.0, 600.0)])[0];
    let mut all = vec![series("q0", &[(0.0, 1.0)], SeriesStatus::Partial)];
    assert_eq!(
        failure_of(&batch.answers(&all)[0].1),
        "CloudWatch has not all of its points"
    );
    all.push(series("q0", &[(60.0, 2.0)], SeriesStatus::Complete));
    assert_eq!(
        points_of(&batch.answers(&all)[0].1),
        [(0.0, 1.0), (60.0, 2.0)]
    );
}

#[test]
fn what_cloudwatch_cannot_give_is_told_with_its_own_words() {
    let query = metric_query("a", 60);
    let batch = &batches(&[question(1, &query, 0.0, 600.0)])[0];
    let told = |fate, message: &str| {
        let mut one = vec![series("q0", &[(0.0, 1.0)], fate)];
        add_messages(&mut one, &[message.to_owned()]);
        batch.answers(&one).remove(0).1
    };
    assert_eq!(
        failure_of(&told(SeriesStatus::Failed("InternalError".into()), "x: y")),
        "CloudWatch failed to read it (InternalError): x: y"
    );
    let forbidden = told(SeriesStatus::Forbidden, "no");
    assert_eq!(
        (failure_of(&forbidden), forbidden.access),
        ("CloudWatch forbids reading it: no", Access::Denied)
    );
    let complete = told(
        SeriesStatus::Complete,
        "ArithmeticError: points were dropped",
    );
    assert_eq!(
        (points_of(&complete), complete.notes),
        (
            vec![(0.0, 1.0)],
            vec!["ArithmeticError: points were dropped".to_owned()]
        )
    );
    assert_eq!(
        failure_of(&batch.answers(&[])[0].1),
        "CloudWatch gave no result for it"
    );
    assert_eq!(
        failure_of(&batch.fail_all("cloudwatch:GetMetricData: bad (ValidationError)")[0].1),
        "cloudwatch:GetMetricData: bad (ValidationError)"
    );
}
