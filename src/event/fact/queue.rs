//! Other runs' deployments of the service, and what this run does about them.

use serde::{Deserialize, Serialize};

use crate::event::fact::{FactLevel, human_duration};
use crate::text::Text;

/// Other runs' deployments of the service, and what this run does about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum QueueFact {
    /// A deployment is in progress.
    InProgress {
        /// A description of it.
        running: Text,
    },
    /// This run waits until another rollout has ended.
    Waits {
        /// A description of the rollout in progress.
        running: Text,
        /// This run's place in the workflow's queue, if GitHub shows it.
        position: Option<usize>,
    },
    /// This run still waits.
    StillWaits {
        /// A description of the rollout in progress.
        running: Text,
        /// For how long so far.
        milliseconds: u64,
    },
    /// The rollout in progress is rolled back before this run deploys.
    RollsBackFirst {
        /// A description of it.
        running: Text,
    },
    /// A rollout that this workflow run started earlier is followed.
    Follows {
        /// A description of it.
        running: Text,
    },
    /// The deployment that was thought to be this run's deploys another revision.
    BringsAnother,
    /// Somebody else has deployed since the survey, so the plan is made again.
    PlansAgain,
    /// Another deployment was started at the same time.
    StartedTogether {
        /// A description of the other deployment.
        theirs: Text,
    },
    /// The gates before the start were passed when an earlier attempt of this run has started the
    /// rollout that it continues.
    GatesPassedBefore,
    /// This run was cancelled, and leaves the rollout in progress to AWS.
    LeftToAws,
}

impl QueueFact {
    /// The sentence for people.
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
                "the deployment in progress deploys another revision, so it is not ours".to_owned()
            }
            Self::PlansAgain => {
                "somebody else has deployed since the service was read: it is planned again"
                    .to_owned()
            }
            Self::StartedTogether { theirs } => format!(
                "{theirs} was started at the same time, before ours: ECS is expected to stop it"
            ),
            Self::GatesPassedBefore => {
                "the gates are not read: they were passed before this run started its rollout"
                    .to_owned()
            }
            Self::LeftToAws => "Cancelled: the deployment in progress continues in AWS".to_owned(),
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
            | Self::GatesPassedBefore
            | Self::LeftToAws => FactLevel::Note,
        }
    }
}
