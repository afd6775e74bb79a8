//! The steps of a run, and how each ended.

use serde::{Deserialize, Serialize};

/// The steps of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// AWS is read, and the plan is made.
    Survey,
    /// The gates before the start are read, and waited for.
    StartGates,
    /// The image is pushed and pinned.
    Image,
    /// The findings of the registry's scanner are evaluated.
    Scan,
    /// The task definition is registered.
    Revision,
    /// The one-off task runs.
    Task,
    /// The database is backed up.
    Backup,
    /// The database is migrated.
    Migration,
    /// The rollout starts and green comes up.
    Green,
    /// Green is tested at the gate.
    Gate,
    /// Traffic moves to green.
    Shift,
    /// Metrics of green, or of production, are measured while traffic does not shift.
    Analysis,
    /// Production is tested.
    Production,
    /// Blue is kept for a while, then removed.
    Bake,
    /// What nothing needs any more is removed.
    Cleanup,
    /// Tags that were deferred are set.
    Tags,
    /// The run's changes are undone.
    Unwind,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 17] = [
        Self::Survey,
        Self::StartGates,
        Self::Image,
        Self::Scan,
        Self::Revision,
        Self::Task,
        Self::Backup,
        Self::Migration,
        Self::Green,
        Self::Gate,
        Self::Shift,
        Self::Analysis,
        Self::Production,
        Self::Bake,
        Self::Cleanup,
        Self::Tags,
        Self::Unwind,
    ];

    /// The heading for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Survey => "Survey",
            Self::StartGates => "Gates",
            Self::Image => "Image",
            Self::Scan => "Scan findings",
            Self::Revision => "Task definition",
            Self::Task => "One-off task",
            Self::Backup => "Backup",
            Self::Migration => "Migration",
            Self::Green => "Green",
            Self::Gate => "Smoke tests on green",
            Self::Shift => "Traffic",
            Self::Analysis => "Analysis",
            Self::Production => "Smoke tests on production",
            Self::Bake => "Bake",
            Self::Cleanup => "Cleanup",
            Self::Tags => "Image tags",
            Self::Unwind => "Rollback",
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    /// It succeeded.
    Done,
    /// It failed, or was cut short.
    Failed,
}
