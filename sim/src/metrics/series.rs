//! Metrics that are a function of time: one value in each grain.

use super::{Metric, Sample, Span, Visibility};
use crate::cloud::Cloud;
use crate::options::SeriesOptions;
use crate::when::Shifts;

/// A series' values in a span, as far as they are visible.
pub(super) fn samples(
    cloud: &Cloud,
    metric: &Metric,
    span: Span,
    now_ms: i64,
) -> Vec<(i64, Sample)> {
    let options = &cloud.options.metrics.series;
    let is_it = |series: &&SeriesOptions| {
        series.namespace == metric.namespace
            && series.name == metric.name
            && series.dimensions == metric.dimensions
    };
    let Some(series) = options.iter().find(is_it) else {
        return Vec::new();
    };
    let (shifts, visibility) = (cloud.shifts(), Visibility::of(cloud, now_ms));
    grains(span, &shifts, visibility)
        .filter_map(|at_ms| Some((at_ms, Sample::of(value(series, &shifts, at_ms)?))))
        .collect()
}

/// The grains of a span since the stage was started, as far as they have begun and are visible.
fn grains(span: Span, shifts: &Shifts, visibility: Visibility) -> impl Iterator<Item = i64> {
    let from = span.from_ms.max(shifts.started_ms());
    let first = from.div_euclid(visibility.grain) * visibility.grain;
    let first = if first < span.from_ms {
        first + visibility.grain
    } else {
        first
    };
    let step = usize::try_from(visibility.grain).unwrap_or(usize::MAX);
    (first..span.to_ms.min(visibility.now + 1))
        .step_by(step)
        .filter(move |at_ms| visibility.punctual(*at_ms))
}

fn value(series: &SeriesOptions, shifts: &Shifts, at_ms: i64) -> Option<f64> {
    let changed = series
        .then
        .iter()
        .rev()
        .find(|change| shifts.has_come(&change.when, at_ms));
    changed.map_or(series.value, |change| change.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::when::When;

    #[test]
    fn a_value_changes_at_its_event() {
        let series = SeriesOptions::constant("Shop", "Errors", 0.0)
            .then(When::Started(2.0), 5.0)
            .then(When::Started(4.0), 1.0);
        let values: Vec<_> = (0..6)
            .map(|second| value(&series, &Shifts::new(0), second * 1_000))
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
    fn grains_begin_with_the_stage_and_end_now() {
        let visibility = Visibility {
            grain: 1_000,
            delay: 0,
            now: 4_200,
        };
        let all = |from_ms, to_ms| {
            grains(Span { from_ms, to_ms }, &Shifts::new(1_500), visibility).collect::<Vec<_>>()
        };
        assert_eq!(all(0, 60_000), [1_000, 2_000, 3_000, 4_000]);
        assert_eq!(all(2_500, 4_000), [3_000]);
    }
}
