//! From when to when, and where periods begin.
//!
//! "Start time less than 15 days ago: round down to the nearest whole minute"; "if you set Period
//! to 5, 10, 20, or 30, the start time of your request is rounded down to the nearest time that
//! corresponds to even 5-, 10-, 20-, or 30-second divisions of a period"; the end is exclusive.
//! That periods of several minutes begin with the rounded start, and not at even divisions, is the
//! stage's choice: AWS only asks callers to align.

use serde_json::Value;

use super::query::validation_error;
use crate::aws::{Input, ServiceError};
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
    pub(super) fn parse(input: Input<'_>) -> Result<Self, ServiceError> {
        let (start, end) = (
            parse_time(input, "StartTime")?,
            parse_time(input, "EndTime")?,
        );
        if start >= end {
            return Err(validation_error(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let is_descending = match input.text("ScanBy") {
            Some("TimestampAscending") => false,
            Some("TimestampDescending") | None => true,
            Some(other) => {
                return Err(validation_error(format!(
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

    fn aligned_start(self, period: i64) -> i64 {
        let division = period.clamp(1, MINUTE);
        self.start - self.start.rem_euclid(division)
    }

    /// The time whose points are asked for.
    pub(super) fn span(self, period: i64) -> Span {
        Span {
            from_ms: self.aligned_start(period),
            to_ms: self.end,
        }
    }

    /// The period that a time is in, by its beginning.
    pub(super) fn period_start(self, at_ms: i64, period: i64) -> i64 {
        at_ms - (at_ms - self.aligned_start(period)).rem_euclid(period)
    }

    /// The beginnings of all periods that have begun.
    pub(super) fn period_starts(self, period: i64, now_ms: i64) -> Vec<i64> {
        let step = usize::try_from(period).unwrap_or(1).max(1);
        (self.aligned_start(period)..self.end.min(now_ms + 1))
            .step_by(step)
            .collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds since the epoch"
)]
fn parse_time(input: Input<'_>, name: &str) -> Result<i64, ServiceError> {
    let seconds = input
        .get(name)
        .and_then(Value::as_f64)
        .ok_or_else(|| validation_error(format!("The parameter {name} is required.")))?;
    Ok((seconds * 1_000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn window(start: f64, end: f64) -> Window {
        Window::parse(Input(&json!({ "StartTime": start, "EndTime": end }))).unwrap()
    }

    #[test]
    fn the_start_is_rounded_down_to_the_minute_or_to_the_division_of_a_short_period() {
        let window = window(123.4, 300.0);
        let starts: Vec<i64> = [1, 5, 10, 30, 60, 300]
            .iter()
            .map(|seconds| window.aligned_start(seconds * 1_000))
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
            window.period_starts(MINUTE, i64::MAX - 1),
            [60_000, 120_000, 180_000]
        );
        assert_eq!(
            window.period_starts(2 * MINUTE, i64::MAX - 1),
            [60_000, 180_000]
        );
        assert_eq!(window.period_starts(MINUTE, 130_000), [60_000, 120_000]);
        assert_eq!(
            (
                window.period_start(179_999, 2 * MINUTE),
                window.period_start(180_000, 2 * MINUTE)
            ),
            (60_000, 180_000)
        );
    }

    #[test]
    fn a_window_has_a_start_before_its_end() {
        for (start, end) in [(5.0, 5.0), (6.0, 5.0)] {
            assert!(Window::parse(Input(&json!({ "StartTime": start, "EndTime": end }))).is_err());
        }
    }
}
