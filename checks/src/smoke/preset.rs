//! `cors` and `https-redirect`: they turn a test's request into another one, and expect what must
//! come back.

mod cors;
mod https_redirect;

use super::answer::SmokeResponse;
use super::result::Mismatch;
use crate::template::Values;
use cors::Cors;
pub(super) use cors::CorsForm;
pub(super) use https_redirect::HttpsRedirectForm;

/// What a test's request was turned into.
#[derive(Debug, Clone)]
pub(super) enum SmokePreset {
    /// The preflight that a browser sends.
    Cors(Cors),
    /// The same over http.
    HttpsRedirect,
}

impl SmokePreset {
    /// What of the answer is not as it must be.
    pub(super) fn evaluate(&self, answer: &SmokeResponse, values: &Values) -> Vec<Mismatch> {
        match self {
            Self::Cors(preflight) => cors::evaluate(preflight, &answer.headers, values),
            Self::HttpsRedirect => https_redirect::evaluate(answer).into_iter().collect(),
        }
    }
}
