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
    /// It, or a tester's task, has another status.
    Status {
        /// What kind of task.
        what: String,
        /// Its status in AWS's words.
        status: Text,
    },
    /// Another run's is older: this run's is stopped.
    GivesWay {
        /// The other task, in words.
        other: Text,
    },
    /// Another run's runs too.
    BothRun {
        /// The other task, in words.
        other: Text,
    },
    /// This run's could not be stopped.
    NotStopped {
        /// Why not.
        error: Text,
    },
    /// This run's was stopped too late.
    HadBegun,
    /// What it did stays.
    NotUndone {
        /// What, in a sentence.
        what: Text,
    },
}

impl OneOffFact {
    /// What people read.
    pub fn sentence(&self) -> String {
        match self {
            Self::RanBefore => "the one-off task was run before the rollout was started".to_owned(),
            Self::Status { what, status } => format!("the {what} is {status}"),
            Self::GivesWay { other } => {
                format!("{other}, and older than this run's, which is stopped")
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
