//! `CodeDeploy` deployments and their groups: plain data. One file, because all of these types are
//! parts of [`Deployment`] or [`Group`].

use std::collections::BTreeSet;

use serde_json::Value;

use crate::clock::now_ms;
use crate::options::{Exposure, GroupOptions};

/// The lifecycle events of an ECS deployment, in order.
const EVENTS: [&str; 8] = [
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "AllowTestTraffic",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AllowTraffic",
    "AfterAllowTraffic",
];

/// A deployment's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Created,
    Queued,
    InProgress,
    Baking,
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Queued => "Queued",
            Self::InProgress => "InProgress",
            Self::Baking => "Baking",
            Self::Ready => "Ready",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        }
    }

    /// Nothing more happens.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// A lifecycle event's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventStatus {
    Pending,
    InProgress,
    Succeeded,
    Failed,
    Skipped,
}

impl EventStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
        }
    }
}

/// One lifecycle event of a deployment.
#[derive(Debug, Clone)]
pub(crate) struct LifecycleEvent {
    pub(crate) name: &'static str,
    pub(crate) status: EventStatus,
    pub(crate) started_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) message: Option<String>,
}

/// Who created a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Creator {
    /// A caller of `CreateDeployment`.
    User,
    /// `CodeDeploy`, rolling this deployment back.
    Rollback(String),
}

/// What green serves and how it is reached, out of the `AppSpec`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AppSpec {
    pub(crate) task_definition: String,
    pub(crate) container: String,
    pub(crate) port: u16,
}

/// What `StopDeployment` asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopRequest {
    /// And to go back to blue.
    WithRollback,
    /// And to leave everything as it is.
    WithoutRollback,
    /// And to do what the group says.
    AsConfigured,
}

/// What `ContinueDeployment` may skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WaitType {
    Ready,
    Termination,
}

/// The link between a deployment and its rollback.
#[derive(Debug, Clone, Default)]
pub(crate) struct RollbackLink {
    pub(crate) rollback: Option<String>,
    pub(crate) triggering: Option<String>,
    pub(crate) message: Option<String>,
}

/// Why a deployment ended badly.
#[derive(Debug, Clone)]
pub(crate) struct ErrorInformation {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Blue's or green's fleet and target group.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) fleet: String,
    pub(crate) target_group: String,
}

/// When a deployment rolls back by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct AutoRollback {
    pub(crate) events: Vec<String>,
}

/// What happens before production traffic moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadyWait {
    /// `CONTINUE_DEPLOYMENT`.
    Continue,
    /// `STOP_DEPLOYMENT` after so many minutes.
    Stop(u32),
}

/// A deployment group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) application: String,
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) options: GroupOptions,
    pub(crate) exposure: Exposure,
    pub(crate) target_groups: [String; 2],
}

impl Group {
    /// What happens before production traffic moves.
    pub(crate) fn ready_wait(&self) -> ReadyWait {
        self.options
            .ready_wait_minutes
            .map_or(ReadyWait::Continue, ReadyWait::Stop)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) group: Group,
    pub(crate) config: String,
    pub(crate) description: Option<String>,
    pub(crate) creator: Creator,
    pub(crate) status: Status,
    pub(crate) revision: Value,
    pub(crate) app_spec: AppSpec,
    /// As the request had it, for the answer.
    pub(crate) auto_rollback_override: Option<Value>,
    pub(crate) auto_rollback: AutoRollback,
    pub(crate) alarms: Vec<String>,
    pub(crate) alarms_override: Option<Value>,
    pub(crate) events: Vec<LifecycleEvent>,
    pub(crate) error: Option<ErrorInformation>,
    pub(crate) rollback: RollbackLink,
    pub(crate) stop: Option<StopRequest>,
    pub(crate) continued: BTreeSet<WaitType>,
    pub(crate) termination_wait_started: bool,
    /// Blue is being terminated: a rollback is no longer possible.
    pub(crate) is_terminating_blue: bool,
    pub(crate) blue: Option<Side>,
    pub(crate) green: Option<Side>,
    pub(crate) created_ms: i64,
    pub(crate) started_ms: Option<i64>,
    pub(crate) completed_ms: Option<i64>,
    pub(crate) updated_ms: i64,
    /// Grows with every change of state.
    pub(crate) version: u64,
    /// The version that `GetDeployment` last showed; 0 before it showed any.
    pub(crate) status_seen: u64,
    /// The version that `GetDeploymentTarget` last showed; 0 before it showed any.
    pub(crate) target_seen: u64,
}

impl Deployment {
    /// A new deployment. Its creator is `User` unless it is changed afterwards.
    pub(crate) fn new(id: String, group: Group, app_spec: AppSpec, revision: Value) -> Self {
        let now = now_ms();
        Self {
            config: group.options.config.clone(),
            auto_rollback: AutoRollback {
                events: group.options.auto_rollback.clone(),
            },
            alarms: group.options.alarms.clone(),
            id,
            group,
            description: None,
            creator: Creator::User,
            status: Status::Created,
            revision,
            app_spec,
            auto_rollback_override: None,
            alarms_override: None,
            events: EVENTS
                .into_iter()
                .map(LifecycleEvent::new_pending)
                .collect(),
            error: None,
            rollback: RollbackLink::default(),
            stop: None,
            continued: BTreeSet::new(),
            termination_wait_started: false,
            is_terminating_blue: false,
            blue: None,
            green: None,
            created_ms: now,
            started_ms: None,
            completed_ms: None,
            updated_ms: now,
            version: 1,
            status_seen: 0,
            target_seen: 0,
        }
    }

    /// Raises the version: a reader of the deployment sees a difference.
    pub(crate) fn mark_changed(&mut self) {
        self.version += 1;
        self.updated_ms = now_ms();
    }

    /// Whether a client has read this version. `GetDeployment` and `GetDeploymentTarget` show
    /// different things, so a client that uses both must have called both. A read counts as used if
    /// it returned the version before.
    pub(crate) fn was_read(&self, version: u64) -> bool {
        let shown = |seen: u64| seen >= version;
        let not_in_use = |seen: u64| seen == 0 || seen + 1 < version;
        let reads = [self.status_seen, self.target_seen];
        reads.into_iter().any(shown)
            && reads
                .into_iter()
                .all(|seen| shown(seen) || not_in_use(seen))
    }

    pub(crate) fn event_mut(&mut self, name: &str) -> Option<&mut LifecycleEvent> {
        self.events.iter_mut().find(|event| event.name == name)
    }
}

impl LifecycleEvent {
    const fn new_pending(name: &'static str) -> Self {
        Self {
            name,
            status: EventStatus::Pending,
            started_ms: None,
            ended_ms: None,
            message: None,
        }
    }

    /// Sets the event's status and the time of the change.
    pub(crate) fn set_status(&mut self, status: EventStatus) {
        self.status = status;
        match status {
            EventStatus::InProgress => self.started_ms = Some(now_ms()),
            EventStatus::Succeeded | EventStatus::Failed => self.ended_ms = Some(now_ms()),
            EventStatus::Pending | EventStatus::Skipped => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(status_seen: u64, target_seen: u64) -> Deployment {
        let group = Group {
            id: String::new(),
            application: String::new(),
            name: String::new(),
            service: String::new(),
            options: GroupOptions::default(),
            exposure: Exposure::new("app", 8080),
            target_groups: [String::new(), String::new()],
        };
        let spec = AppSpec {
            task_definition: String::new(),
            container: String::new(),
            port: 0,
        };
        Deployment {
            status_seen,
            target_seen,
            ..Deployment::new(String::new(), group, spec, json!({}))
        }
    }

    #[test]
    fn a_version_was_read_once_every_read_in_use_has_shown_it() {
        let table = [
            ((0, 0), false),
            ((5, 0), true),
            ((0, 5), true),
            ((5, 4), false),
            ((5, 5), true),
            ((5, 3), true),
            ((4, 3), false),
        ];
        for ((status, target), read) in table {
            assert_eq!(
                deployment(status, target).was_read(5),
                read,
                "{status} {target}"
            );
        }
    }
}
