//! What tells blue from green in metrics and logs: target groups, load balancer, revisions.

use super::{Controller, Rollout};

/// Both sides of a rollout, as far as AWS names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// ARNs of the production listeners, or of their rules.
    pub listeners: Vec<String>,
    /// ARNs of blue's target groups.
    pub blue: Vec<String>,
    /// ARNs of green's target groups; none before green is up, and where both sides share one.
    pub green: Vec<String>,
}

impl Rollout<'_> {
    /// Both sides, as they are known now: green's is known once it is up.
    pub async fn places(&self) -> Places {
        let blue = &self.plan.blue;
        let green = match &self.controller {
            Controller::CodeDeploy(codedeploy) => codedeploy.green_groups().await,
            Controller::Native(native) => native.groups(),
            Controller::Rolling(_) => Vec::new(),
        };
        Places { listeners: blue.listeners.clone(), blue: blue.target_groups.clone(), green }
    }
}
