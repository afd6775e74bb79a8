//! The parts of a run, and how each ended.

use serde::{Deserialize, Serialize};

/// The parts of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// AWS is read, the plan made.
    Survey,
    /// The image is pushed and pinned.
    Image,
    /// What the registry's scanner found is judged.
    Scan,
    /// The task definition is registered.
    Revision,
    /// The one-off task runs.
    Task,
    /// The rollout starts and green comes up.
    Green,
    /// Green is tested at the gate.
    Gate,
    /// Traffic moves to green.
    Shift,
    /// What is measured of green, or of production, while nothing moves.
    Analysis,
    /// Production is tested.
    Production,
    /// Blue is kept for a while, then taken away.
    Bake,
    /// Tags that named another image are set.
    Tags,
    /// What was done is rolled back.
    Unwind,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 13] = [
        Self::Survey,
        Self::Image,
        Self::Scan,
        Self::Revision,
        Self::Task,
        Self::Green,
        Self::Gate,
        Self::Shift,
        Self::Analysis,
        Self::Production,
        Self::Bake,
        Self::Tags,
        Self::Unwind,
    ];

    /// The heading people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Survey => "Survey",
            Self::Image => "Image",
            Self::Scan => "Scan findings",
            Self::Revision => "Task definition",
            Self::Task => "One-off task",
            Self::Green => "Green",
            Self::Gate => "Smoke tests on green",
            Self::Shift => "Traffic",
            Self::Analysis => "Analysis",
            Self::Production => "Smoke tests on production",
            Self::Bake => "Bake",
            Self::Tags => "Image tags",
            Self::Unwind => "Rollback",
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    /// It did what it was for.
    Done,
    /// It failed, or was cut short.
    Failed,
}
