//! What goes wrong with the tasks of a revision once they have served.

use serde::{Deserialize, Serialize};

use crate::event_time::EventTime;

/// A revision whose tasks are well at first, and not any more from an event on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFault {
    /// The revision, as `api:2`.
    pub revision: String,
    /// The event from which on it happens.
    pub when: EventTime,
    /// What happens to each of its tasks, those that are started later too.
    pub kind: TaskFaultKind,
}

/// What happens to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskFaultKind {
    /// It is killed (SIGKILL), and what replaces it too.
    Crashes,
    /// The same, except for the oldest task, which keeps running.
    AllButOneCrash,
    /// It runs and answers nobody (SIGSTOP), so that its health checks fail. Only processes can be
    /// held like that.
    Hangs,
}
