//! A fleet: the tasks of one revision that a service keeps running. ECS shows it as a deployment,
//! `CodeDeploy` services as a task set.

use crate::clock::now_ms;

/// A fleet's place in its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that the service counts as its own.
    Primary,
    /// Another one that still runs.
    Active,
    /// On its way out.
    Draining,
}

impl Role {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

/// How far a rolling deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RolloutState {
    /// Still replacing tasks.
    InProgress,
    /// All of its tasks run and are healthy.
    Completed,
    /// The circuit breaker or an alarm gave it up.
    Failed,
}

impl RolloutState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// The tasks of one revision in one service.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    /// `ecs-svc/…`.
    pub(crate) id: String,
    pub(crate) service: String,
    /// The revision's ARN.
    pub(crate) revision: String,
    /// How many tasks it shall have now.
    pub(crate) desired: u32,
    /// Where its tasks are registered.
    pub(crate) target_group: Option<String>,
    /// The service revision that it runs; none under another controller than ECS.
    pub(crate) service_revision: Option<String>,
    /// No tasks are started for it yet.
    pub(crate) is_on_hold: bool,
    /// The `CodeDeploy` deployment that made it.
    pub(crate) external_id: Option<String>,
    pub(crate) role: Role,
    pub(crate) rollout: RolloutState,
    pub(crate) reason: String,
    /// Tasks that ended although they were wanted.
    pub(crate) failed_tasks: u32,
    /// No task is started before this time.
    pub(crate) paused_until_ms: i64,
    /// It was steady at least once: its failures no longer count for the breaker.
    pub(crate) was_steady: bool,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

impl Fleet {
    /// A new primary fleet that wants `desired` tasks.
    pub(crate) fn new(id: String, service: &str, revision: &str, desired: u32) -> Self {
        let now = now_ms();
        Self {
            reason: format!("ECS deployment {id} in progress."),
            id,
            service: service.to_owned(),
            revision: revision.to_owned(),
            desired,
            target_group: None,
            service_revision: None,
            is_on_hold: false,
            external_id: None,
            role: Role::Primary,
            rollout: RolloutState::InProgress,
            failed_tasks: 0,
            paused_until_ms: 0,
            was_steady: false,
            created_ms: now,
            updated_ms: now,
        }
    }

    /// How many tasks it is to have now.
    pub(crate) const fn target_count(&self) -> u32 {
        if self.is_on_hold { 0 } else { self.desired }
    }

    /// Sets `rolloutState` and `rolloutStateReason`.
    pub(crate) fn set_rollout(&mut self, rollout: RolloutState, reason: String) {
        self.rollout = rollout;
        self.reason = reason;
        self.updated_ms = now_ms();
    }
}
