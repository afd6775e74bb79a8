//! The one-off task: what ran, and how it ended.

use serde::{Deserialize, Serialize};

use crate::identity::TaskArn;
use crate::text::Text;

/// A container of a one-off task that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OneOffTask {
    /// The command of the overrides; none if the definition's own command ran.
    pub command: Option<Text>,
    /// The task's ARN.
    pub task: TaskArn,
    /// The container.
    pub container: String,
    /// How it ended.
    #[serde(flatten)]
    pub end: TaskEnd,
}

/// What a one-off task is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OneOffKind {
    /// Whatever the user runs.
    #[default]
    Task,
    /// It migrates the database.
    Migration,
}

impl OneOffKind {
    /// The word for it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Task => "one-off task",
            Self::Migration => "migration",
        }
    }
}

/// How a container of a one-off task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum TaskEnd {
    /// It exited by itself.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// This run stopped it.
    Stopped,
    /// The run did not wait for its end.
    NotWaitedFor,
}

impl OneOffTask {
    /// The command and the end, for a sentence.
    pub fn describe(&self) -> String {
        let end = match self.end {
            TaskEnd::Exited { code } => format!("exit {code}"),
            TaskEnd::Stopped => "stopped before its end".to_owned(),
            TaskEnd::NotWaitedFor => "not waited for".to_owned(),
        };
        match &self.command {
            Some(command) => format!("command \"{command}\", {end}"),
            None if self.container.is_empty() => end,
            None => format!("container {}, {end}", self.container),
        }
    }
}
