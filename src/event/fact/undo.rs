//! How a rollout is undone.

use serde::{Deserialize, Serialize};

use crate::aws::arn::short_name;
use crate::event::fact::FactLevel;
use crate::identity::{DeploymentId, RevisionArn};
use crate::text::Text;

/// How a rollout is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum UndoFact {
    /// A deployment is stopped, and AWS rolls it back.
    StoppedWithRollback {
        /// The deployment.
        deployment: UndoneDeployment,
    },
    /// A deployment that waits at its gate is answered with a rollback.
    GateAnswered {
        /// The deployment.
        deployment: UndoneDeployment,
    },
    /// CodeDeploy rolls back with a deployment of its own.
    RollsBackWith {
        /// The rollback deployment's id.
        rollback: DeploymentId,
    },
    /// CodeDeploy's rollback has a new status.
    RollbackStatus {
        /// The rollback deployment's id.
        rollback: DeploymentId,
        /// AWS's status.
        status: Text,
    },
    /// A deployment that is undone has a new status.
    Status {
        /// The deployment.
        deployment: UndoneDeployment,
        /// AWS's status.
        status: Text,
    },
    /// It had succeeded before it could be stopped.
    TooLate {
        /// The deployment.
        deployment: UndoneDeployment,
        /// The revision to go back to.
        revision: RevisionArn,
    },
    /// The service is updated to its former revision.
    ServiceGoesBack {
        /// The former revision's ARN.
        revision: RevisionArn,
    },
}

/// A deployment that is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "controller", rename_all = "kebab-case")]
pub enum UndoneDeployment {
    /// A CodeDeploy deployment.
    CodeDeploy {
        /// Its id.
        id: DeploymentId,
    },
    /// A service deployment of ECS.
    Ecs {
        /// Its id.
        id: String,
    },
}

impl UndoneDeployment {
    fn describe(&self) -> String {
        match self {
            Self::CodeDeploy { id } => format!("deployment {id}"),
            Self::Ecs { id } => format!("service deployment {id}"),
        }
    }

    fn return_advice(&self, revision: &RevisionArn) -> String {
        match self {
            Self::CodeDeploy { .. } => {
                format!(", deploy {revision} again (task-definition-arn)")
            }
            Self::Ecs { .. } => ": mode: rollback".to_owned(),
        }
    }
}

impl UndoFact {
    /// The sentence for people.
    pub fn sentence(&self) -> String {
        match self {
            Self::StoppedWithRollback { deployment } => {
                format!("{} is stopped, with rollback", deployment.describe())
            }
            Self::GateAnswered { deployment } => format!(
                "{} is answered with a rollback at its gate",
                deployment.describe()
            ),
            Self::RollsBackWith { rollback } => {
                format!("CodeDeploy rolls back with deployment {rollback}")
            }
            Self::RollbackStatus { rollback, status } => format!("rollback {rollback} is {status}"),
            Self::Status { deployment, status } => format!("{} is {status}", deployment.describe()),
            Self::TooLate {
                deployment,
                revision,
            } => format!(
                "{} had succeeded before it could be stopped; to go back{}",
                deployment.describe(),
                deployment.return_advice(revision)
            ),
            Self::ServiceGoesBack { revision } => {
                format!("the service goes back to {}", short_name(revision))
            }
        }
    }

    pub(super) fn level(&self) -> FactLevel {
        match self {
            Self::TooLate { .. } => FactLevel::Warning,
            Self::StoppedWithRollback { .. }
            | Self::GateAnswered { .. }
            | Self::RollsBackWith { .. }
            | Self::RollbackStatus { .. }
            | Self::Status { .. }
            | Self::ServiceGoesBack { .. } => FactLevel::Note,
        }
    }
}
