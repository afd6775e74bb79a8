//! The migration of the database.

use serde::{Deserialize, Serialize};

use crate::documents::task_definition::NonBlocking;
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
    /// Another run has changed the database while this one looked.
    LooksAgain,
    /// Its log may be incomplete, because the log driver drops lines when it is behind.
    LinesMayBeLost {
        /// The container.
        container: String,
        /// The driver's buffer, where it is given.
        buffer: Option<String>,
        /// Who says that it does not block.
        mode: NonBlocking,
    },
    /// A backup was begun.
    BackupStarted {
        /// The snapshot.
        snapshot: String,
        /// What is backed up.
        of: String,
    },
    /// An earlier attempt of this run, or this one, has made a backup that is still good.
    BackupFound {
        /// The snapshot.
        snapshot: String,
        /// What is backed up.
        of: String,
    },
    /// How far a backup is.
    BackupProgress {
        /// The snapshot.
        snapshot: String,
        /// What RDS calls its state.
        status: Text,
        /// How much is done.
        percent: Option<u8>,
    },
    /// The database takes no backup at the moment.
    BackupWaits {
        /// RDS's reason.
        why: Text,
    },
    /// A backup stays, however the run ends.
    BackupKept {
        /// The snapshot.
        snapshot: String,
        /// What it is of.
        of: String,
    },
    /// A migration of a rollout that is rolled back is left, because the inputs have no command.
    NoUndoGiven {
        /// The command that migrated.
        command: Text,
        /// The run that migrated.
        run: String,
    },
    /// Whether the rollout's run has migrated is not known any more.
    NoneFound {
        /// The run that started the rollout.
        run: String,
        /// The command that would have undone it.
        command: Text,
    },
    /// It is not undone, because another run has migrated since.
    StaysForNewer {
        /// The other run.
        run: String,
        /// The command that would have undone it.
        command: Text,
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
            Self::LooksAgain => {
                "another run has changed the database meanwhile: it is looked at again".to_owned()
            }
            Self::LinesMayBeLost {
                container,
                buffer,
                mode,
            } => describe_lossy_log(container, buffer.as_deref(), *mode),
            Self::BackupStarted { snapshot, of } => {
                format!("snapshot {snapshot} of {of} is being made")
            }
            Self::BackupFound { snapshot, of } => format!(
                "snapshot {snapshot} of {of} was made by this workflow run before: it is used"
            ),
            Self::BackupProgress {
                snapshot,
                status,
                percent,
            } => {
                let percent = percent
                    .map(|percent| format!(", {percent} %"))
                    .unwrap_or_default();
                format!("snapshot {snapshot} is {status}{percent}")
            }
            Self::BackupWaits { why } => {
                format!("no snapshot can be made now, so this is tried again: {why}")
            }
            Self::BackupKept { snapshot, of } => format!("snapshot {snapshot} of {of} is kept"),
            Self::NoUndoGiven { command, run } => format!(
                "workflow run {run} has migrated the database for this deployment (command \"{command}\"); migrate-undo is not given here, so that is not undone"
            ),
            Self::NoneFound { run, command } => format!(
                "no migration of workflow run {run} is found (ECS shows tasks for about an hour after their end), so \"{command}\" is not run: if it has migrated, undo that by hand, or with mode: migrate"
            ),
            Self::StaysForNewer { run, command } => format!(
                "workflow run {run} has migrated since, so this run's migration is not undone (\"{command}\" was not run: it might undo the newer one)"
            ),
            Self::StaysWithNewVersion { command } => format!(
                "the new version serves, so the migration is not undone (\"{command}\" was not run)"
            ),
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::StaysWithNewVersion { .. }
            | Self::StaysForNewer { .. }
            | Self::NoneFound { .. }
            | Self::NoUndoGiven { .. } => FactLevel::Warning,
            Self::RanBefore
            | Self::CommandStarted { .. }
            | Self::NothingPending
            | Self::Pending { .. }
            | Self::Verified
            | Self::LogNotShown { .. }
            | Self::LooksAgain
            | Self::LinesMayBeLost { .. }
            | Self::BackupStarted { .. }
            | Self::BackupFound { .. }
            | Self::BackupProgress { .. }
            | Self::BackupWaits { .. }
            | Self::BackupKept { .. }
            | Self::LinesOmitted { .. } => FactLevel::Note,
        }
    }
}

fn describe_lossy_log(container: &str, buffer: Option<&str>, mode: NonBlocking) -> String {
    let why = match mode {
        NonBlocking::Given => "is non-blocking",
        NonBlocking::ByDefault => "has no mode, and ECS's default is non-blocking",
    };
    let buffer = buffer.unwrap_or("10m");
    format!(
        "lines of container {container} may be missing: its log driver {why}, and drops what exceeds its buffer ({buffer}); mode: blocking keeps all"
    )
}
