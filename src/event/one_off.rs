//! The one-off task: what ran, and how it ended.

use serde::{Deserialize, Serialize};

use crate::identity::TaskArn;
use crate::text::Text;

/// A container of a one-off task that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OneOffTask {
    /// The command that the overrides give it; none where it is the definition's own.
    pub command: Option<Text>,
    /// The task's ARN.
    pub task: TaskArn,
    /// The container.
    pub container: String,
    /// How it ended.
    #[serde(flatten)]
    pub end: TaskEnd,
}

/// How a container of a one-off task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum TaskEnd {
    /// By itself.
    Exited {
        /// With this code.
        code: i32,
    },
    /// This run stopped it.
    Stopped,
    /// Its end was not waited for.
    NotWaitedFor,
}

impl OneOffTask {
    /// Command and end.
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
