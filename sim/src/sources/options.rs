//! What Prometheus, Datadog and JSON endpoints answer, line by line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event_time::EventTime;

/// Scripted answers of Prometheus, Datadog and JSON endpoints. A query that is not listed has no
/// data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourcesOptions {
    /// By PromQL expression.
    pub prometheus: BTreeMap<String, Vec<Reply>>,
    /// By query.
    pub datadog: BTreeMap<String, Vec<Reply>>,
    /// By name: the endpoint is `/json/NAME`, or any path between them. One that is not named is
    /// 404.
    pub json: BTreeMap<String, Vec<Reply>>,
    /// The bearer token that Prometheus and JSON endpoints want; none is wanted when absent. Signed
    /// requests need none.
    pub token: Option<String>,
    /// The keys that Datadog takes; any two when absent.
    pub datadog_keys: Option<DatadogKeys>,
}

/// Who may ask Datadog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatadogKeys {
    /// `DD-API-KEY`.
    pub api_key: String,
    /// `DD-APPLICATION-KEY`.
    pub application_key: String,
}

/// One line of what is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// What is answered.
    pub answer: ReplyAnswer,
    /// How often, before the next line's turn; the last line is answered again and again.
    #[serde(default = "default_times")]
    pub times: u64,
    /// Answered from this event on, even if earlier lines were not used up.
    #[serde(default)]
    pub when: Option<EventTime>,
    /// So many milliseconds later.
    #[serde(default)]
    pub slow_ms: u64,
}

const fn default_times() -> u64 {
    1
}

impl Reply {
    /// A line for one question.
    pub const fn new(answer: ReplyAnswer) -> Self {
        Self {
            answer,
            times: 1,
            when: None,
            slow_ms: 0,
        }
    }

    /// The same from an event on.
    #[must_use]
    pub fn starting_at(self, when: EventTime) -> Self {
        Self {
            when: Some(when),
            ..self
        }
    }

    /// The same for so many questions.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    /// The same, but late.
    #[must_use]
    pub fn delayed_by(self, slow_ms: u64) -> Self {
        Self { slow_ms, ..self }
    }
}

/// What is answered, in each source's own form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyAnswer {
    /// One number: a vector of one, a series of one point, `{"value": …}`.
    Value(f64),
    /// The number `NaN`.
    NotANumber,
    /// A scalar, where a source knows them.
    Scalar(f64),
    /// One number each of several series.
    Values(Vec<f64>),
    /// Points of one series, some without a value: a matrix, a point list, `{"points": […]}`.
    Points(Vec<Option<f64>>),
    /// No data.
    Empty,
    /// What the proxy really measured.
    Measured(Measure),
    /// One number, and a warning beside it.
    Warned(f64, String),
    /// The source's own error.
    Error(String),
    /// Only this status.
    Status(u16),
    /// An HTML page with status 200.
    Garbage,
    /// A JSON document of about so many bytes.
    Huge(usize),
    /// Any document.
    Json(Value),
    /// A redirect to this URL.
    Redirect(String),
    /// The connection drops.
    Drops,
    /// No answer comes.
    Hangs,
}

/// What is computed from the proxy's measurements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The side whose requests are measured.
    pub side: MeasuredSide,
    /// The measured quantity.
    pub what: Measurand,
    /// Of so many seconds, to now.
    #[serde(default = "default_seconds")]
    pub seconds: u32,
    /// Behind which listener the sides are.
    #[serde(default = "default_listener")]
    pub listener: String,
}

const fn default_seconds() -> u32 {
    60
}

fn default_listener() -> String {
    "prod".to_owned()
}

impl Measure {
    /// Of the last minute behind the listener `prod`.
    pub fn last_minute(side: MeasuredSide, what: Measurand) -> Self {
        Self {
            side,
            what,
            seconds: default_seconds(),
            listener: default_listener(),
        }
    }
}

/// Whose requests are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasuredSide {
    /// What served before the last shift.
    Blue,
    /// The side that received traffic last; none before the first shift.
    Green,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measurand {
    /// How many requests.
    Requests,
    /// How many were answered with a 5xx.
    Errors,
    /// Errors by requests; no data without requests.
    ErrorRate,
    /// The response time that 99 of a hundred did not exceed, in seconds.
    P99,
}
