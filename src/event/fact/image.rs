//! The image, its repository and its scan.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::text::Text;

/// The image, its repository and its scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum ImageFact {
    /// It need not be pushed.
    AlreadyThere {
        /// The image as the user named it.
        reference: String,
    },
    /// How far the push is.
    Moving {
        /// In a sentence.
        progress: Text,
    },
    /// Layers were sent that the registry has in another repository.
    LayersNotMounted {
        /// How many.
        count: usize,
        /// The registry's region.
        region: String,
        /// What the account says of mounting.
        setting: BlobMounting,
    },
    /// The push made the repository.
    RepositoryByPush {
        /// `registry/name`.
        repository: String,
        /// The prefix of ECR's creation template.
        template: String,
    },
    /// Somebody else made the repository.
    RepositoryMeanwhile {
        /// `registry/name`.
        repository: String,
    },
    /// The new repository has no lifecycle policy.
    KeepsEverything {
        /// Why it could not be set.
        error: Text,
        /// What sets it.
        command: String,
    },
    /// A tag could not be set.
    TagNotSet {
        /// Which, and why, in a sentence.
        why: Text,
    },
    /// An earlier attempt of this workflow run judged its scan.
    ScannedBefore,
}

/// Whether the account lets ECR mount layers of other repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlobMounting {
    /// It does.
    Enabled,
    /// It does not, or that could not be read.
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
    /// What people read.
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
                "the push made the repository {repository}, by the creation template `{template}`"
            ),
            Self::RepositoryMeanwhile { repository } => format!(
                "somebody else made the repository {repository} meanwhile; it is taken as it is"
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
