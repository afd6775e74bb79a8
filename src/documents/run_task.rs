//! PURE: what ECS is asked to run as a task of its own, beside the service's tasks.

use serde_json::Value;

use super::ebs::ManagedVolume;
use super::network::Network;
use super::overrides::Items;

/// A task as it was asked for.
#[derive(Debug, Clone)]
pub struct TaskRequest {
    /// Container overrides.
    pub overrides: Items,
    /// Where it stands in the network; the service's place when none is given.
    pub network: Option<Network>,
    /// Capacity providers; the launch type is left out when there are some.
    pub strategy: Vec<Value>,
    /// FARGATE, EC2 or EXTERNAL.
    pub launch_type: Option<String>,
    /// `startedBy`.
    pub started_by: String,
    /// Tags.
    pub tags: Vec<Value>,
    /// Managed EBS volume.
    pub volume: ManagedVolume,
    /// Whether it is waited for.
    pub wait: TaskWait,
}

/// Whether the task is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskWait {
    /// It must end well before the rollout starts.
    UntilStopped,
    /// It runs beside the rollout; its end is not judged.
    DoNotWait,
}
