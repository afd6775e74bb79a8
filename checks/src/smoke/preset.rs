//! `cors` and `https-redirect`: they replace a test's request by another one, and evaluate its
//! answer.

mod cors;
mod https_redirect;

use super::answer::SmokeResponse;
use super::result::Mismatch;
use crate::template::Values;
use cors::Cors;
pub(super) use cors::CorsForm;
pub(super) use https_redirect::HttpsRedirectForm;

#[derive(Debug, Clone)]
pub(super) enum SmokePreset {
    /// The preflight that a browser sends.
    Cors(Cors),
    /// The same over http.
    HttpsRedirect,
}

impl SmokePreset {
    /// The mismatches of the answer.
    pub(super) fn evaluate(&self, answer: &SmokeResponse, values: &Values) -> Vec<Mismatch> {
        match self {
            Self::Cors(preflight) => cors::evaluate(preflight, &answer.headers, values),
            Self::HttpsRedirect => https_redirect::evaluate(answer).into_iter().collect(),
        }
    }
}
