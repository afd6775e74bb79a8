//! What starts tasks by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The rules of EventBridge and the schedules of EventBridge Scheduler, by name, each with the task
/// definition that it starts (`api:3`, or `api` for its newest).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleOptions {
    /// Rules of the default event bus.
    pub rules: BTreeMap<String, String>,
    /// Schedules of the group `default`.
    pub schedules: BTreeMap<String, String>,
}
