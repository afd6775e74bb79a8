//! The client of one repository of an OCI registry.
//!
//! It follows the OCI distribution specification. Each blob is sent in one PUT, because ECR keeps
//! only the first piece of an upload in several pieces. `Authorization` is sent to the registry's
//! own origin only.

mod auth;
mod blobs;
mod manifests;
mod reply;
mod retry;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::AUTHORIZATION;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, RequestBuilder};
use url::Url;

use self::auth::{Authenticator, RenewalError, RenewalOutcome};
use self::reply::{ErrorResponse, Expiry, Reply};
use super::error::{PushError, Step, host_with_port};
use super::reference::check_path;
use crate::secret::Secret;

pub(crate) use self::blobs::{BlobOutcome, BlobState};
pub(crate) use self::manifests::FetchedManifest;
pub(crate) use self::retry::FailedAttempt;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The timeout of requests without a blob, which are usually answered within a second.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
/// The most redirects that are followed. ECR sends one, to the blob in S3, other registries one or
/// two.
const MAX_REDIRECTS: usize = 5;

/// A repository of a registry, with credentials and connections.
#[derive(Debug, Clone)]
pub struct Target {
    /// The address of the registry, `https://HOST[:PORT]`, or `http://…` for one without TLS.
    pub endpoint: Url,
    /// The repository's name, without the host.
    pub repository: String,
    /// `None` for anonymous access.
    pub credentials: Option<Credentials>,
    /// How to get new credentials when these expire during a transfer.
    pub renewal: Option<Renewal>,
    /// The connections to use.
    pub transport: Transport,
}

impl Target {
    /// The registry as the names of its images begin: `HOST[:PORT]`.
    pub fn host(&self) -> String {
        host_with_port(&self.endpoint)
    }
}

/// A function that gets new credentials, or says in a sentence why it cannot.
#[derive(Clone)]
pub struct Renewal(Arc<dyn Fn() -> BoxFuture<'static, Result<Credentials, String>> + Send + Sync>);

impl Renewal {
    /// From a function that gets new credentials.
    pub fn new(
        ask: impl Fn() -> BoxFuture<'static, Result<Credentials, String>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(ask))
    }

    async fn renew(&self) -> Result<Credentials, String> {
        (self.0)().await
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Renewal")
    }
}

/// A pool of connections to registries. One is made for the whole run, because reading the system's
/// certificate roots takes some milliseconds.
#[derive(Debug, Clone)]
pub struct Transport(Client);

impl Transport {
    /// Reads the certificate roots; connections are made when they are needed.
    ///
    /// # Errors
    /// [`PushError::Client`] if there are no certificate roots.
    pub fn new() -> Result<Self, PushError> {
        // With HTTP/2 four uploads would share one connection and its flow-control window.
        let http = Client::builder()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(Policy::custom(check_redirect));
        let http = http
            .user_agent(concat!("ecs-bluegreen/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(PushError::Client)?;
        Ok(Self(http))
    }
}

/// Follows redirects, but none that leaves TLS. That `Authorization` is not sent to another host or
/// port is reqwest's doing.
fn check_redirect(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let gives_up_tls = attempt.url().scheme() == "http"
        && attempt.previous().iter().any(|url| url.scheme() == "https");
    if gives_up_tls || attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("it redirects in a circle, or away from TLS");
    }
    attempt.follow()
}

/// A user and a password. For ECR they are `AWS` and the token of `GetAuthorizationToken`.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The name of the user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// The client of a repository.
pub(crate) struct Registry {
    http: Client,
    origin: Url,
    pub(crate) repository: String,
    authenticator: Authenticator,
    /// Whether the registry said that there is no such repository. Some registries create it with
    /// the first upload.
    is_missing: AtomicBool,
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Registry({}/{})", self.host(), self.repository)
    }
}

impl Registry {
    /// Checks the address and the name of the repository; nothing is sent.
    pub(crate) fn new(target: &Target) -> Result<Self, PushError> {
        let refused = |reason: &str| PushError::Repository {
            text: target.repository.escape_debug().to_string(),
            reason: reason.to_owned(),
        };
        check_path(&target.repository).map_err(refused)?;
        if !matches!(target.endpoint.scheme(), "https" | "http")
            || target.endpoint.host_str().is_none()
        {
            return Err(refused(
                "the registry's address begins with neither https:// nor http://",
            ));
        }
        let authenticator = Authenticator::new(target.credentials.clone(), target.renewal.clone());
        Ok(Self {
            http: target.transport.0.clone(),
            origin: target.endpoint.clone(),
            repository: target.repository.clone(),
            authenticator,
            is_missing: AtomicBool::new(false),
        })
    }

    /// `HOST[:PORT]` of the registry, for sentences.
    pub(crate) fn host(&self) -> String {
        host_with_port(&self.origin)
    }

    /// Whether another repository is in the same registry, so that blobs can be mounted from it.
    pub(crate) fn shares_registry_with(&self, other: &Self) -> bool {
        self.origin.origin() == other.origin.origin()
    }

    /// Whether both are the same repository of the same registry.
    pub(crate) fn is_same_repository(&self, other: &Self) -> bool {
        self.shares_registry_with(other) && self.repository == other.repository
    }

    /// The URL of something in the repository. `rest` is `blobs/…` or `manifests/…`, made of parsed
    /// digests and tags only.
    fn url(&self, rest: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/v2/{}/{rest}", self.repository));
        url.set_query(None);
        url
    }

    /// Sends a request without a blob.
    async fn send_small(
        &self,
        step: Step,
        make: impl Fn() -> RequestBuilder,
    ) -> Result<Reply, FailedAttempt> {
        self.send(step, || make().timeout(RESPONSE_TIMEOUT)).await
    }

    /// Sends a request. If the registry wants a bearer token, or the credentials have expired, they
    /// are renewed and the request is sent again.
    async fn send(
        &self,
        step: Step,
        make: impl Fn() -> RequestBuilder,
    ) -> Result<Reply, FailedAttempt> {
        let mut key = self.authenticator.authorization().await;
        loop {
            let refusal = match self.send_once(step, make(), key.as_ref()).await? {
                Reply::Error(refusal) if self.may_renew(&refusal).await => refusal,
                other => return Ok(other),
            };
            let renewed = self
                .authenticator
                .renew(&self.http, refusal.challenge.as_ref(), key.as_ref())
                .await;
            match renewed.map_err(|error| self.sign_in_error(error))? {
                RenewalOutcome::Renewed(new) => return self.send_renewed(step, make(), &new).await,
                RenewalOutcome::RenewedMeanwhile(new) => key = Some(new),
                RenewalOutcome::Unavailable => return Ok(Reply::Error(refusal)),
            }
        }
    }

    /// Sends a request with what was just renewed. If it is refused again, that is the result.
    async fn send_renewed(
        &self,
        step: Step,
        request: RequestBuilder,
        key: &Secret,
    ) -> Result<Reply, FailedAttempt> {
        let answer = self.send_once(step, request, Some(key)).await?;
        if let Reply::Error(refusal) = &answer
            && refusal.expiry() == Expiry::Possible
        {
            self.authenticator.mark_renewal_refused().await;
        }
        Ok(answer)
    }

    async fn may_renew(&self, refusal: &ErrorResponse) -> bool {
        match refusal.expiry() {
            Expiry::Certain => true,
            Expiry::Possible => self.authenticator.may_renew().await,
            Expiry::No => false,
        }
    }

    async fn send_once(
        &self,
        step: Step,
        request: RequestBuilder,
        key: Option<&Secret>,
    ) -> Result<Reply, FailedAttempt> {
        let mut request = request
            .build()
            .map_err(|error| FailedAttempt::from_permanent(PushError::Client(error)))?;
        if request.url().origin() == self.origin.origin()
            && let Some(value) = key.and_then(auth::authorization_header)
        {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let response = self
            .http
            .execute(request)
            .await
            .map_err(|error| self.unreachable_error(step, error))?;
        if response.status().is_success() {
            return Ok(Reply::Success(response));
        }
        let refusal = ErrorResponse::receive(response, &self.origin).await;
        if refusal.is_missing_repository() {
            self.is_missing.store(true, Ordering::Relaxed);
        }
        Ok(Reply::Error(refusal))
    }

    fn unreachable_error(&self, step: Step, source: reqwest::Error) -> FailedAttempt {
        // The URL is left out below: that of an upload may contain a signature.
        let lost = source.is_redirect();
        let error = match step {
            // ECR may close the connection of an upload to a repository that does not exist, after
            // it said so when a manifest was asked for.
            Step::StartUpload | Step::SendBlob if self.is_missing.load(Ordering::Relaxed) => {
                let (host, repository) = (self.host(), self.repository.clone());
                PushError::RepositoryMissing {
                    host,
                    repository,
                    message: "it cut the upload".to_owned(),
                }
            }
            _ => PushError::Unreachable {
                host: self.host(),
                step,
                source: source.without_url(),
            },
        };
        if lost {
            FailedAttempt::from_permanent(error)
        } else {
            FailedAttempt::from_transient(error)
        }
    }

    fn sign_in_error(&self, error: RenewalError) -> FailedAttempt {
        let step = Step::SignIn;
        let denied = |message| {
            FailedAttempt::from_permanent(PushError::Denied {
                host: self.host(),
                repository: self.repository.clone(),
                step,
                message,
            })
        };
        match error {
            RenewalError::Credentials(message) => denied(message),
            RenewalError::TokenResponse(reason) => {
                FailedAttempt::from_permanent(self.protocol_error(reason))
            }
            RenewalError::Exchange(error) => match error.status() {
                Some(status) if status.is_client_error() => {
                    denied(format!("its token service answered {status}"))
                }
                Some(_) | None => self.unreachable_error(step, error),
            },
        }
    }

    fn protocol_error(&self, reason: impl Into<String>) -> PushError {
        PushError::Protocol {
            host: self.host(),
            reason: reason.into(),
        }
    }
}
