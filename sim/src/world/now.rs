//! The time of day, for the times in logs and counts. Durations are measured with tokio's clock,
//! not with this one.

use time::OffsetDateTime;

/// Milliseconds since the epoch.
pub(crate) fn milliseconds() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
