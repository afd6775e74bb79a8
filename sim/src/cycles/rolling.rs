//! Rolling rollouts of services under the ECS controller: begun by `UpdateService`, completed,
//! given up or rolled back here.

use super::rolling_failure::{Failure, FailureAction, find_failure};
use super::rolling_history as history;
use super::scheduler::count_tasks;
use super::supersede::{send_all_traffic, supersede};
use crate::account::{
    Account, Cleanup, Configuration, EarlySuccess, Fleet, Role, RolloutState, Service,
    add_service_revision,
};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::switches::BreakerRollback;

/// ECS takes some seconds to call a rollout completed after its last task became healthy.
const SETTLING_SECONDS: f64 = 15.0;

/// Starts a rolling deployment of a revision: its fleet becomes primary, the others are replaced.
pub(crate) fn begin(
    cloud: &Cloud,
    account: &mut Account,
    service: &str,
    revision: &str,
) -> Option<String> {
    let name = account.service(service)?.name.clone();
    supersede(cloud, account, &name);
    let id = account.ids.next_fleet();
    let target_group = serving_group(account.service(&name)?);
    if let Some(group) = &target_group {
        send_all_traffic(cloud, account, &name, group);
    }
    let service_revision = add_service_revision(account, &name, revision, target_group.clone());
    let service = account.service_mut(&name)?;
    let mut fleet = Fleet::new(id, &service.name, revision, service.desired);
    fleet.target_group = target_group;
    fleet.service_revision = Some(service_revision);
    service.demote_primary();
    service.fleets.insert(0, fleet);
    history::begin(cloud, account, &name)
}

/// Where production's traffic goes: the target group of the fleet that serves now.
fn serving_group(service: &Service) -> Option<String> {
    let serving = service
        .stable_fleet()
        .and_then(|fleet| fleet.target_group.clone());
    serving.or_else(|| service.target_groups.first().cloned())
}

/// One round over all rolling services.
pub(super) fn advance(cloud: &Cloud) {
    let names: Vec<String> = cloud.read(|account| {
        account
            .services
            .iter()
            .map(|service| service.name.clone())
            .collect()
    });
    for name in names {
        cloud.change(|account| advance_one(cloud, account, &name));
    }
}

/// What one look at a rollout says.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    NothingNew,
    Complete,
    GiveUp(Failure),
}

fn advance_one(cloud: &Cloud, account: &mut Account, name: &str) {
    let Some(service) = account.service(name) else {
        return;
    };
    let configuration = service
        .configuration
        .clone()
        .filter(|_| !account.shifts_traffic(service));
    let Some(configuration) = configuration else {
        return announce_steady(account, name);
    };
    match inspect(cloud, account, service, &configuration) {
        Finding::NothingNew => {}
        Finding::Complete => complete(cloud, account, name),
        Finding::GiveUp(failure) => give_up(cloud, account, name, &failure),
    }
    remove_replaced_fleets(account, name);
    announce_steady(account, name);
}

fn inspect(
    cloud: &Cloud,
    account: &Account,
    service: &Service,
    configuration: &Configuration,
) -> Finding {
    let Some(primary) = service
        .primary()
        .filter(|primary| primary.rollout == RolloutState::InProgress)
    else {
        return Finding::NothingNew;
    };
    if let Some(failure) = find_failure(account, service, primary, configuration) {
        return Finding::GiveUp(failure);
    }
    let settled = is_settled(account, service, primary, configuration.early_success());
    if settled && may_complete(cloud, service) {
        Finding::Complete
    } else {
        Finding::NothingNew
    }
}

/// All tasks are healthy and those of before are gone, or as many as the early success criteria ask
/// for.
fn is_settled(
    account: &Account,
    service: &Service,
    primary: &Fleet,
    early: Option<EarlySuccess>,
) -> bool {
    let replaced = service
        .fleets
        .iter()
        .filter(|fleet| fleet.id != primary.id)
        .all(|fleet| count_tasks(account, fleet).alive == 0);
    let healthy = count_tasks(account, primary).healthy;
    match early {
        None => healthy == service.desired && replaced,
        Some(EarlySuccess { percent, cleanup }) => {
            healthy * 100 >= service.desired * percent && (replaced || cleanup == Cleanup::Deferred)
        }
    }
}

/// Fleets whose last task is gone after their successor was successful early.
fn remove_replaced_fleets(account: &mut Account, name: &str) {
    let Some(service) = account.service(name) else {
        return;
    };
    let Some(primary) = service
        .primary()
        .filter(|primary| primary.rollout == RolloutState::Completed)
    else {
        return;
    };
    let leaving = |fleet: &&Fleet| fleet.id != primary.id && fleet.role == Role::Draining;
    let gone: Vec<String> = service
        .fleets
        .iter()
        .filter(leaving)
        .filter(|fleet| count_tasks(account, fleet).alive == 0)
        .map(|fleet| fleet.id.clone())
        .collect();
    if let Some(service) = account.service_mut(name) {
        service.fleets.retain(|fleet| !gone.contains(&fleet.id));
    }
}

/// The present state was read, or was there for long enough.
fn may_complete(cloud: &Cloud, service: &Service) -> bool {
    let dwell = cloud.clock().seconds(SETTLING_SECONDS);
    let read = dwell.until_read && service.read_version >= service.version;
    let waited = u128::try_from(now_ms() - service.changed_ms).unwrap_or(0);
    read || waited >= dwell.at_most.as_millis()
}

fn complete(cloud: &Cloud, account: &mut Account, name: &str) {
    let event_id = account.ids.next_uuid();
    let Some(service) = account.service_mut(name) else {
        return;
    };
    let Some(primary) = service.primary_mut() else {
        return;
    };
    let id = primary.id.clone();
    primary.set_rollout(
        RolloutState::Completed,
        format!("ECS deployment {id} completed."),
    );
    for former in service.fleets.iter_mut().filter(|fleet| fleet.id != id) {
        former.role = Role::Draining;
    }
    service.add_event(
        &event_id,
        &format!("(deployment {id}) deployment completed."),
    );
    service.mark_changed();
    cloud.ledger.mark(name, format!("{id} COMPLETED"));
    history::complete(cloud, account, name);
}

fn give_up(cloud: &Cloud, account: &mut Account, name: &str, failure: &Failure) {
    let ids = [account.ids.next_uuid(), account.ids.next_uuid()];
    let new = account.ids.next_fleet();
    record_alarms(account, name);
    let has_successful = account.last_successful(name).is_some();
    let Some(service) = account.service_mut(name) else {
        return;
    };
    let [failure_event, rollback_event] = ids;
    if let Some(primary) = service.primary_mut() {
        primary.set_rollout(RolloutState::Failed, failure.state.to_owned());
        let id = primary.id.clone();
        cloud.ledger.mark(name, format!("{id} FAILED"));
        service.add_event(
            &failure_event,
            &format!("(deployment {id}) deployment failed: {}", failure.event),
        );
    }
    service.mark_changed();
    match failure.action {
        FailureAction::Stop => history::stop(cloud, account, name, failure.reason),
        FailureAction::RollBack => {
            let revision = if has_successful {
                roll_back(
                    service,
                    new,
                    cloud.switches().breaker_rollback,
                    &rollback_event,
                )
            } else {
                None
            };
            history::roll_back(cloud, account, name, (failure.reason, revision));
        }
    }
}

fn record_alarms(account: &mut Account, name: &str) {
    let names = account
        .service(name)
        .and_then(|service| service.configuration.as_ref())
        .map(Configuration::alarms);
    let in_alarm = account.active_alarms(&names.unwrap_or_default());
    if !in_alarm.is_empty() {
        history::record_alarms(account, name, &in_alarm);
    }
}

/// Makes the last completed revision primary again, and returns its service revision. Without one,
/// ECS changes nothing.
fn roll_back(
    service: &mut Service,
    new: String,
    identity: BreakerRollback,
    event_id: &str,
) -> Option<String> {
    let good = service
        .fleets
        .iter()
        .position(|fleet| fleet.rollout == RolloutState::Completed || fleet.was_steady)?;
    let failed = service
        .primary()
        .map(|primary| primary.id.clone())
        .unwrap_or_default();
    service.demote_primary();
    let id = match identity {
        BreakerRollback::FormerId => restore_fleet(service, good),
        BreakerRollback::NewId => recreate_fleet(service, good, new),
    };
    if let Some(primary) = service.primary_mut() {
        primary.set_rollout(
            RolloutState::InProgress,
            format!("ECS deployment circuit breaker: rolling back to deploymentId {id}."),
        );
    }
    service.add_event(
        event_id,
        &format!("(deployment {failed}) rolling back to deployment {id}."),
    );
    service.steady_fleet = None;
    service
        .primary()
        .and_then(|primary| primary.service_revision.clone())
}

fn restore_fleet(service: &mut Service, index: usize) -> String {
    let mut fleet = service.fleets.remove(index);
    fleet.role = Role::Primary;
    fleet.was_steady = true;
    let id = fleet.id.clone();
    service.fleets.insert(0, fleet);
    id
}

fn recreate_fleet(service: &mut Service, index: usize, new: String) -> String {
    let Some(good) = service.fleets.get(index) else {
        return new;
    };
    let mut fleet = Fleet::new(new.clone(), &service.name, &good.revision, service.desired);
    fleet.target_group.clone_from(&good.target_group);
    fleet.service_revision.clone_from(&good.service_revision);
    fleet.was_steady = true;
    service.fleets.insert(0, fleet);
    new
}

fn announce_steady(account: &mut Account, name: &str) {
    let event_id = account.ids.next_uuid();
    let Some(service) = account.service(name) else {
        return;
    };
    let alone = service.fleets.len() == 1;
    let Some(primary) = service
        .primary()
        .filter(|primary| alone && primary.rollout == RolloutState::Completed)
    else {
        return;
    };
    let steady = count_tasks(account, primary).healthy == service.desired;
    let id = primary.id.clone();
    let Some(service) = account.service_mut(name) else {
        return;
    };
    if steady && service.steady_fleet.as_deref() != Some(&id) {
        service.add_event(&event_id, "has reached a steady state.");
        service.steady_fleet = Some(id);
        if let Some(primary) = service.primary_mut() {
            primary.was_steady = true;
        }
    }
}
