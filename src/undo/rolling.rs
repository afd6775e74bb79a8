//! How a rolling deployment is undone, as data.

use serde::{Deserialize, Serialize};

use super::saved::{UndoOwner, is_service_of};
use super::{RolloutUndo, ServiceKey};
use crate::aws::arn::short_name;

/// Return the service to what it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollingUndo {
    /// The service.
    pub place: ServiceKey,
    /// What it ran.
    pub previous: String,
    /// What we brought.
    pub ours: String,
    /// The deployments there were before ours.
    pub before: Vec<String>,
    /// Our deployment, once known.
    pub deployment: Option<String>,
    /// The desired count before, when this run changes it.
    pub desired: Option<i32>,
}

impl RolloutUndo for RollingUndo {
    fn describe(&self) -> String {
        format!("rolling deployment of {}", short_name(&self.ours))
    }

    fn blue_revision(&self) -> &str {
        &self.previous
    }

    fn belongs_to(&self, owner: &UndoOwner) -> bool {
        is_service_of(&self.place, owner) && family(&self.previous) == family(&self.ours)
    }
}

/// `…:task-definition/FAMILY:REVISION`.
fn family(revision: &str) -> &str {
    short_name(revision).split(':').next().unwrap_or_default()
}
