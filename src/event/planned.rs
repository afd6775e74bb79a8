//! What a deployment would do: the result of `mode: plan`.

use serde::{Deserialize, Serialize};

use super::{FoundDrift, Parts, Step};
use crate::identity::RevisionArn;
use crate::text::Text;

/// The version of the JSON that the output `plan` carries.
pub const VERSION: u32 = 1;

/// A deployment, as it would be done now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedDeployment {
    /// The version of this JSON form.
    pub version: u32,
    /// The value for the input `plan-digest` of a later deployment.
    pub digest: String,
    /// Whether a deployment would change anything.
    pub changes: bool,
    /// The controller that would perform the rollout; none without a service.
    pub controller: Option<String>,
    /// The revision that serves.
    pub serves: Option<RevisionArn>,
    /// The image; none if the definition's own image is deployed.
    pub image: Option<PlannedImage>,
    /// The task definition.
    pub task_definition: PlannedRevision,
    /// What would be set on the service besides its revision, line by line.
    pub service_changes: Vec<Text>,
    /// What is done before: other rollouts, and the cleanup after dead runs.
    pub before: Vec<Text>,
    /// The steps in their order.
    pub steps: Vec<PlannedStep>,
    /// What AWS would do by itself if the run died meanwhile.
    pub if_left_alone: Option<Text>,
    /// What was changed on the service since the last deployment; none without a service.
    #[serde(default)]
    pub drift: Option<FoundDrift>,
}

/// The image of a planned deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedImage {
    /// The reference in the inputs.
    pub from: String,
    /// The reference that would be deployed, by digest; without digest while that is not known.
    pub to: String,
    /// Layers and configs that would be sent; sizes before compression if they are compressed on
    /// the way.
    pub sent: Parts,
    /// Whether `sent` counts bytes before compression.
    pub uncompressed: bool,
    /// The number of layers and configs that the registry has already.
    pub existing: usize,
    /// What the registry's scanner found in it, where it is there already: a line for each of its
    /// platforms.
    #[serde(default)]
    pub scans: Vec<Text>,
}

/// The task definition of a planned deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedRevision {
    /// Its family.
    pub family: String,
    /// The registered revision that means the same; none if a new one would be registered.
    pub registered: Option<RevisionArn>,
    /// The revision it is compared with.
    pub previous: Option<RevisionArn>,
    /// The differences, one value for each line, shown as in the log of a deployment.
    pub changes: Vec<Text>,
}

/// A step of a planned deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedStep {
    /// The step.
    pub step: Step,
    /// What it would do.
    pub what: Text,
    /// The shortest time it takes, in seconds, if that is known.
    pub seconds: Option<u64>,
    /// The longest time that it is waited for, in seconds, if it has one of its own.
    #[serde(default)]
    pub at_most_seconds: Option<u64>,
}
