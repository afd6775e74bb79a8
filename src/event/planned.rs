//! What a deployment would do: what `mode: plan` comes to.

use serde::{Deserialize, Serialize};

use super::{Parts, Step};
use crate::identity::RevisionArn;
use crate::text::Text;

/// The version of the JSON that the output `plan` carries.
pub const VERSION: u32 = 1;

/// A deployment as it would be done now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedDeployment {
    /// Version of this form.
    pub version: u32,
    /// What the input `plan-digest` of a deployment takes.
    pub digest: String,
    /// Whether a deployment would change anything.
    pub changes: bool,
    /// Who would perform the rollout; none without a service.
    pub controller: Option<String>,
    /// The revision that serves.
    pub serves: Option<RevisionArn>,
    /// The image; none where the definition's own is deployed.
    pub image: Option<PlannedImage>,
    /// The task definition.
    pub task_definition: PlannedRevision,
    /// What the service would be told besides its revision, line by line.
    pub service_changes: Vec<Text>,
    /// What comes before: other rollouts, and what dead runs have left.
    pub before: Vec<Text>,
    /// What would be done, in its order.
    pub steps: Vec<PlannedStep>,
    /// What AWS would do by itself if the run died meanwhile.
    pub if_left_alone: Option<Text>,
}

/// The image of a planned deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedImage {
    /// As the inputs name it.
    pub from: String,
    /// Where it would be, by digest; without one while that is not known.
    pub to: String,
    /// Layers and configs that would be sent; bytes before compression where they are compressed on
    /// the way.
    pub sent: Parts,
    /// Whether `sent` counts bytes before compression.
    pub uncompressed: bool,
    /// How many are there already.
    pub existing: usize,
}

/// The task definition of a planned deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedRevision {
    /// Its family.
    pub family: String,
    /// The revision that is registered already and means the same; none where one would be made.
    pub registered: Option<RevisionArn>,
    /// What it is compared with.
    pub previous: Option<RevisionArn>,
    /// What is different, a value a line; values are shown as the log of a deployment shows them.
    pub changes: Vec<Text>,
}

/// A step of a planned deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedStep {
    /// Which.
    pub step: Step,
    /// What it would do.
    pub what: Text,
    /// How long it takes at least, in seconds, where that is known.
    pub seconds: Option<u64>,
}
