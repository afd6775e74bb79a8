//! `mode: rollback`: what is brought back, and how.

use serde::{Deserialize, Serialize};

use crate::aws::arn::short_name;
use crate::event::fact::FactLevel;
use crate::identity::RevisionArn;
use crate::text::Text;

/// `mode: rollback`: what is brought back, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum RollbackFact {
    /// What is brought back.
    Target {
        /// The revision's ARN.
        revision: RevisionArn,
        /// Why this one.
        why: Text,
    },
    /// Both sides serve, and nothing is in progress.
    TrafficIsShared {
        /// What was seen, in words.
        seen: Text,
    },
    /// What is in progress is rolled back, which is quicker than a new rollout.
    BlueStillRuns {
        /// What is in progress, in words.
        running: Text,
    },
    /// What is brought back is not tested, as the user wants it.
    SkipsChecks,
}

impl RollbackFact {
    /// What people read.
    pub fn sentence(&self) -> String {
        match self {
            Self::Target { revision, why } => format!("back to {}, {why}", short_name(revision)),
            Self::TrafficIsShared { seen } => {
                format!("{seen}, and nothing is in progress: a new rollout brings it to one side")
            }
            Self::BlueStillRuns { running } => {
                format!("{running}: blue still runs, so it is rolled back")
            }
            Self::SkipsChecks => "skip-checks: what is brought back is not tested".to_owned(),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::SkipsChecks => FactLevel::Warning,
            Self::Target { .. } | Self::TrafficIsShared { .. } | Self::BlueStillRuns { .. } => {
                FactLevel::Note
            }
        }
    }
}
