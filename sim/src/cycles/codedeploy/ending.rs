//! How a deployment ends: succeeded, or stopped or failed with its reason, and whether a rollback
//! follows.

use super::cycle::Cycle;
use super::{Interruption, close_events, rollback};
use crate::account::{Deployment, ErrorInformation, EventStatus, Status, StopRequest};
use crate::clock::now_ms;
use crate::switches::{ReadyExpiry, Switches, Toggle};

/// Blue is gone and green serves.
pub(super) fn succeed(cycle: &Cycle) {
    cycle.change(|deployment| deployment.completed_ms = Some(now_ms()));
    cycle.set_status(Status::Succeeded);
}

/// Ends an interrupted deployment, and starts its rollback if one is configured or requested.
pub(super) async fn conclude(cycle: &Cycle, interruption: Interruption) {
    let switches = cycle.cloud().switches().clone();
    let (status, error) = status_and_error(&interruption);
    let has_rollback =
        cycle.read(|deployment| rolls_back(deployment, &interruption, &switches)) == Some(true);
    cycle.change(|deployment| {
        let under_way = if status == Status::Failed {
            EventStatus::Failed
        } else {
            EventStatus::Skipped
        };
        close_events(deployment, under_way, Some(&error.message));
        deployment.completed_ms = Some(now_ms());
        deployment.error = Some(error);
    });
    cycle.set_status(status);
    if has_rollback {
        tokio::time::sleep(std::time::Duration::from_millis(switches.rollback_info_ms)).await;
        rollback::begin(cycle);
    }
}

fn status_and_error(interruption: &Interruption) -> (Status, ErrorInformation) {
    let stopped = |code, message: String| (Status::Stopped, ErrorInformation { code, message });
    match interruption {
        Interruption::Stopped => stopped(
            "MANUAL_STOP",
            "The deployment was stopped manually.".to_owned(),
        ),
        Interruption::Alarms(names) => stopped(
            "ALARM_ACTIVE",
            format!(
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected \
                 deployments have been stopped. Activated alarms: <{}>",
                names.join(", ")
            ),
        ),
        Interruption::ReadyExpired => stopped(
            "TIMEOUT",
            "The deployment timed out while waiting for traffic rerouting to be continued."
                .to_owned(),
        ),
        Interruption::Failed { code, message } => (
            Status::Failed,
            ErrorInformation {
                code,
                message: message.clone(),
            },
        ),
    }
}

fn rolls_back(deployment: &Deployment, interruption: &Interruption, switches: &Switches) -> bool {
    let something = deployment.green.is_some() || switches.rollback_of_nothing == Toggle::On;
    something && asks_for_rollback(deployment, interruption, switches)
}

fn asks_for_rollback(
    deployment: &Deployment,
    interruption: &Interruption,
    switches: &Switches,
) -> bool {
    let configured = |event: &str| deployment.auto_rollback.events.iter().any(|on| on == event);
    match interruption {
        Interruption::Stopped => match deployment.stop {
            Some(StopRequest::WithRollback) => true,
            Some(StopRequest::WithoutRollback) => false,
            Some(StopRequest::AsConfigured) | None => configured("DEPLOYMENT_STOP_ON_REQUEST"),
        },
        Interruption::Alarms(_) => configured("DEPLOYMENT_STOP_ON_ALARM"),
        Interruption::Failed { .. } => configured("DEPLOYMENT_FAILURE"),
        Interruption::ReadyExpired => match switches.ready_expiry {
            ReadyExpiry::NoRollback => false,
            ReadyExpiry::AsStop => configured("DEPLOYMENT_STOP_ON_REQUEST"),
            ReadyExpiry::AsFailure => configured("DEPLOYMENT_FAILURE"),
        },
    }
}
