//! The keys of the form, one table for each kind of mapping: the reader's, and what the JSON Schema is held against.

pub(in crate::smoke) const SUITE_KEYS: &[&str] = &["defaults", "variables", "tests", "warm-up", "load"];
pub(in crate::smoke) const DEFAULTS_KEYS: &[&str] = &["timeout", "retry"];
pub(in crate::smoke) const RETRY_KEYS: &[&str] = &["for", "every"];
pub(in crate::smoke) const TEST_KEYS: &[&str] = &[
    "name", "get", "post", "put", "delete", "head", "patch", "request", "headers", "json", "body", "form", "follow", "on", "timeout",
    "retry", "expect", "capture", "matrix", "after", "always",
];
pub(in crate::smoke) const FLOW_KEYS: &[&str] = &["name", "flow", "on", "timeout", "retry", "cookies", "matrix", "after"];
pub(in crate::smoke) const CAPTURE_KEYS: &[&str] = &["json", "header", "redirect", "cookie", "matches", "secret"];
/// Of which a capture names one.
pub(in crate::smoke) const CAPTURE_SOURCES: &[&str] = &["json", "header", "redirect", "cookie", "matches"];
pub(in crate::smoke) const EXPECT_KEYS: &[&str] = &["status", "json", "headers", "redirect", "cookies", "body"];
pub(in crate::smoke) const JSON_KEYS: &[&str] = &["eq", "ne", "gt", "ge", "lt", "le", "matches", "contains", "exists", "type"];
pub(in crate::smoke) const TEXT_KEYS: &[&str] = &["equals", "contains", "matches", "exists", "absent"];
pub(in crate::smoke) const REDIRECT_KEYS: &[&str] = &["to", "query"];
pub(in crate::smoke) const COOKIE_KEYS: &[&str] = &["http-only", "secure", "same-site", "path", "domain"];
pub(in crate::smoke) const BODY_KEYS: &[&str] = &["contains", "matches"];
pub(in crate::smoke) const WARM_UP_KEYS: &[&str] = &["path", "headers", "count", "concurrency", "for", "timeout"];
pub(in crate::smoke) const LOAD_KEYS: &[&str] = &[
    "name",
    "path",
    "method",
    "headers",
    "json",
    "body",
    "form",
    "concurrency",
    "rate",
    "for",
    "timeout",
    "p50",
    "p90",
    "p95",
    "p99",
    "max",
    "error-rate",
    "expect-status",
    "on",
];
