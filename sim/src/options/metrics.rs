//! What CloudWatch knows of metrics, and how late.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event_time::EventTime;

/// The metrics of the stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsOptions {
    /// The period of the load balancer's metrics and of the series below, in seconds.
    pub grain_seconds: u32,
    /// How long after its end a period becomes visible, in seconds. Without a delay the current
    /// period shows what it has so far.
    pub delay_seconds: f64,
    /// The share of a period's requests that becomes visible one period later (0 to 1).
    pub late_share: f64,
    /// Requests a minute that the first target group had in the hour before the stage was started.
    pub requests_before: f64,
    /// Metrics that are a function of time.
    pub series: Vec<SeriesOptions>,
    /// Metrics whose answers are not complete.
    pub incomplete: Vec<IncompleteMetric>,
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self {
            grain_seconds: 60,
            delay_seconds: 0.0,
            late_share: 0.0,
            requests_before: 6_000.0,
            series: Vec::new(),
            incomplete: Vec::new(),
        }
    }
}

/// A metric that is a function of time: one value in each period since the stage was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesOptions {
    /// Its namespace, such as `Shop`.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// Its value from the beginning; no data when absent.
    #[serde(default)]
    pub value: Option<f64>,
    /// Its value after events. Of those that came, the last of this list counts.
    #[serde(default)]
    pub then: Vec<SeriesChange>,
}

/// Another value from an event on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesChange {
    /// The event.
    pub when: EventTime,
    /// The value; no data when absent.
    #[serde(default)]
    pub value: Option<f64>,
}

impl SeriesOptions {
    /// A metric that always has this value.
    pub fn constant(namespace: &str, name: &str, value: f64) -> Self {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Self {
            namespace,
            name,
            dimensions: BTreeMap::new(),
            value: Some(value),
            then: Vec::new(),
        }
    }

    /// The same, with another value from an event on.
    #[must_use]
    pub fn changing_at(mut self, when: EventTime, value: f64) -> Self {
        self.then.push(SeriesChange {
            when,
            value: Some(value),
        });
        self
    }
}

/// A metric whose answers are not complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncompleteMetric {
    /// The metric's name.
    pub name: String,
    /// `StatusCode`.
    pub status: IncompleteStatus,
    /// What the result's message says.
    #[serde(default)]
    pub message: Option<String>,
}

/// What `StatusCode` says of an answer that is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IncompleteStatus {
    /// There is more, and no page has it.
    PartialData,
    /// CloudWatch could not say.
    InternalError,
    /// `Forbidden`.
    Forbidden,
}
