//! The image, its repository and its scan.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::text::Text;

/// The image, its repository and its scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum ImageFact {
    /// It is in its registry already.
    AlreadyThere {
        /// The image as the user named it.
        reference: String,
    },
    /// The progress of the push.
    Moving {
        /// The progress, as a sentence.
        progress: Text,
    },
    /// Layers were sent although the registry has them in another repository.
    LayersNotMounted {
        /// The number of layers.
        count: usize,
        /// The registry's region.
        region: String,
        /// The account's setting for mounting.
        setting: BlobMounting,
    },
    /// The push created the repository.
    RepositoryByPush {
        /// `registry/name`.
        repository: String,
        /// The prefix of ECR's creation template.
        template: String,
    },
    /// Somebody else created the repository meanwhile.
    RepositoryMeanwhile {
        /// `registry/name`.
        repository: String,
    },
    /// The new repository has no lifecycle policy.
    KeepsEverything {
        /// The error.
        error: Text,
        /// The command that sets it.
        command: String,
    },
    /// A tag could not be set.
    TagNotSet {
        /// The tag and the error, as a sentence.
        why: Text,
    },
    /// An earlier attempt of this workflow run passed its scan.
    ScannedBefore,
}

/// Whether the account lets ECR mount layers from other repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlobMounting {
    /// Mounting is enabled.
    Enabled,
    /// Mounting is not enabled, or the setting could not be read.
    NotEnabled,
}

impl BlobMounting {
    fn remedy(self, region: &str) -> String {
        match self {
            Self::Enabled => {
                "ECR mounts none between different encryptions, and none of a pull-through cache"
                    .to_owned()
            }
            Self::NotEnabled => format!(
                "ECR mounts them once the account says so: aws ecr put-account-setting --name BLOB_MOUNTING --value ENABLED --region {region}"
            ),
        }
    }
}

impl ImageFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::AlreadyThere { reference } => {
                format!("{reference} is in the registry already, 0 bytes moved")
            }
            Self::Moving { progress } => progress.to_string(),
            Self::LayersNotMounted {
                count,
                region,
                setting,
            } => format!(
                "{count} layers were sent although another repository of the registry has them: {}",
                setting.remedy(region)
            ),
            Self::RepositoryByPush {
                repository,
                template,
            } => format!(
                "the push created the repository {repository}, by the creation template `{template}`"
            ),
            Self::RepositoryMeanwhile { repository } => format!(
                "somebody else created the repository {repository} meanwhile; it is used as it is"
            ),
            Self::KeepsEverything { error, command } => format!(
                "the new repository keeps all its images, because its lifecycle policy could not be set ({error}): {command}"
            ),
            Self::TagNotSet { why } => why.to_string(),
            Self::ScannedBefore => {
                "the image's scan was judged before its rollout was started".to_owned()
            }
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::KeepsEverything { .. } | Self::TagNotSet { .. } => FactLevel::Warning,
            Self::AlreadyThere { .. }
            | Self::Moving { .. }
            | Self::LayersNotMounted { .. }
            | Self::RepositoryByPush { .. }
            | Self::RepositoryMeanwhile { .. }
            | Self::ScannedBefore => FactLevel::Note,
        }
    }
}
