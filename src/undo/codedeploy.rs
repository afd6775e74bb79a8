//! PURE: how a CodeDeploy deployment is undone, as data.

use serde::{Deserialize, Serialize};

use super::saved::{UndoOwner, is_run_of, is_service_of};
use super::{Blue, RolloutUndo, ServiceKey};
use crate::identity::{ApplicationName, DeploymentGroupName, DeploymentId, RevisionArn};

/// Stop the deployment with rollback; done when blue is observed to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeDeployUndo {
    /// The service that is deployed to.
    pub place: ServiceKey,
    /// Name of the CodeDeploy application.
    pub application: ApplicationName,
    /// Name of the CodeDeploy deployment group.
    pub group: DeploymentGroupName,
    /// The run id in the deployment's description.
    pub run: String,
    /// The deployment's id, once known.
    pub deployment: Option<DeploymentId>,
    /// What served production before.
    pub blue: Blue,
    /// Whether it comes from the saved state, which others can change.
    #[serde(skip, default = "read_from_state")]
    pub is_restored: bool,
}

/// The default for serde: an undo that is deserialized comes from the saved state.
fn read_from_state() -> bool {
    true
}

impl RolloutUndo for CodeDeployUndo {
    fn describe(&self) -> String {
        self.deployment
            .as_ref()
            .map_or("CodeDeploy deployment".to_owned(), |id| {
                format!("CodeDeploy deployment {id}")
            })
    }

    fn blue_revision(&self) -> &RevisionArn {
        &self.blue.revision
    }

    fn belongs_to(&self, owner: &UndoOwner) -> bool {
        is_service_of(&self.place, owner)
            && (&self.application, &self.group) == (&owner.group.0, &owner.group.1)
            && is_run_of(&self.run, owner)
    }

    fn traffic_query(&self) -> Option<(&ServiceKey, &Blue)> {
        Some((&self.place, &self.blue))
    }
}
