//! Counts what went through the proxy: in all, by listener and by target group.

use std::collections::BTreeMap;

use serde::Serialize;

/// Requests, and how many of them the user would call failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests received.
    pub requests: u64,
    /// Answered with a 5xx, by the target or by the proxy, or cut off in the middle of the answer.
    pub failures: u64,
}

/// Everything the proxy counted since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// All listeners together.
    pub total: Counts,
    /// By listener.
    pub listeners: BTreeMap<String, Counts>,
    /// By target group; a request that found no group is in none of them.
    pub target_groups: BTreeMap<String, Counts>,
}

impl Traffic {
    pub(super) fn count_request(&mut self, listener: &str, group: Option<&str>) {
        self.update(listener, group, |counts| counts.requests += 1);
    }

    pub(super) fn count_failure(&mut self, listener: &str, group: Option<&str>) {
        self.update(listener, group, |counts| counts.failures += 1);
    }

    fn update(&mut self, listener: &str, group: Option<&str>, change: impl Fn(&mut Counts)) {
        change(&mut self.total);
        change(self.listeners.entry(listener.to_owned()).or_default());
        if let Some(group) = group {
            change(self.target_groups.entry(group.to_owned()).or_default());
        }
    }
}
