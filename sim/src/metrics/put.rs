//! Values that were put, each at its second: high-resolution metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Metric, Sample, Span};

/// Three hours of seconds.
const MAX_SECONDS: usize = 10_800;

/// All of them, by metric and second.
#[derive(Debug, Default)]
pub(crate) struct PutMetrics {
    metrics: Mutex<BTreeMap<Metric, BTreeMap<i64, Sample>>>,
}

impl PutMetrics {
    /// One more value. The oldest second of a full metric is forgotten.
    pub(crate) fn put(&self, metric: Metric, at_ms: i64, value: f64) {
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = metrics.entry(metric).or_default();
        seconds
            .entry(at_ms - at_ms.rem_euclid(1_000))
            .or_default()
            .add(value);
        if seconds.len() > MAX_SECONDS {
            seconds.pop_first();
        }
    }

    /// A metric's values in a span.
    pub(super) fn samples(&self, metric: &Metric, span: Span) -> Vec<(i64, Sample)> {
        let metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = metrics.get(metric).into_iter().flatten();
        seconds
            .filter(|(at_ms, _)| (span.from_ms..span.to_ms).contains(*at_ms))
            .map(|(at_ms, sample)| (*at_ms, sample.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Statistic;
    use super::*;

    #[test]
    fn values_of_a_second_are_one_sample() {
        let metrics = PutMetrics::default();
        let metric = Metric {
            namespace: "Shop".into(),
            name: "Errors".into(),
            dimensions: BTreeMap::new(),
        };
        for (at_ms, value) in [(5_001, 1.0), (5_999, 2.0), (6_000, 4.0)] {
            metrics.put(metric.clone(), at_ms, value);
        }
        let found = metrics.samples(
            &metric,
            Span {
                from_ms: 5_000,
                to_ms: 6_000,
            },
        );
        assert_eq!(
            found
                .iter()
                .map(|(at_ms, sample)| (*at_ms, sample.statistic(Statistic::Sum)))
                .collect::<Vec<_>>(),
            [(5_000, Some(3.0))]
        );
        let other = Metric {
            dimensions: [("Side".to_owned(), "green".to_owned())].into(),
            ..metric
        };
        assert!(
            metrics
                .samples(
                    &other,
                    Span {
                        from_ms: 0,
                        to_ms: 9_000
                    }
                )
                .is_empty()
        );
    }
}
