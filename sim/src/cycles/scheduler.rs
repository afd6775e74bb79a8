//! The service scheduler: starts and ends tasks until every fleet has what it shall have.

use std::sync::Arc;
use std::time::Duration;

use super::containers::{Overrides, build_containers};
use super::task_counts::{Bounds, TaskCounts, rolling_counts};
use super::{
    alarms, autoscaling, digests, rolling as rollouts, targets, task_faults, task_monitor, tasks,
};
use crate::account::{Account, Fleet, Origin, RolloutState, Service, StopCode, Task};
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// Short against a caller's polling, long against the work of one round.
const ROUND: Duration = Duration::from_millis(25);

/// Keeps all services, for as long as the stage lives.
pub(crate) async fn run_scheduler(cloud: Arc<Cloud>) {
    cloud.spawn(digests::run(Arc::clone(&cloud)));
    loop {
        task_faults::advance(&cloud);
        task_monitor::record_exits(&cloud).await;
        task_monitor::record_health(&cloud);
        adjust_task_counts(&cloud);
        targets::register(&cloud);
        rollouts::advance(&cloud);
        autoscaling::advance(&cloud);
        alarms::advance(&cloud);
        tokio::time::sleep(ROUND).await;
    }
}

fn adjust_task_counts(cloud: &Arc<Cloud>) {
    let desired: Vec<(Fleet, u32)> = cloud.read(|account| {
        account
            .services
            .iter()
            .flat_map(|service| desired_counts(account, service))
            .collect()
    });
    for (fleet, wanted) in desired {
        let alive: Vec<String> = cloud.read(|account| {
            account
                .live_tasks(&fleet.id)
                .map(|task| task.id.clone())
                .collect()
        });
        let has = u32::try_from(alive.len()).unwrap_or(u32::MAX);
        if has < wanted && fleet.paused_until_ms <= now_ms() {
            start_tasks(cloud, &fleet, wanted - has);
        } else if has > wanted {
            stop_tasks(cloud, &fleet, &alive, has - wanted);
        }
    }
}

/// What every fleet of a service shall have now.
fn desired_counts(account: &Account, service: &Service) -> Vec<(Fleet, u32)> {
    let Some(configuration) = service
        .configuration
        .as_ref()
        .filter(|_| !account.shifts_traffic(service))
    else {
        return service
            .fleets
            .iter()
            .map(|fleet| (fleet.clone(), fleet.target_count()))
            .collect();
    };
    let Some(primary) = service.primary() else {
        return Vec::new();
    };
    let others = service.fleets.iter().filter(|fleet| fleet.id != primary.id);
    // A superseded green is in a target group without traffic, so its tasks can be stopped.
    let (older, idle): (Vec<&Fleet>, Vec<&Fleet>) =
        others.partition(|fleet| fleet.target_group == primary.target_group);
    let older_counts: Vec<TaskCounts> = older
        .iter()
        .map(|fleet| count_tasks(account, fleet))
        .collect();
    let bounds = Bounds {
        desired: service.desired,
        minimum_percent: configuration.minimum_healthy_percent(),
        maximum_percent: configuration.maximum_percent(),
    };
    let own = count_tasks(account, primary);
    // A rollout that was given up starts nothing more and takes nothing away.
    if primary.rollout == RolloutState::Failed {
        return vec![(primary.clone(), own.alive.min(own.healthy))];
    }
    let (new, kept) = rolling_counts(bounds, own, &older_counts);
    let idle = idle.into_iter().map(|fleet| (fleet.clone(), 0));
    std::iter::once((primary.clone(), new))
        .chain(older.into_iter().cloned().zip(kept))
        .chain(idle)
        .collect()
}

pub(super) fn count_tasks(account: &Account, fleet: &Fleet) -> TaskCounts {
    let count = |tasks: usize| u32::try_from(tasks).unwrap_or(u32::MAX);
    let healthy = account
        .live_tasks(&fleet.id)
        .filter(|task| task.is_running() && task.healthy)
        .count();
    TaskCounts {
        alive: count(account.live_tasks(&fleet.id).count()),
        healthy: count(healthy),
    }
}

fn start_tasks(cloud: &Arc<Cloud>, fleet: &Fleet, count: u32) {
    let mut started = Vec::new();
    for _ in 0..count {
        let made = cloud.change(|account| {
            let revision = account.revisions.find(&fleet.revision)?.clone();
            let id = account.ids.next_task();
            let (containers, specs) = build_containers(
                &revision,
                &id,
                &Overrides::default(),
                &cloud.options.secrets,
            );
            let origin = Origin::Fleet {
                service: fleet.service.clone(),
                fleet: fleet.id.clone(),
            };
            Some((Task::new(id, &revision.arn, origin, containers), specs))
        });
        let Some((task, specs)) = made else { continue };
        started.push(task.id.clone());
        tasks::launch(cloud, task, specs);
    }
    add_task_events(cloud, fleet, "has started", "tasks", &started);
}

/// The youngest go first.
fn stop_tasks(cloud: &Arc<Cloud>, fleet: &Fleet, alive: &[String], count: u32) {
    let leaving: Vec<String> = alive.iter().rev().take(count as usize).cloned().collect();
    for task in &leaving {
        let reason = format!("Scaling activity initiated by (deployment {})", fleet.id);
        tasks::stop_task(cloud, task, StopCode::SchedulerInitiated, &reason);
    }
    add_task_events(cloud, fleet, "has stopped", "running tasks", &leaving);
}

fn add_task_events(cloud: &Cloud, fleet: &Fleet, verb: &str, what: &str, tasks: &[String]) {
    if tasks.is_empty() {
        return;
    }
    let named: Vec<String> = tasks.iter().map(|task| format!("(task {task})")).collect();
    cloud.change(|account| {
        account.add_fleet_event(
            &fleet.id,
            &format!("{verb} {} {what}: {}.", tasks.len(), named.join(" ")),
        );
    });
}
