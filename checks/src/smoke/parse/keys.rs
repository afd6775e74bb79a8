//! The keys of the form, one table for each kind of mapping: the reader's, and what the JSON Schema is held against.

pub(in crate::smoke) const SUITE_KEYS: &[&str] = &["defaults", "tests", "testers"];
pub(in crate::smoke) const DEFAULTS_KEYS: &[&str] = &["timeout", "retry"];
pub(in crate::smoke) const RETRY_KEYS: &[&str] = &["for", "every"];
pub(in crate::smoke) const TEST_KEYS: &[&str] = &[
    "name", "get", "post", "put", "delete", "head", "patch", "request", "headers", "json", "body", "form", "follow", "on", "timeout",
    "retry", "expect",
];
pub(in crate::smoke) const EXPECT_KEYS: &[&str] = &["status", "json", "headers", "redirect", "cookies", "body"];
pub(in crate::smoke) const JSON_KEYS: &[&str] = &["eq", "ne", "gt", "ge", "lt", "le", "matches", "contains", "exists", "type"];
pub(in crate::smoke) const TEXT_KEYS: &[&str] = &["equals", "contains", "matches", "exists", "absent"];
pub(in crate::smoke) const REDIRECT_KEYS: &[&str] = &["to", "query"];
pub(in crate::smoke) const COOKIE_KEYS: &[&str] = &["http-only", "secure", "same-site", "path", "domain"];
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
    "network",
    "task-definition",
    "container",
];
