//! What `mode: cleanup` has done.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::identity::RevisionArn;
use crate::text::Text;

/// What `mode: cleanup` has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum CleanupFact {
    /// A revision is deregistered.
    Deregistered {
        /// The revision.
        revision: RevisionArn,
    },
    /// Images are deleted.
    ImagesDeleted {
        /// How many.
        count: usize,
        /// The repository's name.
        repository: String,
    },
    /// ECR did not delete an image.
    ImageStays {
        /// Its name.
        image: String,
        /// Why, in ECR's words.
        why: Text,
    },
    /// A log group keeps its lines for another time.
    RetentionSet {
        /// The log group.
        group: String,
        /// The days.
        days: i64,
    },
}

impl CleanupFact {
    /// The sentence for people.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Deregistered { revision } => {
                format!("{} deregistered", crate::aws::arn::short_name(revision))
            }
            Self::ImagesDeleted {
                count: 1,
                repository,
            } => format!("1 image of {repository} deleted"),
            Self::ImagesDeleted { count, repository } => {
                format!("{count} images of {repository} deleted")
            }
            Self::ImageStays { image, why } => format!("image {image} was not deleted: {why}"),
            Self::RetentionSet { group, days } => {
                format!("log group {group} keeps its lines for {days} days")
            }
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::ImageStays { .. } => FactLevel::Warning,
            Self::Deregistered { .. } | Self::ImagesDeleted { .. } | Self::RetentionSet { .. } => {
                FactLevel::Note
            }
        }
    }
}
