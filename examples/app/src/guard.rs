//! What browsers are told: security headers on every answer, and who else may read them (CORS).
//! There is one origin: the public URL. Pure.

use hyper::StatusCode;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::answer::{self, Answer};

const HEADERS: [(HeaderName, &str); 5] = [
    (
        STRICT_TRANSPORT_SECURITY,
        "max-age=31536000; includeSubDomains",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
];

/// The answer with everything that browsers are told.
pub(crate) fn guarded(answer: Answer, asked: &HeaderMap, public_url: &str) -> Answer {
    let answer = HEADERS.into_iter().fold(answer, |answer, (name, value)| {
        answer::with(answer, name, value)
    });
    let answer = answer::with(answer, VARY, "Origin");
    if is_ours(asked, public_url) {
        let answer = answer::with(answer, ACCESS_CONTROL_ALLOW_ORIGIN, public_url);
        return answer::with(answer, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    answer
}

/// The answer to a browser that asks before it asks; none for any other request.
pub(crate) fn preflight(asked: &HeaderMap, public_url: &str) -> Option<Answer> {
    if !asked.contains_key(ORIGIN) || !asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    if !is_ours(asked, public_url) {
        return Some(answer::empty(StatusCode::FORBIDDEN));
    }
    let answer = answer::with(
        answer::empty(StatusCode::NO_CONTENT),
        ACCESS_CONTROL_ALLOW_METHODS,
        "GET, POST, DELETE",
    );
    let answer = answer::with(
        answer,
        ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, content-type",
    );
    Some(answer::with(answer, ACCESS_CONTROL_MAX_AGE, "600"))
}

fn is_ours(asked: &HeaderMap, public_url: &str) -> bool {
    asked
        .get(ORIGIN)
        .is_some_and(|origin| origin.as_bytes() == public_url.as_bytes())
}
