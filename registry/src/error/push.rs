//! Why an image did not arrive in the registry, and what was asked of it then.

use super::{SourceError, is_ecr};
use crate::digest::Digest;
use crate::reference::Tag;
use crate::scrub::masked;

/// What was asked of the registry when it said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asking whether a blob is there.
    CheckBlob,
    /// Beginning an upload.
    StartUpload,
    /// Sending a blob.
    SendBlob,
    /// Reading a blob.
    ReadBlob,
    /// Asking which manifest a tag or a digest names.
    ReadManifest,
    /// Writing a manifest or a tag.
    WriteManifest,
    /// Exchanging credentials for a token.
    SignIn,
}

impl Step {
    fn words(self) -> &'static str {
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

    /// The IAM actions that ECR asks for (ECR user guide, "IAM permissions for pushing an image").
    pub fn iam_actions(self) -> &'static str {
        match self {
            Self::CheckBlob => "ecr:BatchCheckLayerAvailability",
            Self::StartUpload => "ecr:InitiateLayerUpload",
            Self::ReadBlob => "ecr:GetDownloadUrlForLayer",
            Self::SendBlob => "ecr:UploadLayerPart and ecr:CompleteLayerUpload",
            Self::ReadManifest => "ecr:BatchGetImage",
            Self::WriteManifest => "ecr:PutImage",
            Self::SignIn => "ecr:GetAuthorizationToken",
        }
    }
}

/// Why an image did not arrive in the registry, or why the registry could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The image cannot be read.
    #[error("the image cannot be read")]
    Source(#[from] SourceError),
    /// The repository's name or the registry's address cannot be one.
    #[error("`{text}` is not a repository: {reason}")]
    Repository {
        /// What was given.
        text: String,
        /// Which rule is broken.
        reason: String,
    },
    /// No HTTP client could be made (no certificate roots, for example).
    #[error("no connection can be prepared")]
    Client(#[source] reqwest::Error),
    /// The connection could not be made, or it broke again and again.
    #[error("the registry {host} cannot be reached to {}", step.words())]
    Unreachable {
        /// The registry's host.
        host: String,
        /// What was asked.
        step: Step,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The registry took nothing, or gave no answer, for too long.
    #[error("the registry {host} was silent for {seconds} seconds when asked to {}", step.words())]
    Silent {
        /// The registry's host.
        host: String,
        /// What was asked.
        step: Step,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The credentials are missing, wrong, or not allowed to do this.
    #[error("the registry {host} does not allow to {} in `{repository}`: {}", step.words(), masked(message))]
    Denied {
        /// The registry's host.
        host: String,
        /// The repository.
        repository: String,
        /// What was asked.
        step: Step,
        /// The registry's words.
        message: String,
    },
    /// There is no such repository, and the registry makes none by itself.
    #[error(
        "the registry {host} has no repository `{repository}`: {}",
        masked(message)
    )]
    RepositoryMissing {
        /// The registry's host.
        host: String,
        /// The repository.
        repository: String,
        /// The registry's words.
        message: String,
    },
    /// The tag is immutable and names another image.
    #[error("the tag `{tag}` of `{repository}` cannot be moved: {}; {}", masked(message), held(there.as_ref(), ours))]
    TagTaken {
        /// The repository.
        repository: String,
        /// The tag.
        tag: Tag,
        /// What the tag names now, where the registry told.
        there: Option<Digest>,
        /// What it was to name.
        ours: Digest,
        /// The registry's words.
        message: String,
    },
    /// Contents that the manifest names are not in the registry, although it said so or took them.
    #[error(
        "the registry {host} misses contents of the image in `{repository}`: {}",
        masked(message)
    )]
    ContentsMissing {
        /// The registry's host.
        host: String,
        /// The repository.
        repository: String,
        /// The registry's words.
        message: String,
    },
    /// The image, or a layer of it, is in ECR's archive.
    #[error("the image in `{repository}` is archived: {}", masked(message))]
    Archived {
        /// The repository.
        repository: String,
        /// The registry's words.
        message: String,
    },
    /// The image has more layers than the registry takes.
    #[error(
        "the image has more layers than the registry {host} takes: {}",
        masked(message)
    )]
    TooManyLayers {
        /// The registry's host.
        host: String,
        /// The registry's words.
        message: String,
    },
    /// A layer is larger than the registry takes.
    #[error("the layer {digest} has {size} bytes, and the registry {host} takes {most}")]
    LayerTooLarge {
        /// The registry's host.
        host: String,
        /// Which one.
        digest: Digest,
        /// Its bytes.
        size: u64,
        /// The registry's limit in bytes.
        most: u64,
    },
    /// Any other answer that is not the one hoped for.
    #[error("the registry {host} refused to {} ({status}): {}", step.words(), masked(message))]
    Refused {
        /// The registry's host.
        host: String,
        /// What was asked.
        step: Step,
        /// The HTTP status.
        status: u16,
        /// The registry's words.
        message: String,
    },
    /// The registry's answer breaks the protocol.
    #[error("the registry {host} gave an answer that cannot be followed: {reason}")]
    Answer {
        /// The registry's host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry holds something else than was sent.
    #[error("the registry {host} holds {theirs} where {ours} was sent")]
    DigestMismatch {
        /// The registry's host.
        host: String,
        /// What was sent, computed here.
        ours: Digest,
        /// What the registry says.
        theirs: String,
    },
}

fn held(there: Option<&Digest>, ours: &Digest) -> String {
    there.map_or_else(
        || format!("it should name {ours}"),
        |there| format!("it names {there} and should name {ours}"),
    )
}

impl PushError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Archived { .. } => Some(
                "restore it: aws ecr update-image-storage-class --target-storage-class STANDARD, or push it again under a new tag"
                    .to_owned(),
            ),
            Self::TooManyLayers { .. } | Self::LayerTooLarge { .. } => {
                Some("put fewer or smaller layers into the image: join RUN lines, or build in several stages".to_owned())
            }
            Self::Denied { host, step, repository, .. } if is_ecr(host) => {
                Some(format!("allow {} on the repository `{repository}`, in the role's policy and in the repository's", step.iam_actions()))
            }
            Self::RepositoryMissing { host, repository, .. } if is_ecr(host) => {
                Some(format!("create it: aws ecr create-repository --repository-name {repository}"))
            }
            Self::Refused { status, message, .. } => meant(*status, message),
            Self::TagTaken { .. } => Some("use a tag that is new for every build, for example the commit's".to_owned()),
            Self::Denied { .. } => Some("check the user and the password for this registry".to_owned()),
            Self::Repository { .. }
            | Self::Client(_)
            | Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::RepositoryMissing { .. }
            | Self::ContentsMissing { .. }
            | Self::Answer { .. }
            | Self::DigestMismatch { .. } => None,
        }
    }
}

/// What to do about refusals that are known by their status or by ECR's words only.
fn meant(status: u16, message: &str) -> Option<String> {
    let words = message.to_lowercase();
    let remedy = if status == 429 {
        "ECR takes ten manifests a second in an account and region: let fewer jobs push at once, or run the job again"
    } else if words.contains("kms") {
        "the repository's KMS key must be enabled, and usable by the role: kms:GenerateDataKey and kms:Decrypt"
    } else if [
        "upstream image",
        "upstream layer",
        "upstream_image",
        "upstream_layer",
    ]
    .iter()
    .any(|word| words.contains(word))
    {
        "the pull-through cache cannot reach its upstream: check its rule and its credentials in Secrets Manager"
    } else {
        return None;
    };
    Some(remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_are_known_have_a_remedy() {
        for (status, message, word) in [
            (
                429,
                "TOOMANYREQUESTS: Rate exceeded",
                "ten manifests a second",
            ),
            (400, "KmsException: the key is disabled", "kms:Decrypt"),
            (
                404,
                "UNABLE_TO_GET_UPSTREAM_IMAGE: Upstream image not found",
                "pull-through cache",
            ),
        ] {
            assert!(meant(status, message).unwrap().contains(word), "{message}");
        }
        assert_eq!(meant(500, "INTERNAL"), None);
    }

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
