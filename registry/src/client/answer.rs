//! What a registry's refusal means: which error it is, and whether to try again.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::Registry;
use super::auth::Challenge;
use super::retry::{Again, Fault};
use crate::body::read_words;
use crate::error::{PushError, Step, one_line};

/// Error bodies are a few hundred bytes; whatever is longer is not read to its end.
const LONGEST: usize = 64 * 1024;

/// The error document of the distribution specification.
#[derive(Debug, Default, Deserialize)]
struct ErrorDocument {
    #[serde(default)]
    errors: Vec<Said>,
}

#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What came back: an answer to read on, or a refusal that was read to its end.
#[derive(Debug)]
pub(super) enum Answer {
    Good(Response),
    Refused(ErrorResponse),
}

impl Answer {
    /// The answer, or the error that the refusal is in the middle of `step`.
    pub(super) fn good(self, registry: &Registry, step: Step) -> Result<Response, Fault> {
        match self {
            Self::Good(response) => Ok(response),
            Self::Refused(refusal) => Err(refusal.into_fault(registry, step)),
        }
    }
}

/// A refusal, read.
#[derive(Debug)]
pub(super) struct ErrorResponse {
    pub(super) status: StatusCode,
    /// What the registry wants to see instead.
    pub(super) challenge: Option<Challenge>,
    codes: Vec<String>,
    /// The registry's words, on one line.
    pub(super) message: String,
    after: Option<Duration>,
    is_silent: bool,
}

/// Whether a refusal is one of credentials that were good before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    Yes,
    Perhaps,
    No,
}

impl ErrorResponse {
    pub(super) async fn read(response: Response, origin: &Url) -> Self {
        let (status, after) = (response.status(), retry_after(response.headers()));
        let challenge = Challenge::read(response.headers(), origin);
        Self {
            challenge,
            ..Self::new(status, &read_words(response, LONGEST).await, after)
        }
    }

    /// Whether other credentials may help. ECR's tokens live for 12 hours, and what it says of an
    /// old one is no denial; to a HEAD it says nothing at all, so that a silent refusal leaves it
    /// open.
    pub(super) fn may_be_expired(&self) -> Expired {
        let words = self.message.to_ascii_lowercase();
        match self.status {
            StatusCode::UNAUTHORIZED => Expired::Yes,
            StatusCode::FORBIDDEN if words.contains("expired") => Expired::Yes,
            StatusCode::FORBIDDEN if self.is_silent => Expired::Perhaps,
            _ => Expired::No,
        }
    }

    /// There is no such repository.
    pub(super) fn is_of_missing_repository(&self) -> bool {
        self.is("NAME_UNKNOWN")
    }

    /// The manifest names contents that are not there (any more).
    fn is_lack_of_contents(&self) -> bool {
        self.is("MANIFEST_BLOB_UNKNOWN")
            || self.is("BLOB_UNKNOWN")
            || self.is("LayersNotFoundException")
    }

    fn new(status: StatusCode, body: &str, after: Option<Duration>) -> Self {
        let said = serde_json::from_str::<ErrorDocument>(body)
            .unwrap_or_default()
            .errors;
        let words = match said.first() {
            Some(first) if first.message.is_empty() => first.code.clone(),
            Some(first) => first.message.clone(),
            None if body.trim().is_empty() => format!("it gave no reason with its {status}"),
            None => body.to_owned(),
        };
        Self {
            status,
            challenge: None,
            codes: said.into_iter().map(|said| said.code).collect(),
            message: one_line(&words),
            after,
            is_silent: body.trim().is_empty(),
        }
    }

    /// ECR refuses to move an immutable tag with `TAG_INVALID` and a sentence; other registries
    /// differ in all but the word.
    pub(super) fn is_immutable_tag(&self) -> bool {
        let words = self.message.to_ascii_lowercase();
        let said = words.contains("immutable") || words.contains("imagetagalreadyexists");
        self.status.is_client_error()
            && (said || self.is("ImageTagAlreadyExistsException") || self.is("TAG_INVALID"))
    }

    fn is(&self, code: &str) -> bool {
        self.codes.iter().any(|said| said == code)
    }

    /// The error that this refusal is, in the middle of `step`.
    pub(super) fn into_fault(self, registry: &Registry, step: Step) -> Fault {
        let again = self.again();
        let (host, repository) = (registry.host(), registry.repository.clone());
        let missing = self.is_of_missing_repository()
            || (self.status == StatusCode::NOT_FOUND && step == Step::StartUpload);
        let lacking = step == Step::WriteManifest && self.is_lack_of_contents();
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
        Fault {
            error: Box::new(error),
            again,
        }
    }

    fn again(&self) -> Again {
        let passing = self.status.is_server_error()
            || matches!(
                self.status,
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
            );
        // An upload that the registry forgot is begun anew.
        let forgotten = self.is("BLOB_UPLOAD_UNKNOWN");
        match self.after {
            Some(pause) if passing => Again::After(pause),
            None if self.status == StatusCode::TOO_MANY_REQUESTS => Again::Busy,
            Some(_) | None if passing || forgotten => Again::Later,
            Some(_) | None => Again::Never,
        }
    }
}

/// Seconds only: the other form is a date, and the clocks of two machines differ.
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

    fn refusal(status: u16, body: &str) -> ErrorResponse {
        ErrorResponse::new(StatusCode::from_u16(status).unwrap(), body, None)
    }

    #[test]
    fn an_immutable_tag_is_known_by_code_or_words() {
        let ecr = r#"{"errors":[{"code":"TAG_INVALID","message":"The image tag 'v1' already exists in the 'api' repository and cannot be overwritten because the tag is immutable."}]}"#;
        assert!(refusal(400, ecr).is_immutable_tag());
        assert!(
            refusal(
                409,
                r#"{"errors":[{"code":"ImageTagAlreadyExistsException","message":""}]}"#
            )
            .is_immutable_tag()
        );
        assert!(
            refusal(
                412,
                r#"{"errors":[{"code":"X","message":"tag is immutable"}]}"#
            )
            .is_immutable_tag()
        );
        assert!(
            !refusal(
                400,
                r#"{"errors":[{"code":"MANIFEST_INVALID","message":"no"}]}"#
            )
            .is_immutable_tag()
        );
        assert!(!refusal(500, "immutable").is_immutable_tag());
    }

    #[test]
    fn what_passes_is_tried_again() {
        for (status, body, again) in [
            (429, "", Again::Busy),
            (503, "", Again::Later),
            (408, "", Again::Later),
            (400, "", Again::Never),
            (403, "", Again::Never),
            (
                404,
                r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#,
                Again::Later,
            ),
        ] {
            assert_eq!(refusal(status, body).again(), again, "{status}");
        }
        let named = ErrorResponse::new(
            StatusCode::TOO_MANY_REQUESTS,
            "",
            Some(Duration::from_secs(3)),
        );
        assert_eq!(named.again(), Again::After(Duration::from_secs(3)));
    }

    #[test]
    fn the_words_of_the_registry_are_found_wherever_they_are() {
        assert_eq!(refusal(500, "a\nb").message, "a b");
        assert_eq!(
            refusal(400, r#"{"errors":[{"code":"DENIED"}]}"#).message,
            "DENIED"
        );
        assert_eq!(
            refusal(403, "").message,
            "it gave no reason with its 403 Forbidden"
        );
    }
}
