//! `GetMetricData`: metrics and metric math over what is visible now, page by page.

mod page;
mod query;
mod window;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::page::{Found, paged};
use self::query::{Query, Wanted};
use self::window::Window;
use crate::aws::{Answer, Asked, Refusal};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::metrics::math::{Known, MathError, Outcome, Series};
use crate::metrics::{Metric, Sample, Statistic, samples};
use crate::options::{IncompleteMetric, IncompleteStatus};

/// Answers the operation.
pub(super) fn answer(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let queries = query::parse(asked)?;
    let window = Window::parse(asked)?;
    let (series, mut found) = (metrics(cloud, &queries, window), Vec::new());
    let all = expressions(&queries, series, window)?;
    for query in queries.iter().filter(|query| query.is_returned) {
        let outcome = all.get(&query.id).cloned().unwrap_or_else(nothing);
        found.push(result(cloud, &queries, query, outcome));
    }
    paged(asked, &found, window.is_descending)
}

fn nothing() -> Outcome {
    Outcome {
        series: Series::new(),
        dropped: false,
    }
}

/// The series of all metrics by id.
fn metrics(cloud: &Cloud, queries: &[Query], window: Window) -> BTreeMap<String, Series> {
    let now = now_ms();
    let of = |query: &Query| match &query.wanted {
        Wanted::Metric {
            metric,
            statistic,
            period,
        } => Some((
            query.id.clone(),
            series(cloud, metric, *statistic, (window, *period), now),
        )),
        Wanted::Expression(_) => None,
    };
    queries.iter().filter_map(of).collect()
}

/// A statistic of each period in which there is anything.
fn series(
    cloud: &Cloud,
    metric: &Metric,
    statistic: Statistic,
    (window, period): (Window, i64),
    now: i64,
) -> Series {
    let mut periods: BTreeMap<i64, Sample> = BTreeMap::new();
    for (at_ms, sample) in samples(cloud, metric, window.span(period), now) {
        periods
            .entry(window.period_of(at_ms, period))
            .or_default()
            .merge(&sample);
    }
    periods
        .into_iter()
        .filter_map(|(at_ms, sample)| Some((at_ms, sample.statistic(statistic)?)))
        .collect()
}

/// What all ids come to. Expressions may speak of each other, in any order, but not in a circle.
fn expressions(
    queries: &[Query],
    metrics: BTreeMap<String, Series>,
    window: Window,
) -> Result<BTreeMap<String, Outcome>, Refusal> {
    let names: Vec<String> = queries
        .iter()
        .filter(|query| metrics.contains_key(&query.id))
        .map(|query| query.id.clone())
        .collect();
    let mut done: BTreeMap<String, Outcome> = BTreeMap::new();
    let mut series = metrics;
    let mut waiting: Vec<&Query> = queries
        .iter()
        .filter(|query| query.expression().is_some())
        .collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for query in waiting {
            let Some(expression) = query.expression() else {
                continue;
            };
            let open = |id: &&str| {
                queries.iter().any(|other| other.id == **id) && !series.contains_key(*id)
            };
            if expression.ids().iter().any(open) {
                later.push(query);
                continue;
            }
            let times = window.times(period(queries, query, queries.len()), now_ms());
            let known = Known {
                series: &series,
                metrics: &names,
                times: &times,
            };
            let outcome = expression
                .evaluate(&known)
                .map_err(|error| query::in_expression(&query.id, &error))?;
            series.insert(query.id.clone(), outcome.series.clone());
            done.insert(query.id.clone(), outcome);
        }
        if let (Some(stuck), true) = (later.first(), later.len() == before) {
            return Err(query::in_expression(
                &stuck.id,
                &MathError::UnknownId("in a circle".to_owned()),
            ));
        }
        waiting = later;
    }
    let whole = |(id, series): (String, Series)| {
        (
            id,
            Outcome {
                series,
                dropped: false,
            },
        )
    };
    Ok(series.into_iter().map(whole).chain(done).collect())
}

/// The longest period of the metrics that an expression speaks of, however indirectly: its points
/// are that far apart.
fn period(queries: &[Query], query: &Query, depth: usize) -> i64 {
    match &query.wanted {
        Wanted::Metric { period, .. } => *period,
        Wanted::Expression(expression) => {
            let ids = expression.ids();
            let below = queries
                .iter()
                .filter(|other| depth > 0 && ids.contains(&other.id.as_str()));
            below
                .map(|other| period(queries, other, depth - 1))
                .max()
                .unwrap_or(query::DEFAULT_PERIOD)
        }
    }
}

/// A result with its label, its status, and its messages.
fn result(cloud: &Cloud, queries: &[Query], query: &Query, outcome: Outcome) -> Found {
    let incomplete = cloud
        .options
        .metrics
        .incomplete
        .iter()
        .find(|incomplete| concerns(queries, query, &incomplete.name));
    let mut messages = Vec::new();
    if outcome.dropped {
        messages.push(json!({ "Code": "ArithmeticError", "Value": DROPPED }));
    }
    messages.extend(incomplete.and_then(|incomplete| {
        Some(json!({ "Code": status(incomplete), "Value": incomplete.message.as_ref()? }))
    }));
    let is_empty =
        incomplete.is_some_and(|incomplete| incomplete.status != IncompleteStatus::PartialData);
    Found {
        id: query.id.clone(),
        label: query.label.clone(),
        points: if is_empty {
            Vec::new()
        } else {
            outcome.series.into_iter().collect()
        },
        status: incomplete.map_or("Complete", status),
        messages: Value::Array(messages),
    }
}

/// `CloudWatch`'s sentence.
const DROPPED: &str = "One or more data-points have been dropped due to non-numeric values (NaN, -Infinite, +Infinite)";

const fn status(incomplete: &IncompleteMetric) -> &'static str {
    match incomplete.status {
        IncompleteStatus::PartialData => "PartialData",
        IncompleteStatus::InternalError => "InternalError",
        IncompleteStatus::Forbidden => "Forbidden",
    }
}

/// Whether a query asks for a metric, or for an expression over it.
fn concerns(queries: &[Query], query: &Query, name: &str) -> bool {
    match &query.wanted {
        Wanted::Metric { metric, .. } => metric.name == name,
        Wanted::Expression(expression) => {
            let ids = expression.ids();
            queries
                .iter()
                .filter(|other| other.id != query.id && ids.contains(&other.id.as_str()))
                .any(|other| concerns(queries, other, name))
        }
    }
}
