//! The run's clock: when it started, how long ago that is, and times as people read them.
//!
//! Durations are measured on tokio's monotonic clock, here and in every wait. The time
//! of day is read in this file only (the checks read their own).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

/// A time on the wall clock, as RFC 3339 in UTC to the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp(pub String);

/// When the run began, and how long ago that is.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            began: Instant::now(),
        }
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// A duration in milliseconds, as events carry it.
pub fn to_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The current time of the wall clock, to the second.
pub fn now() -> Timestamp {
    let now = OffsetDateTime::now_utc();
    let to_second = now.replace_nanosecond(0).unwrap_or(now);
    Timestamp(to_second.format(&Rfc3339).unwrap_or_default())
}

/// The current time of the wall clock, as request signing takes it.
pub fn system_time() -> std::time::SystemTime {
    OffsetDateTime::now_utc().into()
}

/// The current time of the wall clock, in seconds since the epoch.
pub fn epoch_seconds() -> f64 {
    (OffsetDateTime::now_utc() - OffsetDateTime::UNIX_EPOCH).as_seconds_f64()
}

/// Formats seconds since the epoch, as AWS gives them, as RFC 3339; empty for 0 or an impossible
/// value.
pub fn format_rfc3339(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of the epoch are far below the limit, and only whole ones are shown"
    )]
    let moment = OffsetDateTime::from_unix_timestamp(seconds as i64)
        .ok()
        .filter(|_| seconds > 0.0);
    moment
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Reads RFC 3339 as seconds since the epoch.
pub fn parse_rfc3339(text: &str) -> Option<f64> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some((moment - OffsetDateTime::UNIX_EPOCH).as_seconds_f64())
}

/// How long ago a time was that AWS gave in seconds since the epoch.
pub fn elapsed_since(seconds: f64) -> Duration {
    let moment = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let now = OffsetDateTime::now_utc() - OffsetDateTime::UNIX_EPOCH;
    Duration::try_from(now)
        .unwrap_or_default()
        .saturating_sub(moment)
}

/// A number that differs from run to run, from the wall clock and the process id.
pub fn nonce() -> u64 {
    let nanoseconds = OffsetDateTime::now_utc().unix_timestamp_nanos();
    (u64::try_from(nanoseconds & i128::from(u64::MAX)).unwrap_or_default()).rotate_left(17)
        ^ (u64::from(std::process::id()) << 32)
}
