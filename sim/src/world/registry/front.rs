//! What every request passes on its way in and out: it is written down, and meets its fault. No
//! operation is known here.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use serde_json::json;

use super::bodies::{Flow, counted, flowing};
use super::fault::{FaultPlan, RegistryFaultKind, RegistryRefusal};
use super::ledger::{Ledger, RegistryHost};
use crate::world::http::{Body, answer, full, hang_up, is_hung_up};

/// The digest of nothing that anybody pushes.
const ANOTHER_DIGEST: &str =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// What stands before a registry and the host of its downloads.
#[derive(Debug, Default)]
pub(super) struct Front {
    pub(super) ledger: Ledger,
    pub(super) faults: FaultPlan,
}

/// Either an answer instead of the registry's, or the request that it gets.
enum Passed {
    Answered(Response<Body>),
    On(Request<Body>),
}

impl Front {
    /// Has a request answered by `inner`, unless its fault has it otherwise.
    pub(super) async fn through<F>(
        &self,
        host: RegistryHost,
        request: Request<Incoming>,
        inner: impl FnOnce(Request<Body>) -> F,
    ) -> Response<Body>
    where
        F: Future<Output = Response<Body>>,
    {
        let line = self.ledger.begin(host, &request);
        let address = request
            .uri()
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default();
        let fault = self.faults.meet(request.method().as_str(), &address);
        let request = request
            .map(|body| counted(body.map_err(Into::into).boxed(), Arc::clone(&line.received)));
        let response = match on_the_way_in(fault.as_ref(), request, &address).await {
            Passed::Answered(response) => response,
            Passed::On(request) => on_the_way_out(fault, inner(request).await).await,
        };
        if !is_hung_up(&response) {
            line.answered(response.status());
        }
        response.map(|body| counted(body, Arc::clone(&line.sent)))
    }
}

async fn on_the_way_in(
    fault: Option<&RegistryFaultKind>,
    request: Request<Body>,
    address: &str,
) -> Passed {
    use RegistryFaultKind as Kind;
    match fault {
        Some(Kind::CutsUpload(after)) => {
            take(request.into_body(), *after).await;
            Passed::Answered(hang_up())
        }
        Some(Kind::Stalls) => std::future::pending().await,
        Some(Kind::Refuses(refusal)) => {
            // A client that is still sending would find the connection closed, and perhaps no
            // answer.
            take(request.into_body(), u64::MAX).await;
            Passed::Answered(refused(refusal))
        }
        Some(Kind::RedirectsToItself) => Passed::Answered(redirect(address)),
        Some(Kind::RedirectsTo(target)) => Passed::Answered(redirect(target)),
        Some(Kind::TakesSlowly(per_second)) => {
            Passed::On(request.map(|body| flowing(body, Flow::Slow(*per_second))))
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
        | None => Passed::On(request),
    }
}

async fn on_the_way_out(
    fault: Option<RegistryFaultKind>,
    response: Response<Body>,
) -> Response<Body> {
    use RegistryFaultKind as Kind;
    match fault {
        Some(Kind::LandsThenCuts) => hang_up(),
        Some(Kind::CutsAnswer(after)) => response.map(|body| flowing(body, Flow::Cut(after))),
        Some(Kind::GivesSlowly(per_second)) => {
            response.map(|body| flowing(body, Flow::Slow(per_second)))
        }
        Some(Kind::StallsAfter(after)) => response.map(|body| flowing(body, Flow::Stalled(after))),
        Some(Kind::WrongDigest) => with_another_digest(response),
        Some(Kind::WrongBytes) => with_another_byte(response).await,
        Some(Kind::WrongLength(by)) => with_another_length(response, by),
        Some(Kind::Endless) => without_an_end(response),
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
async fn take(mut body: Body, at_most: u64) {
    let mut taken = 0;
    while taken < at_most {
        let Some(Ok(frame)) = body.frame().await else {
            return;
        };
        taken += frame.data_ref().map_or(0, Bytes::len) as u64;
    }
}

fn refused(refusal: &RegistryRefusal) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body =
        json!({ "errors": [{ "code": refusal.code, "message": refusal.message }] }).to_string();
    let mut response = answer(
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
    let mut response = answer(StatusCode::TEMPORARY_REDIRECT, "");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

fn with_another_digest(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(
        "docker-content-digest",
        HeaderValue::from_static(ANOTHER_DIGEST),
    );
    response
}

async fn with_another_byte(response: Response<Body>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let mut bytes = body
        .collect()
        .await
        .map(|whole| whole.to_bytes().to_vec())
        .unwrap_or_default();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Response::from_parts(head, full(bytes))
}

fn with_another_length(response: Response<Body>, by: i64) -> Response<Body> {
    use hyper::body::Body as _;
    let length = response.body().size_hint().exact().unwrap_or_default();
    let mut response = response.map(|body| flowing(body, Flow::Unmeasured));
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, length.saturating_add_signed(by).into());
    response
}

fn without_an_end(response: Response<Body>) -> Response<Body> {
    let mut response = response.map(|body| flowing(body, Flow::Endless));
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}
