//! ID tokens, with which roles are assumed: GitHub's word for what a job is, requested anew for each
//! use. They are valid for minutes, and the job may request them until it ends, also in its post
//! step (<https://docs.github.com/actions/reference/security/oidc>).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use serde::Deserialize;
use url::Url;

use crate::registry::{BodyError, read_body};
use crate::scrub::mask;
use crate::secret::Secret;

/// How long one request may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// A token has one or two kilobytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Where and with what the job requests its tokens.
#[derive(Debug, Clone)]
pub struct IdTokenRequest {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub url: Url,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub token: Secret,
    /// For whom the token is.
    pub audience: String,
}

/// GitHub gave no ID token.
#[derive(Debug, thiserror::Error)]
pub enum IdTokenError {
    /// GitHub refused.
    #[error(
        "GitHub gives the job no ID token: it answered {status}{}",
        with_colon(message)
    )]
    Refused {
        /// HTTP status.
        status: u16,
        /// GitHub's message.
        message: String,
    },
    /// No answer came, or it broke off.
    #[error("GitHub did not answer the request for the job's ID token")]
    Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer has no token.
    #[error("GitHub's answer to the request for the job's ID token has no token in it")]
    NoToken,
}

fn with_colon(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {}", mask(message))
    }
}

impl IdTokenError {
    /// Whether asking again cannot help.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                (400..500).contains(status) && !matches!(status, 408 | 425 | 429)
            }
            Self::Unanswered(_) | Self::NoToken => false,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IdTokenAnswer {
    value: String,
    message: String,
}

impl IdTokenRequest {
    /// A new token.
    ///
    /// # Errors
    ///
    /// GitHub refused, did not answer in time, or answered something else.
    pub async fn send(&self) -> Result<Secret, IdTokenError> {
        tokio::time::timeout(ANSWER_TIMEOUT, self.exchange())
            .await
            .unwrap_or_else(|elapsed| Err(IdTokenError::Unanswered(elapsed.into())))
    }

    async fn exchange(&self) -> Result<Secret, IdTokenError> {
        let unanswered =
            |error: reqwest::Error| IdTokenError::Unanswered(error.without_url().into());
        // The token that asks is for this address, and for none that it would lead to.
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .map_err(unanswered)?;
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("audience", &self.audience);
        let answer = client
            .get(url)
            .bearer_auth(self.token.expose())
            .header("accept", "application/json")
            .send()
            .await
            .map_err(unanswered)?;
        let status = answer.status();
        let body = read_body(answer, MAX_BODY_BYTES)
            .await
            .map_err(|error: BodyError| IdTokenError::Unanswered(error.into()))?;
        read_answer(status, &body)
    }
}

fn read_answer(status: StatusCode, body: &[u8]) -> Result<Secret, IdTokenError> {
    let answer: IdTokenAnswer = serde_json::from_slice(body).unwrap_or_default();
    if !status.is_success() {
        return Err(IdTokenError::Refused {
            status: status.as_u16(),
            message: answer.message,
        });
    }
    if answer.value.is_empty() {
        return Err(IdTokenError::NoToken);
    }
    Ok(Secret::new(answer.value))
}

/// What a token says of the job: its `sub`. It is no secret, and is what a role's trust policy is
/// compared with.
pub fn read_subject(token: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = token.expose().split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    Some(serde_json::from_slice::<Claims>(&claims).ok()?.sub)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_with_a_token_is_one() {
        let ok = StatusCode::OK;
        let read = |status, body: &str| read_answer(status, body.as_bytes());
        assert_eq!(
            read(ok, r#"{"count":1,"value":"a.b.c"}"#).unwrap().expose(),
            "a.b.c"
        );
        for garbage in ["", "<html>", "[]", r#"{"value":""}"#, r#"{"value":7}"#] {
            assert!(
                matches!(read(ok, garbage), Err(IdTokenError::NoToken)),
                "{garbage}"
            );
        }
        let denied = read(StatusCode::FORBIDDEN, r#"{"message":"no"}"#).unwrap_err();
        assert!(denied.is_final());
        assert_eq!(
            denied.to_string(),
            "GitHub gives the job no ID token: it answered 403: no"
        );
        let busy = read(StatusCode::TOO_MANY_REQUESTS, "<html>").unwrap_err();
        assert!(!busy.is_final());
        assert_eq!(
            busy.to_string(),
            "GitHub gives the job no ID token: it answered 429"
        );
    }

    #[test]
    fn the_subject_is_read_and_never_the_signature() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"repo:org/repo:ref:refs/heads/main"}"#);
        let token = |claims: &str| Secret::new(format!("h.{claims}.canary"));
        assert_eq!(
            read_subject(&token(&claims)).as_deref(),
            Some("repo:org/repo:ref:refs/heads/main")
        );
        assert_eq!(read_subject(&token("?")), None);
        assert_eq!(read_subject(&Secret::new("canary")), None);
    }
}
