//! Load probes and warm-ups as they are read from a document: valid and within their bounds.

use std::time::Duration;

use crate::duration::HumanDuration;
use crate::moment::Moment;
use crate::smoke::{Request, StatusPattern, Transport};

/// Many requests to one path, and what is expected of their answers.
#[derive(Debug, Clone)]
pub struct Probe {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) transport: Transport,
    pub(crate) arrival: Arrival,
    /// How long requests are sent.
    pub(crate) duration: Duration,
    /// The longest a single request may take.
    pub(crate) timeout: Duration,
    pub(crate) goals: Goals,
    /// Statuses that are no error.
    pub(crate) expected: Vec<StatusPattern>,
    pub(crate) on: Vec<Moment>,
}

/// When requests go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Closed loop: this many users, each sending the next request after its answer.
    Closed { concurrency: usize },
    /// Open loop: this many requests per second, however long answers take, with at most
    /// `concurrency` in flight.
    Open { rate: u32, concurrency: usize },
}

#[derive(Debug, Clone)]
pub(crate) struct Goals {
    /// In the order of the form.
    pub(crate) latencies: Vec<(Quantile, Duration)>,
    /// The part of the requests that may fail, 0 to 1.
    pub(crate) error_rate: f64,
}

/// Of all answers, ordered by the time they took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantile {
    P50,
    P90,
    P95,
    P99,
    Max,
}

/// Requests to green before its tests.
#[derive(Debug, Clone)]
pub struct WarmUp {
    pub(crate) request: Request,
    pub(crate) transport: Transport,
    /// Answers that are wanted.
    pub(crate) count: u64,
    pub(crate) concurrency: usize,
    /// It ends after this time at the latest.
    pub(crate) duration: Duration,
    pub(crate) timeout: Duration,
}

impl Probe {
    /// Its name, as the user gave it, or `load`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it takes at most: sending, and the last answers.
    pub fn max_duration(&self) -> Duration {
        self.duration + self.timeout
    }

    /// `100 at once for 30 s`, `200/s for 30 s`.
    pub(super) fn describe_plan(&self) -> String {
        let duration = HumanDuration(self.duration);
        match self.arrival {
            Arrival::Closed { concurrency } => format!("{concurrency} at once for {duration}"),
            Arrival::Open {
                rate,
                concurrency: _,
            } => format!("{rate}/s for {duration}"),
        }
    }
}

impl WarmUp {
    /// How long it takes at most.
    pub fn max_duration(&self) -> Duration {
        self.duration
    }
}

impl Quantile {
    pub(super) const ALL: [Self; 5] = [Self::P50, Self::P90, Self::P95, Self::P99, Self::Max];

    /// The key of the form, and the word for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Max => "max",
        }
    }

    pub(super) fn fraction(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
            Self::Max => 1.0,
        }
    }
}
