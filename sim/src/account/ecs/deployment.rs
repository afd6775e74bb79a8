//! A service deployment: one rollout that ECS performs, from `PENDING` to its end, rollback
//! included.

use super::{Configuration, HookDetail, LifecycleStage};
use crate::clock::now_ms;

/// A service deployment's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceDeploymentStatus {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl ServiceDeploymentStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    /// Nothing more happens.
    pub(crate) const fn is_over(self) -> bool {
        match self {
            Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed => {
                true
            }
            Self::Pending
            | Self::InProgress
            | Self::StopRequested
            | Self::RollbackRequested
            | Self::RollbackInProgress => false,
        }
    }

    /// It is not being stopped or rolled back, and has not ended.
    pub(crate) const fn is_advancing(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress)
    }
}

/// One side of a deployment: a service revision and the fleet that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevisionSide {
    /// The service revision's ARN.
    pub(crate) revision: String,
    pub(crate) task_definition: String,
    pub(crate) fleet: String,
    pub(crate) target_group: Option<String>,
}

/// The way back, inside the same deployment.
#[derive(Debug, Clone)]
pub(crate) struct Rollback {
    pub(crate) reason: String,
    pub(crate) started_ms: i64,
    /// The service revision it returns to; none when nothing was ever completed.
    pub(crate) revision: Option<String>,
}

/// The state of alarm monitoring during a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AlarmWatch {
    /// No alarms are configured, or one was already in ALARM at the start.
    Disabled,
    Monitoring,
    Complete,
    Triggered(Vec<String>),
}

impl AlarmWatch {
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Disabled => "DISABLED",
            Self::Monitoring => "MONITORING",
            Self::Complete => "MONITORING_COMPLETE",
            Self::Triggered(_) => "TRIGGERED",
        }
    }
}

/// Green's shares at a time, in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TrafficShares {
    pub(crate) at_ms: i64,
    pub(crate) test: f64,
    pub(crate) production: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct ServiceDeployment {
    pub(crate) arn: String,
    pub(crate) service: String,
    pub(crate) status: ServiceDeploymentStatus,
    pub(crate) reason: Option<String>,
    pub(crate) stage: Option<LifecycleStage>,
    /// The service's configuration when the deployment was made.
    pub(crate) configuration: Configuration,
    pub(crate) sources: Vec<RevisionSide>,
    pub(crate) target: RevisionSide,
    pub(crate) hooks: Vec<HookDetail>,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) alarms: AlarmWatch,
    /// Tasks of the target that ended although they were wanted.
    pub(crate) failures: u32,
    /// Green's shares, oldest first.
    pub(crate) shares: Vec<TrafficShares>,
    pub(crate) created_ms: i64,
    pub(crate) started_ms: Option<i64>,
    pub(crate) finished_ms: Option<i64>,
    pub(crate) stopped_ms: Option<i64>,
    /// A stop was requested after the point of no return.
    pub(crate) is_stopped_too_late: bool,
    /// The status that a newer deployment has ended.
    pub(crate) superseded: Option<ServiceDeploymentStatus>,
    pub(crate) updated_ms: i64,
    /// Grows with every change that a reader could notice.
    pub(crate) version: u64,
    /// The version that `DescribeServiceDeployments` last showed.
    pub(crate) read_version: u64,
}

impl ServiceDeployment {
    /// A deployment that was just asked for.
    pub(crate) fn new(
        arn: String,
        service: &str,
        configuration: Configuration,
        sources: Vec<RevisionSide>,
        target: RevisionSide,
    ) -> Self {
        let now = now_ms();
        Self {
            arn,
            service: service.to_owned(),
            status: ServiceDeploymentStatus::Pending,
            reason: None,
            stage: None,
            configuration,
            sources,
            target,
            hooks: Vec::new(),
            rollback: None,
            alarms: AlarmWatch::Disabled,
            failures: 0,
            shares: Vec::new(),
            created_ms: now,
            started_ms: None,
            finished_ms: None,
            stopped_ms: None,
            is_stopped_too_late: false,
            superseded: None,
            updated_ms: now,
            version: 1,
            read_version: 0,
        }
    }

    /// A reader could notice something new.
    pub(crate) fn mark_changed(&mut self) {
        self.version += 1;
        self.updated_ms = now_ms();
    }

    /// Sets the status and the time of the change.
    pub(crate) fn set_status(&mut self, status: ServiceDeploymentStatus) {
        self.status = status;
        let now = now_ms();
        match status {
            ServiceDeploymentStatus::InProgress => self.started_ms = self.started_ms.or(Some(now)),
            ServiceDeploymentStatus::Stopped => self.stopped_ms = Some(now),
            ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed => {
                self.finished_ms = Some(now);
            }
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::RollbackInProgress => {}
        }
        self.mark_changed();
    }

    /// Moves all times of the deployment into the past.
    pub(crate) fn backdate(&mut self, by_ms: i64) {
        let ended = [
            &mut self.started_ms,
            &mut self.finished_ms,
            &mut self.stopped_ms,
        ]
        .into_iter()
        .flatten();
        ended
            .chain([&mut self.created_ms, &mut self.updated_ms])
            .for_each(|moment| *moment -= by_ms);
        self.shares
            .iter_mut()
            .for_each(|shares| shares.at_ms -= by_ms);
    }

    /// The status that AWS answers. After a newer deployment stopped this one, the former status
    /// stays visible for `lag_ms`.
    pub(crate) fn visible_status(&self, lag_ms: u64) -> ServiceDeploymentStatus {
        if self.is_stopped_too_late && self.status == ServiceDeploymentStatus::InProgress {
            return ServiceDeploymentStatus::RollbackRequested;
        }
        let visible_before_ms = now_ms() - i64::try_from(lag_ms).unwrap_or(i64::MAX / 2);
        self.superseded
            .filter(|_| {
                self.stopped_ms
                    .is_some_and(|stopped| stopped > visible_before_ms)
            })
            .unwrap_or(self.status)
    }

    /// Green's shares as they were a while ago.
    pub(crate) fn visible_shares(&self, lag_ms: u64) -> (f64, f64) {
        let visible_before_ms = now_ms() - i64::try_from(lag_ms).unwrap_or(i64::MAX / 2);
        let shown = self
            .shares
            .iter()
            .rev()
            .find(|shares| shares.at_ms <= visible_before_ms);
        shown.map_or((0.0, 0.0), |shares| (shares.test, shares.production))
    }

    /// Green's shares from now on.
    pub(crate) fn record_shares(&mut self, test: Option<f64>, production: Option<f64>) {
        let (former_test, former_production) = self
            .shares
            .last()
            .map_or((0.0, 0.0), |shares| (shares.test, shares.production));
        let shares = TrafficShares {
            at_ms: now_ms(),
            test: test.unwrap_or(former_test),
            production: production.unwrap_or(former_production),
        };
        self.shares.push(shares);
        self.mark_changed();
    }

    /// The side that served before.
    pub(crate) fn blue(&self) -> Option<&RevisionSide> {
        self.sources.first()
    }

    /// A hook waits for somebody.
    pub(crate) fn is_paused(&self) -> bool {
        self.hooks
            .iter()
            .any(|hook| hook.status == super::HookStatus::AwaitingAction)
    }
}
