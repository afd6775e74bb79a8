//! The service scheduler: notices exits and health, starts and ends tasks until every fleet has what it shall have, registers targets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::containers::{Overrides, assemble};
use super::staffing::{Bounds, Crew, rolling};
use super::{rolling as rollouts, tasks};
use crate::account::{Account, Fleet, Origin, Rollout, Service, StopCode, Task};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::Controller;
use crate::world::{Health, TaskHandle};

/// Short against a caller's polling, long against the work of one round.
const ROUND: Duration = Duration::from_millis(25);

/// Keeps all services, for as long as the stage lives.
pub(crate) async fn keep(cloud: Arc<Cloud>) {
    loop {
        notice_exits(&cloud).await;
        notice_health(&cloud);
        staff(&cloud);
        register(&cloud);
        rollouts::advance(&cloud);
        tokio::time::sleep(ROUND).await;
    }
}

async fn notice_exits(cloud: &Arc<Cloud>) {
    for (id, index, handle) in cloud.look(running_containers) {
        if let Some(code) = handle.exited().await {
            notice_exit(cloud, &id, index, code).await;
        }
    }
}

fn running_containers(account: &Account) -> Vec<(String, usize, TaskHandle)> {
    let mut found = Vec::new();
    for task in account.tasks.iter().filter(|task| task.is_running()) {
        for (index, container) in task.containers.iter().enumerate().filter(|(_, container)| container.exit_code.is_none()) {
            found.extend(container.handle.clone().map(|handle| (task.id.clone(), index, handle)));
        }
    }
    found
}

async fn notice_exit(cloud: &Arc<Cloud>, id: &str, index: usize, code: i32) {
    let over = cloud.change(|account| {
        tasks::note_exit(account, id, index, Some(code));
        let task = account.task_mut(id)?;
        let all = task.containers.iter().all(|container| container.exit_code.is_some());
        let over = task.is_running() && (all || task.containers.get(index)?.essential);
        if over {
            task.ends(StopCode::EssentialContainerExited, "Essential container in task exited");
            tasks::count_failure(account, id, cloud.switches().restart_delay_ms);
        }
        Some(over)
    });
    if over == Some(true) {
        tasks::finish(cloud, id).await;
    }
}

fn notice_health(cloud: &Arc<Cloud>) {
    let groups: Vec<String> = cloud.look(|account| account.balancer.target_groups.iter().map(|group| group.name.clone()).collect());
    let health: BTreeMap<SocketAddr, Health> = groups.iter().flat_map(|group| cloud.world.target_health(group)).collect();
    for (task, fleet) in cloud.change(|account| note_health(account, &health, cloud.switches().unhealthy_after_ms)) {
        replace_unhealthy(cloud, &task, &fleet);
    }
}

/// Writes down what the health checks say, and returns the tasks that failed them for too long, with their target groups.
fn note_health(account: &mut Account, health: &BTreeMap<SocketAddr, Health>, patience_ms: u64) -> Vec<(String, String)> {
    let groups: BTreeMap<String, String> = account
        .services
        .iter()
        .flat_map(|service| &service.fleets)
        .filter_map(|fleet| Some((fleet.id.clone(), fleet.target_group.clone()?)))
        .collect();
    let mut lost = Vec::new();
    for task in account.tasks.iter_mut().filter(|task| task.is_running()) {
        let Some(group) = task.origin.fleet().and_then(|fleet| groups.get(fleet)) else {
            task.healthy = true;
            continue;
        };
        let state = task.address.and_then(|address| health.get(&address)).copied();
        task.healthy = state == Some(Health::Healthy);
        task.unhealthy_since_ms = (state == Some(Health::Unhealthy)).then(|| task.unhealthy_since_ms.unwrap_or_else(now_ms));
        if task.unhealthy_since_ms.is_some_and(|since| now_ms() - since > i64::try_from(patience_ms).unwrap_or(i64::MAX)) {
            lost.push((task.id.clone(), group.clone()));
        }
    }
    lost
}

fn replace_unhealthy(cloud: &Arc<Cloud>, task: &str, target_group: &str) {
    let arn = cloud.look(|account| account.place.target_group_arn(target_group));
    cloud.change(|account| {
        let port = account.task(task).and_then(|task| task.containers.iter().map(|container| container.port).find(|port| *port != 0));
        let said = format!("(port {}) is unhealthy in (target-group {arn}) due to (reason Health checks failed).", port.unwrap_or(0));
        say(account, task, &said);
        tasks::count_failure(account, task, cloud.switches().restart_delay_ms);
    });
    tasks::end(cloud, task, StopCode::SchedulerInitiated, &format!("Task failed ELB health checks in (target-group {arn})"));
}

fn say(account: &mut Account, task: &str, message: &str) {
    let id = account.ids.uuid();
    let service = account.task(task).and_then(|task| task.origin.service().map(ToOwned::to_owned));
    if let Some(service) = service.and_then(|name| account.service_mut(&name)) {
        service.say(&id, message);
    }
}

fn staff(cloud: &Arc<Cloud>) {
    let wishes: Vec<(Fleet, u32)> = cloud.look(|account| account.services.iter().flat_map(|service| wanted(account, service)).collect());
    for (fleet, wanted) in wishes {
        let alive: Vec<String> = cloud.look(|account| account.living(&fleet.id).map(|task| task.id.clone()).collect());
        let has = u32::try_from(alive.len()).unwrap_or(u32::MAX);
        if has < wanted && fleet.paused_until_ms <= now_ms() {
            start(cloud, &fleet, wanted - has);
        } else if has > wanted {
            stop(cloud, &fleet, &alive, has - wanted);
        }
    }
}

/// What every fleet of a service shall have now.
fn wanted(account: &Account, service: &Service) -> Vec<(Fleet, u32)> {
    let Controller::Rolling(options) = &service.controller else {
        return service.fleets.iter().map(|fleet| (fleet.clone(), fleet.desired)).collect();
    };
    let Some(primary) = service.primary() else { return Vec::new() };
    let older: Vec<&Fleet> = service.fleets.iter().filter(|fleet| fleet.id != primary.id).collect();
    let crews: Vec<Crew> = older.iter().map(|fleet| crew(account, fleet)).collect();
    let bounds =
        Bounds { desired: service.desired, minimum_percent: options.minimum_healthy_percent, maximum_percent: options.maximum_percent };
    let own = crew(account, primary);
    // A rollout that was given up starts nothing more and takes nothing away.
    if primary.rollout == Rollout::Failed {
        return vec![(primary.clone(), own.alive.min(own.healthy))];
    }
    let (new, kept) = rolling(bounds, own, &crews);
    std::iter::once((primary.clone(), new)).chain(older.into_iter().cloned().zip(kept)).collect()
}

pub(super) fn crew(account: &Account, fleet: &Fleet) -> Crew {
    let count = |tasks: usize| u32::try_from(tasks).unwrap_or(u32::MAX);
    let healthy = account.living(&fleet.id).filter(|task| task.is_running() && task.healthy).count();
    Crew { alive: count(account.living(&fleet.id).count()), healthy: count(healthy) }
}

fn start(cloud: &Arc<Cloud>, fleet: &Fleet, count: u32) {
    let mut started = Vec::new();
    for _ in 0..count {
        let made = cloud.change(|account| {
            let revision = account.revisions.find(&fleet.revision)?.clone();
            let id = account.ids.task();
            let (containers, specs) = assemble(&revision, &id, &Overrides::default(), &cloud.options.secrets);
            let origin = Origin::Fleet { service: fleet.service.clone(), fleet: fleet.id.clone() };
            Some((Task::new(id, &revision.arn, origin, containers), specs))
        });
        let Some((task, specs)) = made else { continue };
        started.push(task.id.clone());
        tasks::launch(cloud, task, specs);
    }
    announce(cloud, fleet, "has started", "tasks", &started);
}

/// The youngest go first.
fn stop(cloud: &Arc<Cloud>, fleet: &Fleet, alive: &[String], count: u32) {
    let leaving: Vec<String> = alive.iter().rev().take(count as usize).cloned().collect();
    for task in &leaving {
        let reason = format!("Scaling activity initiated by (deployment {})", fleet.id);
        tasks::end(cloud, task, StopCode::SchedulerInitiated, &reason);
    }
    announce(cloud, fleet, "has stopped", "running tasks", &leaving);
}

fn announce(cloud: &Cloud, fleet: &Fleet, did: &str, what: &str, tasks: &[String]) {
    if tasks.is_empty() {
        return;
    }
    let named: Vec<String> = tasks.iter().map(|task| format!("(task {task})")).collect();
    cloud.change(|account| {
        let id = account.ids.uuid();
        if let Some(service) = account.service_mut(&fleet.service) {
            service.say(&id, &format!("{did} {} {what}: {}.", tasks.len(), named.join(" ")));
        }
    });
}

fn register(cloud: &Cloud) {
    let groups: Vec<(String, Vec<SocketAddr>)> = cloud
        .look(|account| account.balancer.target_groups.iter().map(|group| (group.name.clone(), addresses(account, &group.name))).collect());
    for (group, targets) in groups {
        cloud.register(&group, &targets);
    }
}

/// The addresses of the tasks that run and are wanted.
fn addresses(account: &Account, target_group: &str) -> Vec<SocketAddr> {
    let fleets = account.services.iter().flat_map(|service| &service.fleets);
    let serving = fleets.filter(|fleet| fleet.target_group.as_deref() == Some(target_group));
    let tasks = serving.flat_map(|fleet| account.living(&fleet.id)).filter(|task| task.is_running());
    tasks.filter_map(|task| task.address).collect()
}
