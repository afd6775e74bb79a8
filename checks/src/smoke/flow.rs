//! Flows: tests that run as one, their order, and the values that a test captures for later tests.

use std::collections::BTreeSet;
use std::ops::Range;

use reqwest::header::HeaderName;
use serde_json::Value;

use crate::moment::Moment;
use crate::template::{Pattern, Secrecy};

use super::expect::json::WrittenPath;

/// A test by itself, or the steps of a `flow`: one after the other. Flows run in parallel, unless
/// one waits for another.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    /// The indices of its steps in the suite's tests; never empty.
    pub(super) steps: Range<usize>,
    pub(super) on: Vec<Moment>,
    /// The flows that end before this one begins: each comes before it in the suite, so there are
    /// no cycles.
    pub(super) after: BTreeSet<usize>,
    pub(super) cookies: CookiePolicy,
    /// Its combination of the matrix, if it has one.
    pub(super) matrix: Vec<MatrixCell>,
}

/// One value of a matrix.
#[derive(Debug, Clone)]
pub(super) struct MatrixCell {
    /// Its name in `${…}`: `matrix.locale`.
    pub(super) name: String,
    /// As written.
    pub(super) text: String,
    pub(super) json: Value,
}

/// What happens to the cookies that a step receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CookiePolicy {
    /// Later steps send them.
    Keep,
    Forget,
}

/// When a step of a flow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunCondition {
    /// When every step before it has passed.
    InOrder,
    /// `always`: also after a failure, to clean up.
    Always,
}

/// A value that is taken from an answer, by name.
#[derive(Debug, Clone)]
pub(super) struct Capture {
    pub(super) name: String,
    pub(super) source: CaptureSource,
    pub(super) secrecy: Secrecy,
}

/// Which part of an answer a value is captured from.
#[derive(Debug, Clone)]
pub(super) enum CaptureSource {
    /// The one node that the path selects.
    Json(WrittenPath),
    Header(HeaderName),
    /// A parameter of the URL that the answer points to.
    Redirect(String),
    Cookie(String),
    /// The first group of the expression, or all it matches when it has none, in the body.
    Matches(Pattern),
    Status,
    /// The URL of the answer, after redirects.
    Url,
}
