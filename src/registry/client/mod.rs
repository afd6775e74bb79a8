//! The client of an OCI registry: one repository of it, to be exact.
//!
//! Protocol: the OCI distribution specification, in the dialect that ECR understands too (every blob in one PUT: of an
//! upload in several pieces ECR keeps the first only). `Authorization` is shown to the registry's own origin and to nobody else.

mod answer;
mod auth;
mod blobs;
mod manifests;
mod retry;

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use url::Url;

use self::auth::{Challenge, Keys};
use self::retry::Fault;
use super::error::{PushError, Step, host_of};
use super::reference::check_path;
use crate::secret::Secret;

pub(crate) use self::blobs::Sent;

const CONNECT: Duration = Duration::from_secs(15);
/// For every request that carries no blob: their answers come within a second, or something is wrong.
const ANSWER: Duration = Duration::from_mins(1);

/// A repository in a registry, and who we are there.
#[derive(Debug, Clone)]
pub struct Target {
    /// The registry's address, `https://HOST[:PORT]`; `http://` is spoken only when it is written.
    pub endpoint: Url,
    /// The repository's name, without the host.
    pub repository: String,
    /// Absent for registries that let everybody in.
    pub credentials: Option<Credentials>,
}

/// A user and a password; for ECR `AWS` and the token of `GetAuthorizationToken`.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// The client.
#[derive(Debug)]
pub(crate) struct Registry {
    http: Client,
    origin: Url,
    pub(crate) repository: String,
    keys: Keys,
}

impl Registry {
    /// Prepares the client; nothing is sent.
    pub(crate) fn new(target: &Target) -> Result<Self, PushError> {
        let refused =
            |reason: &str| PushError::Repository { text: target.repository.escape_debug().to_string(), reason: reason.to_owned() };
        check_path(&target.repository).map_err(refused)?;
        if !matches!(target.endpoint.scheme(), "https" | "http") || target.endpoint.host_str().is_none() {
            return Err(refused("the registry's address begins with neither https:// nor http://"));
        }
        // HTTP/1.1: four uploads on four connections; on one HTTP/2 connection they would share one flow-control window.
        // Redirects lose Authorization as soon as scheme, host or port change (reqwest does that).
        let http = Client::builder().http1_only().connect_timeout(CONNECT).redirect(Policy::limited(5));
        let http = http.user_agent(concat!("ecs-bluegreen/", env!("CARGO_PKG_VERSION"))).build().map_err(PushError::Client)?;
        let keys = Keys::new(target.credentials.clone());
        Ok(Self { http, origin: target.endpoint.clone(), repository: target.repository.clone(), keys })
    }

    /// The registry's host, for sentences.
    pub(crate) fn host(&self) -> String {
        host_of(&self.origin)
    }

    /// The address of something in the repository; `rest` is `blobs/…` or `manifests/…`, of parsed digests and tags.
    fn address(&self, rest: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/v2/{}/{rest}", self.repository));
        url.set_query(None);
        url
    }

    /// Sends a request that carries no blob.
    async fn ask(&self, step: Step, make: impl Fn() -> RequestBuilder) -> Result<Response, Fault> {
        self.send(step, || make().timeout(ANSWER)).await
    }

    /// Sends a request, and once more when the registry wants a (new) bearer token for it.
    async fn send(&self, step: Step, make: impl Fn() -> RequestBuilder) -> Result<Response, Fault> {
        let key = self.keys.current().await;
        let answer = self.once(step, make(), key.as_ref()).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(challenge) = Challenge::read(answer.headers(), &self.origin) else { return Ok(answer) };
        let key = self.keys.renew(&self.http, challenge, key.as_ref()).await.map_err(|error| self.sign_in_failed(error))?;
        self.once(step, make(), key.as_ref()).await
    }

    async fn once(&self, step: Step, request: RequestBuilder, key: Option<&Secret>) -> Result<Response, Fault> {
        let mut request = request.build().map_err(|error| Fault::last(PushError::Client(error)))?;
        if request.url().origin() == self.origin.origin()
            && let Some(value) = key.and_then(auth::header)
        {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.http.execute(request).await.map_err(|error| self.unreachable(step, error))
    }

    fn unreachable(&self, step: Step, source: reqwest::Error) -> Fault {
        // The address of an upload may hold a signature; it is not for logs.
        Fault::passing(PushError::Unreachable { host: self.host(), step, source: source.without_url() })
    }

    fn sign_in_failed(&self, error: reqwest::Error) -> Fault {
        let step = Step::SignIn;
        match error.status() {
            Some(status) if status.is_client_error() => {
                let message = format!("its token service answered {status}");
                Fault::last(PushError::Denied { host: self.host(), repository: self.repository.clone(), step, message })
            }
            Some(_) | None => self.unreachable(step, error),
        }
    }

    fn odd(&self, reason: impl Into<String>) -> PushError {
        PushError::Answer { host: self.host(), reason: reason.into() }
    }
}
