//! One attempt: the request goes out, redirects are followed by hand, the answer's body is read up to a limit.
//!
//! What authenticates the user to the tested service never goes to another origin. The time limit is the caller's.

mod build;
mod redirect;

use std::error::Error as _;

use reqwest::{Client, Response, redirect::Policy};

use super::answer::{Answer, Body, Extent};
use super::form::Redirects;
use super::jar::Jar;
use super::result::Mismatch;
use super::run::Limits;
pub(crate) use build::Outgoing;

/// How we name ourselves to the service.
const USER_AGENT: &str = "ecs-bluegreen-action";

/// A client that keeps connections, follows nothing and keeps no cookies.
pub(super) fn client() -> reqwest::Result<Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Refused only when another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder().user_agent(USER_AGENT).redirect(Policy::none()).build()
}

/// Sends a request and gives the answer that counts; cookies come from the jar and go into it.
pub(super) async fn exchange(
    client: &Client,
    mut outgoing: Outgoing,
    redirects: Redirects,
    limits: &Limits,
    jar: &Jar,
) -> Result<Answer, Mismatch> {
    for _ in 0..=limits.redirects {
        let mut request = outgoing.to_request();
        jar.dress(&outgoing.url, request.headers_mut());
        let response = client.execute(request).await.map_err(|error| no_answer(error, "an answer"))?;
        jar.keep(&outgoing.url, response.headers());
        let next = match redirects {
            Redirects::Follow => redirect::target(&response, &outgoing.url),
            Redirects::Judge => None,
        };
        match next {
            Some(next) => outgoing = redirect::follow(outgoing, response.status(), next)?,
            None => return read(response, &outgoing, limits).await,
        }
    }
    Err(Mismatch::new("redirects", format!("at most {}", limits.redirects), "more"))
}

async fn read(response: Response, outgoing: &Outgoing, limits: &Limits) -> Result<Answer, Mismatch> {
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { url: outgoing.url.clone(), status, headers, body: body(response, limits).await? })
}

async fn body(mut response: Response, limits: &Limits) -> Result<Body, Mismatch> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| no_answer(error, "a whole body"))? {
        let room = limits.body_bytes - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(Body { bytes, extent: Extent::Beginning });
        }
    }
    Ok(Body { bytes, extent: Extent::Whole })
}

fn no_answer(error: reqwest::Error, expected: &str) -> Mismatch {
    let error = error.without_url();
    // The outermost says only that a request failed.
    let cause = error.source().map_or_else(|| chain(&error), chain);
    Mismatch::new("connection", expected, cause)
}

/// An error with its causes, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !words.contains(&next) {
            words = format!("{words}: {next}");
        }
        cause = error.source();
    }
    words
}
