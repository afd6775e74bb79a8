//! Responses of a registry: what an error response means, and whether to retry after it.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::Registry;
use super::auth::Challenge;
use super::retry::{FailedAttempt, Retry};
use crate::bounded_body::read_error_text;
use crate::error::{PushError, Step, mask_to_line};

/// What is read of the body of an error response, in bytes; usual ones have a few hundred.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// The error document of the distribution specification.
#[derive(Debug, Default, Deserialize)]
struct ErrorDocument {
    #[serde(default)]
    errors: Vec<ErrorEntry>,
}

#[derive(Debug, Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// A response: a successful one, whose body is not read yet, or an error.
#[derive(Debug)]
pub(super) enum Reply {
    Success(Response),
    Error(ErrorResponse),
}

impl Reply {
    /// The successful response, or the error in this step.
    pub(super) fn into_success(
        self,
        registry: &Registry,
        step: Step,
    ) -> Result<Response, FailedAttempt> {
        match self {
            Self::Success(response) => Ok(response),
            Self::Error(refusal) => Err(refusal.into_failure(registry, step)),
        }
    }
}

#[derive(Debug)]
pub(super) struct ErrorResponse {
    pub(super) status: StatusCode,
    /// The authorization that the registry asks for.
    pub(super) challenge: Option<Challenge>,
    codes: Vec<String>,
    /// The message of the registry, on one line.
    pub(super) message: String,
    retry_after: Option<Duration>,
    /// Whether the response had no body.
    is_silent: bool,
}

/// Whether credentials have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    Certain,
    Possible,
    No,
}

impl ErrorResponse {
    pub(super) async fn receive(response: Response, origin: &Url) -> Self {
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let challenge = Challenge::from_headers(response.headers(), origin);
        Self {
            challenge,
            ..Self::new(
                status,
                &read_error_text(response, MAX_ERROR_BYTES).await,
                retry_after,
            )
        }
    }

    /// Whether new credentials may help. ECR refuses an expired token (they live for 12 hours) with
    /// 403 and a message, but the response to HEAD has no message.
    pub(super) fn expiry(&self) -> Expiry {
        let words = self.message.to_ascii_lowercase();
        match self.status {
            StatusCode::UNAUTHORIZED => Expiry::Certain,
            StatusCode::FORBIDDEN if words.contains("expired") => Expiry::Certain,
            StatusCode::FORBIDDEN if self.is_silent => Expiry::Possible,
            _ => Expiry::No,
        }
    }

    /// Whether there is no such repository.
    pub(super) fn is_missing_repository(&self) -> bool {
        self.has_code("NAME_UNKNOWN")
    }

    /// Whether the registry lacks contents of the manifest.
    fn names_missing_contents(&self) -> bool {
        self.has_code("MANIFEST_BLOB_UNKNOWN")
            || self.has_code("BLOB_UNKNOWN")
            || self.has_code("LayersNotFoundException")
    }

    fn new(status: StatusCode, body: &str, retry_after: Option<Duration>) -> Self {
        let document = serde_json::from_str::<ErrorDocument>(body)
            .unwrap_or_default()
            .errors;
        let words = match document.first() {
            Some(first) if first.message.is_empty() => first.code.clone(),
            Some(first) => first.message.clone(),
            None if body.trim().is_empty() => format!("it gave no reason with its {status}"),
            None => body.to_owned(),
        };
        Self {
            status,
            challenge: None,
            codes: document.into_iter().map(|said| said.code).collect(),
            message: mask_to_line(&words),
            retry_after,
            is_silent: body.trim().is_empty(),
        }
    }

    /// Whether the tag is immutable. ECR says `TAG_INVALID` and a sentence; what other registries
    /// say has only the word in common.
    pub(super) fn is_immutable_tag(&self) -> bool {
        let words = self.message.to_ascii_lowercase();
        let is_immutable_message =
            words.contains("immutable") || words.contains("imagetagalreadyexists");
        self.status.is_client_error()
            && (is_immutable_message
                || self.has_code("ImageTagAlreadyExistsException")
                || self.has_code("TAG_INVALID"))
    }

    fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|said| said == code)
    }

    /// The error that this response means in this step.
    pub(super) fn into_failure(self, registry: &Registry, step: Step) -> FailedAttempt {
        let retry = self.retry();
        let (host, repository) = (registry.host(), registry.repository.clone());
        let missing = self.is_missing_repository()
            || (self.status == StatusCode::NOT_FOUND && step == Step::StartUpload);
        let lacking = step == Step::WriteManifest && self.names_missing_contents();
        let message = self.message;
        let words = message.to_ascii_lowercase();
        let error = match self.status {
            _ if lacking => PushError::ContentsMissing {
                host,
                repository,
                message,
            },
            _ if words.contains("archived") => PushError::Archived {
                repository,
                message,
            },
            _ if words.contains("number of layers") => PushError::TooManyLayers { host, message },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => PushError::Denied {
                host,
                repository,
                step,
                message,
            },
            _ if missing => PushError::RepositoryMissing {
                host,
                repository,
                message,
            },
            status => PushError::Refused {
                host,
                step,
                status: status.as_u16(),
                message,
            },
        };
        FailedAttempt {
            error: Box::new(error),
            retry,
        }
    }

    fn retry(&self) -> Retry {
        let passing = self.status.is_server_error()
            || matches!(
                self.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            );
        // If the registry has lost the upload, a new one is begun.
        let forgotten = self.has_code("BLOB_UPLOAD_UNKNOWN");
        match self.retry_after {
            Some(pause) if passing => Retry::After(pause),
            None if self.status == StatusCode::TOO_MANY_REQUESTS => Retry::LongBackoff,
            Some(_) | None if passing || forgotten => Retry::Backoff,
            Some(_) | None => Retry::Never,
        }
    }
}

/// `Retry-After` in seconds. Its other form, a date, is ignored: the clocks of two machines differ.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_response(status: u16, body: &str) -> ErrorResponse {
        ErrorResponse::new(StatusCode::from_u16(status).unwrap(), body, None)
    }

    #[test]
    fn an_immutable_tag_is_known_by_code_or_words() {
        let ecr = r#"{"errors":[{"code":"TAG_INVALID","message":"The image tag 'v1' already exists in the 'api' repository and cannot be overwritten because the tag is immutable."}]}"#;
        assert!(error_response(400, ecr).is_immutable_tag());
        assert!(
            error_response(
                409,
                r#"{"errors":[{"code":"ImageTagAlreadyExistsException","message":""}]}"#
            )
            .is_immutable_tag()
        );
        assert!(
            error_response(
                412,
                r#"{"errors":[{"code":"X","message":"tag is immutable"}]}"#
            )
            .is_immutable_tag()
        );
        assert!(
            !error_response(
                400,
                r#"{"errors":[{"code":"MANIFEST_INVALID","message":"no"}]}"#
            )
            .is_immutable_tag()
        );
        assert!(!error_response(500, "immutable").is_immutable_tag());
    }

    #[test]
    fn what_passes_is_tried_again() {
        for (status, body, again) in [
            (429, "", Retry::LongBackoff),
            (503, "", Retry::Backoff),
            (408, "", Retry::Backoff),
            (400, "", Retry::Never),
            (403, "", Retry::Never),
            (
                404,
                r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#,
                Retry::Backoff,
            ),
        ] {
            assert_eq!(error_response(status, body).retry(), again, "{status}");
        }
        let named = ErrorResponse::new(
            StatusCode::TOO_MANY_REQUESTS,
            "",
            Some(Duration::from_secs(3)),
        );
        assert_eq!(named.retry(), Retry::After(Duration::from_secs(3)));
    }

    #[test]
    fn the_words_of_the_registry_are_found_wherever_they_are() {
        assert_eq!(error_response(500, "a\nb").message, "a b");
        assert_eq!(
            error_response(400, r#"{"errors":[{"code":"DENIED"}]}"#).message,
            "DENIED"
        );
        assert_eq!(
            error_response(403, "").message,
            "it gave no reason with its 403 Forbidden"
        );
    }
}
