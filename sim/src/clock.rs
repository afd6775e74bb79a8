//! The stage's two clocks, and the one place that reads the machine's.
//!
//! It decides how long AWS's seconds and minutes last here; it waits for nothing itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// How long states last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Clock {
    /// A state ends as soon as a client has read it, or after a time-out.
    Observed {
        /// How long a state of AWS's seconds waits to be read, in milliseconds.
        #[serde(default = "default_brief_ms")]
        brief_ms: u64,
        /// How long a state of AWS's minutes waits to be read, in milliseconds.
        #[serde(default = "default_patience_ms")]
        patience_ms: u64,
        /// A minute of the ready wait, in milliseconds. Only this wait does not end when it was
        /// read.
        #[serde(default = "default_ready_minute_ms")]
        ready_minute_ms: u64,
    },
    /// Real time in which a minute of AWS's lasts a minute divided by this factor.
    Scaled(f64),
}

const fn default_brief_ms() -> u64 {
    50
}

const fn default_patience_ms() -> u64 {
    4000
}

const fn default_ready_minute_ms() -> u64 {
    1000
}

impl Default for Clock {
    fn default() -> Self {
        Self::Observed {
            brief_ms: default_brief_ms(),
            patience_ms: default_patience_ms(),
            ready_minute_ms: default_ready_minute_ms(),
        }
    }
}

/// When a state ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dwell {
    /// At the latest after this time.
    pub(crate) at_most: Duration,
    /// Earlier, as soon as it was read.
    pub(crate) until_read: bool,
}

impl Clock {
    /// A state that lasts seconds at AWS.
    pub(crate) fn seconds(self, seconds: f64) -> Dwell {
        match self {
            Self::Observed { brief_ms, .. } => Dwell {
                at_most: Duration::from_millis(brief_ms),
                until_read: true,
            },
            Self::Scaled(factor) => Dwell {
                at_most: scale_duration(seconds, factor),
                until_read: false,
            },
        }
    }

    /// A state that lasts minutes at AWS.
    pub(crate) fn minutes(self, minutes: f64) -> Dwell {
        match self {
            Self::Observed { .. } if minutes <= 0.0 => Dwell {
                at_most: Duration::ZERO,
                until_read: true,
            },
            Self::Observed { patience_ms, .. } => Dwell {
                at_most: Duration::from_millis(patience_ms),
                until_read: true,
            },
            Self::Scaled(factor) => Dwell {
                at_most: scale_duration(minutes * 60.0, factor),
                until_read: false,
            },
        }
    }

    /// A limit of minutes that only passing time reaches.
    pub(crate) fn limit(self, minutes: f64) -> Duration {
        match self {
            Self::Observed {
                ready_minute_ms, ..
            } => Duration::from_millis(ready_minute_ms).mul_f64(minutes.max(0.0)),
            Self::Scaled(factor) => scale_duration(minutes * 60.0, factor),
        }
    }
}

fn scale_duration(seconds: f64, factor: f64) -> Duration {
    Duration::try_from_secs_f64(seconds / factor.max(f64::MIN_POSITIVE)).unwrap_or(Duration::MAX)
}

/// Milliseconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the stage's one place that reads the clock"
)]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_minute_lasts_a_minute_divided_by_the_factor() {
        assert_eq!(
            Clock::Scaled(60.0).minutes(5.0),
            Dwell {
                at_most: Duration::from_secs(5),
                until_read: false
            }
        );
    }

    #[test]
    fn an_observed_wait_of_no_minutes_is_over_at_once() {
        assert_eq!(Clock::default().minutes(0.0).at_most, Duration::ZERO);
    }

    #[test]
    fn the_ready_wait_does_not_end_because_it_was_read() {
        assert_eq!(Clock::default().limit(2.0), Duration::from_secs(2));
    }
}
