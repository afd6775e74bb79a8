//! Revisions that stay registered, or that AWS changed.

use serde::{Deserialize, Serialize};

use crate::aws::arn::short_name;
use crate::event::fact::FactLevel;
use crate::identity::RevisionArn;
use crate::text::Text;

/// Revisions that stay registered, or that AWS changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum RevisionFact {
    /// It stays registered, so that it can be deployed again.
    StaysForRollback {
        /// The revision's ARN.
        revision: RevisionArn,
    },
    /// It stays, because nothing shows that a run of this action registered it.
    StaysUnknown {
        /// The revision's ARN.
        revision: RevisionArn,
    },
    /// It stays, because the service uses it.
    StaysInUse {
        /// The revision's ARN.
        revision: RevisionArn,
    },
    /// It could not be deregistered.
    NotDeregistered {
        /// The revision's ARN.
        revision: RevisionArn,
        /// The error.
        error: Text,
    },
    /// The revision that is deployed is not the one that was registered first.
    Replaced {
        /// The ARN of the one that is deployed.
        revision: RevisionArn,
        /// The ARN of the one that was registered first.
        former: RevisionArn,
    },
    /// AWS did not keep a field.
    FieldDropped {
        /// Its path in the definition, as code.
        path: Text,
    },
}

impl RevisionFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::StaysForRollback { revision } => format!(
                "{} stays registered, so that it can be deployed again (rollback-to)",
                short_name(revision)
            ),
            Self::StaysUnknown { revision } => format!(
                "{} stays registered: the deployment does not say that a run of this action has registered it",
                short_name(revision)
            ),
            Self::StaysInUse { revision } => format!(
                "{} stays registered: the service still uses it",
                short_name(revision)
            ),
            Self::NotDeregistered { revision, error } => {
                format!("{} stays registered: {error}", short_name(revision))
            }
            Self::Replaced { revision, former } => format!(
                "{} is deployed instead of {}: what serves now has another definition",
                short_name(revision),
                short_name(former)
            ),
            Self::FieldDropped { path } => {
                format!("AWS did not keep {path} of the task definition")
            }
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::NotDeregistered { .. } | Self::FieldDropped { .. } => FactLevel::Warning,
            Self::StaysForRollback { .. }
            | Self::StaysUnknown { .. }
            | Self::StaysInUse { .. }
            | Self::Replaced { .. } => FactLevel::Note,
        }
    }
}
