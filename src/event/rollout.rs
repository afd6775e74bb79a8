//! The rollout: what runs now, what is deployed, and its progress.

use serde::{Deserialize, Serialize};

use crate::event::Traffic;
use crate::identity::{RevisionArn, RolloutId, ServiceDeploymentArn};
use crate::text::Text;

/// What runs now, as the survey read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyedService {
    /// The controller: `codedeploy`, `ecs rolling`.
    pub controller: String,
    /// The revision that serves: blue.
    pub blue: RevisionArn,
    /// The task counts.
    pub tasks: Tasks,
    /// The plan, line by line.
    pub plan: Vec<Text>,
}

/// The revision that is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployedRevision {
    /// Its ARN.
    pub arn: RevisionArn,
    /// Whether this run registered it.
    pub registered: bool,
    /// The revision it replaces.
    pub previous: Option<RevisionArn>,
    /// The changes, line by line.
    pub changes: Vec<Text>,
}

/// The rollout was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedRollout {
    /// The deployment's id.
    pub deployment: RolloutId,
    /// The ECS service deployment's ARN, if there is one.
    pub service_deployment: Option<ServiceDeploymentArn>,
    /// The URL of the rollout in the console.
    pub console: String,
    /// Whether the controller is CodeDeploy.
    pub codedeploy: bool,
    /// Whether it existed before this run.
    #[serde(default)]
    pub found: bool,
}

/// Task counts of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// The number of running tasks.
    pub running: i64,
    /// The number of tasks that it should have.
    pub desired: i64,
    /// The number of tasks that failed to start, if AWS counts them.
    pub failed: i64,
}

/// What one read of a rollout showed, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The stage in the controller's spelling.
    pub stage: Text,
    /// Production traffic, if it is known.
    pub traffic: Option<Traffic>,
    /// Green's task counts, if they are known.
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

/// What was checked of green before it gets the next share of traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSeen {
    /// It has a healthy target.
    pub healthy: bool,
    /// There are alarms, and none of them has gone into ALARM.
    pub quiet: bool,
}
