//! How a service deployment ends: successful, stopped where it is, or by going back.

use super::cycle::Cycle;
use super::{Interruption, rollback};
use crate::account::{AlarmWatch, HookStatus, Rollout, ServiceDeployment, ServiceDeploymentStatus};
use crate::options::Breaker;

/// Blue is gone and green serves.
pub(super) fn succeed(cycle: &Cycle) {
    cycle.cloud().change(|account| {
        let Some(deployment) = account.service_deployment_mut(cycle.arn()) else { return };
        deployment.stage = None;
        if deployment.alarms == AlarmWatch::Monitoring {
            deployment.alarms = AlarmWatch::Complete;
        }
        let (fleet, service) = (deployment.target.fleet.clone(), deployment.service.clone());
        if let Some(green) = account.fleet_mut(&fleet) {
            green.turn(Rollout::Completed, format!("ECS deployment {fleet} completed."));
        }
        account.say(&fleet, &format!("(deployment {fleet}) deployment completed."));
        if let Some(service) = account.service_mut(&service) {
            service.changed();
        }
    });
    cycle.turn(ServiceDeploymentStatus::Successful);
}

/// What follows a line that was broken off.
enum Consequence {
    /// Somebody else ended it.
    Nothing,
    /// Everything stays where it is.
    Stays,
    GoesBack,
}

/// Ends a line that was broken off.
pub(super) async fn conclude(cycle: &Cycle, interruption: Interruption) {
    let (consequence, reason) = cycle.read(|deployment| consequence(deployment, &interruption)).unwrap_or((Consequence::Nothing, None));
    cycle.change(|deployment| {
        close_hooks(deployment);
        if let Interruption::Alarms(names) = interruption {
            deployment.alarms = AlarmWatch::Triggered(names);
        }
        deployment.reason = reason.or_else(|| deployment.reason.take());
    });
    match consequence {
        Consequence::Nothing => {}
        Consequence::Stays => stay(cycle),
        Consequence::GoesBack => rollback::play(cycle).await,
    }
}

fn consequence(deployment: &ServiceDeployment, interruption: &Interruption) -> (Consequence, Option<String>) {
    let back = |why: &str| (Consequence::GoesBack, Some(format!("Service deployment rolled back because {why}.")));
    let stays = |why: &str| (Consequence::Stays, Some(format!("Service deployment failed because {why}.")));
    match interruption {
        Interruption::ByStatus(ServiceDeploymentStatus::RollbackRequested) => (Consequence::GoesBack, None),
        Interruption::ByStatus(ServiceDeploymentStatus::StopRequested) => (Consequence::Stays, None),
        Interruption::ByStatus(_) => (Consequence::Nothing, None),
        Interruption::Hook(why) => back(why),
        Interruption::Alarms(names) => {
            let why = format!("alarms were detected: {}", names.join(", "));
            if deployment.configuration.alarms_roll_back() { back(&why) } else { stays(&why) }
        }
        Interruption::Broken(why) => match deployment.configuration.breaker() {
            Breaker::Fail => stays(why),
            Breaker::Off | Breaker::Rollback => back(why),
        },
    }
}

/// A hook that is still open is answered by the end.
pub(super) fn close_hooks(deployment: &mut ServiceDeployment) {
    for hook in deployment.hooks.iter_mut().filter(|hook| hook.status.is_open()) {
        hook.status = HookStatus::Failed;
    }
}

fn stay(cycle: &Cycle) {
    let green = cycle.read(|deployment| (deployment.target.fleet.clone(), deployment.reason.clone().unwrap_or_default()));
    if let Some((fleet, reason)) = green {
        cycle.cloud().change(|account| account.fleet_mut(&fleet).map(|green| green.turn(Rollout::Failed, reason)));
    }
    cycle.turn(ServiceDeploymentStatus::Stopped);
}
