//! How a deployment comes into being: beside one that is still under way, and with green's fleet in
//! the group that blue does not use.

use std::sync::Arc;

use super::cycle::{Cycle, WaitResult};
use super::{Interruption, ending, run};
use crate::account::{
    Account, AlarmWatch, Configuration, Fleet, RevisionSide, Service, ServiceDeployment,
    ServiceDeploymentStatus, TargetGroup, add_service_revision,
};
use crate::cloud::Cloud;
use crate::cycles::supersede::{has_stalled, supersede};
use crate::switches::ConcurrentUpdate;

/// What is to be deployed.
#[derive(Debug)]
pub(crate) struct NewDeployment<'a> {
    pub(crate) service: &'a str,
    /// The task definition's ARN.
    pub(crate) revision: &'a str,
    pub(crate) configuration: Configuration,
}

/// Adds a deployment and returns its ARN; the caller runs it with `spawn`.
pub(crate) fn begin(
    cloud: &Cloud,
    account: &mut Account,
    new: NewDeployment<'_>,
) -> Option<String> {
    let NewDeployment {
        service,
        revision,
        configuration,
    } = new;
    let name = account.service(service)?.name.clone();
    let waits = match account.unfinished_deployment(&name) {
        Some(older) if has_stalled(older) => !supersede(cloud, account, &name),
        Some(older)
            if older.status.is_advancing()
                && cloud.switches().concurrent_update == ConcurrentUpdate::Supersedes =>
        {
            !supersede(cloud, account, &name)
        }
        Some(_) => true,
        None => false,
    };
    let arn = account.new_service_deployment_arn(&name);
    let service_revision = add_service_revision(account, &name, revision, None);
    let fleet = account.ids.next_fleet();
    let target = RevisionSide {
        revision: service_revision,
        task_definition: revision.to_owned(),
        fleet,
        target_group: None,
    };
    account.service_deployments.push(ServiceDeployment::new(
        arn.clone(),
        &name,
        configuration,
        Vec::new(),
        target,
    ));
    cloud
        .ledger
        .mark(&arn, ServiceDeploymentStatus::Pending.as_str());
    if !waits {
        add_green(cloud, account, &arn);
    }
    Some(arn)
}

/// Plays a deployment to its end in the background.
pub(crate) fn spawn(cloud: &Arc<Cloud>, arn: &str) {
    let cycle = Cycle::new(cloud, arn);
    cloud.spawn(async move {
        if let Err(interruption) = run(&cycle).await {
            ending::conclude(&cycle, interruption).await;
        }
    });
}

/// Waits until no older deployment of the service is in progress, then starts this one.
pub(super) async fn start(cycle: &Cycle) -> Result<(), Interruption> {
    cycle.dwell(cycle.clock().seconds(1.0)).await?;
    let wait = cycle
        .wait_for_account(std::time::Duration::MAX, |account| {
            is_next(account, cycle.arn())
        })
        .await?;
    if wait == WaitResult::TimedOut {
        return Err(Interruption::Failed("its turn never came".to_owned()));
    }
    cycle.advance(|account| {
        add_green(cycle.cloud(), account, cycle.arn());
        watch_alarms(account, cycle.arn());
        if let Some(deployment) = account.service_deployment_mut(cycle.arn()) {
            deployment.set_status(ServiceDeploymentStatus::InProgress);
        }
    })?;
    cycle.mark(ServiceDeploymentStatus::InProgress.as_str());
    cycle.dwell(cycle.clock().seconds(1.0)).await
}

fn is_next(account: &Account, arn: &str) -> bool {
    let service = account
        .service_deployment(arn)
        .map(|deployment| deployment.service.clone());
    service
        .and_then(|service| {
            account
                .unfinished_deployment(&service)
                .map(|next| next.arn == arn)
        })
        .unwrap_or(true)
}

/// ECS does not monitor alarms if one is already in ALARM at the start: it would fail every
/// deployment.
fn watch_alarms(account: &mut Account, arn: &str) {
    let names = account
        .service_deployment(arn)
        .map(|deployment| deployment.configuration.alarms())
        .unwrap_or_default();
    let is_in_alarm = !account.active_alarms(&names).is_empty();
    if let Some(deployment) = account.service_deployment_mut(arn) {
        deployment.alarms = if names.is_empty() || is_in_alarm {
            AlarmWatch::Disabled
        } else {
            AlarmWatch::Monitoring
        };
    }
}

/// Adds green's fleet, without tasks yet, if it is not there.
fn add_green(cloud: &Cloud, account: &mut Account, arn: &str) -> Option<()> {
    let deployment = account.service_deployment(arn)?.clone();
    if account.fleet(&deployment.target.fleet).is_some() {
        return None;
    }
    add_second_target_group(cloud, account, &deployment.service);
    let service = account.service_mut(&deployment.service)?;
    let (sources, target) = choose_sides(service, deployment.target);
    let mut fleet = Fleet::new(
        target.fleet.clone(),
        &service.name,
        &target.task_definition,
        service.desired,
    );
    fleet.is_on_hold = true;
    fleet.target_group.clone_from(&target.target_group);
    fleet.service_revision = Some(target.revision.clone());
    service.demote_primary();
    service.fleets.insert(0, fleet);
    if let Some(revision) = account
        .service_revisions
        .iter_mut()
        .find(|revision| revision.arn == target.revision)
    {
        revision.target_group.clone_from(&target.target_group);
    }
    let deployment = account.service_deployment_mut(arn)?;
    (deployment.sources, deployment.target) = (sources, target);
    deployment.mark_changed();
    Some(())
}

/// The sources, with the side that serves first, and the target with the target group that this
/// side does not use.
fn choose_sides(service: &Service, mut target: RevisionSide) -> (Vec<RevisionSide>, RevisionSide) {
    let blue = service.stable_fleet();
    let others = service
        .fleets
        .iter()
        .filter(|fleet| blue.is_none_or(|blue| blue.id != fleet.id));
    let sources = blue
        .into_iter()
        .chain(others)
        .filter_map(Fleet::as_side)
        .collect();
    let used = blue.and_then(|blue| blue.target_group.as_ref());
    target.target_group = service
        .target_groups
        .iter()
        .find(|group| Some(*group) != used)
        .cloned();
    (sources, target)
}

/// A service that was rolling until now has one group only.
pub(crate) fn add_second_target_group(cloud: &Cloud, account: &mut Account, service: &str) {
    let Some(service) = account.service_mut(service) else {
        return;
    };
    let ([only], Some(exposure)) = (service.target_groups.as_slice(), service.exposure.clone())
    else {
        return;
    };
    let kind = service.kind;
    let (first, second) = (only.clone(), format!("{}-2", service.name));
    service.target_groups.push(second.clone());
    account.balancer.target_groups.push(TargetGroup {
        name: second.clone(),
        kind,
        port: exposure.port,
        targets: Vec::new(),
    });
    for listener in exposure.listeners() {
        cloud.apply_listener_weights(
            account,
            &listener,
            &listener,
            &[(first.clone(), 100), (second.clone(), 0)],
        );
    }
}
