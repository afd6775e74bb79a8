//! The service scheduler: starts and ends tasks until every fleet has what it shall have.

use std::sync::Arc;
use std::time::Duration;

use super::containers::{Overrides, assemble};
use super::staffing::{Bounds, Crew, rolling};
use super::{alarms, autoscaling, digests, notice, rolling as rollouts, targets, tasks, troubles};
use crate::account::{Account, Fleet, Origin, Rollout, Service, StopCode, Task};
use crate::clock::now_ms;
use crate::cloud::Cloud;

/// Short against a caller's polling, long against the work of one round.
const ROUND: Duration = Duration::from_millis(25);

/// Keeps all services, for as long as the stage lives.
pub(crate) async fn keep(cloud: Arc<Cloud>) {
    cloud.spawn(digests::keep(Arc::clone(&cloud)));
    loop {
        troubles::advance(&cloud);
        notice::exits(&cloud).await;
        notice::health(&cloud);
        staff(&cloud);
        targets::register(&cloud);
        rollouts::advance(&cloud);
        autoscaling::advance(&cloud);
        alarms::advance(&cloud);
        tokio::time::sleep(ROUND).await;
    }
}

fn staff(cloud: &Arc<Cloud>) {
    let wishes: Vec<(Fleet, u32)> = cloud.look(|account| {
        account
            .services
            .iter()
            .flat_map(|service| wanted(account, service))
            .collect()
    });
    for (fleet, wanted) in wishes {
        let alive: Vec<String> = cloud.look(|account| {
            account
                .living(&fleet.id)
                .map(|task| task.id.clone())
                .collect()
        });
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
    let Some(configuration) = service
        .configuration
        .as_ref()
        .filter(|_| !account.shifts_traffic(service))
    else {
        return service
            .fleets
            .iter()
            .map(|fleet| (fleet.clone(), fleet.requested()))
            .collect();
    };
    let Some(primary) = service.primary() else {
        return Vec::new();
    };
    let others = service.fleets.iter().filter(|fleet| fleet.id != primary.id);
    // A green that was superseded is behind a group without traffic: it keeps nobody served, and
    // goes.
    let (older, idle): (Vec<&Fleet>, Vec<&Fleet>) =
        others.partition(|fleet| fleet.target_group == primary.target_group);
    let crews: Vec<Crew> = older.iter().map(|fleet| crew(account, fleet)).collect();
    let bounds = Bounds {
        desired: service.desired,
        minimum_percent: configuration.minimum_healthy_percent(),
        maximum_percent: configuration.maximum_percent(),
    };
    let own = crew(account, primary);
    // A rollout that was given up starts nothing more and takes nothing away.
    if primary.rollout == Rollout::Failed {
        return vec![(primary.clone(), own.alive.min(own.healthy))];
    }
    let (new, kept) = rolling(bounds, own, &crews);
    let idle = idle.into_iter().map(|fleet| (fleet.clone(), 0));
    std::iter::once((primary.clone(), new))
        .chain(older.into_iter().cloned().zip(kept))
        .chain(idle)
        .collect()
}

pub(super) fn crew(account: &Account, fleet: &Fleet) -> Crew {
    let count = |tasks: usize| u32::try_from(tasks).unwrap_or(u32::MAX);
    let healthy = account
        .living(&fleet.id)
        .filter(|task| task.is_running() && task.healthy)
        .count();
    Crew {
        alive: count(account.living(&fleet.id).count()),
        healthy: count(healthy),
    }
}

fn start(cloud: &Arc<Cloud>, fleet: &Fleet, count: u32) {
    let mut started = Vec::new();
    for _ in 0..count {
        let made = cloud.change(|account| {
            let revision = account.revisions.find(&fleet.revision)?.clone();
            let id = account.ids.task();
            let (containers, specs) = assemble(
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
        account.say(
            &fleet.id,
            &format!("{did} {} {what}: {}.", tasks.len(), named.join(" ")),
        );
    });
}
