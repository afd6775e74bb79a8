//! Green's tasks come up, and what is no longer needed goes.

use std::time::Duration;

use super::Interruption;
use super::cycle::{Cycle, Met};
use crate::account::{Account, LifecycleStage, Role};
use crate::clock::Clock;
use crate::cycles::retire::retire;
use crate::cycles::supersede::all_traffic_to;

/// A stage may last a day at AWS.
const STAGE_MINUTES: f64 = 1440.0;

/// What the day is when nobody has a day.
const OBSERVED_SCALE_UP: Duration = Duration::from_secs(8);

/// Fleets that former deployments left are ended first.
pub(super) async fn reconcile(cycle: &Cycle) -> Result<(), Interruption> {
    let strays: Vec<String> = cycle
        .read(|deployment| {
            deployment
                .sources
                .iter()
                .skip(1)
                .map(|side| side.fleet.clone())
                .collect()
        })
        .unwrap_or_default();
    if strays.is_empty() {
        return Ok(());
    }
    cycle.stage(LifecycleStage::ReconcileService).await?;
    cycle.go(|account| {
        let blue = account
            .service_deployment(cycle.arn())
            .and_then(|deployment| deployment.blue().cloned());
        if let Some((service, group)) = blue.and_then(|blue| {
            Some((
                account.fleet(&blue.fleet)?.service.clone(),
                blue.target_group?,
            ))
        }) {
            all_traffic_to(cycle.cloud(), account, &service, &group);
        }
    })?;
    for stray in strays {
        retire(cycle.cloud(), &stray).await;
    }
    Ok(())
}

/// Starts green's tasks, all of them, and waits until the last is healthy.
pub(super) async fn up(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.enter(LifecycleStage::ScaleUp)?;
    let green = cycle
        .read(|deployment| deployment.target.fleet.clone())
        .unwrap_or_default();
    cycle.cloud().change(|account| {
        if let Some(fleet) = account.fleet_mut(&green) {
            fleet.waits = false;
        }
    });
    cycle.dwell(cycle.clock().seconds(5.0)).await?;
    match cycle
        .until_account(limit(cycle), |account| is_steady(account, &green))
        .await?
    {
        Met::InTime => Ok(()),
        Met::Never => Err(Interruption::Broken(
            "the stage SCALE_UP timed out: tasks did not become healthy".to_owned(),
        )),
    }
}

fn limit(cycle: &Cycle) -> Duration {
    match (cycle.cloud().switches().install_timeout_ms, cycle.clock()) {
        (Some(milliseconds), _) => Duration::from_millis(milliseconds),
        (None, Clock::Observed { .. }) => OBSERVED_SCALE_UP,
        (None, clock @ Clock::Scaled(_)) => clock.limit(STAGE_MINUTES),
    }
}

fn is_steady(account: &Account, fleet: &str) -> bool {
    let healthy = account
        .living(fleet)
        .filter(|task| task.is_running() && task.healthy)
        .count();
    account
        .fleet(fleet)
        .is_some_and(|fleet| healthy == fleet.requested() as usize)
}

/// The point of no return: blue's tasks end.
pub(super) async fn clean_up(cycle: &Cycle) -> Result<(), Interruption> {
    let sources = cycle
        .read(|deployment| deployment.sources.clone())
        .unwrap_or_default();
    cycle.go(|account| {
        for side in &sources {
            account
                .fleet_mut(&side.fleet)
                .into_iter()
                .for_each(|fleet| fleet.role = Role::Draining);
        }
    })?;
    cycle.enter(LifecycleStage::CleanUp)?;
    cycle.rest(cycle.clock().seconds(5.0)).await;
    for side in sources {
        retire(cycle.cloud(), &side.fleet).await;
    }
    Ok(())
}
