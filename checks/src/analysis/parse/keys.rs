//! The keys of the form, one table for each kind of mapping: the reader's, and what the JSON Schema
//! is held against.

pub(in crate::analysis) const ANALYSIS_KEYS: &[&str] = &[
    "defaults",
    "providers",
    "presets",
    "metrics",
    "logs",
    "on-inconclusive",
];
pub(in crate::analysis) const RUN_KEYS: &[&str] = &[
    "on",
    "interval",
    "initial-delay",
    "count",
    "period",
    "delay",
    "window",
    "failure-limit",
    "inconclusive-limit",
    "consecutive-error-limit",
    "consecutive-success-limit",
    "dry-run",
    "critical",
    "no-data",
    "min-request-volume",
    "on-inconclusive",
];
pub(in crate::analysis) const PRESET_KEYS: &[&str] = &["preset", "name"];
pub(in crate::analysis) const METRIC_KEYS: &[&str] = &[
    "name",
    "cloudwatch",
    "prometheus",
    "datadog",
    "http",
    "errors",
    "requests",
    "volume",
    "reduce",
    "success",
    "success-condition",
    "failure-condition",
    "threshold-range",
    "compare",
];
pub(in crate::analysis) const LOG_KEYS: &[&str] = &[
    "name",
    "pattern",
    "groups",
    "at-most",
    "compare",
    "allowed-increase",
    "alpha",
];
pub(in crate::analysis) const SOURCE_KEYS: &[&str] =
    &["cloudwatch", "prometheus", "datadog", "http"];
pub(in crate::analysis) const CLOUDWATCH_KEYS: &[&str] = &[
    "namespace",
    "metric",
    "stat",
    "dimensions",
    "metrics",
    "expression",
];
pub(in crate::analysis) const CLOUDWATCH_METRIC_KEYS: &[&str] =
    &["namespace", "metric", "stat", "dimensions"];
pub(in crate::analysis) const QUERY_KEYS: &[&str] = &["provider", "query"];
pub(in crate::analysis) const HTTP_KEYS: &[&str] = &["url", "path", "headers", "body"];
pub(in crate::analysis) const PROVIDER_KEYS: &[&str] = &[
    "prometheus",
    "headers",
    "sigv4",
    "datadog",
    "api-key",
    "application-key",
];
pub(in crate::analysis) const RANGE_KEYS: &[&str] = &["min", "max"];
pub(in crate::analysis) const COMPARE_KEYS: &[&str] =
    &["to", "direction", "test", "allowed-increase", "alpha"];
