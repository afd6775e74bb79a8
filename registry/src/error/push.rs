//! Why an image did not arrive in a registry, and in which step.

use super::SourceError;
use crate::digest::Digest;
use crate::ecr::{self, is_ecr};
use crate::reference::Tag;
use crate::scrub::mask;

/// A step of the protocol, for errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask whether a blob is there.
    CheckBlob,
    /// Begin an upload, or mount a blob from another repository.
    StartUpload,
    /// Send a blob.
    SendBlob,
    /// Read a blob.
    ReadBlob,
    /// Read a manifest, or ask which one a tag names.
    ReadManifest,
    /// Write a manifest under its digest or a tag.
    WriteManifest,
    /// Exchange the credentials for a token.
    SignIn,
}

impl Step {
    fn description(self) -> &'static str {
        match self {
            Self::CheckBlob => "look for a layer",
            Self::StartUpload => "begin an upload",
            Self::SendBlob => "send a layer",
            Self::ReadBlob => "read a layer",
            Self::ReadManifest => "read a manifest",
            Self::WriteManifest => "write a manifest",
            Self::SignIn => "sign in",
        }
    }

    /// The IAM actions that ECR asks for, for a sentence.
    pub fn iam_actions(self) -> &'static str {
        ecr::iam_actions(self)
    }
}

/// Why an image did not arrive in the registry, or why the registry could not be asked.
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the sentence of a variant says what its fields are"
)]
pub enum PushError {
    /// The image cannot be read.
    #[error("the image cannot be read")]
    Source(#[from] SourceError),
    /// The repository's name or the registry's address cannot be one.
    #[error("`{text}` is not a repository: {reason}")]
    Repository { text: String, reason: String },
    /// No HTTP client could be made (no certificate roots, for example).
    #[error("no connection can be prepared")]
    Client(#[source] reqwest::Error),
    /// The connection could not be made or broke, in every attempt.
    #[error("the registry {host} cannot be reached to {}", step.description())]
    Unreachable {
        host: String,
        step: Step,
        source: reqwest::Error,
    },
    /// No byte moved for too long.
    #[error("the registry {host} was silent for {seconds} seconds when asked to {}", step.description())]
    Silent {
        host: String,
        step: Step,
        /// The time that was waited, in seconds.
        seconds: u64,
    },
    /// The credentials are missing, wrong, or not allowed to do this.
    #[error("the registry {host} does not allow to {} in `{repository}`: {}", step.description(), mask(message))]
    Denied {
        host: String,
        repository: String,
        step: Step,
        /// The registry's message, on one line.
        message: String,
    },
    /// There is no such repository, and the registry does not create it.
    #[error(
        "the registry {host} has no repository `{repository}`: {}",
        mask(message)
    )]
    RepositoryMissing {
        host: String,
        repository: String,
        /// The registry's message, on one line.
        message: String,
    },
    /// The tag is immutable and names another image.
    #[error("the tag `{tag}` of `{repository}` cannot be moved: {}; {}", mask(message), describe_tag_conflict(there.as_ref(), ours))]
    TagTaken {
        repository: String,
        tag: Tag,
        /// The image that the tag names, where that is known.
        there: Option<Digest>,
        /// The image that it was to name.
        ours: Digest,
        /// The registry's message, on one line.
        message: String,
    },
    /// The registry refused a manifest because it lacks contents of it. It has deleted them since
    /// they were asked for or sent.
    #[error(
        "the registry {host} misses contents of the image in `{repository}`: {}",
        mask(message)
    )]
    ContentsMissing {
        host: String,
        repository: String,
        /// The registry's message, on one line.
        message: String,
    },
    /// The image or one of its layers is in ECR's archive storage class.
    #[error("the image in `{repository}` is archived: {}", mask(message))]
    Archived {
        repository: String,
        /// The registry's message, on one line.
        message: String,
    },
    /// The image has more layers than the registry takes.
    #[error(
        "the image has more layers than the registry {host} takes: {}",
        mask(message)
    )]
    TooManyLayers {
        host: String,
        /// The registry's message, on one line.
        message: String,
    },
    /// A layer is larger than the registry takes.
    #[error("the layer {digest} has {size} bytes, and the registry {host} takes {most}")]
    LayerTooLarge {
        host: String,
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// The registry's limit in bytes.
        most: u64,
    },
    /// Any other error response.
    #[error("the registry {host} refused to {} ({status}): {}", step.description(), mask(message))]
    Refused {
        host: String,
        step: Step,
        status: u16,
        /// The registry's message, on one line.
        message: String,
    },
    /// The response does not follow the protocol.
    #[error("the registry {host} gave an answer that cannot be followed: {reason}")]
    Protocol { host: String, reason: String },
    /// The registry reports another digest than that of the content.
    #[error("the registry {host} holds {theirs} where {ours} was sent")]
    DigestMismatch {
        host: String,
        /// The digest that was computed here.
        ours: Digest,
        /// The digest that the registry reports.
        theirs: String,
    },
}

fn describe_tag_conflict(existing: Option<&Digest>, ours: &Digest) -> String {
    existing.map_or_else(
        || format!("it should name {ours}"),
        |there| format!("it names {there} and should name {ours}"),
    )
}

impl PushError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Archived { .. } => Some(ecr::RESTORE_FROM_ARCHIVE.to_owned()),
            Self::TooManyLayers { .. } | Self::LayerTooLarge { .. } => Some(
                "put fewer or smaller layers into the image: join RUN lines, or build in several stages"
                    .to_owned(),
            ),
            Self::Denied { host, step, repository, .. } if is_ecr(host) => {
                Some(ecr::allow_hint(*step, repository))
            }
            Self::Denied { .. } => {
                Some("check the user and the password for this registry".to_owned())
            }
            Self::RepositoryMissing { host, repository, .. } if is_ecr(host) => {
                Some(ecr::create_hint(repository))
            }
            Self::Refused { status, message, .. } => {
                ecr::refusal_hint(*status, message).map(str::to_owned)
            }
            Self::TagTaken { .. } => {
                Some("use a tag that is new for every build, for example the commit's".to_owned())
            }
            Self::Repository { .. }
            | Self::Client(_)
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::RepositoryMissing { .. }
            | Self::ContentsMissing { .. }
            | Self::Protocol { .. }
            | Self::DigestMismatch { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_by_ecr_names_the_iam_action() {
        let denied = |host: &str| PushError::Denied {
            host: host.into(),
            repository: "a/b".into(),
            step: Step::StartUpload,
            message: "no".into(),
        };
        let hint = denied("1.dkr.ecr.eu-west-1.amazonaws.com").hint().unwrap();
        assert!(
            hint.contains("ecr:InitiateLayerUpload") && hint.contains("a/b"),
            "{hint}"
        );
        assert!(!denied("ghcr.io").hint().unwrap().contains("ecr:"));
        assert_eq!(
            denied("ghcr.io").to_string(),
            "the registry ghcr.io does not allow to begin an upload in `a/b`: no"
        );
    }
}
