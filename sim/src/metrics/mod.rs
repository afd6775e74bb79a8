//! What there is to be asked for in CloudWatch: the proxy's measurements as an ALB would publish
//! them, values that were put, and series.
//!
//! It gives samples by time; statistics over periods, expressions and pages are made of them by
//! `aws::cloudwatch`.

mod balancer;
pub(crate) mod math;
mod put;
mod sample;
mod series;

pub(crate) use put::PutMetrics;
pub(crate) use sample::{Sample, Statistic};

use std::collections::BTreeMap;

use crate::cloud::Cloud;

/// A metric's identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Metric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: BTreeMap<String, String>,
}

/// A span of time in milliseconds since the epoch, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// Everything about a metric in a span that is visible now, by the time it is stamped with.
pub(crate) fn samples(
    cloud: &Cloud,
    metric: &Metric,
    span: Span,
    now_ms: i64,
) -> Vec<(i64, Sample)> {
    let mut found = balancer::samples(cloud, metric, span, now_ms);
    found.extend(series::samples(cloud, metric, span, now_ms));
    found.extend(cloud.put_metrics.samples(metric, span));
    found
}

/// When the data of a period becomes visible, on time or late. In milliseconds.
#[derive(Debug, Clone, Copy)]
struct Visibility {
    period_ms: i64,
    delay: i64,
    now: i64,
}

impl Visibility {
    fn new(cloud: &Cloud, now_ms: i64) -> Self {
        let options = &cloud.options.metrics;
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a story")]
        let delay = (options.delay_seconds * 1_000.0) as i64;
        Self {
            period_ms: i64::from(options.grain_seconds.max(1)) * 1_000,
            delay,
            now: now_ms,
        }
    }

    const fn shows_on_time(self, at_ms: i64) -> bool {
        self.delay == 0 || self.now >= at_ms + self.period_ms + self.delay
    }

    const fn shows_late(self, at_ms: i64) -> bool {
        self.now >= at_ms + 2 * self.period_ms + self.delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_delay_the_running_period_shows_what_it_has() {
        let visibility = Visibility {
            period_ms: 1_000,
            delay: 0,
            now: 5_100,
        };
        assert!(
            visibility.shows_on_time(5_000)
                && visibility.shows_late(3_000)
                && !visibility.shows_late(4_000)
        );
    }

    #[test]
    fn with_a_delay_a_period_is_visible_so_long_after_its_end() {
        let at = |now| Visibility {
            period_ms: 1_000,
            delay: 500,
            now,
        };
        assert!(!at(6_499).shows_on_time(5_000) && at(6_500).shows_on_time(5_000));
        assert!(!at(7_499).shows_late(5_000) && at(7_500).shows_late(5_000));
    }
}
