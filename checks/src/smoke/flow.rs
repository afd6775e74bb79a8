//! What runs as one, in which order, and what a test takes from its answer for the tests that come
//! after it.

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
    /// Where its steps stand among the suite's tests; never empty.
    pub(super) steps: Range<usize>,
    pub(super) on: Vec<Moment>,
    /// The flows that end before this one begins: each stands before it in the suite, so none waits
    /// for itself.
    pub(super) after: BTreeSet<usize>,
    pub(super) cookies: CookiePolicy,
    /// Its combination of the matrix, if it has one.
    pub(super) matrix: Vec<MatrixCell>,
}

/// One value of a matrix.
#[derive(Debug, Clone)]
pub(super) struct MatrixCell {
    /// As it stands in `${…}`: `matrix.locale`.
    pub(super) name: String,
    /// As it is spelled.
    pub(super) text: String,
    pub(super) json: Value,
}

/// What becomes of the cookies that a step is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CookiePolicy {
    /// The steps after it send them.
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

/// Where a captured value stands in an answer.
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
    /// What was asked for in the end, after redirects.
    Url,
}
