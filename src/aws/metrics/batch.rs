//! PURE: which questions share one GetMetricData request, under which ids, and which results of the
//! response answer which question.

use super::MetricQuestion;
use super::expression::{is_pointwise, rename_ids};
use crate::checks::analysis::ask::{Access, SourceAnswer};
use crate::checks::analysis::question::{Answer, CloudWatchMetric, CloudWatchQuery, Point};
use crate::scrub::mask;

/// GetMetricData takes at most this many queries; metrics that only feed an expression count too.
const MAX_QUERIES: usize = 500;

#[derive(Debug)]
pub(super) struct Batch<'q> {
    questions: Vec<MetricQuestion<'q>>,
    /// The start of the common window, in seconds since 1970.
    pub(super) since: f64,
    pub(super) until: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct BatchQuery<'q> {
    pub(super) id: String,
    pub(super) kind: BatchQueryKind<'q>,
    pub(super) period: i32,
    /// Whether its points answer a question; a query without them only feeds an expression.
    pub(super) is_asked: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum BatchQueryKind<'q> {
    Metric(&'q CloudWatchMetric),
    Expression(String),
}

/// The answer of CloudWatch to one query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) id: String,
    pub(super) points: Vec<Point>,
    pub(super) status: SeriesStatus,
    pub(super) messages: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SeriesStatus {
    Complete,
    /// More points are on the next page, or on one that was not read.
    Partial,
    Forbidden,
    /// CloudWatch's status for a failed query.
    Failed(String),
}

/// The fewest requests that answer all questions.
pub(super) fn batches<'q>(questions: &[MetricQuestion<'q>]) -> Vec<Batch<'q>> {
    let mut batches: Vec<(Window, Batch<'q>)> = Vec::new();
    for question in questions {
        let window = Window::from_question(question);
        match batches.iter_mut().find(|(other, batch)| {
            *other == window && batch.size() + size(question.query) <= MAX_QUERIES
        }) {
            Some((_, batch)) => batch.add(*question),
            None => batches.push((window, Batch::new(*question))),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// With which questions a question can share a request. `Any`: its points do not depend on the
/// window. `Own`: only with questions for exactly the same window.
#[derive(Debug, PartialEq)]
enum Window {
    /// With any question: its points are the same in a longer window.
    Any,
    /// Only with questions for exactly this window.
    Exact(f64, f64),
}

impl Window {
    fn from_question(question: &MetricQuestion<'_>) -> Self {
        let is_pointwise = question
            .query
            .expression
            .as_deref()
            .is_none_or(is_pointwise);
        if is_pointwise {
            Self::Any
        } else {
            Self::Exact(question.since, question.until)
        }
    }
}

fn size(query: &CloudWatchQuery) -> usize {
    query.metrics.len() + usize::from(query.expression.is_some())
}

/// CloudWatch counts periods from the start of the window, so the start is rounded down to a
/// multiple of every period.
fn align_start(since: f64, period: i32) -> f64 {
    (since / f64::from(period)).floor() * f64::from(period)
}

fn period(query: &CloudWatchQuery) -> i32 {
    i32::try_from(query.period.as_secs())
        .unwrap_or(i32::MAX)
        .max(1)
}

impl<'q> Batch<'q> {
    fn new(question: MetricQuestion<'q>) -> Self {
        Self {
            questions: vec![question],
            since: align_start(question.since, period(question.query)),
            until: question.until,
        }
    }

    fn add(&mut self, question: MetricQuestion<'q>) {
        self.questions.push(question);
        let earliest = self
            .questions
            .iter()
            .map(|question| question.since)
            .fold(f64::INFINITY, f64::min);
        let all_periods = self
            .questions
            .iter()
            .map(|question| period(question.query))
            .fold(1, common_multiple);
        self.since = align_start(earliest, all_periods);
        self.until = self.until.max(question.until);
    }

    fn size(&self) -> usize {
        self.questions
            .iter()
            .map(|question| size(question.query))
            .sum()
    }

    pub(super) fn split(&self) -> Vec<Self> {
        self.questions
            .iter()
            .map(|question| Self::new(*question))
            .collect()
    }

    /// All queries; those of one question follow each other.
    pub(super) fn queries(&self) -> Vec<BatchQuery<'q>> {
        self.questions
            .iter()
            .enumerate()
            .flat_map(|(index, question)| question_queries(index, question.query))
            .collect()
    }

    pub(super) fn answers(&self, series: &[Series]) -> Vec<(usize, SourceAnswer)> {
        let answer_one = |(index, question): (usize, &MetricQuestion<'_>)| {
            let id = query_id(index);
            let own_series: Vec<&Series> = series.iter().filter(|series| series.id == id).collect();
            (question.id, answer_question(question, &own_series))
        };
        self.questions.iter().enumerate().map(answer_one).collect()
    }

    /// Fails every question with the same message.
    pub(super) fn fail_all(&self, words: &str) -> Vec<(usize, SourceAnswer)> {
        self.questions
            .iter()
            .map(|question| {
                (
                    question.id,
                    failed_answer(words.to_owned(), Access::Granted),
                )
            })
            .collect()
    }
}

/// The id of the query that answers a question. Ids must begin with a lower-case letter.
fn query_id(index: usize) -> String {
    format!("q{index}")
}

fn question_queries(index: usize, query: &CloudWatchQuery) -> Vec<BatchQuery<'_>> {
    let period = period(query);
    let Some(expression) = &query.expression else {
        let first = query
            .metrics
            .first()
            .map(|(_, metric)| BatchQueryKind::Metric(metric));
        return first
            .map(|what| BatchQuery {
                id: query_id(index),
                kind: what,
                period,
                is_asked: true,
            })
            .into_iter()
            .collect();
    };
    let metric_id = |position: usize| format!("{}m{position}", query_id(index));
    let new_id = |word: &str| {
        query
            .metrics
            .iter()
            .position(|(id, _)| id == word)
            .map(metric_id)
    };
    let metrics = query.metrics.iter().enumerate();
    let mut queries: Vec<BatchQuery<'_>> = metrics
        .map(|(position, (_, metric))| BatchQuery {
            id: metric_id(position),
            kind: BatchQueryKind::Metric(metric),
            period,
            is_asked: false,
        })
        .collect();
    queries.push(BatchQuery {
        id: query_id(index),
        kind: BatchQueryKind::Expression(rename_ids(expression, new_id)),
        period,
        is_asked: true,
    });
    queries
}

fn answer_question(question: &MetricQuestion<'_>, series: &[&Series]) -> SourceAnswer {
    let messages: Vec<String> = series
        .iter()
        .flat_map(|series| series.messages.iter().cloned())
        .collect();
    // The status of a series on its last page is the one that counts.
    let Some(last) = series.last() else {
        return failed_answer(
            "CloudWatch gave no result for it".to_owned(),
            Access::Granted,
        );
    };
    let because = if messages.is_empty() {
        String::new()
    } else {
        format!(": {}", mask(&messages.join("; ")))
    };
    match &last.status {
        SeriesStatus::Complete => {}
        SeriesStatus::Partial => {
            return failed_answer(
                format!("CloudWatch has not all of its points{because}"),
                Access::Granted,
            );
        }
        SeriesStatus::Forbidden => {
            return failed_answer(
                format!("CloudWatch forbids reading it{because}"),
                Access::Denied,
            );
        }
        SeriesStatus::Failed(word) => {
            return failed_answer(
                format!("CloudWatch failed to read it ({word}){because}"),
                Access::Granted,
            );
        }
    }
    let all = series.iter().flat_map(|series| &series.points);
    let mut points: Vec<Point> = all
        .filter(|point| (question.since..question.until).contains(&point.at))
        .copied()
        .collect();
    points.sort_by(|left, right| left.at.total_cmp(&right.at));
    SourceAnswer {
        answer: Answer::Points(points),
        notes: messages.iter().map(|message| mask(message)).collect(),
        access: Access::Granted,
    }
}

fn failed_answer(words: String, access: Access) -> SourceAnswer {
    SourceAnswer {
        answer: Answer::Failed(words),
        notes: Vec::new(),
        access,
    }
}

/// Adds a message about the whole request to every query.
pub(super) fn add_messages(all: &mut [Series], messages: &[String]) {
    for series in all {
        let new = messages
            .iter()
            .filter(|message| !series.messages.contains(message))
            .cloned()
            .collect::<Vec<_>>();
        series.messages.extend(new);
    }
}

/// The least common multiple; the longer period when the multiple exceeds [`MAX_MULTIPLE`].
fn common_multiple(left: i32, right: i32) -> i32 {
    let (mut divisor, mut rest) = (left, right);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (left / divisor)
        .checked_mul(right)
        .filter(|multiple| *multiple <= MAX_MULTIPLE)
        .unwrap_or_else(|| left.max(right))
}

/// A window must not begin more than a day earlier than was asked for.
const MAX_MULTIPLE: i32 = 24 * 60 * 60;

#[cfg(test)]
mod tests;
