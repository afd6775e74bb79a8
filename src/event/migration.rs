//! The migration of the database: its command, and what became of it.

use serde::{Deserialize, Serialize};

use crate::event::{OneOffTask, TaskEnd};
use crate::identity::TaskArn;
use crate::text::Text;

/// The migration, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Migration {
    /// The command that migrates.
    pub command: Text,
    /// What became of it.
    pub state: MigrationState,
    /// The task that ran it; none where nothing ran.
    pub task: Option<TaskArn>,
    /// Its exit code; none where the container never ran, or was stopped.
    pub exit_code: Option<i32>,
    /// The command that undid it.
    pub undone_by: Option<Text>,
    /// Why it was not undone although there is a command for that.
    #[serde(default)]
    pub kept_because: Option<Text>,
    /// The backup of the database that was made before it.
    #[serde(default)]
    pub backup: Option<DatabaseBackup>,
}

/// A backup of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DatabaseBackup {
    /// What was backed up, such as `RDS instance orders`.
    pub of: String,
    /// The identifier of the snapshot.
    pub snapshot: String,
    /// Whether it can be restored from.
    pub state: BackupProgress,
}

/// How far a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackupProgress {
    /// It was asked for, and was not seen to be available.
    Started,
    /// It can be restored from.
    Available,
}

/// What became of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationState {
    /// It was not reached.
    NotRun,
    /// Nothing was pending.
    Skipped,
    /// It exited with 0.
    Ran,
    /// It exited with another code, or its container never ran.
    Failed,
    /// This run stopped it.
    Stopped,
    /// It ran, and was undone by its undo command.
    Undone,
}

impl Migration {
    fn new(command: Text, state: MigrationState) -> Self {
        Self {
            command,
            state,
            task: None,
            exit_code: None,
            undone_by: None,
            kept_because: None,
            backup: None,
        }
    }

    /// A migration whose check found nothing to do.
    pub fn skipped(command: Text) -> Self {
        Self::new(command, MigrationState::Skipped)
    }

    /// A migration before which the database is backed up.
    pub fn after_backup(command: Text, backup: DatabaseBackup) -> Self {
        Self {
            backup: Some(backup),
            ..Self::new(command, MigrationState::NotRun)
        }
    }

    /// A migration whose task has ended.
    pub fn ended(command: Text, task: TaskArn, end: Option<TaskEnd>) -> Self {
        let (state, exit_code) = match end {
            Some(TaskEnd::Exited { code: 0 }) => (MigrationState::Ran, Some(0)),
            Some(TaskEnd::Exited { code }) => (MigrationState::Failed, Some(code)),
            Some(TaskEnd::Stopped) => (MigrationState::Stopped, None),
            Some(TaskEnd::NotWaitedFor) | None => (MigrationState::Failed, None),
        };
        Self {
            task: Some(task),
            exit_code,
            ..Self::new(command, state)
        }
    }

    /// The migration that a container of its task ran.
    pub fn of_container(ran: &OneOffTask) -> Self {
        Self::ended(
            ran.command.clone().unwrap_or_default(),
            ran.task.clone(),
            Some(ran.end),
        )
    }

    /// The same migration, undone by this command.
    #[must_use]
    pub fn undone_by(self, command: Text) -> Self {
        Self {
            state: MigrationState::Undone,
            undone_by: Some(command),
            ..self
        }
    }

    /// The same migration, which stays for this reason.
    #[must_use]
    pub fn kept_because(self, why: Text) -> Self {
        Self {
            kept_because: Some(why),
            ..self
        }
    }

    /// What is known now, with the backup that was known before.
    #[must_use]
    pub fn after(self, before: Option<&Self>) -> Self {
        let known = before.and_then(|before| before.backup.clone());
        Self {
            backup: self.backup.or(known),
            ..self
        }
    }

    /// The command and how it ended, for a sentence.
    pub fn describe(&self) -> String {
        let end = match (self.state, self.exit_code) {
            (MigrationState::NotRun, _) => "not run".to_owned(),
            (MigrationState::Skipped, _) => "nothing was pending".to_owned(),
            (MigrationState::Stopped, _) => "stopped before its end".to_owned(),
            (_, Some(code)) => format!("exit {code}"),
            (_, None) => "never ran".to_owned(),
        };
        format!("command \"{}\", {end}", self.command)
    }
}
