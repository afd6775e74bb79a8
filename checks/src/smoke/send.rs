//! One attempt: the request goes out, redirects are followed here and not by the client, the
//! answer's body is read up to a limit.
//!
//! What authenticates the user to the tested service never goes to another origin. The time limit
//! is the caller's.

mod build;
mod clients;
mod failure;
mod redirect;

use reqwest::tls::TlsInfo;
use reqwest::{Client, Response};
use time::OffsetDateTime;
use tokio::time::Instant;

use super::answer::{BodyExtent, ResponseBody, SmokeResponse};
use super::cookie_jar::CookieJar;
use super::expect::origin;
use super::form::{RedirectPolicy, SmokeTest};
use super::result::Mismatch;
use super::run::RunLimits;
use crate::destination;
use crate::template::Values;
pub(crate) use build::{OutgoingRequest, TestedSide};
pub(crate) use clients::Clients;
pub(super) use failure::no_answer_mismatch;

/// Sends a test's request and returns the final answer; cookies are taken from `cookie_jar` and
/// stored in it.
pub(super) async fn exchange(
    clients: &Clients,
    test: &SmokeTest,
    mut outgoing: OutgoingRequest,
    limits: &RunLimits,
    cookie_jar: &CookieJar,
    values: &Values,
) -> Result<SmokeResponse, Mismatch> {
    let client = clients.get(&test.transport)?;
    if let Some(forbidden) = destination::find_forbidden(&outgoing.url) {
        return Err(Mismatch::new(
            "request",
            "a host that a document may ask",
            forbidden.to_string(),
        ));
    }
    let first_origin = outgoing.url.origin();
    let sent = Instant::now();
    cookie_jar.set_origin(&outgoing.url);
    for _ in 0..=limits.redirects {
        let response = execute(client, test, &outgoing, cookie_jar).await?;
        cookie_jar.store(&outgoing.url, response.headers());
        let next = match test.redirects {
            RedirectPolicy::Follow => redirect::find_target(&response, &outgoing.url),
            RedirectPolicy::Evaluate => None,
        };
        if let Some(next) = next {
            redirect::check_target(&outgoing, &next).await?;
            outgoing = redirect::follow(outgoing, response.status(), next)?;
            continue;
        }
        // The origin is checked before the body is read, so that nothing of another origin's body
        // can be shown.
        if let Some(mismatch) = origin::evaluate(&test.expect, &first_origin, &outgoing.url, values)
        {
            return Err(mismatch);
        }
        let is_cross_origin = first_origin != outgoing.url.origin();
        return read_response(response, test, &outgoing, sent, limits)
            .await
            .map(|answer| SmokeResponse {
                is_cross_origin,
                ..answer
            });
    }
    Err(Mismatch::new(
        "redirects",
        format!("at most {}", limits.redirects),
        "more",
    ))
}

async fn execute(
    client: &Client,
    test: &SmokeTest,
    outgoing: &OutgoingRequest,
    cookie_jar: &CookieJar,
) -> Result<Response, Mismatch> {
    let mut request = outgoing.to_request();
    cookie_jar.add_cookies(&outgoing.url, request.headers_mut());
    let answered = client.execute(request).await;
    answered.map_err(|error| no_answer_mismatch(error, "an answer", &outgoing.url, &test.transport))
}

async fn read_response(
    mut response: Response,
    test: &SmokeTest,
    outgoing: &OutgoingRequest,
    sent: Instant,
    limits: &RunLimits,
) -> Result<SmokeResponse, Mismatch> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let certificate = response
        .extensions()
        .get::<TlsInfo>()
        .and_then(TlsInfo::peer_certificate)
        .map(<[u8]>::to_vec);
    let body = read_body(response, limits).await;
    let body = body.map_err(|error| {
        no_answer_mismatch(error, "a whole body", &outgoing.url, &test.transport)
    })?;
    let (elapsed, at) = (sent.elapsed(), OffsetDateTime::now_utc());
    Ok(SmokeResponse {
        url: outgoing.url.clone(),
        is_cross_origin: false,
        status,
        headers,
        body,
        elapsed,
        at,
        certificate,
    })
}

async fn read_body(mut response: Response, limits: &RunLimits) -> reqwest::Result<ResponseBody> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limits.body_bytes - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(ResponseBody {
                bytes,
                extent: BodyExtent::Truncated,
            });
        }
    }
    Ok(ResponseBody {
        bytes,
        extent: BodyExtent::Complete,
    })
}
