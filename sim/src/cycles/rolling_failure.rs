//! Whether a rolling rollout is to be given up: by a caller, by its circuit breaker, by an alarm.
//! Pure.

use crate::account::{
    Account, AlarmWatch, Configuration, Fleet, Service, ServiceDeployment, ServiceDeploymentStatus,
};
use crate::options::Breaker;

/// Why a rollout is given up, and what follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// `rolloutStateReason`.
    pub(super) state: &'static str,
    /// ECS's sentence after `deployment failed:`.
    pub(super) event: &'static str,
    /// `statusReason` of the service deployment.
    pub(super) reason: &'static str,
    pub(super) action: FailureAction,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureAction {
    RollBack,
    Stop,
}

/// Whether a rollout is to be given up now.
pub(super) fn find_failure(
    account: &Account,
    service: &Service,
    primary: &Fleet,
    configuration: &Configuration,
) -> Option<Failure> {
    let deployment = account.active_rolling(&service.name);
    let after = if configuration.breaker() == Breaker::Rollback {
        FailureAction::RollBack
    } else {
        FailureAction::Stop
    };
    match deployment.map(|deployment| deployment.status) {
        Some(ServiceDeploymentStatus::RollbackInProgress) => return None,
        Some(ServiceDeploymentStatus::RollbackRequested) => {
            return Some(stop_failure(FailureAction::RollBack));
        }
        Some(ServiceDeploymentStatus::StopRequested) => {
            return Some(stop_failure(FailureAction::Stop));
        }
        Some(_) | None => {}
    }
    if is_tripped(service, primary, configuration) {
        return Some(breaker_failure(after));
    }
    let is_in_alarm =
        watches_alarms(deployment) && !account.active_alarms(&configuration.alarms()).is_empty();
    is_in_alarm.then(|| alarm_failure(configuration, after))
}

fn stop_failure(after: FailureAction) -> Failure {
    let reason = match after {
        FailureAction::RollBack => "Service deployment rolled back because of a user request.",
        FailureAction::Stop => "Service deployment stopped by a user.",
    };
    Failure {
        state: "ECS deployment stopped by a user.",
        event: "stopped by a user.",
        reason,
        action: after,
    }
}

/// A fleet that was steady once is not broken by what fails later.
fn is_tripped(service: &Service, primary: &Fleet, configuration: &Configuration) -> bool {
    let may_break = configuration.breaker() != Breaker::Off && !primary.was_steady;
    may_break && primary.failed_tasks >= configuration.breaker_threshold(service.desired)
}

fn breaker_failure(after: FailureAction) -> Failure {
    let reason = match after {
        FailureAction::RollBack => {
            "Service deployment rolled back because the circuit breaker threshold was exceeded."
        }
        FailureAction::Stop => {
            "Service deployment failed because the circuit breaker threshold was exceeded."
        }
    };
    Failure {
        state: "ECS deployment circuit breaker: tasks failed to start.",
        event: "tasks failed to start.",
        reason,
        action: after,
    }
}

/// An alarm that was in ALARM at the start already is not watched.
fn watches_alarms(deployment: Option<&ServiceDeployment>) -> bool {
    deployment.is_none_or(|deployment| deployment.alarms == AlarmWatch::Monitoring)
}

fn alarm_failure(configuration: &Configuration, after: FailureAction) -> Failure {
    let after = if configuration.alarms_roll_back() {
        FailureAction::RollBack
    } else {
        after
    };
    let reason = match after {
        FailureAction::RollBack => "Service deployment rolled back because alarms were detected.",
        FailureAction::Stop => "Service deployment failed because alarms were detected.",
    };
    Failure {
        state: "ECS deployment alarm: alarm detected.",
        event: "alarm detected.",
        reason,
        action: after,
    }
}
