//! How a rollout came to be followed, and how far it has got.

use crate::decide::GateKind;

/// Whether this run started the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RolloutOrigin {
    Started,
    /// It was in progress when the run began.
    Found,
}

/// How far a followed rollout has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// The rollout waits at this gate.
    Gate(GateKind),
    /// Green serves all of production.
    Green,
}

impl Milestone {
    /// The milestone in words, for the log.
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
    /// It was opened, by this run or before it.
    Passed,
}

impl GateState {
    /// The state in words, for the log.
    pub fn describe(self) -> &'static str {
        match self {
            Self::NotPassed => "up, waiting at the gate",
            Self::Passed => "past its gate",
        }
    }
}
