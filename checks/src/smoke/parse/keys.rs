//! The keys of the form, one table for each kind of mapping: the reader's, and what the JSON Schema
//! is held against.

pub(in crate::smoke) const SUITE_KEYS: &[&str] = &[
    "secrets",
    "defaults",
    "variables",
    "tests",
    "testers",
    "warm-up",
    "load",
    "bake-interval",
];
pub(in crate::smoke) const SECRET_KEYS: &[&str] = &["secret", "key"];
pub(in crate::smoke) const DEFAULTS_KEYS: &[&str] = &[
    "timeout",
    "connect-timeout",
    "retry",
    "http",
    "tls",
    "test-header",
];
pub(in crate::smoke) const RETRY_KEYS: &[&str] = &["for", "every"];
pub(in crate::smoke) const TLS_KEYS: &[&str] = &["server-name", "ca"];
pub(in crate::smoke) const TEST_HEADER_KEYS: &[&str] = &["name", "value"];
pub(in crate::smoke) const TEST_KEYS: &[&str] = &[
    "name",
    "get",
    "post",
    "put",
    "delete",
    "head",
    "patch",
    "request",
    "query",
    "headers",
    "auth",
    "json",
    "body",
    "form",
    "file",
    "cors",
    "https-redirect",
    "follow",
    "on",
    "timeout",
    "connect-timeout",
    "retry",
    "http",
    "tls",
    "expect",
    "capture",
    "matrix",
    "after",
    "always",
];
pub(in crate::smoke) const FLOW_KEYS: &[&str] = &[
    "name",
    "flow",
    "on",
    "timeout",
    "connect-timeout",
    "retry",
    "http",
    "tls",
    "cookies",
    "matrix",
    "after",
];
pub(in crate::smoke) const CAPTURE_KEYS: &[&str] =
    &["json", "header", "redirect", "cookie", "matches", "secret"];
/// Of which a capture names one.
pub(in crate::smoke) const CAPTURE_SOURCES: &[&str] =
    &["json", "header", "redirect", "cookie", "matches"];
pub(in crate::smoke) const AUTH_KEYS: &[&str] = &["bearer", "basic", "api-key"];
pub(in crate::smoke) const BASIC_KEYS: &[&str] = &["user", "password"];
pub(in crate::smoke) const API_KEY_KEYS: &[&str] = &["header", "value"];
pub(in crate::smoke) const CORS_KEYS: &[&str] = &["origin", "method", "headers", "credentials"];
pub(in crate::smoke) const HTTPS_REDIRECT_KEYS: &[&str] = &["port"];
pub(in crate::smoke) const EXPECT_KEYS: &[&str] = &[
    "status",
    "latency",
    "version",
    "json",
    "json-schema",
    "headers",
    "security-headers",
    "redirect",
    "cookies",
    "body",
    "certificate",
    "origin",
];
pub(in crate::smoke) const VERSION_KEYS: &[&str] = &["json", "header"];
pub(in crate::smoke) const JSON_KEYS: &[&str] = &[
    "eq", "ne", "gt", "ge", "lt", "le", "matches", "contains", "exists", "type", "length",
];
pub(in crate::smoke) const TEXT_KEYS: &[&str] =
    &["equals", "contains", "matches", "exists", "absent"];
pub(in crate::smoke) const BOUND_KEYS: &[&str] = &["gt", "ge", "lt", "le"];
pub(in crate::smoke) const SECURITY_KEYS: &[&str] = &[
    "strict-transport-security",
    "content-security-policy",
    "x-frame-options",
    "x-content-type-options",
];
pub(in crate::smoke) const TRANSPORT_SECURITY_KEYS: &[&str] = &["max-age"];
pub(in crate::smoke) const POLICY_KEYS: &[&str] = &["unsafe-inline"];
pub(in crate::smoke) const CERTIFICATE_KEYS: &[&str] = &["days-left"];
pub(in crate::smoke) const REDIRECT_KEYS: &[&str] = &["to", "query"];
pub(in crate::smoke) const COOKIE_KEYS: &[&str] = &[
    "http-only",
    "secure",
    "same-site",
    "path",
    "domain",
    "max-age",
    "session",
];
pub(in crate::smoke) const BODY_KEYS: &[&str] = &["contains", "matches"];
pub(in crate::smoke) const TESTER_KEYS: &[&str] = &[
    "name",
    "image",
    "command",
    "on",
    "where",
    "environment",
    "timeout",
    "junit",
    "working-directory",
    "writes",
    "memory",
    "processes",
    "network",
    "task-definition",
    "container",
];
pub(in crate::smoke) const WARM_UP_KEYS: &[&str] =
    &["path", "headers", "count", "concurrency", "for", "timeout"];
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
