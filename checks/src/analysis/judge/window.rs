//! What time a question covers, and when there is something new to ask. PURE.
//!
//! CloudWatch's points cover whole periods, and are complete only some time after their end: a
//! period that has not ended, or ended a moment ago, is not asked for. The window grows from the
//! first whole period after traffic began and is asked for anew each time, so that what comes late
//! is seen.

use std::time::Duration;

use crate::analysis::form::{Grain, GrainKind};

/// From when to when, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) since: f64,
    pub(super) until: f64,
}

/// What can be asked now about what began at `began`; nothing as long as there is not a whole
/// period.
pub(super) fn span(grain: Grain, began: f64, now: f64, newest: Option<Duration>) -> Option<Span> {
    let (period, until) = (grain.period.as_secs_f64(), end(grain, now));
    let since = start(grain, began);
    if until - since < period || until < since {
        return None;
    }
    let since = newest.map_or(since, |newest| {
        since.max(until - whole(grain, newest.as_secs_f64()))
    });
    Some(Span { since, until })
}

/// From when on something can be asked about what began at `began`.
pub(super) fn ready(grain: Grain, began: f64) -> f64 {
    start(grain, began) + grain.period.as_secs_f64() + grain.delay.as_secs_f64()
}

/// When there will be something that was not there at `asked`.
pub(super) fn news(grain: Grain, asked: f64) -> f64 {
    match grain.kind {
        GrainKind::Whole => {
            end(grain, asked) + grain.period.as_secs_f64() + grain.delay.as_secs_f64()
        }
        GrainKind::Moving => asked,
    }
}

fn start(grain: Grain, began: f64) -> f64 {
    let period = grain.period.as_secs_f64();
    match grain.kind {
        GrainKind::Whole => (began / period).ceil() * period,
        GrainKind::Moving => began,
    }
}

fn end(grain: Grain, now: f64) -> f64 {
    let (period, complete) = (grain.period.as_secs_f64(), now - grain.delay.as_secs_f64());
    match grain.kind {
        GrainKind::Whole => (complete / period).floor() * period,
        GrainKind::Moving => complete,
    }
}

/// A length in whole periods, at least one.
fn whole(grain: Grain, length: f64) -> f64 {
    let period = grain.period.as_secs_f64();
    match grain.kind {
        GrainKind::Whole => (length / period).floor().max(1.0) * period,
        GrainKind::Moving => length.max(period),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grain(kind: GrainKind, period: u64, delay: u64) -> Grain {
        Grain {
            kind,
            period: Duration::from_secs(period),
            delay: Duration::from_secs(delay),
        }
    }

    #[test]
    fn only_whole_periods_that_ended_long_enough_ago_are_asked_for() {
        let minute = grain(GrainKind::Whole, 60, 60);
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
            let found = span(minute, began, now, None).map(|span| (span.since, span.until));
            assert_eq!(found, expected, "from {began} at {now}");
        }
        assert_eq!(
            (
                ready(minute, 10.0),
                news(minute, 180.0),
                news(minute, 200.0)
            ),
            (180.0, 240.0, 240.0)
        );
    }

    #[test]
    fn a_window_keeps_the_newest_whole_periods() {
        let minute = grain(GrainKind::Whole, 60, 0);
        let newest = |seconds| {
            span(minute, 0.0, 600.0, Some(Duration::from_secs(seconds))).map(|span| span.since)
        };
        assert_eq!(
            (newest(120), newest(150), newest(5), newest(9000)),
            (Some(480.0), Some(480.0), Some(540.0), Some(0.0))
        );
    }

    #[test]
    fn other_sources_are_asked_about_any_time_of_a_period() {
        let moving = grain(GrainKind::Moving, 60, 15);
        let found = |now| span(moving, 10.0, now, None).map(|span| (span.since, span.until));
        assert_eq!(
            (found(84.0), found(85.0), found(90.5)),
            (None, Some((10.0, 70.0)), Some((10.0, 75.5)))
        );
        let now = grain(GrainKind::Moving, 0, 0);
        assert_eq!(
            span(now, 10.0, 10.0, None),
            Some(Span {
                since: 10.0,
                until: 10.0
            })
        );
    }
}
