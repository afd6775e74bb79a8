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
    pub(super) after: After,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    GoesBack,
    Stays,
}

/// Whether a rollout is to be given up now.
pub(super) fn failure(
    account: &Account,
    service: &Service,
    primary: &Fleet,
    configuration: &Configuration,
) -> Option<Failure> {
    let deployment = account.rolling_now(&service.name);
    let after = if configuration.breaker() == Breaker::Rollback {
        After::GoesBack
    } else {
        After::Stays
    };
    match deployment.map(|deployment| deployment.status) {
        Some(ServiceDeploymentStatus::RollbackInProgress) => return None,
        Some(ServiceDeploymentStatus::RollbackRequested) => return Some(stopped(After::GoesBack)),
        Some(ServiceDeploymentStatus::StopRequested) => return Some(stopped(After::Stays)),
        Some(_) | None => {}
    }
    if is_tripped(service, primary, configuration) {
        return Some(broken(after));
    }
    let rings = watches(deployment) && !account.ringing(&configuration.alarms()).is_empty();
    rings.then(|| alarmed(configuration, after))
}

fn stopped(after: After) -> Failure {
    let reason = match after {
        After::GoesBack => "Service deployment rolled back because of a user request.",
        After::Stays => "Service deployment stopped by a user.",
    };
    Failure {
        state: "ECS deployment stopped by a user.",
        event: "stopped by a user.",
        reason,
        after,
    }
}

/// A fleet that was steady once is not broken by what fails later.
fn is_tripped(service: &Service, primary: &Fleet, configuration: &Configuration) -> bool {
    let may_break = configuration.breaker() != Breaker::Off && !primary.was_steady;
    may_break && primary.failed_tasks >= configuration.breaker_threshold(service.desired)
}

fn broken(after: After) -> Failure {
    let reason = match after {
        After::GoesBack => {
            "Service deployment rolled back because the circuit breaker threshold was exceeded."
        }
        After::Stays => {
            "Service deployment failed because the circuit breaker threshold was exceeded."
        }
    };
    Failure {
        state: "ECS deployment circuit breaker: tasks failed to start.",
        event: "tasks failed to start.",
        reason,
        after,
    }
}

/// An alarm that rang at the start already is not watched.
fn watches(deployment: Option<&ServiceDeployment>) -> bool {
    deployment.is_none_or(|deployment| deployment.alarms == AlarmWatch::Monitoring)
}

fn alarmed(configuration: &Configuration, after: After) -> Failure {
    let after = if configuration.alarms_roll_back() {
        After::GoesBack
    } else {
        after
    };
    let reason = match after {
        After::GoesBack => "Service deployment rolled back because alarms were detected.",
        After::Stays => "Service deployment failed because alarms were detected.",
    };
    Failure {
        state: "ECS deployment alarm: alarm detected.",
        event: "alarm detected.",
        reason,
        after,
    }
}
