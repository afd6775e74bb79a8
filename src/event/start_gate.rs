//! Start gates: what must hold before the first write, and what a look at them showed.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// A start gate, as a look at it showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StartGate {
    /// Its key in the document, and what it is about: `slo availability`.
    pub gate: Text,
    /// Whether it is open.
    pub state: StartGateState,
    /// What was found, or why it is closed or unreadable.
    pub found: Text,
    /// When or by what it opens, or what to do; empty where it is open.
    pub opens: Text,
}

/// Whether a start gate is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartGateState {
    /// It is.
    Open,
    /// It is not.
    Closed,
    /// It cannot be read, which counts as closed.
    Unreadable,
    /// It cannot be read, and the document says that it counts as open then.
    UnreadableAndOpen,
}

impl StartGateState {
    /// Whether it keeps a deployment from starting.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Unreadable)
    }

    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
            Self::Unreadable | Self::UnreadableAndOpen => "UNREADABLE",
        }
    }
}

/// A look at all start gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StartGatesSeen {
    /// The gates, in the order of the documentation.
    pub gates: Vec<StartGate>,
    /// What follows.
    pub result: StartGatesResult,
}

/// What follows from a look at the start gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartGatesResult {
    /// All are open: the deployment begins.
    Passed,
    /// The run waits for those that are closed.
    Waits {
        /// For so many milliseconds at most.
        milliseconds: u64,
    },
    /// Some are closed: the deployment does not begin.
    Held,
    /// Some are closed, and the deployment begins all the same.
    Overridden {
        /// Who started the run.
        actor: Text,
        /// Why, in that person's words.
        reason: Text,
    },
    /// The run only shows them.
    Shown,
}
