//! Which time a question covers, and when there is new data. PURE.
//!
//! CloudWatch's points cover whole periods and are final only some time after the period's end, so
//! a period that has just ended is not asked for. The window starts at the first whole period after
//! traffic began and is asked for again each time, so that late data are included.

use std::time::Duration;

use crate::analysis::form::{Sampling, SamplingKind};

/// From when to when, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) since: f64,
    pub(super) until: f64,
}

/// The span to ask for now, for data since `began`; `None` while there is no whole period.
pub(super) fn question_span(
    sampling: Sampling,
    began: f64,
    now: f64,
    window: Option<Duration>,
) -> Option<Span> {
    let (period, until) = (sampling.period.as_secs_f64(), complete_until(sampling, now));
    let since = aligned_start(sampling, began);
    if until - since < period || until < since {
        return None;
    }
    let since = window.map_or(since, |newest| {
        since.max(until - whole_periods(sampling, newest.as_secs_f64()))
    });
    Some(Span { since, until })
}

/// When the first span since `began` can be asked for.
pub(super) fn first_due(sampling: Sampling, began: f64) -> f64 {
    aligned_start(sampling, began) + sampling.period.as_secs_f64() + sampling.delay.as_secs_f64()
}

/// When there will be data that were not available at `asked_at`.
pub(super) fn next_new_data(sampling: Sampling, asked_at: f64) -> f64 {
    match sampling.kind {
        SamplingKind::Aligned => {
            complete_until(sampling, asked_at)
                + sampling.period.as_secs_f64()
                + sampling.delay.as_secs_f64()
        }
        SamplingKind::Sliding => asked_at,
    }
}

fn aligned_start(sampling: Sampling, began: f64) -> f64 {
    let period = sampling.period.as_secs_f64();
    match sampling.kind {
        SamplingKind::Aligned => (began / period).ceil() * period,
        SamplingKind::Sliding => began,
    }
}

fn complete_until(sampling: Sampling, now: f64) -> f64 {
    let (period, complete_at) = (
        sampling.period.as_secs_f64(),
        now - sampling.delay.as_secs_f64(),
    );
    match sampling.kind {
        SamplingKind::Aligned => (complete_at / period).floor() * period,
        SamplingKind::Sliding => complete_at,
    }
}

/// A length in whole periods, at least one.
fn whole_periods(sampling: Sampling, length: f64) -> f64 {
    let period = sampling.period.as_secs_f64();
    match sampling.kind {
        SamplingKind::Aligned => (length / period).floor().max(1.0) * period,
        SamplingKind::Sliding => length.max(period),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(kind: SamplingKind, period: u64, delay: u64) -> Sampling {
        Sampling {
            kind,
            period: Duration::from_secs(period),
            delay: Duration::from_secs(delay),
        }
    }

    #[test]
    fn only_whole_periods_that_ended_long_enough_ago_are_asked_for() {
        let minute = sampling(SamplingKind::Aligned, 60, 60);
        let table = [
            // Traffic begins at 10 s past a minute: the partial first minute is never asked for.
            (10.0, 70.0, None),
            (10.0, 179.9, None),
            (10.0, 180.0, Some((60.0, 120.0))),
            (10.0, 239.9, Some((60.0, 120.0))),
            (10.0, 240.0, Some((60.0, 180.0))),
            (60.0, 180.0, Some((60.0, 120.0))),
        ];
        for (began, now, expected) in table {
            let found =
                question_span(minute, began, now, None).map(|span| (span.since, span.until));
            assert_eq!(found, expected, "from {began} at {now}");
        }
        assert_eq!(
            (
                first_due(minute, 10.0),
                next_new_data(minute, 180.0),
                next_new_data(minute, 200.0)
            ),
            (180.0, 240.0, 240.0)
        );
    }

    #[test]
    fn a_window_keeps_the_newest_whole_periods() {
        let minute = sampling(SamplingKind::Aligned, 60, 0);
        let newest = |seconds| {
            question_span(minute, 0.0, 600.0, Some(Duration::from_secs(seconds)))
                .map(|span| span.since)
        };
        assert_eq!(
            (newest(120), newest(150), newest(5), newest(9000)),
            (Some(480.0), Some(480.0), Some(540.0), Some(0.0))
        );
    }

    #[test]
    fn other_sources_are_asked_about_any_time_of_a_period() {
        let moving = sampling(SamplingKind::Sliding, 60, 15);
        let found =
            |now| question_span(moving, 10.0, now, None).map(|span| (span.since, span.until));
        assert_eq!(
            (found(84.0), found(85.0), found(90.5)),
            (None, Some((10.0, 70.0)), Some((10.0, 75.5)))
        );
        let now = sampling(SamplingKind::Sliding, 0, 0);
        assert_eq!(
            question_span(now, 10.0, 10.0, None),
            Some(Span {
                since: 10.0,
                until: 10.0
            })
        );
    }
}
