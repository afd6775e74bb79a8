//! The migration of the database.

use serde::{Deserialize, Serialize};

use crate::event::fact::FactLevel;
use crate::identity::TaskArn;
use crate::text::Text;

/// The migration of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum MigrationFact {
    /// An earlier attempt of this workflow run ran it, and has started the rollout.
    RanBefore,
    /// A command around it was started.
    CommandStarted {
        /// The input that gives the command.
        input: String,
        /// The command.
        command: Text,
        /// The task that runs it.
        task: TaskArn,
    },
    /// The check has found nothing to do.
    NothingPending,
    /// The check has found something to do.
    Pending {
        /// The exit code that says so.
        code: i32,
    },
    /// The verification has exited with 0.
    Verified,
    /// The container's log cannot be followed.
    LogNotShown {
        /// The container.
        container: String,
    },
    /// Lines of the log were left out.
    LinesOmitted {
        /// How many.
        count: u64,
    },
    /// It is not undone, because the new version serves.
    StaysWithNewVersion {
        /// The command that would have undone it.
        command: Text,
    },
}

impl MigrationFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::RanBefore => "the migration was run before the rollout was started".to_owned(),
            Self::CommandStarted {
                input,
                command,
                task,
            } => {
                let task = crate::aws::arn::short_name(task);
                format!("{input}: \"{command}\" in task {task}")
            }
            Self::NothingPending => "nothing is pending: the migration is skipped".to_owned(),
            Self::Pending { code } => format!("something is pending (exit {code})"),
            Self::Verified => "the migration is verified (exit 0)".to_owned(),
            Self::LogNotShown { container } => format!(
                "the log of container {container} is not shown: it does not go to CloudWatch Logs by awslogs with a stream prefix"
            ),
            Self::LinesOmitted { count } => format!("  … {count} more lines are not shown here"),
            Self::StaysWithNewVersion { command } => format!(
                "the new version serves, so the migration is not undone (\"{command}\" was not run)"
            ),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::StaysWithNewVersion { .. } => FactLevel::Warning,
            Self::RanBefore
            | Self::CommandStarted { .. }
            | Self::NothingPending
            | Self::Pending { .. }
            | Self::Verified
            | Self::LogNotShown { .. }
            | Self::LinesOmitted { .. } => FactLevel::Note,
        }
    }
}
