//! The last answer of one attempt, as far as it was read.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION};
use time::OffsetDateTime;
use url::Url;

#[derive(Debug)]
pub(super) struct SmokeResponse {
    /// The URL of the answer, after redirects that were followed.
    pub(super) url: Url,
    /// Whether it comes from another origin than the one that the test asked.
    pub(super) is_cross_origin: bool,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: ResponseBody,
    /// From the first request to the end of the body.
    pub(super) elapsed: Duration,
    /// When its end arrived, by our clock.
    pub(super) at: OffsetDateTime,
    /// The certificate that the connection was made with, in DER; none without TLS.
    pub(super) certificate: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct ResponseBody {
    pub(super) bytes: Vec<u8>,
    pub(super) extent: BodyExtent,
}

/// How much of a body was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyExtent {
    Complete,
    /// The body is longer than the bytes that were kept.
    Truncated,
}

impl SmokeResponse {
    /// The `Location` header as an absolute URL.
    pub(super) fn location(&self) -> Option<Url> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        self.url.join(location).ok()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body.bytes).into_owned()
    }
}

/// Seconds since 1970 for people: `2026-11-21 10:00 UTC`.
pub(super) fn format_utc(seconds: i64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else {
        return format!("{seconds} s after 1970");
    };
    format!(
        "{} {:02}:{:02} UTC",
        time.date(),
        time.hour(),
        time.minute()
    )
}
