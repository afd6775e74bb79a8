//! Scale-in and the desired count during a rollout.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::text::Text;

/// Scale-in and the desired count during a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum ScalingFact {
    /// The service has no scalable target.
    NoTarget {
        /// Application Auto Scaling's name for the service.
        resource: String,
    },
    /// Somebody else has suspended scale-in.
    SuspendedByUser {
        /// Application Auto Scaling's name for the service.
        resource: String,
    },
    /// An earlier run left scale-in suspended.
    TakenOver {
        /// Application Auto Scaling's name for the service.
        resource: String,
        /// The id of the earlier run.
        run: String,
    },
    /// Scale-in is suspended.
    Suspended {
        /// Application Auto Scaling's name for the service.
        resource: String,
        /// The minimum number of tasks.
        min: i32,
        /// The maximum number of tasks.
        max: i32,
    },
    /// Scale-in that an earlier run left suspended is restored.
    LeftSuspended {
        /// The id of the earlier run.
        run: String,
    },
    /// Scale-in is restored, but this action's tag could not be removed.
    TagStays {
        /// Application Auto Scaling's name for the service.
        resource: String,
        /// The error.
        error: Text,
        /// The command that removes it.
        command: Text,
    },
    /// The desired count could not be restored.
    DesiredNotRestored {
        /// The desired count before the rollout.
        desired: i32,
        /// The error.
        error: Text,
    },
}

impl ScalingFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoTarget { resource } => {
                format!("{resource} has no scalable target: nothing scales it in")
            }
            Self::SuspendedByUser { resource } => format!(
                "scale-in of {resource} is suspended already, not by this action: it stays as it is"
            ),
            Self::TakenOver { resource, run } => format!(
                "scale-in of {resource} is still suspended by run {run}: this run takes that over"
            ),
            Self::Suspended { resource, min, max } => format!(
                "scale-in of {resource} ({min} to {max} tasks) is suspended until the end of this run"
            ),
            Self::LeftSuspended { run } => {
                format!("scale-in that workflow run {run} left suspended is restored")
            }
            Self::TagStays {
                resource,
                error,
                command,
            } => format!(
                "scale-in of {resource} works again, but our tag is still there: {error}; by hand: {command}"
            ),
            Self::DesiredNotRestored { desired, error } => {
                format!("the desired count could not be set back to {desired}: {error}")
            }
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::LeftSuspended { .. }
            | Self::TagStays { .. }
            | Self::DesiredNotRestored { .. } => FactLevel::Warning,
            Self::NoTarget { .. }
            | Self::SuspendedByUser { .. }
            | Self::TakenOver { .. }
            | Self::Suspended { .. } => FactLevel::Note,
        }
    }
}
