//! Expectations beyond the texts and numbers of an answer: durations, security headers, the
//! certificate.

use std::time::Duration;

use super::Comparison;

/// A duration's bounds: all of them hold.
pub(in crate::smoke) type Durations = Vec<(Comparison, Duration)>;

/// The bounds of a count: all of them hold.
pub(in crate::smoke) type CountConditions = Vec<(Comparison, i64)>;

/// One of the headers that protect a page in its readers' browsers.
#[derive(Debug, Clone)]
pub(in crate::smoke) enum SecurityHeader {
    /// `Strict-Transport-Security` with a `max-age` like this; over https only, because browsers
    /// ignore it elsewhere.
    TransportSecurity(Durations),
    /// `Content-Security-Policy`.
    ContentPolicy(Inline),
    /// `X-Frame-Options`, or `frame-ancestors` of the policy.
    Framing,
    /// `X-Content-Type-Options: nosniff`.
    NoSniff,
}

/// Whether a policy may say `'unsafe-inline'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::smoke) enum Inline {
    Refused,
    Allowed,
}

/// What is expected of the certificate that the connection was made with. It is trusted, or there
/// would be no answer.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct CertificateExpectation {
    pub(in crate::smoke) days_left: CountConditions,
}
