//! Who we are to a registry: Basic at once (ECR wants nothing else), a bearer token when the
//! registry asks for one.
//!
//! Whoever sends a request decides whether its address may see this at all (`mod.rs`: the
//! registry's own origin only).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::{Credentials, Renewal};
use crate::body::{BodyError, read_body};
use crate::scrub;
use crate::secret::Secret;

/// Tokens are a few kilobytes; ECR's, the longest known, two or three.
const LONGEST_TOKEN: usize = 64 * 1024;

/// The credentials, and the token that they were last exchanged for.
pub(super) struct Keys {
    held: Mutex<Held>,
    renewal: Option<Renewal>,
}

struct Held {
    credentials: Option<Credentials>,
    token: Option<Secret>,
    /// New credentials were refused like the old ones: a silent refusal is a denial from here on.
    in_vain: bool,
}

/// What a registry wants to see, from `WWW-Authenticate: Bearer realm="…",service="…",scope="…"`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The token service, asked for this service and scope.
    question: Url,
}

/// The answer of a token service; it names the token in one of two ways.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Keys {
    pub(super) fn new(credentials: Option<Credentials>, renewal: Option<Renewal>) -> Self {
        let held = Held {
            credentials,
            token: None,
            in_vain: false,
        };
        held.register();
        Self {
            held: Mutex::new(held),
            renewal,
        }
    }

    /// The value of `Authorization`, if there is anything to say.
    pub(super) async fn current(&self) -> Option<Secret> {
        self.held.lock().await.shown()
    }

    /// Whether a refusal that gives no reason is worth new credentials.
    pub(super) async fn is_worth_a_try(&self) -> bool {
        self.renewal.is_some() && !self.held.lock().await.in_vain
    }

    /// The new credentials were refused like the old ones.
    pub(super) async fn was_in_vain(&self) {
        self.held.lock().await.in_vain = true;
    }

    /// What to show after `refused` was not good enough: a token for what the challenge asks, or
    /// new credentials. Another request may have seen to it meanwhile. Nothing, when there is
    /// nothing else to show.
    pub(super) async fn renew(
        &self,
        http: &Client,
        challenge: Option<&Challenge>,
        refused: Option<&Secret>,
    ) -> Result<Renewed, RenewalError> {
        let mut held = self.held.lock().await;
        if held.shown().as_ref() != refused {
            return Ok(held.shown().map_or(Renewed::Nothing, Renewed::Meanwhile));
        }
        match (challenge, &self.renewal) {
            (Some(challenge), _) => held.token = exchange(http, challenge, held.basic()).await?,
            (None, Some(renewal)) => {
                held.credentials = Some(renewal.renew().await.map_err(RenewalError::Credentials)?);
            }
            (None, None) => return Ok(Renewed::Nothing),
        }
        held.register();
        Ok(held.shown().map_or(Renewed::Nothing, Renewed::Now))
    }
}

/// What came of asking for something better to show.
pub(super) enum Renewed {
    Now(Secret),
    /// By another request, since ours was sent.
    Meanwhile(Secret),
    Nothing,
}

/// Why there is nothing better to show.
pub(super) enum RenewalError {
    Exchange(reqwest::Error),
    /// The token service answered, but not with a token.
    Answer(String),
    /// The caller's own words.
    Credentials(String),
}

impl From<reqwest::Error> for RenewalError {
    fn from(error: reqwest::Error) -> Self {
        Self::Exchange(error)
    }
}

impl Held {
    /// Whoever repeats what is shown here, in a message or a page of an error, is masked; also
    /// without the scheme before it.
    fn register(&self) {
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

    fn shown(&self) -> Option<Secret> {
        self.token.clone().or_else(|| self.basic())
    }

    fn basic(&self) -> Option<Secret> {
        let Credentials { user, password } = self.credentials.as_ref()?;
        Some(Secret::new(format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{}", password.expose()))
        )))
    }
}

async fn exchange(
    http: &Client,
    challenge: &Challenge,
    basic: Option<Secret>,
) -> Result<Option<Secret>, RenewalError> {
    let mut request = http.get(challenge.question.clone()).timeout(super::ANSWER);
    if let Some(basic) = basic.and_then(|basic| header(&basic)) {
        request = request.header(reqwest::header::AUTHORIZATION, basic);
    }
    let answer = read_body(request.send().await?.error_for_status()?, LONGEST_TOKEN)
        .await
        .map_err(|error| match error {
            BodyError::Broken(error) => RenewalError::Exchange(error),
            long @ BodyError::TooLong(_) => {
                RenewalError::Answer(format!("its token service: {long}"))
            }
        })?;
    let token = serde_json::from_slice::<Token>(&answer);
    let token = token.map_err(|error| {
        RenewalError::Answer(format!(
            "its token service's answer cannot be read: {error}"
        ))
    })?;
    Ok(token
        .token
        .or(token.access_token)
        .map(|token| Secret::new(format!("Bearer {token}"))))
}

/// A header whose value no log of the HTTP client shows.
pub(super) fn header(secret: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret.expose()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl Challenge {
    /// Reads the challenge of a registry at `origin`. Credentials that came over TLS are never sent
    /// on without it.
    pub(super) fn read(headers: &HeaderMap, origin: &Url) -> Option<Self> {
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
        let parameters = parameters(rest);
        let (_, realm) = parameters.iter().find(|(name, _)| name == "realm")?;
        let mut question = Url::parse(realm).ok()?;
        let asked = parameters
            .iter()
            .filter(|(name, _)| name == "service" || name == "scope");
        question.query_pairs_mut().extend_pairs(asked);
        let safe = question.scheme() == "https" || question.scheme() == origin.scheme();
        safe.then_some(Self { question })
    }
}

/// `name="value"` pairs; a value may hold commas (a scope does).
fn parameters(mut rest: &str) -> Vec<(String, String)> {
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

    fn challenge(value: &'static str, origin: &str) -> Option<Challenge> {
        let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(value))]);
        Challenge::read(&headers, &origin.parse().unwrap())
    }

    #[test]
    fn a_bearer_challenge_names_where_to_ask_and_what() {
        let value = r#"Bearer realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push",error="x""#;
        let read = challenge(value, "https://registry.example.com").unwrap();
        let asked = "https://auth.example.com/token?service=registry&scope=repository%3Aa%2Fb%3Apull%2Cpush";
        assert_eq!(read.question.as_str(), asked);
    }

    #[test]
    fn basic_is_no_challenge_to_answer_and_credentials_stay_behind_tls() {
        assert_eq!(
            challenge(
                r#"Basic realm="ecr",service="ecr.amazonaws.com""#,
                "https://r.example"
            ),
            None
        );
        assert_eq!(
            challenge(
                r#"Bearer realm="http://r.example/token""#,
                "https://r.example"
            ),
            None
        );
        assert!(
            challenge(
                r#"bearer realm="http://r.example/token""#,
                "http://r.example"
            )
            .is_some()
        );
        assert_eq!(challenge("Bearer", "https://r.example"), None);
    }
}
