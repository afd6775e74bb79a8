//! One exchange with a source: bounded in time and size, sent nowhere but where it was addressed,
//! its trouble in words.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Request, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::Access;
use crate::cause::chain;
use crate::destination::{self, Guard};
use crate::scrub::{mask_tokens, masked, one_line, register};
use crate::secret::Secret;

/// How we name ourselves to a source.
const USER_AGENT: &str = "ecs-bluegreen-action";
/// A query that takes longer does so every time, and would hold up the watch over users' traffic.
const PATIENCE: Duration = Duration::from_secs(10);
/// Numbers for a decision are few; more than this is the answer to another question.
const LARGEST: usize = 1024 * 1024;
/// Longer complaints of a source are cut.
const LONGEST: usize = 300;

/// A client that keeps connections, follows nothing and keeps no cookies.
///
/// # Errors
/// The client's own words, when TLS cannot be set up.
pub fn client() -> Result<Client, String> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Refused only when another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .dns_resolver(Guard::default())
        .build()
        .map_err(|error| chain(&error))
}

/// Why there are no numbers.
#[derive(Debug)]
pub(super) struct Obstacle {
    pub(super) words: String,
    pub(super) access: Access,
}

impl From<String> for Obstacle {
    fn from(words: String) -> Self {
        Self {
            words,
            access: Access::Granted,
        }
    }
}

/// A conversation with one source.
pub(super) struct Wire<'a> {
    client: &'a Client,
    host: String,
}

impl<'a> Wire<'a> {
    /// With the source at `url`; `secrets` never appear in words.
    pub(super) fn new<'s>(
        client: &'a Client,
        url: &Url,
        secrets: impl IntoIterator<Item = &'s Secret>,
    ) -> Self {
        let port = url
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        secrets
            .into_iter()
            .flat_map(parts)
            .for_each(|secret| register(&secret));
        Self {
            client,
            host: format!("{}{port}", url.host_str().unwrap_or_default()),
        }
    }

    /// Sends the request and reads its answer as JSON; `complaint` finds a source's own words for
    /// its trouble.
    pub(super) async fn ask(
        &self,
        request: Request,
        complaint: impl Fn(&Value) -> Option<String>,
    ) -> Result<Value, Obstacle> {
        let exchange = tokio::time::timeout(PATIENCE, self.exchange(request));
        let (status, body) = exchange
            .await
            .map_err(|_| self.said(&format!("no answer within {} s", PATIENCE.as_secs())))??;
        let json = serde_json::from_slice::<Value>(&body);
        if !status.is_success() {
            let words = json
                .ok()
                .as_ref()
                .and_then(&complaint)
                .filter(|words| !words.is_empty())
                .map(|words| masked(&words));
            return Err(Obstacle {
                words: self.said(&refusal(status, words)),
                access: access(status),
            });
        }
        let json = json.map_err(|_| self.said("the answer is not JSON"))?;
        Ok(json)
    }

    async fn exchange(&self, request: Request) -> Result<(StatusCode, Vec<u8>), String> {
        if let Some(forbidden) = destination::reached(request.url()).await {
            return Err(self.said(&format!("not asked: {forbidden}")));
        }
        let sent = self.client.execute(request).await;
        let response = sent.map_err(|error| self.said(&format!("no answer: {}", inner(error))))?;
        if response.status().is_redirection() {
            return Err(self.said(&elsewhere(&response)));
        }
        Ok((response.status(), self.body(response).await?))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        loop {
            let chunk = response
                .chunk()
                .await
                .map_err(|error| self.said(&format!("the answer broke off: {}", inner(error))))?;
            let Some(chunk) = chunk else { return Ok(bytes) };
            if bytes.len() + chunk.len() > LARGEST {
                return Err(self.said("the answer is larger than 1 MiB"));
            }
            bytes.extend_from_slice(&chunk);
        }
    }

    /// Words of ours, as they may be read: after the source's host, on one line.
    pub(super) fn said(&self, words: &str) -> String {
        one_line(&format!("{}: {}", self.host, mask_tokens(words)), LONGEST)
    }

    /// The source's own words, as they may be read.
    pub(super) fn complained(&self, words: &str) -> String {
        self.said(&masked(words))
    }
}

/// A header's value and what it is made of: a source may repeat the token without the `Bearer`
/// before it, which is no secret itself.
fn parts(secret: &Secret) -> Vec<Secret> {
    let words = secret
        .expose()
        .split_whitespace()
        .filter(|word| word.len() > "Bearer".len());
    words.map(Secret::new).chain([secret.clone()]).collect()
}

/// The base URL of a source.
pub(super) fn base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "the URL is not an http or https URL".to_owned())
}

/// Puts a secret into a header; its value is never shown, not even where headers are.
pub(super) fn set_header(request: &mut Request, name: &str, value: &Secret) -> Result<(), String> {
    let header = HeaderName::try_from(name)
        .map_err(|_| format!("`{}` cannot be the name of a header", one_line(name, 50)))?;
    let mut secret = HeaderValue::try_from(value.expose())
        .map_err(|_| format!("the value of header {header} cannot be sent"))?;
    secret.set_sensitive(true);
    request.headers_mut().insert(header, secret);
    Ok(())
}

fn refusal(status: StatusCode, words: Option<String>) -> String {
    let words = words.map(|words| format!(": {words}")).unwrap_or_default();
    format!("it answers {status}{words}")
}

fn access(status: StatusCode) -> Access {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Access::Denied,
        _ => Access::Granted,
    }
}

/// Only the host: what stands behind it may be a secret.
fn elsewhere(response: &Response) -> String {
    let location = response
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok());
    let target = location.and_then(|location| response.url().join(location).ok());
    let host = target
        .as_ref()
        .and_then(Url::host_str)
        .map_or_else(|| "another place".to_owned(), masked);
    format!("it redirects to {host}, which is not followed: give the URL that answers")
}

/// The outermost error says only that a request failed, and where.
fn inner(error: reqwest::Error) -> String {
    let error = error.without_url();
    error.source().map_or_else(|| chain(&error), chain)
}
