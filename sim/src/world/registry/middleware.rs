//! Middleware of both registry hosts: records every request and applies planned faults. It knows no
//! operations.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use serde_json::json;

use super::bodies::{BodyFault, alter_body, count_bytes};
use super::fault::{RegistryFaultKind, RegistryFaultPlan, RegistryRefusal};
use super::ledger::{RegistryHost, RequestLog};
use crate::world::http::{Body, close_connection, closes_connection, full_body, text_response};

/// The digest of nothing that anybody pushes.
const ANOTHER_DIGEST: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Request log and planned faults, shared by the registry and the host of its downloads.
#[derive(Debug, Default)]
pub(super) struct Middleware {
    pub(super) ledger: RequestLog,
    pub(super) faults: RegistryFaultPlan,
}

/// Either an answer instead of the registry's, or the request that it gets.
enum RequestStep {
    Answered(Response<Body>),
    Forward(Request<Body>),
}

impl Middleware {
    /// Has a request answered by `inner`, unless its fault has it otherwise.
    pub(super) async fn handle<F>(
        &self,
        host: RegistryHost,
        request: Request<Incoming>,
        inner: impl FnOnce(Request<Body>) -> F,
    ) -> Response<Body>
    where
        F: Future<Output = Response<Body>>,
    {
        let line = self.ledger.add(host, &request);
        let address = request
            .uri()
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default();
        let fault = self.faults.next_fault(request.method().as_str(), &address);
        let request = request
            .map(|body| count_bytes(body.map_err(Into::into).boxed(), Arc::clone(&line.received)));
        let response = match apply_request_fault(fault.as_ref(), request, &address).await {
            RequestStep::Answered(response) => response,
            RequestStep::Forward(request) => {
                apply_response_fault(fault, inner(request).await).await
            }
        };
        if !closes_connection(&response) {
            line.set_status(response.status());
        }
        response.map(|body| count_bytes(body, Arc::clone(&line.sent)))
    }
}

async fn apply_request_fault(
    fault: Option<&RegistryFaultKind>,
    request: Request<Body>,
    address: &str,
) -> RequestStep {
    use RegistryFaultKind as Kind;
    match fault {
        Some(Kind::CutsUpload(after)) => {
            discard_body(request.into_body(), *after).await;
            RequestStep::Answered(close_connection())
        }
        Some(Kind::Stalls) => std::future::pending().await,
        Some(Kind::Refuses(refusal)) => {
            // A client that is still sending would find the connection closed, and perhaps no
            // answer.
            discard_body(request.into_body(), u64::MAX).await;
            RequestStep::Answered(error_response(refusal))
        }
        Some(Kind::RedirectsToItself) => RequestStep::Answered(redirect(address)),
        Some(Kind::RedirectsTo(target)) => RequestStep::Answered(redirect(target)),
        Some(Kind::TakesSlowly(per_second)) => {
            RequestStep::Forward(request.map(|body| alter_body(body, BodyFault::Slow(*per_second))))
        }
        Some(
            Kind::CutsAnswer(_)
            | Kind::LandsThenCuts
            | Kind::GivesSlowly(_)
            | Kind::StallsAfter(_)
            | Kind::WrongDigest
            | Kind::WrongBytes
            | Kind::WrongLength(_)
            | Kind::Endless,
        )
        | None => RequestStep::Forward(request),
    }
}

async fn apply_response_fault(
    fault: Option<RegistryFaultKind>,
    response: Response<Body>,
) -> Response<Body> {
    use RegistryFaultKind as Kind;
    match fault {
        Some(Kind::LandsThenCuts) => close_connection(),
        Some(Kind::CutsAnswer(after)) => {
            response.map(|body| alter_body(body, BodyFault::Cut(after)))
        }
        Some(Kind::GivesSlowly(per_second)) => {
            response.map(|body| alter_body(body, BodyFault::Slow(per_second)))
        }
        Some(Kind::StallsAfter(after)) => {
            response.map(|body| alter_body(body, BodyFault::Stalled(after)))
        }
        Some(Kind::WrongDigest) => corrupt_digest(response),
        Some(Kind::WrongBytes) => corrupt_last_byte(response).await,
        Some(Kind::WrongLength(by)) => corrupt_length(response, by),
        Some(Kind::Endless) => make_endless(response),
        Some(
            Kind::CutsUpload(_)
            | Kind::Refuses(_)
            | Kind::TakesSlowly(_)
            | Kind::Stalls
            | Kind::RedirectsToItself
            | Kind::RedirectsTo(_),
        )
        | None => response,
    }
}

/// Takes the first bytes of a body, and forgets them.
async fn discard_body(mut body: Body, at_most: u64) {
    let mut taken = 0;
    while taken < at_most {
        let Some(Ok(frame)) = body.frame().await else {
            return;
        };
        taken += frame.data_ref().map_or(0, Bytes::len) as u64;
    }
}

fn error_response(refusal: &RegistryRefusal) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body =
        json!({ "errors": [{ "code": refusal.code, "message": refusal.message }] }).to_string();
    let mut response = text_response(
        status,
        if refusal.code.is_empty() {
            String::new()
        } else {
            body
        },
    );
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

pub(super) fn redirect(to: &str) -> Response<Body> {
    let mut response = text_response(StatusCode::TEMPORARY_REDIRECT, "");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

fn corrupt_digest(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(
        "docker-content-digest",
        HeaderValue::from_static(ANOTHER_DIGEST),
    );
    response
}

async fn corrupt_last_byte(response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let mut bytes = body
        .collect()
        .await
        .map(|whole| whole.to_bytes().to_vec())
        .unwrap_or_default();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Response::from_parts(head, full_body(bytes))
}

fn corrupt_length(response: Response<Body>, by: i64) -> Response<Body> {
    use hyper::body::Body as _;
    let length = response.body().size_hint().exact().unwrap_or_default();
    let mut response = response.map(|body| alter_body(body, BodyFault::Unmeasured));
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, length.saturating_add_signed(by).into());
    response
}

fn make_endless(response: Response<Body>) -> Response<Body> {
    let mut response = response.map(|body| alter_body(body, BodyFault::Endless));
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}
