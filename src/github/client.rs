//! A client of GitHub's API, and its errors. Questions have a deadline, and answers a length that
//! is read at most.

use std::time::Duration;

use octocrab::Octocrab;
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::registry::{BodyError, read_body};
use crate::scrub::mask;
use crate::secret::Secret;

/// A page of fifty runs is about a megabyte, and one of a hundred comments at most seven.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// GitHub gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// The address is not a URL, or the token cannot be sent in a header.
    #[error("{0}")]
    Unusable(&'static str),
    /// GitHub answered with an error.
    #[error("GitHub answered {status}: {}", mask(message))]
    Answered {
        /// HTTP status.
        status: u16,
        /// GitHub's message.
        message: String,
    },
    /// No answer arrived.
    #[error("GitHub's API could not be asked")]
    Failed(#[source] Box<octocrab::Error>),
    /// An answer that is too long, or that broke off.
    #[error("GitHub's API could not be asked")]
    Body(#[from] BodyError),
    /// An answer that is not what the API documents.
    #[error("GitHub's answer cannot be read")]
    InvalidAnswer(#[from] serde_json::Error),
    /// The deadline passed.
    #[error("GitHub's API did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
}

impl GithubError {
    /// Whether the token may lack the permission. GitHub answers 404 for what a token may not see.
    pub fn is_denied(&self) -> bool {
        match self {
            Self::Answered { status, message } => {
                matches!(status, 403 | 404) && !message.contains("rate limit")
            }
            Self::Unusable(_)
            | Self::Failed(_)
            | Self::Body(_)
            | Self::InvalidAnswer(_)
            | Self::TimedOut(_) => false,
        }
    }
}

impl From<octocrab::Error> for GithubError {
    fn from(error: octocrab::Error) -> Self {
        match error {
            octocrab::Error::GitHub { source, .. } => Self::Answered {
                status: source.status_code.as_u16(),
                message: source.message.clone(),
            },
            other => Self::Failed(Box::new(other)),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct GithubErrorBody {
    #[serde(default)]
    message: String,
}

/// Prepares a client for this address, with the proxy of the environment; nothing is sent.
///
/// # Errors
/// The address is no URL, or the token is none.
pub fn connect(api: &str, token: &Secret) -> Result<Octocrab, GithubError> {
    let api = Url::parse(api)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    let api = api.ok_or(GithubError::Unusable("GITHUB_API_URL is no address"))?;
    let token = token.expose().trim();
    if token.is_empty() || !token.chars().all(|letter| letter.is_ascii_graphic()) {
        return Err(GithubError::Unusable("github-token is no token"));
    }
    // Up to three redirects, for a repository that was renamed and whose owner was renamed. The
    // token is not sent to another host.
    let http = reqwest::Client::builder()
        .redirect(Policy::limited(3))
        .connect_timeout(CONNECT_TIMEOUT)
        .build();
    let http = http.map_err(|_| GithubError::Unusable("the HTTP client could not be made"))?;
    Ok(Octocrab::builder()
        .personal_token(token)
        .base_uri(api.as_str())?
        .build_with_reqwest(http)?)
}

/// Reads an answer, or GitHub's refusal.
pub(super) async fn read_answer<T: DeserializeOwned>(
    answer: reqwest::Response,
) -> Result<T, GithubError> {
    let status = answer.status();
    let body = read_body(answer, MAX_BODY_BYTES).await?;
    if !status.is_success() {
        let refusal: GithubErrorBody = serde_json::from_slice(&body).unwrap_or_default();
        return Err(GithubError::Answered {
            status: status.as_u16(),
            message: refusal.message,
        });
    }
    // A deletion is answered by nothing.
    let body: &[u8] = if body.is_empty() { b"null" } else { &body };
    Ok(serde_json::from_slice(body)?)
}

/// Ends a question that takes longer than this.
pub(super) async fn with_deadline<T>(
    deadline: Duration,
    question: impl Future<Output = Result<T, GithubError>>,
) -> Result<T, GithubError> {
    tokio::time::timeout(deadline, question)
        .await
        .unwrap_or(Err(GithubError::TimedOut(deadline)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_github_hides_may_be_a_matter_of_permission_and_what_it_limits_is_not() {
        let table = [
            (401, "Bad credentials", false),
            (403, "Resource not accessible by integration", true),
            (404, "Not Found", true),
        ];
        let more = [
            (403, "API rate limit exceeded for installation", false),
            (500, "Server Error", false),
        ];
        for (status, message, expected) in table.into_iter().chain(more) {
            assert_eq!(
                GithubError::Answered {
                    status,
                    message: message.into()
                }
                .is_denied(),
                expected,
                "{status} {message}"
            );
        }
    }
}
