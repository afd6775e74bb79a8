//! The shapes of this service's answers.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde_json::Value;

pub(crate) type Answer = Response<Full<Bytes>>;

/// No body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

/// A JSON document.
pub(crate) fn json(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::from(body.to_string()));
    *answer.status_mut() = status;
    with(answer, CONTENT_TYPE, "application/json")
}

/// A sentence.
pub(crate) fn text(body: String) -> Answer {
    with(
        Response::new(Full::from(body)),
        CONTENT_TYPE,
        "text/plain; charset=utf-8",
    )
}

/// Another address, for now.
pub(crate) fn found(location: &str) -> Answer {
    with(empty(StatusCode::FOUND), LOCATION, location)
}

/// Another address, for ever.
pub(crate) fn moved(location: &str) -> Answer {
    with(empty(StatusCode::MOVED_PERMANENTLY), LOCATION, location)
}

/// The answer with one more header; a value that cannot be one is left out.
pub(crate) fn with(mut answer: Answer, name: HeaderName, value: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}
