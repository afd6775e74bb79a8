//! Green's task set comes up, and blue's goes.

use std::time::Duration;

use super::Interruption;
use super::cycle::{Cycle, WaitResult};
use crate::account::{Account, Deployment, EventStatus, Fleet, Role, RolloutState, Side};
use crate::cycles::retire::retire;
use crate::switches::OrphanGreen;

/// Green's tasks get an hour at AWS.
const INSTALL_MINUTES: f64 = 60.0;

/// The same time-out under the observed clock, in real time.
const OBSERVED_INSTALL: Duration = Duration::from_secs(8);

/// Starts green's tasks, and waits until all are healthy in green's target group.
pub(super) async fn install(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.set_event_status("Install", EventStatus::InProgress);
    cycle.dwell(cycle.clock().seconds(5.0)).await?;
    clear_orphans(cycle).await?;
    let green = cycle
        .cloud()
        .change(|account| add_green(account, cycle.id()))?;
    cycle.mark(&format!("green {} in {}", green.fleet, green.target_group));
    cycle.change(|_| ());
    match cycle
        .wait_for_account(install_timeout(cycle), |account| {
            is_steady(account, &green.fleet)
        })
        .await?
    {
        WaitResult::Met => cycle.set_event_status("Install", EventStatus::Succeeded),
        WaitResult::TimedOut => return Err(timeout_error()),
    }
    Ok(())
}

fn install_timeout(cycle: &Cycle) -> Duration {
    match (cycle.cloud().switches().install_timeout_ms, cycle.clock()) {
        (Some(milliseconds), _) => Duration::from_millis(milliseconds),
        (None, crate::clock::Clock::Observed { .. }) => OBSERVED_INSTALL,
        (None, clock @ crate::clock::Clock::Scaled(_)) => clock.limit(INSTALL_MINUTES),
    }
}

fn timeout_error() -> Interruption {
    let message = "The deployment timed out while waiting for the replacement task set to become healthy. This time out period is 60 minutes.";
    Interruption::Failed {
        code: "TIMEOUT",
        message: message.to_owned(),
    }
}

/// All tasks that a fleet wants run and pass their health checks.
pub(super) fn is_steady(account: &Account, fleet: &str) -> bool {
    let healthy = account
        .live_tasks(fleet)
        .filter(|task| task.is_running() && task.healthy)
        .count();
    account
        .fleet(fleet)
        .is_some_and(|fleet| healthy == fleet.desired as usize)
}

/// The side that serves production now.
pub(super) fn find_blue(account: &Account, id: &str) -> Option<Side> {
    let service = account.service(&account.deployment(id)?.group.service)?;
    let primary = service.primary()?;
    Some(Side {
        fleet: primary.id.clone(),
        target_group: primary.target_group.clone()?,
    })
}

/// Adds green's fleet in the target group that blue does not use.
fn add_green(account: &mut Account, id: &str) -> Result<Side, Interruption> {
    let deployment = account
        .deployment(id)
        .cloned()
        .ok_or_else(|| ecs_update_error("the deployment is gone"))?;
    let revision = find_revision(account, &deployment)?;
    let new = account.ids.next_fleet();
    let blue = deployment
        .blue
        .clone()
        .ok_or_else(|| ecs_update_error("the service has no primary task set"))?;
    let service = account
        .service_mut(&deployment.group.service)
        .ok_or_else(|| ecs_update_error("the service is gone"))?;
    let target_group = other_target_group(&deployment, &blue.target_group);
    let mut fleet = Fleet::new(new, &service.name, &revision, service.desired);
    fleet.role = Role::Active;
    fleet.rollout = RolloutState::Completed;
    fleet.external_id = Some(deployment.id.clone());
    fleet.target_group = Some(target_group.clone());
    let green = Side {
        fleet: fleet.id.clone(),
        target_group,
    };
    service.fleets.push(fleet);
    service.mark_changed();
    if let Some(deployment) = account.deployment_mut(id) {
        deployment.green = Some(green.clone());
    }
    Ok(green)
}

fn find_revision(account: &Account, deployment: &Deployment) -> Result<String, Interruption> {
    let wanted = &deployment.app_spec.task_definition;
    let revision = account
        .revisions
        .find(wanted)
        .filter(|revision| revision.deregistered_ms.is_none());
    let revision = revision.ok_or_else(|| {
        ecs_update_error("Unable to describe task definition. (Error code: ClientException)")
    })?;
    let container = &deployment.app_spec.container;
    if revision.container(container).is_none() {
        return Err(ecs_update_error(&format!(
            "The container {container} does not exist in the task definition. (Error code: InvalidParameterException)"
        )));
    }
    Ok(revision.arn.clone())
}

fn ecs_update_error(why: &str) -> Interruption {
    let message = format!("The ECS service cannot be updated due to an unexpected error: {why}");
    Interruption::Failed {
        code: "ECS_UPDATE_ERROR",
        message,
    }
}

fn other_target_group(deployment: &Deployment, blue: &str) -> String {
    let [first, second] = &deployment.group.target_groups;
    if first == blue {
        second.clone()
    } else {
        first.clone()
    }
}

/// A task set that a former deployment left would share green's target group.
async fn clear_orphans(cycle: &Cycle) -> Result<(), Interruption> {
    let orphans: Vec<String> = cycle.cloud().read(|account| {
        let service = cycle.service_name(account);
        let fleets = service
            .and_then(|name| account.service(&name))
            .map(|service| service.fleets.clone())
            .unwrap_or_default();
        fleets
            .into_iter()
            .filter(|fleet| fleet.role != Role::Primary)
            .map(|fleet| fleet.id)
            .collect()
    });
    if !orphans.is_empty() && cycle.cloud().switches().orphan_green == OrphanGreen::Blocks {
        return Err(ecs_update_error(
            "The service already has a task set that is not primary. (Error code: InvalidParameterException)",
        ));
    }
    for orphan in orphans {
        retire(cycle.cloud(), &orphan).await;
    }
    Ok(())
}

/// The point of no return: blue's tasks end.
pub(super) async fn terminate_blue(cycle: &Cycle) {
    let blue = cycle.change(|deployment| {
        deployment.is_terminating_blue = true;
        deployment.blue.clone()
    });
    cycle.mark("blue is being terminated");
    cycle.dwell_uninterrupted(cycle.clock().seconds(5.0)).await;
    if let Some(blue) = blue.flatten() {
        retire(cycle.cloud(), &blue.fleet).await;
    }
}

impl Cycle {
    fn service_name(&self, account: &Account) -> Option<String> {
        account
            .deployment(self.id())
            .map(|deployment| deployment.group.service.clone())
    }
}
