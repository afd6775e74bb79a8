//! Keeps the target groups: the addresses of the tasks that run and are wanted, and ECS's sentences
//! about the changes.

use std::net::SocketAddr;

use crate::account::{Account, Role, TargetGroup};
use crate::cloud::Cloud;
use crate::options::LoadBalancerKind;

/// Registers in each target group what belongs there now.
pub(super) fn register(cloud: &Cloud) {
    let groups: Vec<(String, Vec<SocketAddr>, Vec<SocketAddr>)> = cloud.read(|account| {
        let groups = account.balancer.target_groups.iter();
        groups
            .map(|group| {
                (
                    group.name.clone(),
                    group.targets.clone(),
                    task_addresses(account, &group.name),
                )
            })
            .collect()
    });
    for (group, before, now) in groups.into_iter().filter(|(_, before, now)| before != now) {
        cloud.register_targets(&group, &now);
        cloud.change(|account| add_target_events(account, &group, &before, &now));
    }
}

/// The addresses of the tasks that run and are wanted.
fn task_addresses(account: &Account, target_group: &str) -> Vec<SocketAddr> {
    let fleets = account.services.iter().flat_map(|service| &service.fleets);
    let serving = fleets.filter(|fleet| fleet.target_group.as_deref() == Some(target_group));
    let tasks = serving
        .flat_map(|fleet| account.live_tasks(&fleet.id))
        .filter(|task| task.is_running());
    tasks.filter_map(|task| task.address).collect()
}

/// Adds the events about registered and deregistered targets, for the newest fleet of the group.
fn add_target_events(
    account: &mut Account,
    target_group: &str,
    before: &[SocketAddr],
    now: &[SocketAddr],
) {
    let hidden = |group: &TargetGroup| {
        group.name == target_group && group.kind == LoadBalancerKind::ServiceConnect
    };
    if account.balancer.target_groups.iter().any(hidden) {
        return;
    }
    let arn = account.location.target_group_arn(target_group);
    let fleets = account.services.iter().flat_map(|service| &service.fleets);
    let mut here = fleets.filter(|fleet| fleet.target_group.as_deref() == Some(target_group));
    let Some(fleet) = here
        .find(|fleet| fleet.role != Role::Draining)
        .map(|fleet| fleet.id.clone())
    else {
        return;
    };
    let count = |of: &[SocketAddr], without: &[SocketAddr]| {
        of.iter()
            .filter(|address| !without.contains(address))
            .count()
    };
    let (registered, deregistered) = (count(now, before), count(before, now));
    if registered > 0 {
        account.add_fleet_event(
            &fleet,
            &format!("registered {registered} targets in (target-group {arn})"),
        );
    }
    if deregistered > 0 {
        account.add_fleet_event(
            &fleet,
            &format!("has begun draining connections on {deregistered} tasks."),
        );
        account.add_fleet_event(
            &fleet,
            &format!("deregistered {deregistered} targets in (target-group {arn})"),
        );
    }
}
