//! The one-off task.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::text::Text;

/// The one-off task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum OneOffFact {
    /// An earlier attempt of this workflow run ran it.
    RanBefore,
    /// It, or a tester's task, has a new status.
    Status {
        /// The kind of task.
        what: String,
        /// AWS's status.
        status: Text,
    },
    /// Another run's task is older, so this run's is stopped.
    GivesWay {
        /// A description of the other task.
        other: Text,
    },
    /// Another run's task runs at the same time.
    BothRun {
        /// A description of the other task.
        other: Text,
    },
    /// This run's task could not be stopped.
    NotStopped {
        /// The error.
        error: Text,
    },
    /// This run's task had started before it was stopped.
    HadBegun,
    /// The task's effects are not undone.
    NotUndone {
        /// What is not undone, as a sentence.
        what: Text,
    },
}

impl OneOffFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::RanBefore => "the one-off task was run before the rollout was started".to_owned(),
            Self::Status { what, status } => format!("the {what} is {status}"),
            Self::GivesWay { other } => {
                format!("{other}; it is older than this run's task, which is stopped")
            }
            Self::BothRun { other } => {
                format!("{other}: both run, because this run's had begun already")
            }
            Self::NotStopped { error } => {
                format!("both one-off tasks run, because this run's could not be stopped: {error}")
            }
            Self::HadBegun => {
                "this run's one-off task had begun before it was stopped; what it did is not undone"
                    .to_owned()
            }
            Self::NotUndone { what } => what.to_string(),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::BothRun { .. } | Self::NotStopped { .. } | Self::HadBegun => FactLevel::Warning,
            Self::RanBefore
            | Self::Status { .. }
            | Self::GivesWay { .. }
            | Self::NotUndone { .. } => FactLevel::Note,
        }
    }
}
