//! `mode: rollback`: the revision that is rolled back to, and how.

use serde::{Deserialize, Serialize};

use crate::aws::arn::short_name;
use crate::event::fact::FactLevel;
use crate::identity::RevisionArn;
use crate::text::Text;

/// `mode: rollback`: the revision that is rolled back to, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum RollbackFact {
    /// The revision that is rolled back to.
    Target {
        /// The revision's ARN.
        revision: RevisionArn,
        /// Why this revision was chosen.
        why: Text,
    },
    /// Both sides serve, and no deployment is in progress.
    TrafficIsShared {
        /// The traffic of both sides.
        seen: Text,
    },
    /// The rollout in progress is rolled back, which is faster than a new rollout.
    BlueStillRuns {
        /// A description of the rollout in progress.
        running: Text,
    },
    /// The revision is not tested (`skip-checks`).
    SkipsChecks,
}

impl RollbackFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::Target { revision, why } => format!("back to {}, {why}", short_name(revision)),
            Self::TrafficIsShared { seen } => {
                format!(
                    "{seen}, and no deployment is in progress: a new rollout will move all traffic to one side"
                )
            }
            Self::BlueStillRuns { running } => {
                format!("{running}: blue still runs, so it is rolled back")
            }
            Self::SkipsChecks => "skip-checks: the revision is deployed without tests".to_owned(),
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
