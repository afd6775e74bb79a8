//! One request through the proxy: from a listener to the target that the table names, with the
//! headers an ALB would add.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Request, Response, StatusCode, Uri, Version};
use tokio::time::Instant;

use super::Shared;
use super::measurements::AnsweredBy;
use super::table::Route;
use crate::world::http::{Body, BoxError, text_response};
use crate::world::now;

/// An ALB's default idle timeout.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Who asks, through which listener.
#[derive(Debug, Clone)]
pub(super) struct RequestOrigin {
    pub(super) listener: Arc<str>,
    pub(super) port: u16,
    pub(super) peer: SocketAddr,
}

/// Answers a request, and counts it.
pub(super) async fn forward(
    shared: Arc<Shared>,
    via: RequestOrigin,
    request: Request<Incoming>,
) -> Response<Body> {
    let route = shared.table().route(&via.listener, request.headers());
    shared.traffic().count_request(
        &via.listener,
        route.as_ref().map(|route| route.group.as_str()),
    );
    let group = route.as_ref().map(|route| route.group.clone());
    let has_target = route.as_ref().is_some_and(|route| route.target.is_some());
    let started = Instant::now();
    let response = match route {
        Some(route) => send(&shared, &via, route, request).await,
        None => Err(StatusCode::SERVICE_UNAVAILABLE),
    };
    let answered_by = match &response {
        Ok(response) => AnsweredBy::Target(response.status(), started.elapsed()),
        Err(_) if has_target => AnsweredBy::Proxy,
        Err(_) => AnsweredBy::Nobody,
    };
    shared.measurements().record(
        group.as_deref().unwrap_or_default(),
        answered_by,
        now::milliseconds(),
    );
    let response = response.unwrap_or_else(|status| text_response(status, format!("{status}\n")));
    if response.status().is_server_error() {
        shared
            .traffic()
            .count_failure(&via.listener, group.as_deref());
    }
    response
}

/// The target's answer, or the status the proxy answers itself.
async fn send(
    shared: &Arc<Shared>,
    via: &RequestOrigin,
    route: Route,
    request: Request<Incoming>,
) -> Result<Response<Body>, StatusCode> {
    let target = route.target.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    if let Some(imagined) = shared.imaginary.respond(target) {
        return Ok(imagined);
    }
    let request = build_request(request, via, target).ok_or(StatusCode::BAD_REQUEST)?;
    let response = tokio::time::timeout(ANSWER_TIMEOUT, shared.client.request(request)).await;
    let response = response
        .map_err(|_| StatusCode::GATEWAY_TIMEOUT)?
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    let (mut head, body) = response.into_parts();
    strip_hop_by_hop(&mut head.headers);
    let (shared, listener) = (Arc::clone(shared), Arc::clone(&via.listener));
    // The route moves into the body: the request is in flight until its last byte is sent, and a
    // cut in the middle is a failure.
    let body = body.map_err(move |error| {
        shared
            .traffic()
            .count_failure(&listener, Some(&route.group));
        BoxError::from(error)
    });
    Ok(Response::from_parts(head, body.boxed()))
}

fn build_request(
    request: Request<Incoming>,
    via: &RequestOrigin,
    target: SocketAddr,
) -> Option<Request<Body>> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let host = head
        .uri
        .authority()
        .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    head.uri = Uri::builder()
        .scheme("http")
        .authority(target.to_string())
        .path_and_query(path)
        .build()
        .ok()?;
    head.version = Version::HTTP_11;
    strip_hop_by_hop(&mut head.headers);
    if let Some(host) = host {
        head.headers.insert(HOST, host);
    }
    add_forwarded_headers(&mut head.headers, via)?;
    Some(Request::from_parts(
        head,
        body.map_err(BoxError::from).boxed(),
    ))
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let connection_headers: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.into_iter().chain(connection_headers) {
        headers.remove(name);
    }
}

/// As an ALB: the client is appended to who was there before, port and scheme are ours, `Host`
/// stays as the client sent it.
fn add_forwarded_headers(headers: &mut HeaderMap, via: &RequestOrigin) -> Option<()> {
    let before = headers
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok());
    let client = via.peer.ip().to_canonical();
    let chain = before.map_or_else(
        || client.to_string(),
        |before| format!("{before}, {client}"),
    );
    headers.insert("x-forwarded-for", HeaderValue::from_str(&chain).ok()?);
    headers.insert("x-forwarded-port", HeaderValue::from(via.port));
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    Some(())
}
