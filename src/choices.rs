//! PURE: choices of the user that plan and steps share.

use std::time::Duration;

/// What a run does when another rollout of the service is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfRunning {
    /// The run ends.
    Fail,
    /// The run waits.
    Wait,
    /// The other rollout is rolled back first.
    Supersede,
}

/// What a cleanup does with what nothing needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanupEffect {
    /// It is only shown.
    Shown,
    /// It goes.
    Done,
}

/// What a cancelled run does with its rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCancel {
    /// It is rolled back.
    Rollback,
    /// It is left to AWS.
    Leave,
}

/// Who opens green's gate.
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
    /// The run continues.
    Allow,
}

/// What happens with a task definition of which AWS does not keep every field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DroppedFields {
    /// It is not rolled out, because it would not be what the user asked for.
    #[default]
    Refused,
    /// It is rolled out, with a warning.
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

/// How often AWS is read.
#[derive(Debug, Clone, Copy)]
pub struct PollSettings {
    /// A fixed time between reads, if given.
    pub fixed_interval: Option<Duration>,
    /// The longest time between reads.
    pub max_interval: Duration,
}

/// What happens to scale-in during a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleIn {
    /// It stays active.
    Allowed,
    /// It is suspended.
    Suspended,
}

/// What becomes of the findings of a task definition's lint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LintLevel {
    /// They are warnings.
    Warn,
    /// They refuse the run before anything is written.
    Error,
    /// Nothing is looked for.
    Off,
}
