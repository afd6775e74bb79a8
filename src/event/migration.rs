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
}

/// What became of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationState {
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
    /// A migration whose check found nothing to do.
    pub fn skipped(command: Text) -> Self {
        Self {
            command,
            state: MigrationState::Skipped,
            task: None,
            exit_code: None,
            undone_by: None,
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
            command,
            state,
            task: Some(task),
            exit_code,
            undone_by: None,
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

    /// The command and how it ended, for a sentence.
    pub fn describe(&self) -> String {
        let end = match (self.state, self.exit_code) {
            (MigrationState::Skipped, _) => "nothing was pending".to_owned(),
            (MigrationState::Stopped, _) => "stopped before its end".to_owned(),
            (_, Some(code)) => format!("exit {code}"),
            (_, None) => "never ran".to_owned(),
        };
        format!("command \"{}\", {end}", self.command)
    }
}
