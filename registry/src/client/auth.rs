//! Authorization at a registry: Basic in the first request, which is all that ECR wants, and a
//! bearer token when the registry asks for one.
//!
//! The sender of a request decides whether its URL may get it (`mod.rs`: the registry's origin
//! only).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::{Credentials, Renewal};
use crate::bounded_body::{BodyError, read_body};
use crate::scrub;
use crate::secret::Secret;

/// The longest response of a token service, in bytes. Tokens have a few kilobytes.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// The credentials, and how they are renewed.
pub(super) struct Authenticator {
    state: Mutex<AuthState>,
    renewal: Option<Renewal>,
}

struct AuthState {
    credentials: Option<Credentials>,
    token: Option<Secret>,
    /// Whether new credentials were refused like the old ones. Then a refusal without a message is
    /// a denial, and not an expiry.
    renewal_refused: bool,
}

/// `WWW-Authenticate: Bearer realm="…",service="…",scope="…"`: where to get a token, and for what.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The URL of the token service, with service and scope.
    url: Url,
}

/// The response of a token service, which has one of the two fields.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Authenticator {
    pub(super) fn new(credentials: Option<Credentials>, renewal: Option<Renewal>) -> Self {
        let state = AuthState {
            credentials,
            token: None,
            renewal_refused: false,
        };
        state.register_secrets();
        Self {
            state: Mutex::new(state),
            renewal,
        }
    }

    /// The value of `Authorization`; `None` for anonymous access.
    pub(super) async fn authorization(&self) -> Option<Secret> {
        self.state.lock().await.authorization()
    }

    /// Whether to get new credentials after a refusal without a message.
    pub(super) async fn may_renew(&self) -> bool {
        self.renewal.is_some() && !self.state.lock().await.renewal_refused
    }

    /// Remembers that new credentials were refused like the old ones.
    pub(super) async fn mark_renewal_refused(&self) {
        self.state.lock().await.renewal_refused = true;
    }

    /// Gets a better authorization after `refused` was refused: a token for the challenge, or new
    /// credentials. If another request has renewed it meanwhile, that one is returned.
    pub(super) async fn renew(
        &self,
        http: &Client,
        challenge: Option<&Challenge>,
        refused: Option<&Secret>,
    ) -> Result<RenewalOutcome, RenewalError> {
        let mut state = self.state.lock().await;
        if state.authorization().as_ref() != refused {
            return Ok(state.authorization().map_or(
                RenewalOutcome::Unavailable,
                RenewalOutcome::RenewedMeanwhile,
            ));
        }
        match (challenge, &self.renewal) {
            (Some(challenge), _) => {
                state.token = exchange_token(http, challenge, state.basic_authorization()).await?;
            }
            (None, Some(renewal)) => {
                state.credentials = Some(renewal.renew().await.map_err(RenewalError::Credentials)?);
            }
            (None, None) => return Ok(RenewalOutcome::Unavailable),
        }
        state.register_secrets();
        Ok(state
            .authorization()
            .map_or(RenewalOutcome::Unavailable, RenewalOutcome::Renewed))
    }
}

/// The result of a renewal.
pub(super) enum RenewalOutcome {
    Renewed(Secret),
    /// Another request has renewed it since ours was sent.
    RenewedMeanwhile(Secret),
    Unavailable,
}

/// Why a renewal failed.
pub(super) enum RenewalError {
    Exchange(reqwest::Error),
    /// The response of the token service has no token; a sentence says why.
    TokenResponse(String),
    /// There are no new credentials, for the reason that the caller gave.
    Credentials(String),
}

impl From<reqwest::Error> for RenewalError {
    fn from(error: reqwest::Error) -> Self {
        Self::Exchange(error)
    }
}

impl AuthState {
    /// Registers token and password as secrets, so that they are masked in error messages that
    /// repeat them, with or without the scheme.
    fn register_secrets(&self) {
        let token = self
            .token
            .iter()
            .filter_map(|token| token.expose().split_whitespace().last());
        let password = self
            .credentials
            .iter()
            .map(|credentials| credentials.password.expose());
        token
            .chain(password)
            .for_each(|text| scrub::register(&Secret::new(text)));
    }

    fn authorization(&self) -> Option<Secret> {
        self.token.clone().or_else(|| self.basic_authorization())
    }

    fn basic_authorization(&self) -> Option<Secret> {
        let Credentials { user, password } = self.credentials.as_ref()?;
        Some(Secret::new(format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{}", password.expose()))
        )))
    }
}

async fn exchange_token(
    http: &Client,
    challenge: &Challenge,
    basic: Option<Secret>,
) -> Result<Option<Secret>, RenewalError> {
    let mut request = http
        .get(challenge.url.clone())
        .timeout(super::RESPONSE_TIMEOUT);
    if let Some(basic) = basic.and_then(|basic| authorization_header(&basic)) {
        request = request.header(reqwest::header::AUTHORIZATION, basic);
    }
    let answer = read_body(request.send().await?.error_for_status()?, MAX_TOKEN_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::Broken(error) => RenewalError::Exchange(error),
            long @ BodyError::TooLong(_) => {
                RenewalError::TokenResponse(format!("its token service: {long}"))
            }
        })?;
    let token = serde_json::from_slice::<Token>(&answer);
    let token = token.map_err(|error| {
        RenewalError::TokenResponse(format!(
            "its token service's answer cannot be read: {error}"
        ))
    })?;
    Ok(token
        .token
        .or(token.access_token)
        .map(|token| Secret::new(format!("Bearer {token}"))))
}

/// The header value, marked as sensitive so that the HTTP client does not log it.
pub(super) fn authorization_header(secret: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret.expose()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl Challenge {
    /// The challenge of a registry at `origin`. One that would send credentials without TLS,
    /// although the registry itself uses it, is ignored.
    pub(super) fn from_headers(headers: &HeaderMap, origin: &Url) -> Option<Self> {
        headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .find_map(|value| Self::parse(value, origin))
    }

    fn parse(value: &str, origin: &Url) -> Option<Self> {
        let (scheme, rest) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parse_parameters(rest);
        let (_, realm) = parameters.iter().find(|(name, _)| name == "realm")?;
        let mut url = Url::parse(realm).ok()?;
        let realm = parameters
            .iter()
            .filter(|(name, _)| name == "service" || name == "scope");
        url.query_pairs_mut().extend_pairs(realm);
        let safe = url.scheme() == "https" || url.scheme() == origin.scheme();
        safe.then_some(Self { url })
    }
}

/// `name="value"` pairs; a value may contain commas, as scopes do.
fn parse_parameters(mut rest: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after
            .strip_prefix('"')
            .and_then(|quoted| quoted.split_once('"'))
        {
            Some(quoted) => quoted,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((
            name.trim_matches([' ', ',']).to_ascii_lowercase(),
            value.to_owned(),
        ));
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_challenge(value: &'static str, origin: &str) -> Option<Challenge> {
        let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(value))]);
        Challenge::from_headers(&headers, &origin.parse().unwrap())
    }

    #[test]
    fn a_bearer_challenge_names_where_to_ask_and_what() {
        let value = r#"Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push",error="x""#;
        let read = parse_challenge(value, "https://registry.example.com").unwrap();
        let asked = "https://auth.example.com/token?service=registry&scope=repository%3Aa%2Fb%3Apull%2Cpush";
        assert_eq!(read.url.as_str(), asked);
    }

    #[test]
    fn basic_is_no_challenge_to_answer_and_credentials_stay_behind_tls() {
        assert_eq!(
            parse_challenge(
                r#"Basic realm="ecr",service="ecr.amazonaws.com""#,
                "https://r.example"
            ),
            None
        );
        assert_eq!(
            parse_challenge(
                r#"Bearer realm="http://r.example/token""#,
                "https://r.example"
            ),
            None
        );
        assert!(
            parse_challenge(
                r#"bearer realm="http://r.example/token""#,
                "http://r.example"
            )
            .is_some()
        );
        assert_eq!(parse_challenge("Bearer", "https://r.example"), None);
    }
}
