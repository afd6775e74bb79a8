//! The rollout: what runs now, what is deployed, how far it is.

use serde::{Deserialize, Serialize};

use crate::event::Traffic;
use crate::identity::{RevisionArn, RolloutId, ServiceDeploymentArn};
use crate::text::Text;

/// What runs now, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyedService {
    /// The controller: `codedeploy`, `ecs rolling`.
    pub controller: String,
    /// The revision that serves: blue.
    pub blue: RevisionArn,
    /// Tasks running and wanted.
    pub tasks: Tasks,
    /// The plan, line by line.
    pub plan: Vec<Text>,
}

/// The revision that is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployedRevision {
    /// Its ARN.
    pub arn: RevisionArn,
    /// Whether it was registered by this run.
    pub registered: bool,
    /// What it replaces.
    pub previous: Option<RevisionArn>,
    /// What changed, line by line.
    pub changes: Vec<Text>,
}

/// The rollout was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedRollout {
    /// The deployment's id.
    pub deployment: RolloutId,
    /// The ECS service deployment's ARN, where there is one.
    pub service_deployment: Option<ServiceDeploymentArn>,
    /// Where to watch it.
    pub console: String,
    /// Whether the controller is CodeDeploy.
    pub codedeploy: bool,
    /// Whether it was there before this run.
    #[serde(default)]
    pub found: bool,
}

/// Task counts of the side that comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// Running tasks.
    pub running: i64,
    /// Wanted tasks.
    pub desired: i64,
    /// Tasks that failed to start, where AWS counts them.
    pub failed: i64,
}

/// What one look at a rollout showed, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The controller's own word for where it is.
    pub stage: Text,
    /// Production traffic, where it is known.
    pub traffic: Option<Traffic>,
    /// Green's tasks, where they are known.
    pub tasks: Option<Tasks>,
}

/// A gate of a rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Before users reach green.
    #[default]
    Green,
    /// Before the next share of traffic.
    Step,
    /// After the shift.
    Production,
}

/// What was seen of green before it gets the next share of traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSeen {
    /// It has a healthy target.
    pub healthy: bool,
    /// There are alarms, and none of them has begun to ring.
    pub quiet: bool,
}
