//! The parts of the schema about what an answer must be, beyond status, texts and JSON values.

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::Span;

/// A duration: the longest it may take. Or bounds.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Latency {
    AtMost(Span),
    Bounds(DurationBounds),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub(super) struct DurationBounds {
    gt: Option<Span>,
    ge: Option<Span>,
    lt: Option<Span>,
    le: Option<Span>,
}

/// A whole number, or bounds.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Count {
    Number(u32),
    Bounds(CountBounds),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub(super) struct CountBounds {
    gt: Option<u32>,
    ge: Option<u32>,
    lt: Option<u32>,
    le: Option<u32>,
}

/// Where the deployed version is to be seen; `true`: in `$.version`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Version {
    Usual(bool),
    Own(VersionPlace),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct VersionPlace {
    /// A `JSONPath` (RFC 9535).
    json: Option<String>,
    /// The name of a header.
    header: Option<String>,
}

/// A JSON Schema, or the path of a file with one.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum BodySchema {
    Path(String),
    Always(bool),
    Inline(Map<String, Value>),
}

/// All of them as OWASP asks (`true`), those that are listed, or what is different.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum SecurityHeaders {
    All(bool),
    Listed(Vec<SecurityHeader>),
    Changed(ChangedSecurityHeaders),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub(super) enum SecurityHeader {
    StrictTransportSecurity,
    ContentSecurityPolicy,
    XFrameOptions,
    XContentTypeOptions,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ChangedSecurityHeaders {
    /// At least a year when absent.
    strict_transport_security: Option<TransportSecurityChange>,
    /// A policy without `'unsafe-inline'` when absent.
    content_security_policy: Option<ContentPolicyChange>,
    /// DENY or SAMEORIGIN, or `frame-ancestors` in the policy.
    x_frame_options: Option<bool>,
    /// nosniff.
    x_content_type_options: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum TransportSecurityChange {
    Wanted(bool),
    Changed(TransportSecurity),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TransportSecurity {
    max_age: Option<DurationBounds>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum ContentPolicyChange {
    Wanted(bool),
    Changed(ContentPolicy),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ContentPolicy {
    /// Whether the policy may have `'unsafe-inline'`.
    unsafe_inline: Option<bool>,
}

/// The certificate that the answer came with; it is trusted in any case.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Certificate {
    /// Whole days until it expires; a plain number is the least.
    days_left: Count,
}
