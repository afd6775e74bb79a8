//! Tests that are a request and its expectations in one: a CORS preflight, and the redirect from
//! http to https.

use reqwest::Method;
use reqwest::header::HeaderName;

use crate::template::Template;

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestDestination {
    /// The side's URL.
    Side,
    /// The side's host, at this port, without TLS.
    PlainHttp(u16),
}

/// What a browser asks before it lets a page of `origin` send a request.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct Cors {
    pub(in crate::smoke) origin: Template,
    pub(in crate::smoke) method: Method,
    pub(in crate::smoke) headers: Vec<HeaderName>,
    pub(in crate::smoke) credentials: CorsCredentials,
}

/// Whether the page sends cookies (and may read the answer nevertheless).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::smoke) enum CorsCredentials {
    Sent,
    NotSent,
}
