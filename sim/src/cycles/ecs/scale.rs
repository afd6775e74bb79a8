//! Green's tasks come up, and what is no longer needed goes.

use std::time::Duration;

use super::Interruption;
use super::cycle::{Cycle, WaitResult};
use crate::account::{Account, LifecycleStage, Role};
use crate::clock::Clock;
use crate::cycles::retire::retire;
use crate::cycles::supersede::send_all_traffic;

/// A stage may last a day at AWS.
const STAGE_MINUTES: f64 = 1440.0;

/// The same time-out under the observed clock, in real time.
const OBSERVED_SCALE_UP: Duration = Duration::from_secs(8);

/// Fleets that former deployments left are ended first.
pub(super) async fn reconcile(cycle: &Cycle) -> Result<(), Interruption> {
    let leftovers: Vec<String> = cycle
        .read(|deployment| {
            deployment
                .sources
                .iter()
                .skip(1)
                .map(|side| side.fleet.clone())
                .collect()
        })
        .unwrap_or_default();
    if leftovers.is_empty() {
        return Ok(());
    }
    cycle.run_stage(LifecycleStage::ReconcileService).await?;
    cycle.advance(|account| {
        let blue = account
            .service_deployment(cycle.arn())
            .and_then(|deployment| deployment.blue().cloned());
        if let Some((service, group)) = blue.and_then(|blue| {
            Some((
                account.fleet(&blue.fleet)?.service.clone(),
                blue.target_group?,
            ))
        }) {
            send_all_traffic(cycle.cloud(), account, &service, &group);
        }
    })?;
    for leftover in leftovers {
        retire(cycle.cloud(), &leftover).await;
    }
    Ok(())
}

/// Starts green's tasks, all of them, and waits until the last is healthy.
pub(super) async fn start_green(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.enter_stage(LifecycleStage::ScaleUp)?;
    let green = cycle
        .read(|deployment| deployment.target.fleet.clone())
        .unwrap_or_default();
    cycle.cloud().change(|account| {
        if let Some(fleet) = account.fleet_mut(&green) {
            fleet.is_on_hold = false;
        }
    });
    cycle.dwell(cycle.clock().seconds(5.0)).await?;
    match cycle
        .wait_for_account(stage_timeout(cycle), |account| is_steady(account, &green))
        .await?
    {
        WaitResult::Met => Ok(()),
        WaitResult::TimedOut => Err(Interruption::Failed(
            "the stage SCALE_UP timed out: tasks did not become healthy".to_owned(),
        )),
    }
}

fn stage_timeout(cycle: &Cycle) -> Duration {
    match (cycle.cloud().switches().install_timeout_ms, cycle.clock()) {
        (Some(milliseconds), _) => Duration::from_millis(milliseconds),
        (None, Clock::Observed { .. }) => OBSERVED_SCALE_UP,
        (None, clock @ Clock::Scaled(_)) => clock.limit(STAGE_MINUTES),
    }
}

fn is_steady(account: &Account, fleet: &str) -> bool {
    let healthy = account
        .live_tasks(fleet)
        .filter(|task| task.is_running() && task.healthy)
        .count();
    account
        .fleet(fleet)
        .is_some_and(|fleet| healthy == fleet.target_count() as usize)
}

/// The point of no return: blue's tasks end.
pub(super) async fn clean_up(cycle: &Cycle) -> Result<(), Interruption> {
    let sources = cycle
        .read(|deployment| deployment.sources.clone())
        .unwrap_or_default();
    cycle.advance(|account| {
        for side in &sources {
            account
                .fleet_mut(&side.fleet)
                .into_iter()
                .for_each(|fleet| fleet.role = Role::Draining);
        }
    })?;
    cycle.enter_stage(LifecycleStage::CleanUp)?;
    cycle.dwell_uninterrupted(cycle.clock().seconds(5.0)).await;
    for side in sources {
        retire(cycle.cloud(), &side.fleet).await;
    }
    Ok(())
}
