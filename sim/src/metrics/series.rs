//! Metrics that are a function of time: one value in each period.

use super::{Metric, Sample, Span, Visibility};
use crate::cloud::Cloud;
use crate::event_time::TrafficHistory;
use crate::options::SeriesOptions;

/// A series' values in a span, as far as they are visible.
pub(super) fn samples(
    cloud: &Cloud,
    metric: &Metric,
    span: Span,
    now_ms: i64,
) -> Vec<(i64, Sample)> {
    let options = &cloud.options.metrics.series;
    let is_match = |series: &&SeriesOptions| {
        series.namespace == metric.namespace
            && series.name == metric.name
            && series.dimensions == metric.dimensions
    };
    let Some(series) = options.iter().find(is_match) else {
        return Vec::new();
    };
    let (history, visibility) = (cloud.traffic_history(), Visibility::new(cloud, now_ms));
    visible_periods(span, &history, visibility)
        .filter_map(|at_ms| {
            Some((
                at_ms,
                Sample::from_value(value_at(series, &history, at_ms)?),
            ))
        })
        .collect()
}

/// The periods of a span since the stage was started, as far as they have begun and are visible.
fn visible_periods(
    span: Span,
    history: &TrafficHistory,
    visibility: Visibility,
) -> impl Iterator<Item = i64> {
    let from = span.from_ms.max(history.started_ms());
    let first = from.div_euclid(visibility.period_ms) * visibility.period_ms;
    let first = if first < span.from_ms {
        first + visibility.period_ms
    } else {
        first
    };
    let step = usize::try_from(visibility.period_ms).unwrap_or(usize::MAX);
    (first..span.to_ms.min(visibility.now + 1))
        .step_by(step)
        .filter(move |at_ms| visibility.shows_on_time(*at_ms))
}

fn value_at(series: &SeriesOptions, history: &TrafficHistory, at_ms: i64) -> Option<f64> {
    let changed = series
        .then
        .iter()
        .rev()
        .find(|change| history.has_happened(&change.when, at_ms));
    changed.map_or(series.value, |change| change.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_time::EventTime;

    #[test]
    fn a_value_changes_at_its_event() {
        let series = SeriesOptions::constant("Shop", "Errors", 0.0)
            .changing_at(EventTime::Started(2.0), 5.0)
            .changing_at(EventTime::Started(4.0), 1.0);
        let values: Vec<_> = (0..6)
            .map(|second| value_at(&series, &TrafficHistory::new(0), second * 1_000))
            .collect();
        assert_eq!(
            values,
            [
                Some(0.0),
                Some(0.0),
                Some(5.0),
                Some(5.0),
                Some(1.0),
                Some(1.0)
            ]
        );
    }

    #[test]
    fn periods_begin_with_the_stage_and_end_now() {
        let visibility = Visibility {
            period_ms: 1_000,
            delay: 0,
            now: 4_200,
        };
        let all = |from_ms, to_ms| {
            visible_periods(
                Span { from_ms, to_ms },
                &TrafficHistory::new(1_500),
                visibility,
            )
            .collect::<Vec<_>>()
        };
        assert_eq!(all(0, 60_000), [1_000, 2_000, 3_000, 4_000]);
        assert_eq!(all(2_500, 4_000), [3_000]);
    }
}
