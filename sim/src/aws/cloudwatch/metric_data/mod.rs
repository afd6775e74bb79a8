//! `GetMetricData`: metrics and metric math over what is visible now, page by page.

mod page;
mod query;
mod window;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::page::{QueryResult, paginate};
use self::query::{Query, QuerySource};
use self::window::Window;
use crate::aws::{Answer, Input, ServiceError};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::metrics::math::{EvaluationContext, MathError, Outcome, Series};
use crate::metrics::{Metric, Sample, Statistic, samples};
use crate::options::{IncompleteMetric, IncompleteStatus};

/// Answers the operation.
pub(super) fn answer(cloud: &Cloud, input: Input<'_>) -> Answer {
    let queries = query::parse(input)?;
    let window = Window::parse(input)?;
    let (series, mut found) = (read_metrics(cloud, &queries, window), Vec::new());
    let all = evaluate_expressions(&queries, series, window)?;
    for query in queries.iter().filter(|query| query.is_returned) {
        let outcome = all.get(&query.id).cloned().unwrap_or_else(no_data);
        found.push(build_result(cloud, &queries, query, outcome));
    }
    paginate(input, &found, window.is_descending)
}

fn no_data() -> Outcome {
    Outcome {
        series: Series::new(),
        dropped: false,
    }
}

/// The series of all metrics by id.
fn read_metrics(cloud: &Cloud, queries: &[Query], window: Window) -> BTreeMap<String, Series> {
    let now = now_ms();
    let metric_series = |query: &Query| match &query.source {
        QuerySource::Metric {
            metric,
            statistic,
            period,
        } => Some((
            query.id.clone(),
            read_series(cloud, metric, *statistic, (window, *period), now),
        )),
        QuerySource::Expression(_) => None,
    };
    queries.iter().filter_map(metric_series).collect()
}

/// A statistic of each period in which there is anything.
fn read_series(
    cloud: &Cloud,
    metric: &Metric,
    statistic: Statistic,
    (window, period): (Window, i64),
    now: i64,
) -> Series {
    let mut periods: BTreeMap<i64, Sample> = BTreeMap::new();
    for (at_ms, sample) in samples(cloud, metric, window.span(period), now) {
        periods
            .entry(window.period_start(at_ms, period))
            .or_default()
            .merge(&sample);
    }
    periods
        .into_iter()
        .filter_map(|(at_ms, sample)| Some((at_ms, sample.statistic(statistic)?)))
        .collect()
}

/// What all ids come to. Expressions may speak of each other, in any order, but not in a circle.
fn evaluate_expressions(
    queries: &[Query],
    metrics: BTreeMap<String, Series>,
    window: Window,
) -> Result<BTreeMap<String, Outcome>, ServiceError> {
    let names: Vec<String> = queries
        .iter()
        .filter(|query| metrics.contains_key(&query.id))
        .map(|query| query.id.clone())
        .collect();
    let mut done: BTreeMap<String, Outcome> = BTreeMap::new();
    let mut series = metrics;
    let mut pending: Vec<&Query> = queries
        .iter()
        .filter(|query| query.expression().is_some())
        .collect();
    while !pending.is_empty() {
        let before = pending.len();
        let mut later = Vec::new();
        for query in pending {
            let Some(expression) = query.expression() else {
                continue;
            };
            let is_unresolved = |id: &&str| {
                queries.iter().any(|other| other.id == **id) && !series.contains_key(*id)
            };
            if expression.ids().iter().any(is_unresolved) {
                later.push(query);
                continue;
            }
            let times =
                window.period_starts(effective_period(queries, query, queries.len()), now_ms());
            let context = EvaluationContext {
                series: &series,
                metrics: &names,
                times: &times,
            };
            let outcome = expression
                .evaluate(&context)
                .map_err(|error| query::expression_error(&query.id, &error))?;
            series.insert(query.id.clone(), outcome.series.clone());
            done.insert(query.id.clone(), outcome);
        }
        if let (Some(unresolved), true) = (later.first(), later.len() == before) {
            return Err(query::expression_error(
                &unresolved.id,
                &MathError::UnknownId("in a circle".to_owned()),
            ));
        }
        pending = later;
    }
    let metric_outcome = |(id, series): (String, Series)| {
        (
            id,
            Outcome {
                series,
                dropped: false,
            },
        )
    };
    Ok(series.into_iter().map(metric_outcome).chain(done).collect())
}

/// The longest period of the metrics that an expression speaks of, however indirectly: its points
/// are that far apart.
fn effective_period(queries: &[Query], query: &Query, depth: usize) -> i64 {
    match &query.source {
        QuerySource::Metric { period, .. } => *period,
        QuerySource::Expression(expression) => {
            let ids = expression.ids();
            let below = queries
                .iter()
                .filter(|other| depth > 0 && ids.contains(&other.id.as_str()));
            below
                .map(|other| effective_period(queries, other, depth - 1))
                .max()
                .unwrap_or(query::DEFAULT_PERIOD)
        }
    }
}

/// A result with its label, its status, and its messages.
fn build_result(cloud: &Cloud, queries: &[Query], query: &Query, outcome: Outcome) -> QueryResult {
    let incomplete = cloud
        .options
        .metrics
        .incomplete
        .iter()
        .find(|incomplete| uses_metric(queries, query, &incomplete.name));
    let mut messages = Vec::new();
    if outcome.dropped {
        messages.push(json!({ "Code": "ArithmeticError", "Value": DROPPED_MESSAGE }));
    }
    messages.extend(incomplete.and_then(|incomplete| {
        Some(json!({ "Code": status_code(incomplete), "Value": incomplete.message.as_ref()? }))
    }));
    let is_empty =
        incomplete.is_some_and(|incomplete| incomplete.status != IncompleteStatus::PartialData);
    QueryResult {
        id: query.id.clone(),
        label: query.label.clone(),
        points: if is_empty {
            Vec::new()
        } else {
            outcome.series.into_iter().collect()
        },
        status: incomplete.map_or("Complete", status_code),
        messages: Value::Array(messages),
    }
}

/// `CloudWatch`'s sentence.
const DROPPED_MESSAGE: &str = "One or more data-points have been dropped due to non-numeric values (NaN, -Infinite, +Infinite)";

const fn status_code(incomplete: &IncompleteMetric) -> &'static str {
    match incomplete.status {
        IncompleteStatus::PartialData => "PartialData",
        IncompleteStatus::InternalError => "InternalError",
        IncompleteStatus::Forbidden => "Forbidden",
    }
}

/// Whether a query asks for a metric, or for an expression over it.
fn uses_metric(queries: &[Query], query: &Query, name: &str) -> bool {
    match &query.source {
        QuerySource::Metric { metric, .. } => metric.name == name,
        QuerySource::Expression(expression) => {
            let ids = expression.ids();
            queries
                .iter()
                .filter(|other| other.id != query.id && ids.contains(&other.id.as_str()))
                .any(|other| uses_metric(queries, other, name))
        }
    }
}
