//! Rolling rollouts of services under the ECS controller: begun by `UpdateService`, completed, given up or rolled back here.

use super::keeper::crew;
use super::staffing::breaker_threshold;
use crate::account::{Account, Fleet, Role, Rollout, Service};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::{Breaker, Controller, RollingOptions};
use crate::switches::BreakerRollback;

/// ECS takes some seconds to call a rollout completed after its last task became healthy.
const SETTLING_SECONDS: f64 = 15.0;

/// Starts a rollout of a revision: its fleet is primary from now on, and the former ones only stay until they are replaced.
pub(crate) fn begin(account: &mut Account, service: &str, revision: &str) -> Option<String> {
    let id = account.ids.fleet();
    let service = account.service_mut(service)?;
    let mut fleet = Fleet::new(id.clone(), &service.name, revision, service.desired);
    fleet.target_group = service.target_groups.first().cloned();
    for former in &mut service.fleets {
        former.role = Role::Active;
    }
    service.fleets.insert(0, fleet);
    service.steady = None;
    service.changed();
    Some(id)
}

/// One round over all rolling services.
pub(super) fn advance(cloud: &Cloud) {
    let names: Vec<String> = cloud.look(|account| account.services.iter().map(|service| service.name.clone()).collect());
    for name in names {
        cloud.change(|account| advance_one(cloud, account, &name));
    }
}

/// What one look at a rollout says.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    NothingNew,
    Complete,
    GiveUp { failed: String, event: String },
}

fn advance_one(cloud: &Cloud, account: &mut Account, name: &str) {
    let Some(service) = account.service(name) else { return };
    let Controller::Rolling(options) = service.controller.clone() else { return announce_steady(account, name) };
    match finding(cloud, account, service, &options) {
        Finding::NothingNew => {}
        Finding::Complete => complete(cloud, account, name),
        Finding::GiveUp { failed, event } => give_up(cloud, account, name, &options, (&failed, &event)),
    }
    announce_steady(account, name);
}

fn finding(cloud: &Cloud, account: &Account, service: &Service, options: &RollingOptions) -> Finding {
    let Some(primary) = service.primary().filter(|primary| primary.rollout == Rollout::InProgress) else { return Finding::NothingNew };
    let may_break = options.breaker != Breaker::Off && !primary.was_steady;
    if may_break && primary.failed_tasks >= breaker_threshold(service.desired) {
        let failed = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
        return Finding::GiveUp { failed, event: format!("(deployment {}) deployment failed: tasks failed to start.", primary.id) };
    }
    if !account.ringing(&options.alarms).is_empty() {
        let failed = "ECS deployment alarm: alarm detected.".to_owned();
        return Finding::GiveUp { failed, event: format!("(deployment {}) deployment failed: alarm detected.", primary.id) };
    }
    let replaced = service.fleets.iter().filter(|fleet| fleet.id != primary.id).all(|fleet| crew(account, fleet).alive == 0);
    let settled = crew(account, primary).healthy == service.desired && replaced;
    if settled && may_move_on(cloud, service) { Finding::Complete } else { Finding::NothingNew }
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
    let Some(service) = account.service_mut(name) else { return };
    let Some(primary) = service.primary_mut() else { return };
    let id = primary.id.clone();
    primary.turn(Rollout::Completed, format!("ECS deployment {id} completed."));
    service.fleets.retain(|fleet| fleet.id == id);
    service.say(&said, &format!("(deployment {id}) deployment completed."));
    service.changed();
    cloud.ledger.mark(name, format!("{id} COMPLETED"));
}

fn give_up(cloud: &Cloud, account: &mut Account, name: &str, options: &RollingOptions, (failed, event): (&str, &str)) {
    let ids = [account.ids.uuid(), account.ids.uuid()];
    let new = account.ids.fleet();
    let Some(service) = account.service_mut(name) else { return };
    let [said, said_again] = ids;
    if let Some(primary) = service.primary_mut() {
        primary.turn(Rollout::Failed, failed.to_owned());
        cloud.ledger.mark(name, format!("{} FAILED", primary.id));
    }
    service.say(&said, event);
    if options.breaker == Breaker::Rollback {
        roll_back(service, new, cloud.switches().breaker_rollback, &said_again);
    }
    service.changed();
}

/// The last completed rollout's revision is primary again. Without one nothing can be gone back to, and ECS stays where it is.
fn roll_back(service: &mut Service, new: String, identity: BreakerRollback, said: &str) {
    let good = service.fleets.iter().position(|fleet| fleet.rollout == Rollout::Completed || fleet.was_steady);
    let Some(good) = good else { return };
    let failed = service.primary().map(|primary| primary.id.clone()).unwrap_or_default();
    for fleet in &mut service.fleets {
        fleet.role = Role::Active;
    }
    let id = match identity {
        BreakerRollback::FormerId => good_again(service, good),
        BreakerRollback::NewId => anew(service, good, new),
    };
    if let Some(primary) = service.primary_mut() {
        primary.turn(Rollout::InProgress, format!("ECS deployment circuit breaker: rolling back to deploymentId {id}."));
    }
    service.say(said, &format!("(deployment {failed}) rolling back to deployment {id}."));
    service.steady = None;
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
    let Some(good) = service.fleets.get(index) else { return new };
    let mut fleet = Fleet::new(new.clone(), &service.name, &good.revision, service.desired);
    fleet.target_group.clone_from(&good.target_group);
    fleet.was_steady = true;
    service.fleets.insert(0, fleet);
    new
}

fn announce_steady(account: &mut Account, name: &str) {
    let said = account.ids.uuid();
    let Some(service) = account.service(name) else { return };
    let alone = service.fleets.len() == 1;
    let Some(primary) = service.primary().filter(|primary| alone && primary.rollout == Rollout::Completed) else { return };
    let steady = crew(account, primary).healthy == service.desired;
    let id = primary.id.clone();
    let Some(service) = account.service_mut(name) else { return };
    if steady && service.steady.as_deref() != Some(&id) {
        service.say(&said, "has reached a steady state.");
        service.steady = Some(id);
        if let Some(primary) = service.primary_mut() {
            primary.was_steady = true;
        }
    }
}
