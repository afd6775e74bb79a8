//! One request to a source: limited in time and size, sent only to the given host, with every
//! failure as a message.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Request, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::Access;
use crate::cause::describe_chain;
use crate::destination::{self, GuardedResolver};
use crate::scrub::{mask, mask_tokens, register, to_one_line};
use crate::secret::Secret;

/// How we name ourselves to a source.
const USER_AGENT: &str = "ecs-bluegreen-action";
/// A slower query is slow every time, and would delay all other checks.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer with numbers is small; anything larger answers a different question.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Longer messages of a source are cut.
const MAX_MESSAGE_CHARS: usize = 300;

/// A client that keeps connections alive, follows no redirects and keeps no cookies.
///
/// # Errors
/// The client's message, if TLS cannot be set up.
pub fn build_client() -> Result<Client, String> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Refused only when another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .dns_resolver(GuardedResolver::default())
        .build()
        .map_err(|error| describe_chain(&error))
}

/// Why there are no numbers.
#[derive(Debug)]
pub(crate) struct QueryFailure {
    pub(crate) message: String,
    pub(crate) access: Access,
}

impl From<String> for QueryFailure {
    fn from(message: String) -> Self {
        Self {
            message,
            access: Access::Granted,
        }
    }
}

pub(crate) struct SourceClient<'a> {
    client: &'a Client,
    host: String,
}

impl<'a> SourceClient<'a> {
    /// For the source at `url`; `secrets` are masked in all messages.
    pub(crate) fn new<'s>(
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
            .flat_map(secret_parts)
            .for_each(|secret| register(&secret));
        Self {
            client,
            host: format!("{}{port}", url.host_str().unwrap_or_default()),
        }
    }

    /// Sends the request and reads its answer as JSON; `error_message` finds the source's message
    /// in an error response.
    pub(crate) async fn fetch_json(
        &self,
        request: Request,
        error_message: impl Fn(&Value) -> Option<String>,
    ) -> Result<Value, QueryFailure> {
        let exchange = tokio::time::timeout(TIMEOUT, self.send(request));
        let (status, body) = exchange
            .await
            .map_err(|_| self.message(&format!("no answer within {} s", TIMEOUT.as_secs())))??;
        let json = serde_json::from_slice::<Value>(&body);
        if !status.is_success() {
            let words = json
                .ok()
                .as_ref()
                .and_then(&error_message)
                .filter(|words| !words.is_empty())
                .map(|message| mask(&message));
            return Err(QueryFailure {
                message: self.message(&status_message(status, words)),
                access: access_from_status(status),
            });
        }
        let json = json.map_err(|_| self.message("the answer is not JSON"))?;
        Ok(json)
    }

    async fn send(&self, request: Request) -> Result<(StatusCode, Vec<u8>), String> {
        if let Some(forbidden) = destination::resolve_forbidden(request.url()).await {
            return Err(self.message(&format!("not asked: {forbidden}")));
        }
        let sent = self.client.execute(request).await;
        let response =
            sent.map_err(|error| self.message(&format!("no answer: {}", root_message(error))))?;
        if response.status().is_redirection() {
            return Err(self.message(&redirect_message(&response)));
        }
        Ok((response.status(), self.read_body(response).await?))
    }

    async fn read_body(&self, mut response: Response) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        loop {
            let chunk = response.chunk().await.map_err(|error| {
                self.message(&format!("the answer broke off: {}", root_message(error)))
            })?;
            let Some(chunk) = chunk else { return Ok(bytes) };
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.message("the answer is larger than 1 MiB"));
            }
            bytes.extend_from_slice(&chunk);
        }
    }

    /// Our own message, made safe to show: prefixed with the source's host, on one line.
    pub(crate) fn message(&self, message: &str) -> String {
        to_one_line(
            &format!("{}: {}", self.host, mask_tokens(message)),
            MAX_MESSAGE_CHARS,
        )
    }

    /// The source's message, made safe to show.
    pub(crate) fn source_message(&self, message: &str) -> String {
        self.message(&mask(message))
    }
}

/// A header's value and what it is made of: a source may repeat the token without the `Bearer`
/// before it, which is no secret itself.
fn secret_parts(secret: &Secret) -> Vec<Secret> {
    let words = secret
        .expose()
        .split_whitespace()
        .filter(|word| word.len() > "Bearer".len());
    words.map(Secret::new).chain([secret.clone()]).collect()
}

/// The base URL of a source.
pub(crate) fn parse_base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "the URL is not an http or https URL".to_owned())
}

/// The URL at which a source of this base URL answers queries.
pub(crate) fn query_url(base: &str) -> Result<Url, String> {
    let mut url = parse_base_url(base)?;
    let mut path = url
        .path_segments_mut()
        .map_err(|()| "the URL cannot have a path".to_owned())?;
    path.pop_if_empty().extend(["api", "v1", "query"]);
    drop(path);
    Ok(url)
}

/// Puts a secret into a header; its value is never shown, not even where headers are.
pub(crate) fn set_header(request: &mut Request, name: &str, value: &Secret) -> Result<(), String> {
    let header = HeaderName::try_from(name)
        .map_err(|_| format!("`{}` cannot be the name of a header", to_one_line(name, 50)))?;
    let mut secret = HeaderValue::try_from(value.expose())
        .map_err(|_| format!("the value of header {header} cannot be sent"))?;
    secret.set_sensitive(true);
    request.headers_mut().insert(header, secret);
    Ok(())
}

fn status_message(status: StatusCode, words: Option<String>) -> String {
    let words = words.map(|words| format!(": {words}")).unwrap_or_default();
    format!("it answers {status}{words}")
}

fn access_from_status(status: StatusCode) -> Access {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Access::Denied,
        _ => Access::Granted,
    }
}

/// Only the host of the redirect: the rest of its URL may contain a secret.
fn redirect_message(response: &Response) -> String {
    let location = response
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok());
    let target = location.and_then(|location| response.url().join(location).ok());
    let host = target
        .as_ref()
        .and_then(Url::host_str)
        .map_or_else(|| "another place".to_owned(), mask);
    format!("it redirects to {host}, which is not followed: give the URL that answers")
}

/// The outermost error says only that a request failed, and where.
fn root_message(error: reqwest::Error) -> String {
    let error = error.without_url();
    error
        .source()
        .map_or_else(|| describe_chain(&error), describe_chain)
}
