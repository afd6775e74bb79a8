//! PURE: an answer and what was expected of it → every expectation that was not met.
//!
//! Secrets that the user gave stand as `***` in what was expected; what was found may still hold
//! some and is scrubbed by whoever makes it a fact. Secrets that the service gave (cookie values, a
//! redirect's other parameters) are not quoted at all.

mod bounds;
mod certificate;
mod cookies;
mod cors;
mod https;
mod json;
mod lifetime;
pub(super) mod origin;
mod redirect;
mod schema;
mod security;
mod text;

use reqwest::StatusCode;
use reqwest::header::SET_COOKIE;

use super::answer::SmokeResponse;
use super::form::{Expect, HttpsRedirect, StatusPattern, TextCondition};
use super::result::Mismatch;
use crate::duration::Human;
use crate::template::Values;

/// What is expected of a status when the test does not say.
const SUCCESS: [StatusPattern; 1] = [StatusPattern::Class(2)];
/// The same, where a redirect is expected.
const REDIRECTION: [StatusPattern; 1] = [StatusPattern::Class(3)];
/// The same, where http leads to https: browsers remember these, and need not come unencrypted
/// again.
const MOVED_FOR_GOOD: [StatusPattern; 2] =
    [StatusPattern::Exactly(301), StatusPattern::Exactly(308)];

pub(super) fn judge(expect: &Expect, answer: &SmokeResponse, values: &Values) -> Vec<Mismatch> {
    let mut failures: Vec<Mismatch> = status(expect, answer.status).into_iter().collect();
    failures.extend(latency(expect, answer));
    failures.extend(
        expect
            .certificate
            .iter()
            .filter_map(|expected| certificate::judge(expected, answer)),
    );
    failures.extend(
        expect
            .cors
            .iter()
            .flat_map(|asked| cors::judge(asked, &answer.headers, values)),
    );
    failures.extend(https::judge(expect.https, answer));
    failures.extend(headers(expect, answer, values));
    failures.extend(security::judge(&expect.security_headers, answer));
    failures.extend(
        expect
            .redirect
            .iter()
            .flat_map(|expected| redirect::judge(expected, answer, values)),
    );
    failures.extend(cookies::judge(&expect.cookies, answer, values));
    failures.extend(body(&expect.body, answer, values));
    failures.extend(
        json::judge(expect, answer, values)
            .into_iter()
            .map(|failure| unquoted(failure, answer)),
    );
    failures
}

/// What stands in a body of another origin is not ours to show.
fn unquoted(failure: Mismatch, answer: &SmokeResponse) -> Mismatch {
    if !answer.foreign {
        return failure;
    }
    // Where a schema is not met is said in keys of the answer.
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

fn latency(expect: &Expect, answer: &SmokeResponse) -> Option<Mismatch> {
    let met = bounds::holds(&expect.latency, &answer.elapsed);
    (!met).then(|| {
        Mismatch::new(
            "latency",
            bounds::durations(&expect.latency),
            Human(answer.elapsed).to_string(),
        )
    })
}

pub(super) fn status(expect: &Expect, found: StatusCode) -> Option<Mismatch> {
    let usual: &[StatusPattern] = match (expect.https, &expect.redirect) {
        (HttpsRedirect::Expected, _) => &MOVED_FOR_GOOD,
        (HttpsRedirect::NotExpected, Some(_)) => &REDIRECTION,
        (HttpsRedirect::NotExpected, None) => &SUCCESS,
    };
    let expected = if expect.status.is_empty() {
        usual
    } else {
        &expect.status
    };
    let wanted = || {
        expected
            .iter()
            .map(|pattern| pattern.words())
            .collect::<Vec<_>>()
            .join(" or ")
    };
    let met = expected
        .iter()
        .any(|pattern| pattern.is_met_by(found.as_u16()));
    (!met).then(|| Mismatch::new("status", wanted(), found.to_string()))
}

impl StatusPattern {
    pub(crate) fn is_met_by(self, code: u16) -> bool {
        match self {
            Self::Exactly(expected) => expected == code,
            Self::Class(class) => code / 100 == class,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Exactly(code) => code.to_string(),
            Self::Class(class) => format!("{class}xx"),
        }
    }
}

fn headers(expect: &Expect, answer: &SmokeResponse, values: &Values) -> Vec<Mismatch> {
    let judged = expect.headers.iter().flat_map(|(name, conditions)| {
        let found: Vec<_> = answer
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
        let mut failures = text::judge(&format!("header {name}"), conditions, &found, values);
        if name == SET_COOKIE {
            // Its value is the service's secret.
            for failure in &mut failures {
                failure.found = "other cookies".into();
            }
        }
        failures
    });
    judged.collect()
}

fn body(conditions: &[TextCondition], answer: &SmokeResponse, values: &Values) -> Vec<Mismatch> {
    if conditions.is_empty() {
        return Vec::new();
    }
    let mut failures = text::judge("body", conditions, &[&answer.text()], values);
    for failure in &mut failures {
        // The excerpt of the result shows it.
        failure.found = "other text".into();
    }
    failures
}

#[cfg(test)]
mod tests;
