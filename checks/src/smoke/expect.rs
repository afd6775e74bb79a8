//! PURE: an answer and what was expected of it → every expectation that was not met.
//!
//! The user's secrets are `***` in what was expected; what was found may still contain some, and is
//! masked when it is reported. Secrets that the service gave (cookie values, a redirect's other
//! parameters) are not quoted at all.

mod bounds;
mod certificate;
mod cookies;
pub(super) mod json;
mod lifetime;
pub(super) mod origin;
mod redirect;
mod schema;
mod security;
mod status;
pub(super) mod text;
mod version;

use reqwest::StatusCode;
use reqwest::header::SET_COOKIE;

use super::answer::SmokeResponse;
use super::form::SmokeTest;
use super::json_schema::JsonSchema;
use super::preset::SmokePreset;
use super::result::Mismatch;
use crate::document_form;
use crate::duration::HumanDuration;
use crate::form::{ConditionList, Named, OneOrMore, WrittenDuration};
use crate::template::Values;
use bounds::LatencyExpectation;
use certificate::CertificateExpectation;
use cookies::CookieExpectation;
pub(crate) use json::{JsonExpectation, evaluate_document};
use origin::ExpectedOrigin;
use redirect::RedirectExpectation;
use security::SecurityHeaders;
pub(crate) use status::{StatusPattern, Statuses};
use text::{BodyCondition, HeaderExpectation, TextCondition};
use version::VersionExpectation;

document_form! {
    #[derive(Default)]
    pub(super) struct Expect {
        /// A status, a class such as 2xx, or a list.
        status: Option<Statuses>,
        /// How long the whole answer may take.
        latency: Option<LatencyExpectation>,
        /// The deployed version is what answers.
        version: Option<VersionExpectation>,
        /// `JSONPath` (RFC 9535) to a value or conditions.
        json: Option<Named<JsonExpectation>>,
        /// A JSON Schema that the body meets.
        json_schema: Option<JsonSchema>,
        /// A header's value or conditions.
        headers: Option<Named<HeaderExpectation>>,
        /// The headers that protect a page in browsers.
        security_headers: Option<SecurityHeaders>,
        /// Where the answer points to.
        redirect: Option<RedirectExpectation>,
        /// The attributes of cookies that are set.
        cookies: Option<Named<CookieExpectation>>,
        /// Conditions on the body as text.
        body: Option<ConditionList<BodyCondition>>,
        /// The certificate that the answer came with.
        certificate: Option<CertificateExpectation>,
        /// Where the answer may come from after redirects, when not from the origin that was asked.
        origin: Option<OneOrMore<ExpectedOrigin>>,
    }
}

/// The expected status if the test does not set one.
const SUCCESS: [StatusPattern; 1] = [StatusPattern::Class(2)];
/// The same, where a redirect is expected.
const REDIRECTION: [StatusPattern; 1] = [StatusPattern::Class(3)];
/// The same, where http leads to https: browsers remember these, and then start with https.
const PERMANENT_REDIRECT: [StatusPattern; 2] =
    [StatusPattern::Exactly(301), StatusPattern::Exactly(308)];

pub(super) fn evaluate(test: &SmokeTest, answer: &SmokeResponse, values: &Values) -> Vec<Mismatch> {
    let expect = &test.expect;
    let mut failures: Vec<Mismatch> = evaluate_status(test, answer.status).into_iter().collect();
    failures.extend(evaluate_latency(expect, answer));
    let certificate = expect.certificate.iter();
    failures.extend(certificate.filter_map(|expected| certificate::evaluate(expected, answer)));
    if let Some(preset) = &test.preset {
        failures.extend(preset.evaluate(answer, values));
    }
    failures.extend(evaluate_headers(expect, answer, values));
    if let Some(wanted) = &expect.security_headers {
        failures.extend(security::evaluate(wanted, answer));
    }
    if let Some(expected) = &expect.redirect {
        failures.extend(redirect::evaluate(expected, answer, values));
    }
    if let Some(expected) = &expect.cookies {
        failures.extend(cookies::evaluate(expected, answer, values));
    }
    failures.extend(evaluate_body(expect, answer, values));
    let json = json::evaluate(expect, answer, values).into_iter();
    failures.extend(json.map(|failure| hide_cross_origin(failure, answer)));
    failures
}

/// Hides what was found if the body is of another origin.
fn hide_cross_origin(failure: Mismatch, answer: &SmokeResponse) -> Mismatch {
    if !answer.is_cross_origin {
        return failure;
    }
    // The path of a violation consists of keys of the answer.
    let what = if failure.what.starts_with("json-schema") {
        "json-schema".into()
    } else {
        failure.what
    };
    Mismatch {
        what,
        found: "something else (not shown: it is of another origin)".into(),
        ..failure
    }
}

fn evaluate_latency(expect: &Expect, answer: &SmokeResponse) -> Option<Mismatch> {
    let limits = expect.latency.as_ref()?.limits();
    let met = bounds::are_met_by(&limits, &WrittenDuration(answer.elapsed));
    (!met).then(|| {
        Mismatch::new(
            "latency",
            bounds::format_durations(&limits),
            HumanDuration(answer.elapsed).to_string(),
        )
    })
}

pub(super) fn evaluate_status(test: &SmokeTest, found: StatusCode) -> Option<Mismatch> {
    let default_patterns: &[StatusPattern] = match (&test.preset, &test.expect.redirect) {
        (Some(SmokePreset::HttpsRedirect), _) => &PERMANENT_REDIRECT,
        (Some(SmokePreset::Cors(_)) | None, Some(_)) => &REDIRECTION,
        (Some(SmokePreset::Cors(_)) | None, None) => &SUCCESS,
    };
    let expected = test.expect.status.as_ref();
    let expected = expected.map_or(default_patterns, |statuses| statuses);
    let wanted = || {
        let words: Vec<String> = expected.iter().map(|pattern| pattern.describe()).collect();
        words.join(" or ")
    };
    let met = expected
        .iter()
        .any(|pattern| pattern.is_met_by(found.as_u16()));
    (!met).then(|| Mismatch::new("status", wanted(), found.to_string()))
}

fn evaluate_headers(expect: &Expect, answer: &SmokeResponse, values: &Values) -> Vec<Mismatch> {
    let expected = expect.headers.iter().flat_map(|headers| headers.iter());
    let mismatches = expected.flat_map(|HeaderExpectation { name, expected }| {
        let found: Vec<_> = answer
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
        let mut failures = text::evaluate(
            &format!("header {name}"),
            &expected.conditions(),
            &found,
            values,
        );
        if *name == SET_COOKIE {
            // Its value is the service's secret.
            for failure in &mut failures {
                failure.found = "other cookies".into();
            }
        }
        failures
    });
    mismatches.collect()
}

fn evaluate_body(expect: &Expect, answer: &SmokeResponse, values: &Values) -> Vec<Mismatch> {
    let Some(conditions) = &expect.body else {
        return Vec::new();
    };
    let conditions: Vec<TextCondition> = conditions
        .iter()
        .map(BodyCondition::to_text_condition)
        .collect();
    let mut failures = text::evaluate("body", &conditions, &[&answer.text()], values);
    for failure in &mut failures {
        // The excerpt of the result shows it.
        failure.found = "other text".into();
    }
    failures
}

#[cfg(test)]
mod tests;
