//! PURE: what a user chooses by a word or a number, and what plan and steps call by the same name.

use std::time::Duration;

/// What happens when a rollout of the service is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfRunning {
    /// The run ends.
    Fail,
    /// The run waits.
    Wait,
    /// The other is rolled back first.
    Supersede,
}

/// What a cancelled run does with its rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCancel {
    /// It is rolled back.
    Rollback,
    /// It is left to AWS.
    Leave,
}

/// Who opens the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// The run, when its tests have passed.
    None,
    /// Another job.
    BeforeTraffic,
}

/// What happens when a newer run has deployed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleRun {
    /// The run ends.
    Refuse,
    /// The run goes on.
    Allow,
}

/// What is done with a task definition of which AWS does not keep every field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DroppedFields {
    /// It is not rolled out: what runs would not be what was asked for.
    #[default]
    Refused,
    /// It is rolled out all the same, with a warning.
    Allowed,
}

/// How far a rollout is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Started and left to AWS.
    LeaveToAws,
    /// Until green serves 100 %.
    Shifted,
    /// Until blue is gone.
    Completed,
}

/// How often AWS is looked at.
#[derive(Debug, Clone, Copy)]
pub struct PollSettings {
    /// A fixed time between looks, where given.
    pub fixed_interval: Option<Duration>,
    /// The longest time between looks.
    pub max_interval: Duration,
}

/// What becomes of scale-in during a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleIn {
    /// It goes on.
    Allowed,
    /// It is suspended.
    Suspended,
}
