//! What is found of a rollout that was there already.

use crate::decide::At;

/// How a rollout came to be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RolloutOrigin {
    /// This run has started it.
    Started,
    /// It was there already.
    Found,
}

/// Where a rollout that was found has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It waits at a gate.
    Gate(At),
    /// Green serves.
    Green,
}

impl Reached {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Gate(_) => "it waits at a gate",
            Self::Green => "green serves 100 %",
        }
    }
}

/// Whether green's gate is behind a rollout that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It waits there.
    Not,
    /// It was opened before.
    Passed,
}

impl Past {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Not => "up, waiting at the gate",
            Self::Passed => "past its gate",
        }
    }
}
