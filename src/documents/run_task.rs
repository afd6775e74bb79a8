//! PURE: the request for a task that ECS runs beside the service's tasks.

use serde_json::Value;

use super::ebs::ManagedVolume;
use super::network::Network;
use super::overrides::Items;
use crate::scrub::mask;

/// Longer commands are cut.
pub(crate) const MAX_COMMAND: usize = 120;

/// The words of a command as people are shown them: masked, and cut where they are many.
pub fn describe_words<W: AsRef<str>>(words: &[W]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let command = mask(&words.join(" "));
    let shown: String = command.chars().take(MAX_COMMAND).collect();
    if shown.len() < command.len() {
        format!("{shown}…")
    } else {
        shown
    }
}

/// A task that the user asked for.
#[derive(Debug, Clone)]
pub struct TaskRequest {
    /// Container overrides.
    pub overrides: Items,
    /// The network settings; those of the service when none.
    pub network: Option<Network>,
    /// The capacity providers. If there are any, no launch type is sent.
    pub strategy: Vec<Value>,
    /// FARGATE, EC2 or EXTERNAL.
    pub launch_type: Option<String>,
    /// The `startedBy` of RunTask.
    pub started_by: String,
    /// Tags in the form of RunTask.
    pub tags: Vec<Value>,
    /// The managed EBS volume, with warnings about it.
    pub volume: ManagedVolume,
    /// Whether the run waits for its end.
    pub wait: TaskWait,
}

/// Whether the run waits for the task's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskWait {
    /// The task must end with success before the rollout starts.
    UntilStopped,
    /// The task runs beside the rollout; its end is not evaluated.
    DoNotWait,
}
