//! Points the listeners at green, step by step, and makes green the service's primary.

use super::Interruption;
use super::cycle::Cycle;
use super::shift::{Step, traffic_steps};
use crate::account::{Account, Deployment, EventStatus, Role, Side};
use crate::options::Traffic;

/// The test listener goes to green. Without one the event does nothing.
pub(super) async fn allow_test(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.set_event_status("AllowTestTraffic", EventStatus::InProgress);
    cycle.dwell(cycle.clock().seconds(2.0)).await?;
    if let Some((listener, blue, green)) = cycle.read(test_route).flatten() {
        point_listener(cycle, &listener, &blue, &green, 100);
    }
    cycle.set_event_status("AllowTestTraffic", EventStatus::Succeeded);
    Ok(())
}

fn test_route(deployment: &Deployment) -> Option<(String, Side, Side)> {
    Some((
        deployment.group.exposure.test.clone()?,
        deployment.blue.clone()?,
        deployment.green.clone()?,
    ))
}

/// Production traffic goes to green as the configuration says.
pub(super) async fn allow_production(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.set_event_status("AllowTraffic", EventStatus::InProgress);
    for step in planned_steps(cycle) {
        shift(cycle, step).await?;
    }
    if let Some(green) = cycle.read(|deployment| deployment.green.clone()).flatten() {
        cycle
            .cloud()
            .change(|account| make_primary(account, &green.fleet));
    }
    cycle.set_event_status("AllowTraffic", EventStatus::Succeeded);
    Ok(())
}

fn planned_steps(cycle: &Cycle) -> Vec<Step> {
    let config = cycle
        .read(|deployment| deployment.config.clone())
        .unwrap_or_default();
    let traffic = cycle
        .cloud()
        .read(|account| account.configs.get(&config).copied());
    traffic_steps(traffic.unwrap_or(Traffic::AllAtOnce))
}

async fn shift(cycle: &Cycle, step: Step) -> Result<(), Interruption> {
    let route = cycle.read(|deployment| {
        Some((
            deployment.group.exposure.production.clone(),
            deployment.blue.clone()?,
            deployment.green.clone()?,
        ))
    });
    let Some((listener, blue, green)) = route.flatten() else {
        return Ok(());
    };
    point_listener(cycle, &listener, &blue, &green, step.percent);
    cycle.change(|_| ());
    if step.minutes == 0 {
        return cycle.dwell(cycle.clock().seconds(5.0)).await;
    }
    cycle
        .dwell(cycle.clock().minutes(f64::from(step.minutes)))
        .await
}

/// Gives green its share and blue the rest. The unused group stays on the listener with weight 0.
pub(super) fn point_listener(
    cycle: &Cycle,
    listener: &str,
    blue: &Side,
    green: &Side,
    percent: u32,
) {
    let weights = [
        (blue.target_group.clone(), 100 - percent),
        (green.target_group.clone(), percent),
    ];
    cycle
        .cloud()
        .set_listener_weights(cycle.id(), listener, &weights);
}

/// The fleet is the service's own from now on.
pub(super) fn make_primary(account: &mut Account, fleet: &str) {
    for service in account
        .services
        .iter_mut()
        .filter(|service| service.fleet(fleet).is_some())
    {
        for other in service
            .fleets
            .iter_mut()
            .filter(|other| other.role == Role::Primary)
        {
            other.role = Role::Active;
        }
        if let Some(own) = service.fleets.iter_mut().find(|own| own.id == fleet) {
            own.role = Role::Primary;
        }
        service.mark_changed();
    }
}
