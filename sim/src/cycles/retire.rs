//! Ends a fleet for real.

use std::time::Duration;

use tokio::time::Instant;

use crate::account::{Account, Phase, Role};
use crate::cloud::Cloud;

/// A process or container ends within this time, or the world kills it.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);

/// How often it is looked whether the last task is gone.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Ends a fleet's tasks, and removes it once the last is gone.
pub(super) async fn retire(cloud: &Cloud, fleet: &str) {
    cloud.change(|account| {
        if let Some(fleet) = account.fleet_mut(fleet) {
            fleet.desired = 0;
            fleet.role = Role::Draining;
        }
    });
    let started = Instant::now();
    while started.elapsed() < STOP_TIMEOUT && !cloud.read(|account| is_gone(account, fleet)) {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    cloud.change(|account| {
        for service in &mut account.services {
            service.fleets.retain(|other| other.id != fleet);
        }
    });
}

fn is_gone(account: &Account, fleet: &str) -> bool {
    account
        .tasks
        .iter()
        .filter(|task| task.origin.fleet() == Some(fleet))
        .all(|task| task.phase == Phase::Stopped)
}
