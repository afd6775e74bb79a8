//! Rolling rollouts of services under the ECS controller: begun by `UpdateService`, completed,
//! given up or rolled back here.

use super::keeper::crew;
use super::rolling_failure::{After, Failure, failure};
use super::rolling_history as history;
use super::supersede::{all_traffic_to, supersede};
use crate::account::{
    Account, Cleanup, Configuration, EarlySuccess, Fleet, Role, Rollout, Service,
    add_service_revision,
};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::switches::BreakerRollback;

/// ECS takes some seconds to call a rollout completed after its last task became healthy.
const SETTLING_SECONDS: f64 = 15.0;

/// Starts a rollout of a revision: its fleet is primary from now on, and the former ones only stay
/// until they are replaced.
pub(crate) fn begin(
    cloud: &Cloud,
    account: &mut Account,
    service: &str,
    revision: &str,
) -> Option<String> {
    let name = account.service(service)?.name.clone();
    supersede(cloud, account, &name);
    let id = account.ids.fleet();
    let target_group = serving_group(account.service(&name)?);
    if let Some(group) = &target_group {
        all_traffic_to(cloud, account, &name, group);
    }
    let service_revision = add_service_revision(account, &name, revision, target_group.clone());
    let service = account.service_mut(&name)?;
    let mut fleet = Fleet::new(id, &service.name, revision, service.desired);
    fleet.target_group = target_group;
    fleet.service_revision = Some(service_revision);
    service.make_room();
    service.fleets.insert(0, fleet);
    history::begin(cloud, account, &name)
}

/// Where production's traffic goes: the group of whoever serves now.
fn serving_group(service: &Service) -> Option<String> {
    let serving = service
        .proven()
        .and_then(|fleet| fleet.target_group.clone());
    serving.or_else(|| service.target_groups.first().cloned())
}

/// One round over all rolling services.
pub(super) fn advance(cloud: &Cloud) {
    let names: Vec<String> = cloud.look(|account| {
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
    match finding(cloud, account, service, &configuration) {
        Finding::NothingNew => {}
        Finding::Complete => complete(cloud, account, name),
        Finding::GiveUp(failure) => give_up(cloud, account, name, &failure),
    }
    drop_the_replaced(account, name);
    announce_steady(account, name);
}

fn finding(
    cloud: &Cloud,
    account: &Account,
    service: &Service,
    configuration: &Configuration,
) -> Finding {
    let Some(primary) = service
        .primary()
        .filter(|primary| primary.rollout == Rollout::InProgress)
    else {
        return Finding::NothingNew;
    };
    if let Some(failure) = failure(account, service, primary, configuration) {
        return Finding::GiveUp(failure);
    }
    let settled = is_settled(account, service, primary, configuration.early_success());
    if settled && may_move_on(cloud, service) {
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
        .all(|fleet| crew(account, fleet).alive == 0);
    let healthy = crew(account, primary).healthy;
    match early {
        None => healthy == service.desired && replaced,
        Some(EarlySuccess { percent, cleanup }) => {
            healthy * 100 >= service.desired * percent && (replaced || cleanup == Cleanup::Deferred)
        }
    }
}

/// Fleets whose last task is gone after their successor was successful early.
fn drop_the_replaced(account: &mut Account, name: &str) {
    let Some(service) = account.service(name) else {
        return;
    };
    let Some(primary) = service
        .primary()
        .filter(|primary| primary.rollout == Rollout::Completed)
    else {
        return;
    };
    let leaving = |fleet: &&Fleet| fleet.id != primary.id && fleet.role == Role::Draining;
    let gone: Vec<String> = service
        .fleets
        .iter()
        .filter(leaving)
        .filter(|fleet| crew(account, fleet).alive == 0)
        .map(|fleet| fleet.id.clone())
        .collect();
    if let Some(service) = account.service_mut(name) {
        service.fleets.retain(|fleet| !gone.contains(&fleet.id));
    }
}

/// The present state was read, or was there for long enough.
fn may_move_on(cloud: &Cloud, service: &Service) -> bool {
    let dwell = cloud.clock().seconds(SETTLING_SECONDS);
    let read = dwell.until_read && service.seen >= service.version;
    let waited = u128::try_from(now_ms() - service.changed_ms).unwrap_or(0);
    read || waited >= dwell.at_most.as_millis()
}

fn complete(cloud: &Cloud, account: &mut Account, name: &str) {
    let said = account.ids.uuid();
    let Some(service) = account.service_mut(name) else {
        return;
    };
    let Some(primary) = service.primary_mut() else {
        return;
    };
    let id = primary.id.clone();
    primary.turn(
        Rollout::Completed,
        format!("ECS deployment {id} completed."),
    );
    for former in service.fleets.iter_mut().filter(|fleet| fleet.id != id) {
        former.role = Role::Draining;
    }
    service.say(&said, &format!("(deployment {id}) deployment completed."));
    service.changed();
    cloud.ledger.mark(name, format!("{id} COMPLETED"));
    history::complete(cloud, account, name);
}

fn give_up(cloud: &Cloud, account: &mut Account, name: &str, failure: &Failure) {
    let ids = [account.ids.uuid(), account.ids.uuid()];
    let new = account.ids.fleet();
    note_alarms(account, name);
    let proven = account.last_good(name).is_some();
    let Some(service) = account.service_mut(name) else {
        return;
    };
    let [said, said_again] = ids;
    if let Some(primary) = service.primary_mut() {
        primary.turn(Rollout::Failed, failure.state.to_owned());
        let id = primary.id.clone();
        cloud.ledger.mark(name, format!("{id} FAILED"));
        service.say(
            &said,
            &format!("(deployment {id}) deployment failed: {}", failure.event),
        );
    }
    service.changed();
    match failure.after {
        After::Stays => history::stop(cloud, account, name, failure.reason),
        After::GoesBack => {
            let revision = if proven {
                roll_back(service, new, cloud.switches().breaker_rollback, &said_again)
            } else {
                None
            };
            history::roll_back(cloud, account, name, (failure.reason, revision));
        }
    }
}

fn note_alarms(account: &mut Account, name: &str) {
    let names = account
        .service(name)
        .and_then(|service| service.configuration.as_ref())
        .map(Configuration::alarms);
    let ringing = account.ringing(&names.unwrap_or_default());
    if !ringing.is_empty() {
        history::alarm(account, name, &ringing);
    }
}

/// The last completed rollout's revision is primary again: its service revision. Without one ECS
/// stays where it is.
fn roll_back(
    service: &mut Service,
    new: String,
    identity: BreakerRollback,
    said: &str,
) -> Option<String> {
    let good = service
        .fleets
        .iter()
        .position(|fleet| fleet.rollout == Rollout::Completed || fleet.was_steady)?;
    let failed = service
        .primary()
        .map(|primary| primary.id.clone())
        .unwrap_or_default();
    service.make_room();
    let id = match identity {
        BreakerRollback::FormerId => good_again(service, good),
        BreakerRollback::NewId => anew(service, good, new),
    };
    if let Some(primary) = service.primary_mut() {
        primary.turn(
            Rollout::InProgress,
            format!("ECS deployment circuit breaker: rolling back to deploymentId {id}."),
        );
    }
    service.say(
        said,
        &format!("(deployment {failed}) rolling back to deployment {id}."),
    );
    service.steady = None;
    service
        .primary()
        .and_then(|primary| primary.service_revision.clone())
}

fn good_again(service: &mut Service, index: usize) -> String {
    let mut fleet = service.fleets.remove(index);
    fleet.role = Role::Primary;
    fleet.was_steady = true;
    let id = fleet.id.clone();
    service.fleets.insert(0, fleet);
    id
}

fn anew(service: &mut Service, index: usize, new: String) -> String {
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
    let said = account.ids.uuid();
    let Some(service) = account.service(name) else {
        return;
    };
    let alone = service.fleets.len() == 1;
    let Some(primary) = service
        .primary()
        .filter(|primary| alone && primary.rollout == Rollout::Completed)
    else {
        return;
    };
    let steady = crew(account, primary).healthy == service.desired;
    let id = primary.id.clone();
    let Some(service) = account.service_mut(name) else {
        return;
    };
    if steady && service.steady.as_deref() != Some(&id) {
        service.say(&said, "has reached a steady state.");
        service.steady = Some(id);
        if let Some(primary) = service.primary_mut() {
            primary.was_steady = true;
        }
    }
}
