//! The unsure points of ECS's own blue/green, canary and linear deployments.

use serde::{Deserialize, Serialize};

/// Whether `lifecycleStage` ever says `PRE_PRODUCTION_TRAFFIC_SHIFT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreProduction {
    /// It does, although the model's enumeration lacks it.
    Shown,
    /// The former stage stays.
    FormerStage,
    /// A paused deployment shows no stage at all, as in AWS's own example.
    Absent,
}

/// What becomes of `hookDetails` on a PAUSE hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookDetails {
    /// It comes back in answers.
    Stored,
    /// It is dropped silently.
    Dropped,
    /// `InvalidParameterException`.
    Refused,
}

/// What becomes of a hook that names neither a target type nor a target, as tools write it back
/// that know no PAUSE hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BareHook {
    /// It is taken for a Lambda hook without a function.
    Refused,
    /// It is stored as it is, and stops nothing.
    Taken,
}

/// Which deployment the hooks of an `UpdateService` govern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookScope {
    /// The one that the same call starts.
    ThisDeployment,
    /// Only the next one.
    NextDeployment,
}

/// What an `UpdateService` does to a deployment that shifts traffic or is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConcurrentUpdate {
    /// The older one stops, and its green goes away.
    Supersedes,
    /// The new one is `PENDING` until the older one has ended.
    Queues,
    /// The update is refused.
    Refused,
}

/// When ECS watches the alarms of a deployment that shifts traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmWindow {
    /// From production's first shift until the end of the bake time.
    ShiftAndBake,
    /// During the bake time only.
    BakeOnly,
}

/// How `ContinueServiceDeployment` refuses a hook that no longer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaleHook {
    /// `InvalidParameterException`.
    InvalidParameter,
    /// `ClientException`.
    Client,
}

/// When the pause before a later step of a canary or linear deployment comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaterPause {
    /// The former step has baked.
    AfterBake,
    /// The former step bakes once the pause is over.
    BeforeBake,
}

/// Whether `UpdateService` answers with `currentServiceDeployment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownDeployment {
    /// It does.
    Present,
    /// Only `DescribeServices` does.
    Absent,
}

/// What becomes of hooks that are removed from the service during a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovedHooks {
    /// The deployment keeps to its snapshot.
    SnapshotKeeps,
    /// Those that were not reached yet do not come.
    Dropped,
}

/// What `StopServiceDeployment` does when asked to `ABORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopAbort {
    /// `InvalidParameterException`.
    Refused,
    /// The deployment is `STOPPED`, and everything stays as it is.
    Works,
}
