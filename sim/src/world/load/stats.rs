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
    /// The first of them.
    pub first_seen: i64,
    /// The last of them.
    pub last_seen: i64,
}

/// Everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Requests sent.
    pub requests: u64,
    /// Requests without a good answer: no connection, a connection that broke, a 5xx, no answer in time.
    pub failures: u64,
    /// The failures by what went wrong.
    pub failures_by_kind: BTreeMap<String, u64>,
    /// Half of the answers came within this many milliseconds.
    pub p50_milliseconds: f64,
    /// Of a hundred answers, 99 came within this many milliseconds.
    pub p99_milliseconds: f64,
    /// How long it took.
    pub seconds: f64,
    /// By the answer's `x-app-version`.
    pub versions: BTreeMap<String, VersionSeen>,
}

/// What one request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Answer { version: Option<String> },
    Failure(String),
}

/// Counts while requests come in.
#[derive(Debug, Default)]
pub(super) struct Tally {
    stats: Stats,
    latencies: Latencies,
}

impl Tally {
    pub(super) fn add(&mut self, seen: Seen, latency: Duration) {
        self.stats.requests += 1;
        match seen {
            Seen::Answer { version } => {
                self.latencies.add(latency);
                if let Some(version) = version {
                    self.version(version);
                }
            }
            Seen::Failure(kind) => {
                self.stats.failures += 1;
                *self.stats.failures_by_kind.entry(kind).or_default() += 1;
            }
        }
    }

    fn version(&mut self, version: String) {
        let now = now::milliseconds();
        let seen = self.stats.versions.entry(version).or_insert(VersionSeen { requests: 0, first_seen: now, last_seen: now });
        seen.requests += 1;
        seen.last_seen = now;
    }

    pub(super) fn stats(&self, elapsed: Duration) -> Stats {
        let milliseconds = |percent| self.latencies.percentile(percent).as_secs_f64() * 1000.0;
        Stats {
            p50_milliseconds: milliseconds(50),
            p99_milliseconds: milliseconds(99),
            seconds: elapsed.as_secs_f64(),
            ..self.stats.clone()
        }
    }
}
