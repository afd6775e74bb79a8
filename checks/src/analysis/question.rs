//! The questions to sources of metrics and logs, with all variables filled in, and their possible
//! answers. Times are Unix timestamps in seconds, as in the sources' own points.

use std::time::Duration;

use crate::secret::Secret;

/// Which side a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The version that is replaced.
    Blue,
    /// The version that is being deployed.
    Green,
}

/// One question. Questions that are due together are answered together, so that one request can ask
/// for all of a source.
#[derive(Debug, Clone)]
pub struct Question {
    /// The id under which the answer is recorded.
    pub id: usize,
    /// The query.
    pub query: Query,
    /// Only what happened from here on is asked for.
    pub since: f64,
    /// Only what happened before.
    pub until: f64,
}

/// The query of each kind of source.
#[derive(Debug, Clone)]
pub enum Query {
    /// A CloudWatch metric, or metric math over some.
    CloudWatch(CloudWatchQuery),
    /// PromQL, asked as an instant query at `until`.
    Prometheus(PrometheusQuery),
    /// A Datadog metrics query.
    Datadog(DatadogQuery),
    /// An HTTP endpoint that answers JSON.
    Http(HttpQuery),
    /// Lines in CloudWatch Logs, counted.
    Logs(LogQuery),
}

/// A CloudWatch metric, or metric math over some.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudWatchQuery {
    /// The metrics, each with the id by which the expression knows it.
    pub metrics: Vec<(String, CloudWatchMetric)>,
    /// Metric math over the ids; without one there is exactly one metric.
    pub expression: Option<String>,
    /// The time that one point covers.
    pub period: Duration,
}

/// A CloudWatch metric.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudWatchMetric {
    /// `AWS/ApplicationELB`.
    pub namespace: String,
    /// `RequestCount`.
    pub name: String,
    /// Name and value.
    pub dimensions: Vec<(String, String)>,
    /// `Sum`, `Average`, `p99`, …
    pub stat: String,
}

/// PromQL and where to send it.
#[derive(Debug, Clone)]
pub struct PrometheusQuery {
    /// The base URL, before `/api/v1/query`.
    pub url: String,
    /// Headers, whose values are secrets.
    pub headers: Vec<(String, Secret)>,
    /// The region for which requests are signed (Amazon Managed Service for Prometheus); not signed
    /// without.
    pub sigv4: Option<String>,
    /// PromQL.
    pub promql: String,
}

/// A Datadog query and who asks.
#[derive(Debug, Clone)]
pub struct DatadogQuery {
    /// The API's base URL: `https://api.datadoghq.eu`.
    pub url: String,
    /// `DD-API-KEY`.
    pub api_key: Secret,
    /// `DD-APPLICATION-KEY`.
    pub application_key: Secret,
    /// The metrics query.
    pub query: String,
}

/// An HTTP endpoint that answers JSON.
#[derive(Debug, Clone)]
pub struct HttpQuery {
    /// The URL.
    pub url: String,
    /// `GET` without a body, else `POST`.
    pub body: Option<Secret>,
    /// Headers, whose values are secrets.
    pub headers: Vec<(String, Secret)>,
    /// JSONPath (RFC 9535) to a number or to many.
    pub path: String,
}

/// Lines in CloudWatch Logs, counted on one side.
#[derive(Debug, Clone)]
pub struct LogQuery {
    /// The side whose tasks' streams are read.
    pub side: Side,
    /// Only these groups; those of the task definition's containers when empty.
    pub groups: Vec<String>,
    /// A filter pattern of CloudWatch Logs.
    pub filter: String,
}

/// The possible answers of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Points in the order of time; none is "no data", which is an answer.
    Points(Vec<Point>),
    /// How many lines there were, and the first of them.
    Lines {
        /// The number of lines.
        count: u64,
        /// The first few, as they were written.
        first: Vec<String>,
    },
    /// The query failed; a message without secrets.
    Failed(String),
}

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The beginning of the time it covers.
    pub at: f64,
    /// The value, in the unit of the source.
    pub value: f64,
}
