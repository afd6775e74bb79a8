//! PURE: which questions go into one GetMetricData, by which ids, and what of its answer belongs to
//! whom.

use super::MetricQuestion;
use super::expression::{is_pointwise, renamed};
use crate::checks::analysis::ask::{Access, Told};
use crate::checks::analysis::question::{Answer, CloudWatchMetric, CloudWatchQuery, Point};
use crate::scrub::masked;

/// GetMetricData takes at most this many queries; metrics that only feed an expression count too.
const QUERIES: usize = 500;

/// What goes into one request.
#[derive(Debug)]
pub(super) struct Batch<'q> {
    asked: Vec<MetricQuestion<'q>>,
    /// The beginning of all windows.
    pub(super) since: f64,
    /// Their end.
    pub(super) until: f64,
}

/// One query of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BatchQuery<'q> {
    pub(super) id: String,
    pub(super) what: What<'q>,
    pub(super) period: i32,
    /// Whether its points are the answer to a question, or only feed one.
    pub(super) is_asked: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What<'q> {
    Metric(&'q CloudWatchMetric),
    Expression(String),
}

/// What CloudWatch answered to one query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) id: String,
    pub(super) points: Vec<Point>,
    pub(super) fate: Fate,
    pub(super) messages: Vec<String>,
}

/// Whether that is all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Complete,
    /// There is more on the next page, or there was more than could be had.
    Partial,
    Forbidden,
    /// In CloudWatch's word.
    Failed(String),
}

/// As few requests as answer all questions.
pub(super) fn batches<'q>(asked: &[MetricQuestion<'q>]) -> Vec<Batch<'q>> {
    let mut batches: Vec<(Window, Batch<'q>)> = Vec::new();
    for one in asked {
        let window = Window::of(one);
        match batches
            .iter_mut()
            .find(|(other, batch)| *other == window && batch.size() + size(one.query) <= QUERIES)
        {
            Some((_, batch)) => batch.add(*one),
            None => batches.push((window, Batch::new(*one))),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// With whom a question can share a request.
#[derive(Debug, PartialEq)]
enum Window {
    /// With everyone: its points are the same in a longer window.
    Any,
    /// With those who ask for the same time.
    Own(f64, f64),
}

impl Window {
    fn of(asked: &MetricQuestion<'_>) -> Self {
        let is_pointwise = asked.query.expression.as_deref().is_none_or(is_pointwise);
        if is_pointwise {
            Self::Any
        } else {
            Self::Own(asked.since, asked.until)
        }
    }
}

fn size(query: &CloudWatchQuery) -> usize {
    query.metrics.len() + usize::from(query.expression.is_some())
}

/// CloudWatch counts periods from the window's beginning, so that has to be one of every period's.
fn aligned(since: f64, period: i32) -> f64 {
    (since / f64::from(period)).floor() * f64::from(period)
}

fn period(query: &CloudWatchQuery) -> i32 {
    i32::try_from(query.period.as_secs())
        .unwrap_or(i32::MAX)
        .max(1)
}

impl<'q> Batch<'q> {
    fn new(asked: MetricQuestion<'q>) -> Self {
        Self {
            asked: vec![asked],
            since: aligned(asked.since, period(asked.query)),
            until: asked.until,
        }
    }

    fn add(&mut self, asked: MetricQuestion<'q>) {
        self.asked.push(asked);
        let earliest = self
            .asked
            .iter()
            .map(|asked| asked.since)
            .fold(f64::INFINITY, f64::min);
        let all_periods = self
            .asked
            .iter()
            .map(|asked| period(asked.query))
            .fold(1, common_multiple);
        self.since = aligned(earliest, all_periods);
        self.until = self.until.max(asked.until);
    }

    fn size(&self) -> usize {
        self.asked.iter().map(|asked| size(asked.query)).sum()
    }

    /// Each question by itself.
    pub(super) fn apart(&self) -> Vec<Self> {
        self.asked.iter().map(|asked| Self::new(*asked)).collect()
    }

    /// All queries, those of a question one after the other.
    pub(super) fn queries(&self) -> Vec<BatchQuery<'q>> {
        self.asked
            .iter()
            .enumerate()
            .flat_map(|(index, asked)| queries(index, asked.query))
            .collect()
    }

    /// Every question's answer.
    pub(super) fn answers(&self, series: &[Series]) -> Vec<(usize, Told)> {
        let told = |(index, asked): (usize, &MetricQuestion<'_>)| {
            let id = name(index);
            let ours: Vec<&Series> = series.iter().filter(|series| series.id == id).collect();
            (asked.id, told(asked, &ours))
        };
        self.asked.iter().enumerate().map(told).collect()
    }

    /// The same words for every question.
    pub(super) fn failed(&self, words: &str) -> Vec<(usize, Told)> {
        self.asked
            .iter()
            .map(|asked| (asked.id, failed(words.to_owned(), Access::Granted)))
            .collect()
    }
}

/// The id whose points answer the question; an id begins with a small letter.
fn name(index: usize) -> String {
    format!("q{index}")
}

fn queries(index: usize, query: &CloudWatchQuery) -> Vec<BatchQuery<'_>> {
    let period = period(query);
    let Some(expression) = &query.expression else {
        let first = query
            .metrics
            .first()
            .map(|(_, metric)| What::Metric(metric));
        return first
            .map(|what| BatchQuery {
                id: name(index),
                what,
                period,
                is_asked: true,
            })
            .into_iter()
            .collect();
    };
    let inner = |position: usize| format!("{}m{position}", name(index));
    let of = |word: &str| {
        query
            .metrics
            .iter()
            .position(|(id, _)| id == word)
            .map(inner)
    };
    let metrics = query.metrics.iter().enumerate();
    let mut queries: Vec<BatchQuery<'_>> = metrics
        .map(|(position, (_, metric))| BatchQuery {
            id: inner(position),
            what: What::Metric(metric),
            period,
            is_asked: false,
        })
        .collect();
    queries.push(BatchQuery {
        id: name(index),
        what: What::Expression(renamed(expression, of)),
        period,
        is_asked: true,
    });
    queries
}

fn told(asked: &MetricQuestion<'_>, series: &[&Series]) -> Told {
    let messages: Vec<String> = series
        .iter()
        .flat_map(|series| series.messages.iter().cloned())
        .collect();
    // The last page that a query is on says whether that is all of it.
    let Some(last) = series.last() else {
        return failed(
            "CloudWatch gave no result for it".to_owned(),
            Access::Granted,
        );
    };
    let because = if messages.is_empty() {
        String::new()
    } else {
        format!(": {}", masked(&messages.join("; ")))
    };
    match &last.fate {
        Fate::Complete => {}
        Fate::Partial => {
            return failed(
                format!("CloudWatch has not all of its points{because}"),
                Access::Granted,
            );
        }
        Fate::Forbidden => {
            return failed(
                format!("CloudWatch forbids reading it{because}"),
                Access::Denied,
            );
        }
        Fate::Failed(word) => {
            return failed(
                format!("CloudWatch failed to read it ({word}){because}"),
                Access::Granted,
            );
        }
    }
    let all = series.iter().flat_map(|series| &series.points);
    let mut points: Vec<Point> = all
        .filter(|point| (asked.since..asked.until).contains(&point.at))
        .copied()
        .collect();
    points.sort_by(|left, right| left.at.total_cmp(&right.at));
    Told {
        answer: Answer::Points(points),
        notes: messages.iter().map(|message| masked(message)).collect(),
        access: Access::Granted,
    }
}

fn failed(words: String, access: Access) -> Told {
    Told {
        answer: Answer::Failed(words),
        notes: Vec::new(),
        access,
    }
}

/// What CloudWatch says about the whole request is said of every query.
pub(super) fn note(all: &mut [Series], messages: &[String]) {
    for series in all {
        let new = messages
            .iter()
            .filter(|message| !series.messages.contains(message))
            .cloned()
            .collect::<Vec<_>>();
        series.messages.extend(new);
    }
}

/// The least common multiple; where it is no whole number of seconds any more, the longest period
/// has to do.
fn common_multiple(left: i32, right: i32) -> i32 {
    let (mut divisor, mut rest) = (left, right);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (left / divisor)
        .checked_mul(right)
        .filter(|multiple| *multiple <= LONGEST)
        .unwrap_or_else(|| left.max(right))
}

/// A window that begins earlier than a day before is asked for more than it is worth.
const LONGEST: i32 = 24 * 60 * 60;

#[cfg(test)]
mod tests;
