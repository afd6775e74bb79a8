//! The client of an OCI registry: one repository of it, to be exact.
//!
//! Protocol: the OCI distribution specification, in the dialect that ECR understands too (every
//! blob in one PUT: of an upload in several pieces ECR keeps the first only). `Authorization` is
//! shown to the registry's own origin and to nobody else.

mod answer;
mod auth;
mod blobs;
mod manifests;
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

use self::answer::{Answer, ErrorResponse, Expired};
use self::auth::{Keys, RenewalError, Renewed};
use super::error::{PushError, Step, host_of};
use super::reference::check_path;
use crate::secret::Secret;

pub(crate) use self::blobs::{Found, Sent};
pub(crate) use self::manifests::Given;
pub(crate) use self::retry::Fault;

const CONNECT: Duration = Duration::from_secs(15);
/// For every request that carries no blob: their answers come within a second, or something is
/// wrong.
const ANSWER: Duration = Duration::from_mins(1);
/// ECR sends one redirect (a blob lies in S3), other registries one or two.
const REDIRECTS: usize = 5;

/// A repository in a registry, and who we are there.
#[derive(Debug, Clone)]
pub struct Target {
    /// The registry's address, `https://HOST[:PORT]`; `http://` is spoken only when it is written.
    pub endpoint: Url,
    /// The repository's name, without the host.
    pub repository: String,
    /// Absent for registries that let everybody in.
    pub credentials: Option<Credentials>,
    /// Where new credentials come from when these expire in the middle of a transfer.
    pub renewal: Option<Renewal>,
    /// The connections that are used.
    pub transport: Transport,
}

impl Target {
    /// The registry as images are named by it: `HOST[:PORT]`.
    pub fn host(&self) -> String {
        host_of(&self.endpoint)
    }
}

/// Gives new credentials, or says in a sentence why there are none.
#[derive(Clone)]
pub struct Renewal(Arc<dyn Fn() -> BoxFuture<'static, Result<Credentials, String>> + Send + Sync>);

impl Renewal {
    /// From a function that asks whoever issues the credentials.
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

/// The connections to registries. Made once for a run: reading the system's certificate roots takes
/// some milliseconds.
#[derive(Debug, Clone)]
pub struct Transport(Client);

impl Transport {
    /// Prepares connections; none is made yet.
    pub fn new() -> Result<Self, PushError> {
        // HTTP/1.1: four uploads on four connections; on one HTTP/2 connection they would share one
        // flow-control window.
        let http = Client::builder()
            .http1_only()
            .connect_timeout(CONNECT)
            .redirect(Policy::custom(follow));
        let http = http
            .user_agent(concat!("ecs-bluegreen/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(PushError::Client)?;
        Ok(Self(http))
    }
}

/// Redirects lose Authorization as soon as host or port change (reqwest does that), and may not
/// lose TLS.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let gives_up_tls = attempt.url().scheme() == "http"
        && attempt.previous().iter().any(|url| url.scheme() == "https");
    if gives_up_tls || attempt.previous().len() > REDIRECTS {
        return attempt.error("it redirects in a circle, or away from TLS");
    }
    attempt.follow()
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
pub(crate) struct Registry {
    http: Client,
    origin: Url,
    pub(crate) repository: String,
    keys: Keys,
    /// The registry has said that there is no such repository; some make it with the first upload.
    is_missing: AtomicBool,
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Registry({}/{})", self.host(), self.repository)
    }
}

impl Registry {
    /// Prepares the client; nothing is sent.
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
        let keys = Keys::new(target.credentials.clone(), target.renewal.clone());
        Ok(Self {
            http: target.transport.0.clone(),
            origin: target.endpoint.clone(),
            repository: target.repository.clone(),
            keys,
            is_missing: AtomicBool::new(false),
        })
    }

    /// The registry's host, for sentences.
    pub(crate) fn host(&self) -> String {
        host_of(&self.origin)
    }

    /// Whether another repository is in the same registry, so that its contents can be mounted.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.origin.origin() == other.origin.origin()
    }

    /// Whether both are the same repository of the same registry.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.is_beside(other) && self.repository == other.repository
    }

    /// The address of something in the repository; `rest` is `blobs/…` or `manifests/…`, of parsed
    /// digests and tags.
    fn address(&self, rest: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/v2/{}/{rest}", self.repository));
        url.set_query(None);
        url
    }

    /// Sends a request that carries no blob.
    async fn ask(&self, step: Step, make: impl Fn() -> RequestBuilder) -> Result<Answer, Fault> {
        self.send(step, || make().timeout(ANSWER)).await
    }

    /// Sends a request, and once more when the registry wants a (new) bearer token for it, or our
    /// credentials expired.
    async fn send(&self, step: Step, make: impl Fn() -> RequestBuilder) -> Result<Answer, Fault> {
        let mut key = self.keys.current().await;
        loop {
            let refusal = match self.once(step, make(), key.as_ref()).await? {
                Answer::Refused(refusal) if self.may_be_renewed(&refusal).await => refusal,
                other => return Ok(other),
            };
            let renewed = self
                .keys
                .renew(&self.http, refusal.challenge.as_ref(), key.as_ref())
                .await;
            match renewed.map_err(|error| self.sign_in_failed(error))? {
                Renewed::Now(new) => return self.again(step, make(), &new).await,
                Renewed::Meanwhile(new) => key = Some(new),
                Renewed::Nothing => return Ok(Answer::Refused(refusal)),
            }
        }
    }

    /// Once more, with what was just renewed: a refusal is the answer now.
    async fn again(
        &self,
        step: Step,
        request: RequestBuilder,
        key: &Secret,
    ) -> Result<Answer, Fault> {
        let answer = self.once(step, request, Some(key)).await?;
        if let Answer::Refused(refusal) = &answer
            && refusal.may_be_expired() == Expired::Perhaps
        {
            self.keys.was_in_vain().await;
        }
        Ok(answer)
    }

    async fn may_be_renewed(&self, refusal: &ErrorResponse) -> bool {
        match refusal.may_be_expired() {
            Expired::Yes => true,
            Expired::Perhaps => self.keys.is_worth_a_try().await,
            Expired::No => false,
        }
    }

    async fn once(
        &self,
        step: Step,
        request: RequestBuilder,
        key: Option<&Secret>,
    ) -> Result<Answer, Fault> {
        let mut request = request
            .build()
            .map_err(|error| Fault::last(PushError::Client(error)))?;
        if request.url().origin() == self.origin.origin()
            && let Some(value) = key.and_then(auth::header)
        {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let response = self
            .http
            .execute(request)
            .await
            .map_err(|error| self.unreachable(step, error))?;
        if response.status().is_success() {
            return Ok(Answer::Good(response));
        }
        let refusal = ErrorResponse::read(response, &self.origin).await;
        if refusal.is_of_missing_repository() {
            self.is_missing.store(true, Ordering::Relaxed);
        }
        Ok(Answer::Refused(refusal))
    }

    fn unreachable(&self, step: Step, source: reqwest::Error) -> Fault {
        // The address of an upload may hold a signature; it is not for logs.
        let lost = source.is_redirect();
        let error = match step {
            // Of a repository that is not there, ECR may just cut the upload; it was said when a
            // manifest was asked for.
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
            Fault::last(error)
        } else {
            Fault::passing(error)
        }
    }

    fn sign_in_failed(&self, error: RenewalError) -> Fault {
        let step = Step::SignIn;
        let denied = |message| {
            Fault::last(PushError::Denied {
                host: self.host(),
                repository: self.repository.clone(),
                step,
                message,
            })
        };
        match error {
            RenewalError::Credentials(message) => denied(message),
            RenewalError::Answer(reason) => Fault::last(self.odd(reason)),
            RenewalError::Exchange(error) => match error.status() {
                Some(status) if status.is_client_error() => {
                    denied(format!("its token service answered {status}"))
                }
                Some(_) | None => self.unreachable(step, error),
            },
        }
    }

    fn odd(&self, reason: impl Into<String>) -> PushError {
        PushError::Answer {
            host: self.host(),
            reason: reason.into(),
        }
    }
}
