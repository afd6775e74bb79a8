//! Sessions of assumed roles: one is begun before the first call, and renewed well before it ends, so
//! that a rollback at the end of a long bake still has credentials. The ID token is requested anew
//! each time.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::connection::RoleRequest;
use super::credentials::SecretListener;
use super::id_token::{IdTokenRequest, read_subject};
use super::role_error::{RoleError, RoleFailure, RoleWay};
use super::{add_jitter, sts};

/// How long it is tried to begin the run's first session.
const FIRST_BUDGET: Duration = Duration::from_secs(45);
/// How long it is tried within a call to AWS, which itself may take 15 s.
const CALL_BUDGET: Duration = Duration::from_secs(12);
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// A session is renewed so long before it ends, or when a third of it is left.
const MARGIN: Duration = Duration::from_mins(10);
/// The pause after a renewal that failed, while the session still lasts.
const RENEWAL_PAUSE: Duration = Duration::from_secs(10);

/// What became of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleNotice {
    /// The first session has begun.
    Begun {
        /// The role.
        role: NamedRole,
        /// With what the role was assumed.
        by: RoleAssumedBy,
    },
    /// Another session has begun in the place of one that would have ended.
    Renewed {
        /// The role.
        role: NamedRole,
    },
    /// The session could not be renewed yet; it is tried again.
    NotRenewed {
        /// The role.
        role: NamedRole,
        /// Why not.
        why: String,
        /// How long the session still lasts.
        left: Duration,
    },
}

/// Which role, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRole {
    /// Its ARN.
    pub arn: String,
    /// The session's name.
    pub session: String,
    /// Whether it is for the registry only.
    pub input: &'static str,
}

/// With what a role was assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleAssumedBy {
    /// The job's ID token.
    IdToken,
    /// Other credentials.
    Credentials,
}

/// Called with what becomes of sessions.
pub type SessionNotice = Box<dyn Fn(RoleNotice) + Send + Sync>;

/// Who is told what becomes of sessions, once that is set.
#[derive(Clone, Default)]
pub(super) struct SessionListener(Arc<OnceLock<SessionNotice>>);

impl SessionListener {
    pub(super) fn set(&self, notice: SessionNotice) {
        let _ = self.0.set(notice); // there is one listener
    }

    fn tell(&self, notice: RoleNotice) {
        if let Some(tell) = self.0.get() {
            tell(notice);
        }
    }
}

impl fmt::Debug for SessionListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SessionListener")
    }
}

/// Who is told of secrets and of sessions.
#[derive(Debug, Clone)]
pub(super) struct RoleListeners {
    pub(super) secrets: SecretListener,
    pub(super) sessions: SessionListener,
}

#[derive(Debug)]
struct RoleSession {
    credentials: Credentials,
    renew_at: Instant,
    ends_at: Instant,
    /// Whether it was told that it cannot be renewed.
    is_warned: bool,
}

/// Provides the credentials of a role that is assumed.
#[derive(Debug)]
pub(super) struct AssumedRole {
    input: &'static str,
    request: RoleRequest,
    /// For requests that carry no credentials but the ID token.
    unsigned: SdkConfig,
    /// The credentials that may assume the role; none where only the ID token is tried.
    signed: Option<SdkConfig>,
    listeners: RoleListeners,
    session: Mutex<Option<RoleSession>>,
    /// There was a session, and there is none any more.
    is_lost: AtomicBool,
}

impl AssumedRole {
    /// The role of `role-to-assume`: by the ID token where there is one, else by the credentials of
    /// the job.
    pub(super) fn for_run(
        shared: &SdkConfig,
        request: RoleRequest,
        listeners: RoleListeners,
    ) -> Arc<Self> {
        let signed = request.id_token.is_none().then(|| shared.clone());
        Arc::new(Self {
            input: "role-to-assume",
            request,
            unsigned: shared.clone(),
            signed,
            listeners,
            session: Mutex::default(),
            is_lost: AtomicBool::default(),
        })
    }

    /// The role of `registry-role-to-assume`: by the ID token where there is one, and by the run's
    /// credentials where the role does not trust the token.
    pub(super) fn for_registry(
        shared: &SdkConfig,
        run: &SdkConfig,
        request: RoleRequest,
        listeners: RoleListeners,
    ) -> Arc<Self> {
        Arc::new(Self {
            input: "registry-role-to-assume",
            request,
            unsigned: shared.clone(),
            signed: Some(run.clone()),
            listeners,
            session: Mutex::default(),
            is_lost: AtomicBool::default(),
        })
    }

    /// The configuration of clients that use the role.
    pub(super) fn configure(self: &Arc<Self>, shared: &SdkConfig) -> SdkConfig {
        let provider = RoleProvider(Arc::clone(self));
        shared
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider))
            // The session is kept here, and renewed in time.
            .identity_cache(IdentityCache::no_cache())
            .build()
    }

    /// Begins the first session, with more time than a call has for it.
    pub(super) async fn begin(&self) -> Result<(), RoleError> {
        self.provide(FIRST_BUDGET).await.map(drop)
    }

    /// Whether the last session has ended, and no other could be begun.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    async fn provide(&self, budget: Duration) -> Result<Credentials, RoleError> {
        let mut session = self.session.lock().await;
        let is_fresh = |session: &&RoleSession| Instant::now() < session.renew_at;
        if let Some(session) = session.as_ref().filter(is_fresh) {
            return Ok(session.credentials.clone());
        }
        let is_first = session.is_none();
        // A session that still lives is no reason to keep a rollback waiting: one try.
        let lives = session
            .as_ref()
            .is_some_and(|old| Instant::now() < old.ends_at);
        let budget = if lives { Duration::ZERO } else { budget };
        match self.assume_within(budget).await {
            Ok((begun, by)) => {
                let role = self.name();
                self.is_lost.store(false, Ordering::Relaxed);
                self.listeners.sessions.tell(if is_first {
                    RoleNotice::Begun { role, by }
                } else {
                    RoleNotice::Renewed { role }
                });
                Ok(session.insert(begun).credentials.clone())
            }
            Err(error) => {
                let kept = self.keep_old(session.as_mut(), error);
                let is_lost = kept.is_err() && !is_first;
                self.is_lost.store(is_lost, Ordering::Relaxed);
                kept
            }
        }
    }

    /// A session that could not be renewed is used until it ends.
    fn keep_old(
        &self,
        session: Option<&mut RoleSession>,
        error: RoleError,
    ) -> Result<Credentials, RoleError> {
        let now = Instant::now();
        let Some(old) = session.filter(|session| now < session.ends_at) else {
            return Err(error);
        };
        old.renew_at = now + RENEWAL_PAUSE.min(old.ends_at.duration_since(now) / 4);
        if !std::mem::replace(&mut old.is_warned, true) {
            self.listeners.sessions.tell(RoleNotice::NotRenewed {
                role: self.name(),
                why: error.message,
                left: old.ends_at.duration_since(now),
            });
        }
        Ok(old.credentials.clone())
    }

    fn name(&self) -> NamedRole {
        NamedRole {
            arn: self.request.arn.as_str().to_owned(),
            session: self.request.session_name.clone(),
            input: self.input,
        }
    }

    /// Tries until it works, is refused, or the time is up.
    async fn assume_within(
        &self,
        budget: Duration,
    ) -> Result<(RoleSession, RoleAssumedBy), RoleError> {
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            let error = match self.assume_once().await {
                Err(error) if error.failure == RoleFailure::Unavailable => error,
                ended => return ended,
            };
            if began.elapsed() + pause >= budget {
                return Err(error);
            }
            tokio::time::sleep(add_jitter(pause)).await;
            pause *= 2;
        }
    }

    async fn assume_once(&self) -> Result<(RoleSession, RoleAssumedBy), RoleError> {
        let by_token = match &self.request.id_token {
            Some(token) => self.assume_by_token(token).await,
            None => return self.assume_by_credentials().await,
        };
        match by_token {
            Err(refused) if refused.failure == RoleFailure::Refused && self.signed.is_some() => {
                let second = self.assume_by_credentials().await;
                second.map_err(|second| refused.and_then(second))
            }
            ended => ended,
        }
    }

    async fn assume_by_token(
        &self,
        request: &IdTokenRequest,
    ) -> Result<(RoleSession, RoleAssumedBy), RoleError> {
        let token = request.send().await.map_err(|error| {
            let why = crate::error::cause_chain(&error).join(": ");
            if error.is_final() {
                RoleError::without_token(self.input, &self.request, &why)
            } else {
                RoleError::unavailable(self.input, &self.request, &why)
            }
        })?;
        self.listeners.secrets.hide(token.expose());
        let began = Instant::now();
        let answer = sts::assume_by_token(&self.unsigned, &self.request, &token).await;
        let subject = read_subject(&token).unwrap_or_else(|| "nothing readable".to_owned());
        let answer = answer.map_err(|error| {
            RoleError::answered(
                self.input,
                &self.request,
                RoleWay::IdToken(&subject),
                &error,
            )
        })?;
        Ok((self.start_session(answer, began), RoleAssumedBy::IdToken))
    }

    async fn assume_by_credentials(&self) -> Result<(RoleSession, RoleAssumedBy), RoleError> {
        let (began, shared) = (
            Instant::now(),
            self.signed.as_ref().unwrap_or(&self.unsigned),
        );
        let answer = sts::assume_by_credentials(shared, &self.request).await;
        let answer = answer.map_err(|error| {
            RoleError::answered(self.input, &self.request, RoleWay::Credentials, &error)
        })?;
        Ok((
            self.start_session(answer, began),
            RoleAssumedBy::Credentials,
        ))
    }

    fn start_session(&self, answer: sts::AssumedSession, began: Instant) -> RoleSession {
        self.listeners.secrets.hide(answer.secret.expose());
        self.listeners.secrets.hide(answer.token.expose());
        let lasts = remaining(answer.expires, self.request.duration);
        RoleSession {
            credentials: Credentials::new(
                answer.access_key,
                answer.secret.expose(),
                Some(answer.token.expose().to_owned()),
                None,
                "AssumedRole",
            ),
            renew_at: began + lasts - MARGIN.min(lasts / 3),
            ends_at: began + lasts,
            is_warned: false,
        }
    }
}

/// How long a session lasts: until the time that AWS says, and no longer than was asked. A clock of
/// this machine that is far off is not believed.
fn remaining(expires: SystemTime, asked: Duration) -> Duration {
    expires
        .duration_since(crate::clock::system_time())
        .ok()
        .filter(|left| *left <= asked)
        .unwrap_or(asked)
}

/// What the SDK asks for credentials.
#[derive(Debug)]
struct RoleProvider(Arc<AssumedRole>);

impl ProvideCredentials for RoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.0
                .provide(CALL_BUDGET)
                .await
                .map_err(CredentialsError::provider_error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_changes_no_more_than_when_a_session_is_renewed() {
        let (now, hour) = (crate::clock::system_time(), Duration::from_hours(1));
        let left = |expires| remaining(expires, hour).as_secs().div_ceil(60);
        assert_eq!(left(now + Duration::from_mins(59)), 59);
        assert_eq!(left(now + Duration::from_hours(9)), 60);
        assert_eq!(left(now - Duration::from_hours(9)), 60);
    }
}
