//! A task: its containers, whether and why it ended, and what it was started for.

use std::net::SocketAddr;

use serde_json::Value;

use crate::clock::now_ms;
use crate::world::TaskHandle;

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accepted.
    Provisioning,
    /// Its images are pulled and its containers started.
    Pending,
    /// Its containers run.
    Running,
    /// It left its target group and is about to be ended.
    Deactivating,
    /// Its containers were signalled to stop.
    Stopping,
    Stopped,
}

impl Phase {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// Who started a task, and so what happens when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A fleet of a service: it is replaced.
    Fleet { service: String, fleet: String },
    /// `RunTask`: it is over.
    Run {
        /// `startedBy` of the request.
        started_by: Option<String>,
        /// `family:NAME` or the group of the request.
        group: String,
    },
}

impl Origin {
    /// The fleet, for a task of a service.
    pub(crate) fn fleet(&self) -> Option<&str> {
        match self {
            Self::Fleet { fleet, .. } => Some(fleet),
            Self::Run { .. } => None,
        }
    }

    /// The service, for a task of one.
    pub(crate) fn service(&self) -> Option<&str> {
        match self {
            Self::Fleet { service, .. } => Some(service),
            Self::Run { .. } => None,
        }
    }
}

/// ECS's code for why a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopCode {
    FailedToStart,
    EssentialContainerExited,
    UserInitiated,
    SchedulerInitiated,
}

impl StopCode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::FailedToStart => "TaskFailedToStart",
            Self::EssentialContainerExited => "EssentialContainerExited",
            Self::UserInitiated => "UserInitiated",
            Self::SchedulerInitiated => "ServiceSchedulerInitiated",
        }
    }
}

/// Where a container's log goes in `CloudWatch` Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLocation {
    pub(crate) group: String,
    pub(crate) stream: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) essential: bool,
    pub(crate) port: u16,
    pub(crate) log: Option<LogLocation>,
    /// The real thing, once it was started.
    pub(crate) handle: Option<TaskHandle>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) revision: String,
    pub(crate) origin: Origin,
    pub(crate) phase: Phase,
    pub(crate) containers: Vec<Container>,
    /// Where the load balancer reaches it.
    pub(crate) address: Option<SocketAddr>,
    /// Since when its health checks fail.
    pub(crate) unhealthy_since_ms: Option<i64>,
    pub(crate) healthy: bool,
    pub(crate) stop_code: Option<StopCode>,
    pub(crate) stopped_reason: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) started_ms: Option<i64>,
    pub(crate) stopping_ms: Option<i64>,
    pub(crate) stopped_ms: Option<i64>,
    /// The request's members that come back in the answer.
    pub(crate) launch: serde_json::Map<String, Value>,
}

impl Task {
    /// A task that was just accepted.
    pub(crate) fn new(
        id: String,
        revision: &str,
        origin: Origin,
        containers: Vec<Container>,
    ) -> Self {
        Self {
            id,
            revision: revision.to_owned(),
            origin,
            phase: Phase::Provisioning,
            containers,
            address: None,
            unhealthy_since_ms: None,
            healthy: false,
            stop_code: None,
            stopped_reason: None,
            created_ms: now_ms(),
            started_ms: None,
            stopping_ms: None,
            stopped_ms: None,
            launch: serde_json::Map::new(),
        }
    }

    /// It has ended or is about to.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(
            self.phase,
            Phase::Deactivating | Phase::Stopping | Phase::Stopped
        )
    }

    /// Its containers run and it is wanted.
    pub(crate) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Records why the task stops; a reason that is already there is kept.
    pub(crate) fn mark_stopping(&mut self, code: StopCode, reason: &str) {
        self.stop_code.get_or_insert(code);
        self.stopped_reason.get_or_insert_with(|| reason.to_owned());
        self.stopping_ms.get_or_insert_with(now_ms);
    }
}
