//! What is found of a rollout that was there already.

use crate::decide::GateKind;

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
pub enum Milestone {
    /// It waits at a gate.
    Gate(GateKind),
    /// Green serves.
    Green,
}

impl Milestone {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Gate(_) => "it waits at a gate",
            Self::Green => "green serves 100 %",
        }
    }
}

/// Whether a rollout has passed a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateState {
    /// It is still ahead, or the rollout waits at it.
    NotPassed,
    /// It was opened before.
    Passed,
}

impl GateState {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::NotPassed => "up, waiting at the gate",
            Self::Passed => "past its gate",
        }
    }
}
