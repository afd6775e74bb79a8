//! Other runs' deployments of the service, and what this run makes of them.

use serde::{Deserialize, Serialize};

use crate::event::fact::{FactLevel, human_duration};
use crate::text::Text;

/// Other runs' deployments of the service, and what this run makes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum QueueFact {
    /// A deployment is in progress.
    InProgress {
        /// Which, in words.
        running: Text,
    },
    /// This run waits until another's work is over.
    Waits {
        /// What is in progress, in words.
        running: Text,
        /// This run's place in the workflow's queue, where GitHub tells it.
        position: Option<usize>,
    },
    /// It has waited for a while.
    StillWaits {
        /// What is in progress, in words.
        running: Text,
        /// For so long.
        milliseconds: u64,
    },
    /// What is in progress is rolled back before this run deploys.
    RollsBackFirst {
        /// What is in progress, in words.
        running: Text,
    },
    /// What this workflow run has started is followed.
    Follows {
        /// What is in progress, in words.
        running: Text,
    },
    /// What was taken for this run's own brings another revision.
    BringsAnother,
    /// Somebody else has deployed since the service was read.
    PlansAgain,
    /// Another deployment was started at the same time.
    StartedTogether {
        /// Which, in words.
        theirs: Text,
    },
    /// This run was told to stop, and leaves what is in progress.
    LeftToAws,
}

impl QueueFact {
    /// What people read.
    pub fn sentence(&self) -> String {
        match self {
            Self::InProgress { running } => running.to_string(),
            Self::Waits { running, position } => {
                let position = position
                    .map(|position| format!(" (position {position} in the workflow's queue)"))
                    .unwrap_or_default();
                format!("{running}: waiting until it is over{position}")
            }
            Self::StillWaits {
                running,
                milliseconds,
            } => format!(
                "still waiting, after {}: {running}",
                human_duration(*milliseconds)
            ),
            Self::RollsBackFirst { running } => {
                format!("{running}: it is rolled back first (if-running: supersede)")
            }
            Self::Follows { running } => {
                format!("{running}: it was started by this workflow run and is followed on")
            }
            Self::BringsAnother => {
                "what is in progress brings another revision: it is somebody else's".to_owned()
            }
            Self::PlansAgain => {
                "somebody else has deployed since the service was read: it is planned again"
                    .to_owned()
            }
            Self::StartedTogether { theirs } => format!(
                "{theirs} was started at the same time, before ours: ECS is expected to stop it"
            ),
            Self::LeftToAws => {
                "The runner asks us to stop: what is in progress is left to AWS".to_owned()
            }
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::RollsBackFirst { .. } => FactLevel::Warning,
            Self::InProgress { .. }
            | Self::Waits { .. }
            | Self::StillWaits { .. }
            | Self::Follows { .. }
            | Self::BringsAnother
            | Self::PlansAgain
            | Self::StartedTogether { .. }
            | Self::LeftToAws => FactLevel::Note,
        }
    }
}
