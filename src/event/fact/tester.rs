//! Testers on the runner.

use serde::{Deserialize, Serialize};

use crate::event::fact::{FactLevel, human_duration};
use crate::text::Text;

/// Testers on the runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum TesterFact {
    /// Its image is being pulled.
    Pulls {
        /// The image.
        image: Text,
    },
    /// Its image was pulled.
    Pulled {
        /// The image.
        image: Text,
        /// How long the pull took.
        milliseconds: u64,
    },
    /// Its container could not be removed yet, and is removed later.
    NotRemovedYet {
        /// The container's name.
        container: String,
        /// The error.
        error: Text,
    },
    /// Its container could not be removed.
    NotRemoved {
        /// The container's name.
        container: String,
        /// The error.
        error: Text,
    },
    /// Its image is not named by digest.
    NamedByTag {
        /// The tester's name.
        tester: Text,
        /// The image.
        image: Text,
    },
    /// It can read the token of the checkout.
    ReadsToken {
        /// The tester's name.
        tester: Text,
    },
}

impl TesterFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Pulls { image } => format!("{image} is not in the Docker engine: it is pulled"),
            Self::Pulled {
                image,
                milliseconds,
            } => format!("{image} is there ({})", human_duration(*milliseconds)),
            Self::NotRemovedYet { container, error } => {
                format!("container {container} is not removed yet: {error}")
            }
            Self::NotRemoved { container, error } => format!(
                "the tester's container could not be removed: docker rm --force {container} ({error})"
            ),
            Self::NamedByTag { tester, image } => format!(
                "tester \"{tester}\" runs {image}, which is named by a tag: whoever moves the tag runs code on this runner; name it by digest"
            ),
            Self::ReadsToken { tester } => format!(
                "tester \"{tester}\" can read the checkout's token in .git/config: give actions/checkout `persist-credentials: false`"
            ),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::NotRemoved { .. } | Self::NamedByTag { .. } | Self::ReadsToken { .. } => {
                FactLevel::Warning
            }
            Self::Pulls { .. } | Self::Pulled { .. } | Self::NotRemovedYet { .. } => {
                FactLevel::Note
            }
        }
    }
}
