//! What a load balancer measures per period: requests, status classes of the answers, and response
//! times of targets.
//!
//! It knows no metric names. Memory is bounded by how many periods of a target group are kept.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use hyper::StatusCode;

use crate::metrics::Sample;

/// The number of periods that are kept: an hour and a half of seconds, more than any test lasts.
const MAX_PERIODS: usize = 6_000;

/// How the proxy measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasurementPeriod {
    /// The length of a period.
    pub length: Duration,
    /// The share of a period's requests that becomes visible one period later.
    pub late_share: f64,
}

impl Default for MeasurementPeriod {
    fn default() -> Self {
        Self {
            length: Duration::from_mins(1),
            late_share: 0.0,
        }
    }
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum AnsweredBy {
    /// By a target: with this status, after so long.
    Target(StatusCode, Duration),
    /// By the proxy itself, after a target was chosen.
    Proxy,
    /// By the proxy itself, because there was no target.
    Nobody,
}

/// Requests of a target group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RequestStats {
    /// For which a target was chosen.
    pub(crate) requests: u64,
    /// Answered by targets: 2xx, 3xx, 4xx, 5xx.
    pub(crate) classes: [u64; 4],
    /// Answered by the proxy with a 5xx.
    pub(crate) proxy_errors: u64,
    /// How long targets took until they began to answer, in seconds.
    pub(crate) seconds: Sample,
}

impl RequestStats {
    fn add(&mut self, answered: AnsweredBy) {
        match answered {
            AnsweredBy::Target(status, took) => {
                self.requests += 1;
                self.seconds.add(took.as_secs_f64());
                if let Some(count) = usize::from(status.as_u16() / 100)
                    .checked_sub(2)
                    .and_then(|class| self.classes.get_mut(class))
                {
                    *count += 1;
                }
            }
            AnsweredBy::Proxy => {
                self.requests += 1;
                self.proxy_errors += 1;
            }
            AnsweredBy::Nobody => self.proxy_errors += 1,
        }
    }

    /// Everything of another as well.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.proxy_errors += other.proxy_errors;
        self.classes
            .iter_mut()
            .zip(other.classes)
            .for_each(|(own, more)| *own += more);
        self.seconds.merge(&other.seconds);
    }
}

/// What happened in one period.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PeriodCounts {
    /// Its beginning, in milliseconds since the epoch.
    pub(crate) at_ms: i64,
    /// The requests that are visible on time.
    pub(crate) on_time: RequestStats,
    /// The requests that become visible one period later.
    pub(crate) late: RequestStats,
    seen: u64,
}

impl PeriodCounts {
    /// The late ones are spread evenly, and always the same.
    fn add(&mut self, answered: AnsweredBy, late_share: f64) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of requests are far below 2^52"
        )]
        let late = |count: u64| (count as f64 * late_share).floor();
        let is_late = late(self.seen + 1) > late(self.seen);
        self.seen += 1;
        if is_late {
            self.late.add(answered);
        } else {
            self.on_time.add(answered);
        }
    }
}

/// The periods of all target groups. Requests that found no group are in the group without a name.
#[derive(Debug, Default)]
pub(super) struct Measurements {
    period: MeasurementPeriod,
    groups: BTreeMap<String, VecDeque<PeriodCounts>>,
}

impl Measurements {
    pub(super) fn new(period: MeasurementPeriod) -> Self {
        Self {
            period,
            groups: BTreeMap::new(),
        }
    }

    pub(super) fn record(&mut self, group: &str, answered: AnsweredBy, now_ms: i64) {
        let length = i64::try_from(self.period.length.as_millis())
            .unwrap_or(i64::MAX)
            .max(1);
        let at_ms = now_ms - now_ms.rem_euclid(length);
        let periods = self.groups.entry(group.to_owned()).or_default();
        if periods.back().is_none_or(|last| last.at_ms < at_ms) {
            periods.push_back(PeriodCounts {
                at_ms,
                ..PeriodCounts::default()
            });
            if periods.len() > MAX_PERIODS {
                periods.pop_front();
            }
        }
        if let Some(last) = periods.back_mut() {
            last.add(answered, self.period.late_share);
        }
    }

    /// A group's periods that begin in a time span, oldest first.
    pub(super) fn between(&self, group: &str, from_ms: i64, to_ms: i64) -> Vec<PeriodCounts> {
        let periods = self.groups.get(group).into_iter().flatten();
        periods
            .filter(|period| period.at_ms >= from_ms && period.at_ms < to_ms)
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered_with(status: u16) -> AnsweredBy {
        AnsweredBy::Target(
            StatusCode::from_u16(status).expect("a status"),
            Duration::from_millis(10),
        )
    }

    #[test]
    fn a_period_has_what_happened_in_it() {
        let mut grains = Measurements::new(MeasurementPeriod {
            length: Duration::from_secs(1),
            late_share: 0.0,
        });
        for (at, kind) in [
            (1_000, answered_with(200)),
            (1_999, answered_with(503)),
            (2_000, answered_with(404)),
            (2_001, AnsweredBy::Nobody),
        ] {
            grains.record("blue", kind, at);
        }
        let found = grains.between("blue", 0, i64::MAX);
        assert_eq!(
            found.iter().map(|grain| grain.at_ms).collect::<Vec<_>>(),
            [1_000, 2_000]
        );
        assert_eq!(
            (found[0].on_time.requests, found[0].on_time.classes),
            (2, [1, 0, 0, 1])
        );
        assert_eq!(
            (
                found[1].on_time.requests,
                found[1].on_time.proxy_errors,
                found[1].on_time.classes
            ),
            (1, 1, [0, 0, 1, 0])
        );
        assert!(grains.between("green", 0, i64::MAX).is_empty());
        assert_eq!(grains.between("blue", 1_001, 2_000).len(), 0);
    }

    #[test]
    fn a_share_of_a_period_is_late_and_evenly_spread() {
        let mut grains = Measurements::new(MeasurementPeriod {
            length: Duration::from_secs(1),
            late_share: 0.25,
        });
        for _ in 0..8 {
            grains.record("blue", answered_with(200), 5);
        }
        let found = grains.between("blue", 0, 1_000);
        assert_eq!((found[0].on_time.requests, found[0].late.requests), (6, 2));
    }

    #[test]
    fn old_periods_are_forgotten() {
        let mut grains = Measurements::new(MeasurementPeriod {
            length: Duration::from_secs(1),
            late_share: 0.0,
        });
        for second in 0..=i64::try_from(MAX_PERIODS).expect("a number") {
            grains.record("blue", answered_with(200), second * 1_000);
        }
        assert_eq!(grains.between("blue", 0, i64::MAX).len(), MAX_PERIODS);
    }
}
