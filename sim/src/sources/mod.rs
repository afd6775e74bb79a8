//! Sources of metrics beside CloudWatch: Prometheus, Amazon's Prometheus, Datadog, and JSON
//! endpoints, on a port of their own and below `/_metrics` of the AWS port. They answer what the
//! options say, and keep every request.

mod access;
mod asked;
mod form;
mod measure;
mod options;
mod script;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

pub use asked::SourceRequest;
use asked::{Asked, Source};
use form::Figures;
pub use options::{
    DatadogKeys, Measurand, Measure, MeasuredSide, Reply, ReplyAnswer, SourcesOptions,
};
use script::Positions;

use crate::aws::Severed;
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::faults::FaultKind;

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

    /// From now on this is known, and nothing else; every question's first line is next.
    pub(crate) fn replace(&self, options: SourcesOptions) {
        let mut state = self.state();
        (state.options, state.positions) = (options, Positions::default());
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<SourceRequest> {
        self.state().requests.clone()
    }
}

type Answered = Result<Response<Full<Bytes>>, Severed>;

/// Answers one request; the path is without the root.
pub(crate) async fn answer(cloud: &Arc<Cloud>, request: Request<Incoming>) -> Answered {
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
    let asked = Asked::read(&parts, &path, &body, at_ms);
    // Entered before it is answered: a request that hangs was made, too.
    let number = enter(cloud, &asked);
    let answered = match met(cloud, &asked).await {
        Some(answered) => answered,
        None => allowed(cloud, &asked).await,
    };
    if let (Ok(response), Some(request)) =
        (&answered, cloud.sources.state().requests.get_mut(number))
    {
        request.status = response.status().as_u16();
    }
    answered
}

fn enter(cloud: &Cloud, asked: &Asked) -> usize {
    let mut state = cloud.sources.state();
    state.requests.push(asked.request.clone());
    state.requests.len() - 1
}

/// What a fault makes of a request; nothing, when it is answered all the same.
async fn met(cloud: &Cloud, asked: &Asked) -> Option<Answered> {
    match cloud.faults.meet("sources", asked.source.operation())? {
        FaultKind::Throttled => Some(Ok(bare(StatusCode::TOO_MANY_REQUESTS))),
        FaultKind::InternalError => Some(Ok(bare(StatusCode::INTERNAL_SERVER_ERROR))),
        FaultKind::ExpiredCredentials | FaultKind::Denied => Some(Ok(bare(StatusCode::FORBIDDEN))),
        FaultKind::Refused { message, .. } => Some(Ok(document(
            StatusCode::BAD_REQUEST,
            &json!({ "error": message }),
        ))),
        FaultKind::Drops | FaultKind::LandsThenDrops => Some(Err(Severed)),
        FaultKind::Hangs | FaultKind::LandsThenHangs => std::future::pending().await,
        FaultKind::Slow(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            None
        }
        FaultKind::StaleRead => None,
    }
}

async fn allowed(cloud: &Arc<Cloud>, asked: &Asked) -> Answered {
    let checked = access::check(cloud, &cloud.sources.state().options, asked);
    if let Err((status, body)) = checked {
        return Ok(document(status, &body));
    }
    let Some(reply) = next(cloud, asked) else {
        return Ok(nothing(asked));
    };
    tokio::time::sleep(Duration::from_millis(reply.slow_ms)).await;
    told(cloud, asked, &reply.answer).await
}

/// The line whose turn it is.
fn next(cloud: &Cloud, asked: &Asked) -> Option<Reply> {
    let shifts = cloud.shifts();
    let mut state = cloud.sources.state();
    let State {
        options, positions, ..
    } = &mut *state;
    let question = &asked.request.question;
    let (lines, kind) = match &asked.source {
        Source::Prometheus | Source::Amp(_) => (options.prometheus.get(question), "prometheus"),
        Source::Datadog => (options.datadog.get(question), "datadog"),
        Source::Json => (options.json.get(question), "json"),
        Source::Unknown => (None, "unknown"),
    };
    positions.next(&format!("{kind} {question}"), lines?, &shifts, now_ms())
}

/// Who knows nothing says so: Prometheus and Datadog by an empty answer, others by 404.
fn nothing(asked: &Asked) -> Response<Full<Bytes>> {
    match &asked.source {
        Source::Prometheus | Source::Amp(_) | Source::Datadog => {
            let (status, body) = Figures::Series(Vec::new()).form(asked, now());
            document(status, &body)
        }
        Source::Json | Source::Unknown => bare(StatusCode::NOT_FOUND),
    }
}

async fn told(cloud: &Cloud, asked: &Asked, answer: &ReplyAnswer) -> Answered {
    let measured = if let ReplyAnswer::Measured(wanted) = answer {
        measure::measure(cloud, wanted)
    } else {
        None
    };
    let figures = Figures::of(answer, measured).map(|figures| figures.form(asked, now()));
    if let Some((status, body)) = figures {
        return Ok(document(status, &body));
    }
    otherwise(answer).await
}

/// What is no number and no error of the source's own.
async fn otherwise(answer: &ReplyAnswer) -> Answered {
    match answer {
        ReplyAnswer::Status(status) => Ok(bare(
            StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        )),
        ReplyAnswer::Huge(length) => Ok(document(
            StatusCode::OK,
            &json!({ "value": 1.0, "padding": "x".repeat(*length) }),
        )),
        ReplyAnswer::Json(value) => Ok(document(StatusCode::OK, value)),
        ReplyAnswer::Redirect(to) => Ok(with(bare(StatusCode::FOUND), LOCATION, to)),
        ReplyAnswer::Drops => Err(Severed),
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
        | ReplyAnswer::Error(_) => Ok(with(
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
fn now() -> f64 {
    now_ms() as f64 / 1_000.0
}

fn response(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

fn document(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    with(
        response(status, body.to_string()),
        CONTENT_TYPE,
        "application/json",
    )
}

/// A status with its name; who is asked too often says when to come back.
fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let response = response(status, format!("{status}\n"));
    if status == StatusCode::TOO_MANY_REQUESTS {
        with(response, RETRY_AFTER, "1")
    } else {
        response
    }
}

fn with(
    mut response: Response<Full<Bytes>>,
    name: HeaderName,
    value: &str,
) -> Response<Full<Bytes>> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
