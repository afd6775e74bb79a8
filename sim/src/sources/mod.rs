//! Sources of metrics beside CloudWatch: Prometheus, Amazon's Prometheus, Datadog, and JSON
//! endpoints, on a port of their own and below `/_metrics` of the AWS port. They answer what the
//! options say, and keep every request.

mod access;
mod format;
mod measure;
mod options;
mod request;
mod script;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use format::SourceData;
pub use options::{
    DatadogKeys, Measurand, Measure, MeasuredSide, Reply, ReplyAnswer, SourcesOptions,
};
pub use request::SourceRequest;
use request::{ParsedRequest, Source};
use script::Positions;

use crate::aws::ConnectionDropped;
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::faults::{FaultKind, GARBAGE};

/// Where the sources are on the AWS port.
pub(crate) const ROOT: &str = "/_metrics";

/// What all of them share.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    options: SourcesOptions,
    positions: Positions,
    requests: Vec<SourceRequest>,
}

impl Sources {
    pub(crate) fn new(options: SourcesOptions) -> Self {
        Self {
            state: Mutex::new(State {
                options,
                ..State::default()
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the scripts; every query starts again at its first line.
    pub(crate) fn replace(&self, options: SourcesOptions) {
        let mut state = self.state();
        (state.options, state.positions) = (options, Positions::default());
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<SourceRequest> {
        self.state().requests.clone()
    }
}

type SourceResult = Result<Response<Full<Bytes>>, ConnectionDropped>;

/// Answers one request; the path is without the root.
pub(crate) async fn answer(cloud: &Arc<Cloud>, request: Request<Incoming>) -> SourceResult {
    let at_ms = now_ms();
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(Collected::to_bytes)
        .unwrap_or_default();
    let path = parts
        .uri
        .path()
        .strip_prefix(ROOT)
        .unwrap_or(parts.uri.path())
        .to_owned();
    let parsed = ParsedRequest::parse(&parts, &path, &body, at_ms);
    // Entered before it is answered: a request that hangs was made, too.
    let number = record(cloud, &parsed);
    let result = match apply_fault(cloud, &parsed).await {
        Some(answered) => answered,
        None => authorize_and_answer(cloud, &parsed).await,
    };
    if let (Ok(response), Some(request)) = (&result, cloud.sources.state().requests.get_mut(number))
    {
        request.status = response.status().as_u16();
    }
    result
}

fn record(cloud: &Cloud, request: &ParsedRequest) -> usize {
    let mut state = cloud.sources.state();
    state.requests.push(request.recorded.clone());
    state.requests.len() - 1
}

/// What a fault makes of a request; nothing, when it is answered all the same.
async fn apply_fault(cloud: &Cloud, request: &ParsedRequest) -> Option<SourceResult> {
    match cloud
        .faults
        .next_fault("sources", request.source.operation())?
    {
        FaultKind::Throttled => Some(Ok(status_response(StatusCode::TOO_MANY_REQUESTS))),
        FaultKind::InternalError => Some(Ok(status_response(StatusCode::INTERNAL_SERVER_ERROR))),
        FaultKind::ExpiredCredentials | FaultKind::Denied => {
            Some(Ok(status_response(StatusCode::FORBIDDEN)))
        }
        FaultKind::Refused { message, .. } => Some(Ok(json_response(
            StatusCode::BAD_REQUEST,
            &json!({ "error": message }),
        ))),
        FaultKind::Drops | FaultKind::LandsThenDrops => Some(Err(ConnectionDropped)),
        FaultKind::Hangs | FaultKind::LandsThenHangs => std::future::pending().await,
        FaultKind::Slow(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            None
        }
        FaultKind::Garbage => Some(Ok(json_response(StatusCode::OK, &json!(GARBAGE)))),
        FaultKind::StaleRead => None,
    }
}

async fn authorize_and_answer(cloud: &Arc<Cloud>, request: &ParsedRequest) -> SourceResult {
    let checked = access::check(cloud, &cloud.sources.state().options, request);
    if let Err((status, body)) = checked {
        return Ok(json_response(status, &body));
    }
    let Some(reply) = next_reply(cloud, request) else {
        return Ok(no_data_response(request));
    };
    tokio::time::sleep(Duration::from_millis(reply.slow_ms)).await;
    render_reply(cloud, request, &reply.answer).await
}

/// The line whose turn it is.
fn next_reply(cloud: &Cloud, request: &ParsedRequest) -> Option<Reply> {
    let history = cloud.traffic_history();
    let mut state = cloud.sources.state();
    let State {
        options, positions, ..
    } = &mut *state;
    let question = &request.recorded.question;
    let (lines, kind) = match &request.source {
        Source::Prometheus | Source::Amp(_) => (options.prometheus.get(question), "prometheus"),
        Source::Datadog => (options.datadog.get(question), "datadog"),
        Source::Json => (options.json.get(question), "json"),
        Source::Unknown => (None, "unknown"),
    };
    positions.next(&format!("{kind} {question}"), lines?, &history, now_ms())
}

/// Who knows nothing says so: Prometheus and Datadog by an empty answer, others by 404.
fn no_data_response(request: &ParsedRequest) -> Response<Full<Bytes>> {
    match &request.source {
        Source::Prometheus | Source::Amp(_) | Source::Datadog => {
            let (status, body) = SourceData::Series(Vec::new()).format(request, now_seconds());
            json_response(status, &body)
        }
        Source::Json | Source::Unknown => status_response(StatusCode::NOT_FOUND),
    }
}

async fn render_reply(
    cloud: &Cloud,
    request: &ParsedRequest,
    answer: &ReplyAnswer,
) -> SourceResult {
    let measured = if let ReplyAnswer::Measured(wanted) = answer {
        measure::measure(cloud, wanted)
    } else {
        None
    };
    let figures = SourceData::from_answer(answer, measured)
        .map(|figures| figures.format(request, now_seconds()));
    if let Some((status, body)) = figures {
        return Ok(json_response(status, &body));
    }
    render_special_reply(answer).await
}

/// What is no number and no error of the source's own.
async fn render_special_reply(answer: &ReplyAnswer) -> SourceResult {
    match answer {
        ReplyAnswer::Status(status) => Ok(status_response(
            StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        )),
        ReplyAnswer::Huge(length) => Ok(json_response(
            StatusCode::OK,
            &json!({ "value": 1.0, "padding": "x".repeat(*length) }),
        )),
        ReplyAnswer::Json(value) => Ok(json_response(StatusCode::OK, value)),
        ReplyAnswer::Redirect(to) => Ok(with_header(
            status_response(StatusCode::FOUND),
            LOCATION,
            to,
        )),
        ReplyAnswer::Drops => Err(ConnectionDropped),
        ReplyAnswer::Hangs => std::future::pending().await,
        ReplyAnswer::Garbage
        | ReplyAnswer::Value(_)
        | ReplyAnswer::NotANumber
        | ReplyAnswer::Scalar(_)
        | ReplyAnswer::Values(_)
        | ReplyAnswer::Points(_)
        | ReplyAnswer::Empty
        | ReplyAnswer::Measured(_)
        | ReplyAnswer::Warned(_, _)
        | ReplyAnswer::Error(_) => Ok(with_header(
            response(
                StatusCode::OK,
                "<!doctype html><title>Sign in</title>".to_owned(),
            ),
            CONTENT_TYPE,
            "text/html",
        )),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since the epoch fit in a double for a long time"
)]
fn now_seconds() -> f64 {
    now_ms() as f64 / 1_000.0
}

fn response(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

fn json_response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    with_header(
        response(status, body.to_string()),
        CONTENT_TYPE,
        "application/json",
    )
}

/// A status with its name; who is asked too often says when to come back.
fn status_response(status: StatusCode) -> Response<Full<Bytes>> {
    let response = response(status, format!("{status}\n"));
    if status == StatusCode::TOO_MANY_REQUESTS {
        with_header(response, RETRY_AFTER, "1")
    } else {
        response
    }
}

fn with_header(
    mut response: Response<Full<Bytes>>,
    name: HeaderName,
    value: &str,
) -> Response<Full<Bytes>> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
