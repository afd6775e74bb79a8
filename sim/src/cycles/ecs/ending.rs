//! How a service deployment ends: successful, stopped where it is, or by going back.

use super::cycle::Cycle;
use super::{Interruption, rollback};
use crate::account::{
    Account, AlarmWatch, HookStatus, RolloutState, ServiceDeployment, ServiceDeploymentStatus,
};
use crate::options::Breaker;

/// Blue is gone and green serves.
pub(super) fn succeed(cycle: &Cycle) {
    cycle.cloud().change(|account| {
        let Some(deployment) = account.service_deployment_mut(cycle.arn()) else {
            return;
        };
        deployment.stage = None;
        if deployment.alarms == AlarmWatch::Monitoring {
            deployment.alarms = AlarmWatch::Complete;
        }
        deployment.set_status(ServiceDeploymentStatus::Successful);
        let (fleet, service) = (deployment.target.fleet.clone(), deployment.service.clone());
        if let Some(green) = account.fleet_mut(&fleet) {
            green.set_rollout(
                RolloutState::Completed,
                format!("ECS deployment {fleet} completed."),
            );
        }
        account.add_fleet_event(
            &fleet,
            &format!("(deployment {fleet}) deployment completed."),
        );
        if let Some(service) = account.service_mut(&service) {
            service.mark_changed();
        }
    });
    cycle.mark(ServiceDeploymentStatus::Successful.as_str());
}

/// What happens after an interruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consequence {
    /// Somebody else ended it.
    Nothing,
    /// Everything stays where it is.
    Stop,
    RollBack,
}

/// Ends a line that was broken off.
pub(super) async fn conclude(cycle: &Cycle, interruption: Interruption) {
    let by_itself = !matches!(interruption, Interruption::ByStatus(_));
    let consequence = cycle
        .cloud()
        .change(|account| apply_consequence(account, cycle.arn(), interruption));
    if by_itself && consequence == Consequence::RollBack {
        cycle.mark(ServiceDeploymentStatus::RollbackRequested.as_str());
    }
    match consequence {
        Consequence::Nothing => {}
        Consequence::Stop => cycle.mark(ServiceDeploymentStatus::Stopped.as_str()),
        Consequence::RollBack => rollback::run(cycle).await,
    }
}

/// Decides and stores the result under one lock. Otherwise a call in between would be answered and
/// its effect overwritten.
fn apply_consequence(account: &mut Account, arn: &str, interruption: Interruption) -> Consequence {
    let Some(deployment) = account.service_deployment_mut(arn) else {
        return Consequence::Nothing;
    };
    let interruption = if deployment.status.is_advancing() {
        interruption
    } else {
        Interruption::ByStatus(deployment.status)
    };
    let (consequence, reason) = decide_consequence(deployment, &interruption);
    close_hooks(deployment);
    deployment.reason = reason.or_else(|| deployment.reason.take());
    if let Interruption::Alarms(names) = interruption {
        deployment.alarms = AlarmWatch::Triggered(names);
    }
    match consequence {
        Consequence::Nothing => {}
        Consequence::RollBack => deployment.set_status(ServiceDeploymentStatus::RollbackRequested),
        Consequence::Stop => {
            deployment.set_status(ServiceDeploymentStatus::Stopped);
            let (fleet, reason) = (
                deployment.target.fleet.clone(),
                deployment.reason.clone().unwrap_or_default(),
            );
            if let Some(green) = account.fleet_mut(&fleet) {
                green.set_rollout(RolloutState::Failed, reason);
            }
        }
    }
    consequence
}

fn decide_consequence(
    deployment: &ServiceDeployment,
    interruption: &Interruption,
) -> (Consequence, Option<String>) {
    let roll_back = |why: &str| {
        (
            Consequence::RollBack,
            Some(format!("Service deployment rolled back because {why}.")),
        )
    };
    let stop = |why: &str| {
        (
            Consequence::Stop,
            Some(format!("Service deployment failed because {why}.")),
        )
    };
    match interruption {
        Interruption::ByStatus(ServiceDeploymentStatus::RollbackRequested) => {
            (Consequence::RollBack, None)
        }
        Interruption::ByStatus(ServiceDeploymentStatus::StopRequested) => (Consequence::Stop, None),
        Interruption::ByStatus(_) => (Consequence::Nothing, None),
        Interruption::Hook(why) => roll_back(why),
        Interruption::Alarms(names) => {
            let why = format!("alarms were detected: {}", names.join(", "));
            if deployment.configuration.alarms_roll_back() {
                roll_back(&why)
            } else {
                stop(&why)
            }
        }
        Interruption::Failed(why) => match deployment.configuration.breaker() {
            Breaker::Fail => stop(why),
            Breaker::Off | Breaker::Rollback => roll_back(why),
        },
    }
}

/// A hook that is still open is answered by the end.
fn close_hooks(deployment: &mut ServiceDeployment) {
    for hook in deployment
        .hooks
        .iter_mut()
        .filter(|hook| hook.status.is_open())
    {
        hook.status = HookStatus::Failed;
    }
}
