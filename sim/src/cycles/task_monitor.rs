//! Notices what happens to tasks: containers that end, and health checks that pass or fail.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::tasks;
use crate::account::{Account, Phase, StopCode};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::switches::HealthChecks;
use crate::world::{Health, TaskHandle};

pub(super) async fn record_exits(cloud: &Arc<Cloud>) {
    for (id, index, handle) in cloud.read(running_containers) {
        if let Some(code) = handle.exit_code().await {
            record_exit(cloud, &id, index, code);
        }
    }
}

fn running_containers(account: &Account) -> Vec<(String, usize, TaskHandle)> {
    let mut found = Vec::new();
    for task in account.tasks.iter().filter(|task| task.is_running()) {
        for (index, container) in task
            .containers
            .iter()
            .enumerate()
            .filter(|(_, container)| container.exit_code.is_none())
        {
            found.extend(
                container
                    .handle
                    .clone()
                    .map(|handle| (task.id.clone(), index, handle)),
            );
        }
    }
    found
}

fn record_exit(cloud: &Arc<Cloud>, id: &str, index: usize, code: i32) {
    let over = cloud.change(|account| {
        tasks::record_exit(account, id, index, Some(code));
        let task = account.task_mut(id)?;
        let all = task
            .containers
            .iter()
            .all(|container| container.exit_code.is_some());
        let over = task.is_running() && (all || task.containers.get(index)?.essential);
        if over {
            task.phase = Phase::Stopping;
            task.mark_stopping(
                StopCode::EssentialContainerExited,
                "Essential container in task exited",
            );
            tasks::count_failure(account, id, cloud.switches().restart_delay_ms);
        }
        Some(over)
    });
    if over == Some(true) {
        let (shared, id) = (Arc::clone(cloud), id.to_owned());
        cloud.spawn(async move { tasks::finish(&shared, &id).await });
    }
}

pub(super) fn record_health(cloud: &Arc<Cloud>) {
    let groups: Vec<String> = cloud.read(|account| {
        account
            .balancer
            .target_groups
            .iter()
            .map(|group| group.name.clone())
            .collect()
    });
    let health: BTreeMap<SocketAddr, Health> = groups
        .iter()
        .flat_map(|group| cloud.world.target_health(group))
        .collect();
    for (task, fleet) in
        cloud.change(|account| update_health(account, &health, cloud.switches().unhealthy_after_ms))
    {
        replace_unhealthy(cloud, &task, &fleet);
    }
}

/// Writes down what the health checks say, and returns the tasks that failed them for too long,
/// with their target groups.
fn update_health(
    account: &mut Account,
    health: &BTreeMap<SocketAddr, Health>,
    limit_ms: u64,
) -> Vec<(String, String)> {
    let groups: BTreeMap<String, String> = account
        .services
        .iter()
        .flat_map(|service| &service.fleets)
        .filter_map(|fleet| Some((fleet.id.clone(), fleet.target_group.clone()?)))
        .collect();
    let mut failed = Vec::new();
    for task in account.tasks.iter_mut().filter(|task| task.is_running()) {
        let Some(group) = task.origin.fleet().and_then(|fleet| groups.get(fleet)) else {
            task.healthy = true;
            continue;
        };
        let state = task
            .address
            .and_then(|address| health.get(&address))
            .copied();
        task.healthy = state == Some(Health::Healthy);
        task.unhealthy_since_ms = (state == Some(Health::Unhealthy))
            .then(|| task.unhealthy_since_ms.unwrap_or_else(now_ms));
        if task
            .unhealthy_since_ms
            .is_some_and(|since| now_ms() - since > i64::try_from(limit_ms).unwrap_or(i64::MAX))
        {
            failed.push((task.id.clone(), group.clone()));
        }
    }
    failed
}

fn replace_unhealthy(cloud: &Arc<Cloud>, task: &str, target_group: &str) {
    let arn = cloud.read(|account| account.location.target_group_arn(target_group));
    let reason = match cloud.switches().health_checks {
        HealthChecks::LoadBalancer => {
            format!("Task failed ELB health checks in (target-group {arn})")
        }
        HealthChecks::Containers => "Task failed container health checks".to_owned(),
    };
    cloud.change(|account| {
        let port = account.task(task).and_then(|task| task.containers.iter().map(|container| container.port).find(|port| *port != 0));
        let message = match cloud.switches().health_checks {
            HealthChecks::LoadBalancer => {
                format!("(port {}) is unhealthy in (target-group {arn}) due to (reason Health checks failed).", port.unwrap_or(0))
            }
            HealthChecks::Containers => format!("(task {task}) failed container health checks."),
        };
        if let Some(fleet) = account.task(task).and_then(|task| task.origin.fleet().map(ToOwned::to_owned)) {
            account.add_fleet_event(&fleet, &message);
        }
        tasks::count_failure(account, task, cloud.switches().restart_delay_ms);
    });
    tasks::stop_task(cloud, task, StopCode::SchedulerInitiated, &reason);
}
