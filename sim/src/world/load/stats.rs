//! What users saw: requests, failures, latencies, and which version answered when.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::latency::Latencies;
use crate::world::now;

/// One version, as users saw it. Times in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct VersionSeen {
    /// Answers that named it.
    pub requests: u64,
    /// Time of the first of them, in milliseconds.
    pub first_seen: i64,
    /// Time of the last of them, in milliseconds.
    pub last_seen: i64,
}

/// Everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Requests sent.
    pub requests: u64,
    /// Requests without a good answer: no connection, a connection that broke, a 5xx, no answer in
    /// time.
    pub failures: u64,
    /// Of the failures, those beyond what was tolerated.
    pub unexpected: u64,
    /// The failures by what went wrong.
    pub failures_by_kind: BTreeMap<String, u64>,
    /// Half of the answers came within this many milliseconds.
    pub p50_milliseconds: f64,
    /// Of a hundred answers, 99 came within this many milliseconds.
    pub p99_milliseconds: f64,
    /// Duration of the load, in seconds.
    pub seconds: f64,
    /// By the answer's `x-app-version`.
    pub versions: BTreeMap<String, VersionSeen>,
}

/// How many failures are expected.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub enum FailureTolerance {
    /// No failure is allowed.
    #[default]
    None,
    /// This share of all requests (0 to 1).
    Share(f64),
    /// Any number of failures.
    Any,
}

impl FailureTolerance {
    /// The failures that are too many.
    fn count_excess(self, requests: u64, failures: u64) -> u64 {
        match self {
            Self::None => failures,
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "counts of requests are far below 2^52"
            )]
            Self::Share(share) => {
                failures.saturating_sub((requests as f64 * share.clamp(0.0, 1.0)).ceil() as u64)
            }
            Self::Any => 0,
        }
    }
}

/// What one request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestOutcome {
    Answer { version: Option<String> },
    Failure(String),
}

/// Counts while requests come in.
#[derive(Debug, Default)]
pub(super) struct LoadRecorder {
    stats: Stats,
    latencies: Latencies,
}

impl LoadRecorder {
    pub(super) fn add(&mut self, seen: RequestOutcome, latency: Duration) {
        self.stats.requests += 1;
        match seen {
            RequestOutcome::Answer { version } => {
                self.latencies.add(latency);
                if let Some(version) = version {
                    self.record_version(version);
                }
            }
            RequestOutcome::Failure(kind) => {
                self.stats.failures += 1;
                *self.stats.failures_by_kind.entry(kind).or_default() += 1;
            }
        }
    }

    fn record_version(&mut self, version: String) {
        let now = now::milliseconds();
        let seen = self.stats.versions.entry(version).or_insert(VersionSeen {
            requests: 0,
            first_seen: now,
            last_seen: now,
        });
        seen.requests += 1;
        seen.last_seen = now;
    }

    pub(super) fn stats(&self, elapsed: Duration, tolerated: FailureTolerance) -> Stats {
        let milliseconds = |percent| self.latencies.percentile(percent).as_secs_f64() * 1000.0;
        Stats {
            p50_milliseconds: milliseconds(50),
            p99_milliseconds: milliseconds(99),
            seconds: elapsed.as_secs_f64(),
            unexpected: tolerated.count_excess(self.stats.requests, self.stats.failures),
            ..self.stats.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tolerated_is_not_unexpected() {
        let table = [
            (FailureTolerance::None, 3),
            (FailureTolerance::Share(0.01), 1),
            (FailureTolerance::Share(0.5), 0),
            (FailureTolerance::Any, 0),
        ];
        for (tolerated, expected) in table {
            assert_eq!(tolerated.count_excess(150, 3), expected, "{tolerated:?}");
        }
    }
}
