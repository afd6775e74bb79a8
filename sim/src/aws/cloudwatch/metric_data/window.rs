//! From when to when, and where periods begin.
//!
//! "Start time less than 15 days ago: round down to the nearest whole minute"; "if you set Period
//! to 5, 10, 20, or 30, the start time of your request is rounded down to the nearest time that
//! corresponds to even 5-, 10-, 20-, or 30-second divisions of a period"; the end is exclusive.
//! That periods of several minutes begin with the rounded start, and not at even divisions, is the
//! stage's choice: AWS only asks callers to align.

use serde_json::Value;

use super::query::invalid;
use crate::aws::{Asked, Refusal};
use crate::metrics::Span;

const MINUTE: i64 = 60_000;

/// What a request covers, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    start: i64,
    end: i64,
    /// The newest points come first, as they do unless `ScanBy` says otherwise.
    pub(super) is_descending: bool,
}

impl Window {
    /// A request's.
    pub(super) fn parse(asked: Asked<'_>) -> Result<Self, Refusal> {
        let (start, end) = (moment(asked, "StartTime")?, moment(asked, "EndTime")?);
        if start >= end {
            return Err(invalid(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let is_descending = match asked.text("ScanBy") {
            Some("TimestampAscending") => false,
            Some("TimestampDescending") | None => true,
            Some(other) => {
                return Err(invalid(format!(
                    "The value {other} for parameter ScanBy is not supported."
                )));
            }
        };
        Ok(Self {
            start,
            end,
            is_descending,
        })
    }

    fn start_for(self, period: i64) -> i64 {
        let division = period.clamp(1, MINUTE);
        self.start - self.start.rem_euclid(division)
    }

    /// The time whose points are asked for.
    pub(super) fn span(self, period: i64) -> Span {
        Span {
            from_ms: self.start_for(period),
            to_ms: self.end,
        }
    }

    /// The period that a time is in, by its beginning.
    pub(super) fn period_of(self, at_ms: i64, period: i64) -> i64 {
        at_ms - (at_ms - self.start_for(period)).rem_euclid(period)
    }

    /// The beginnings of all periods that have begun.
    pub(super) fn times(self, period: i64, now_ms: i64) -> Vec<i64> {
        let step = usize::try_from(period).unwrap_or(1).max(1);
        (self.start_for(period)..self.end.min(now_ms + 1))
            .step_by(step)
            .collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds since the epoch"
)]
fn moment(asked: Asked<'_>, name: &str) -> Result<i64, Refusal> {
    let seconds = asked
        .get(name)
        .and_then(Value::as_f64)
        .ok_or_else(|| invalid(format!("The parameter {name} is required.")))?;
    Ok((seconds * 1_000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn window(start: f64, end: f64) -> Window {
        Window::parse(Asked(&json!({ "StartTime": start, "EndTime": end }))).unwrap()
    }

    #[test]
    fn the_start_is_rounded_down_to_the_minute_or_to_the_division_of_a_short_period() {
        let window = window(123.4, 300.0);
        let starts: Vec<i64> = [1, 5, 10, 30, 60, 300]
            .iter()
            .map(|seconds| window.start_for(seconds * 1_000))
            .collect();
        assert_eq!(
            starts,
            [123_000, 120_000, 120_000, 120_000, 120_000, 120_000]
        );
    }

    #[test]
    fn periods_begin_with_the_start_and_the_end_is_excluded() {
        let window = window(60.0, 240.0);
        assert_eq!(
            window.times(MINUTE, i64::MAX - 1),
            [60_000, 120_000, 180_000]
        );
        assert_eq!(window.times(2 * MINUTE, i64::MAX - 1), [60_000, 180_000]);
        assert_eq!(window.times(MINUTE, 130_000), [60_000, 120_000]);
        assert_eq!(
            (
                window.period_of(179_999, 2 * MINUTE),
                window.period_of(180_000, 2 * MINUTE)
            ),
            (60_000, 180_000)
        );
    }

    #[test]
    fn a_window_has_a_start_before_its_end() {
        for (start, end) in [(5.0, 5.0), (6.0, 5.0)] {
            assert!(Window::parse(Asked(&json!({ "StartTime": start, "EndTime": end }))).is_err());
        }
    }
}
