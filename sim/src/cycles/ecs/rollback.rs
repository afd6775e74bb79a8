//! A rollback within the same service deployment: both listeners go back to blue, then green ends.
//! There are no lifecycle stages and no hooks.

use super::cycle::Cycle;
use super::traffic::{TrafficKind, set_green_share};
use crate::account::{
    Account, AlarmWatch, Role, Rollback, RolloutState, ServiceDeployment, ServiceDeploymentStatus,
};
use crate::clock::now_ms;
use crate::cycles::retire::retire;
use crate::switches::RollbackEnding;

/// Rolls back to the last completed revision. If there is none, ECS stays in `ROLLBACK_IN_PROGRESS`
/// until a person acts.
pub(super) async fn run(cycle: &Cycle) {
    cycle.dwell_uninterrupted(cycle.clock().seconds(1.0)).await;
    let fails = cycle.cloud().switches().rollback_ending == RollbackEnding::Fails;
    let good = cycle
        .cloud()
        .change(|account| start_rollback(account, cycle.arn()));
    cycle.mark(ServiceDeploymentStatus::RollbackInProgress.as_str());
    if good.is_none() {
        return cycle.mark("nothing to go back to");
    }
    if fails {
        cycle.dwell_uninterrupted(cycle.clock().seconds(5.0)).await;
        return fail(cycle);
    }
    cycle.cloud().change(|account| reroute(cycle, account));
    cycle.dwell_uninterrupted(cycle.clock().seconds(5.0)).await;
    for fleet in cycle.read(fleets_except_blue).unwrap_or_default() {
        retire(cycle.cloud(), &fleet).await;
    }
    cycle.set_status(ServiceDeploymentStatus::RollbackSuccessful);
}

/// Green, and what was left over from deployments before and not reconciled yet.
fn fleets_except_blue(deployment: &ServiceDeployment) -> Vec<String> {
    let leftovers = deployment.sources.iter().skip(1);
    leftovers
        .chain([&deployment.target])
        .map(|side| side.fleet.clone())
        .collect()
}

/// Writes down that the deployment goes back, and to which service revision.
fn start_rollback(account: &mut Account, arn: &str) -> Option<String> {
    let service = account.service_deployment(arn)?.service.clone();
    let good = account
        .last_successful(&service)
        .and_then(|_| former_revision(account, arn, &service));
    let deployment = account.service_deployment_mut(arn)?;
    let reason = deployment.reason.clone().unwrap_or_default();
    deployment.rollback = Some(Rollback {
        reason,
        started_ms: now_ms(),
        revision: good.clone(),
    });
    deployment.stage = None;
    if deployment.alarms == AlarmWatch::Monitoring {
        deployment.alarms = AlarmWatch::Complete;
    }
    deployment.set_status(ServiceDeploymentStatus::RollbackInProgress);
    good
}

/// The service revision to return to: blue's, or else that of the last stable fleet.
fn former_revision(account: &Account, arn: &str, service: &str) -> Option<String> {
    let blue = account
        .service_deployment(arn)?
        .blue()
        .map(|side| side.revision.clone());
    blue.or_else(|| {
        account
            .service(service)?
            .stable_fleet()?
            .service_revision
            .clone()
    })
}

/// All listeners go to blue, and blue is the service's own again.
fn reroute(cycle: &Cycle, account: &mut Account) {
    for lane in [TrafficKind::Production, TrafficKind::Test] {
        set_green_share(cycle.cloud(), account, cycle.arn(), lane, 0.0);
    }
    let sides = account
        .service_deployment(cycle.arn())
        .map(|deployment| (deployment.blue().cloned(), deployment.target.clone()));
    let Some((Some(blue), green)) = sides else {
        return;
    };
    restore_blue(account, &blue.fleet, &green.fleet);
}

/// A fleet that came after green stays the service's own.
fn restore_blue(account: &mut Account, blue: &str, green: &str) {
    let newer = account
        .fleet(green)
        .is_some_and(|green| green.role != Role::Primary);
    if let Some(green) = account.fleet_mut(green) {
        green.set_rollout(
            RolloutState::Failed,
            "ECS deployment rolled back.".to_owned(),
        );
        green.role = Role::Active;
    }
    if let Some(fleet) = account.fleet_mut(blue) {
        fleet.role = if newer { Role::Active } else { Role::Primary };
        fleet.set_rollout(
            RolloutState::Completed,
            format!("ECS deployment {blue} completed."),
        );
    }
    account.add_fleet_event(
        green,
        &format!("(deployment {green}) deployment failed: rolling back to deployment {blue}."),
    );
    for service in account
        .services
        .iter_mut()
        .filter(|service| service.fleet(blue).is_some())
    {
        service.steady_fleet = None;
        service.mark_changed();
    }
}

fn fail(cycle: &Cycle) {
    cycle.change(|deployment| {
        deployment.reason = Some(
            "Service deployment rollback failed: the listener could not be modified.".to_owned(),
        );
    });
    cycle.set_status(ServiceDeploymentStatus::RollbackFailed);
}
