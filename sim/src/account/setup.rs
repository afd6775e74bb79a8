//! How a service comes into being with its first revision, target groups and deployment group.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use super::{
    Account, Configuration, Fleet, Group, Listener, RolloutState, Service, ServiceDeployment,
    ServiceDeploymentStatus, TargetGroup, add_service_revision,
};
use crate::clock::now_ms;
use crate::options::{Controller, Exposure, LoadBalancerKind, ServiceOptions};

/// The definition lacks the container that the load balancer is to reach.
#[derive(Debug, Error)]
#[error("The first task definition of {service} needs a family and the container {container}")]
pub(crate) struct NoSuchContainer {
    service: String,
    container: String,
}

/// Adds a service whose tasks are then started by the scheduler. The listeners it names exist
/// already.
pub(crate) fn create_service(
    account: &mut Account,
    options: &ServiceOptions,
) -> Result<(), NoSuchContainer> {
    let revision = register_first_revision(account, options)?;
    let target_groups = add_target_groups(account, options);
    let mut fleet = Fleet::new(
        account.ids.next_fleet(),
        &options.name,
        &revision,
        options.desired,
    );
    fleet.target_group = target_groups.first().cloned();
    fleet.set_rollout(
        RolloutState::Completed,
        format!("ECS deployment {} completed.", fleet.id),
    );
    if matches!(options.controller, Controller::CodeDeploy(_)) {
        fleet.external_id = Some(account.ids.next_deployment());
    }
    add_deployment_group(account, options, &target_groups);
    if Configuration::from_controller(&options.controller).is_some() {
        fleet.service_revision = Some(add_service_revision(
            account,
            &options.name,
            &revision,
            fleet.target_group.clone(),
        ));
    }
    account
        .services
        .push(build_service(options, target_groups, fleet));
    add_deployment_history(account, options);
    account.scalable.extend(
        options
            .scaling
            .iter()
            .map(|scaling| super::ScalableTarget::new(&options.name, scaling)),
    );
    Ok(())
}

/// How long before the start of the test the existing deployment happened: an hour.
const HISTORY_AGE_MS: i64 = 3_600_000;

/// Adds one completed deployment to a service that exists from the start, unless its options say
/// that nothing was ever completed.
fn add_deployment_history(account: &mut Account, options: &ServiceOptions) {
    let first = match &options.controller {
        Controller::Rolling(rolling) => rolling.first_deployment,
        Controller::Ecs(ecs) => ecs.first_deployment,
        Controller::CodeDeploy(_) | Controller::External => return,
    };
    let side = account
        .service(&options.name)
        .and_then(|service| service.primary().and_then(Fleet::as_side));
    let (Some(side), Some(configuration), false) = (
        side,
        Configuration::from_controller(&options.controller),
        first,
    ) else {
        return;
    };
    let arn = account.new_service_deployment_arn(&options.name);
    let mut done = ServiceDeployment::new(arn, &options.name, configuration, Vec::new(), side);
    done.set_status(ServiceDeploymentStatus::InProgress);
    done.record_shares(Some(100.0), Some(100.0));
    done.set_status(ServiceDeploymentStatus::Successful);
    done.backdate(HISTORY_AGE_MS);
    account.service_deployments.push(done);
}

/// The kind of load balancer in front of a service.
pub(crate) const fn load_balancer_kind(options: &ServiceOptions) -> LoadBalancerKind {
    match (&options.controller, &options.exposure) {
        (Controller::Ecs(ecs), _) => ecs.kind,
        (Controller::Rolling(_) | Controller::CodeDeploy(_) | Controller::External, Some(_)) => {
            LoadBalancerKind::Alb
        }
        (Controller::Rolling(_) | Controller::CodeDeploy(_) | Controller::External, None) => {
            LoadBalancerKind::Headless
        }
    }
}

/// The exposed container and its listeners. Service Connect has no test listener: it recognizes
/// test traffic by a header.
pub(crate) fn effective_exposure(options: &ServiceOptions) -> Option<Exposure> {
    match load_balancer_kind(options) {
        LoadBalancerKind::Alb
        | LoadBalancerKind::Nlb
        | LoadBalancerKind::Lattice
        | LoadBalancerKind::Gateway => options.exposure.clone(),
        LoadBalancerKind::ServiceConnect => options.exposure.clone().map(|exposure| Exposure {
            test: None,
            ..exposure
        }),
        LoadBalancerKind::Headless => None,
    }
}

fn build_service(options: &ServiceOptions, target_groups: Vec<String>, fleet: Fleet) -> Service {
    Service {
        name: options.name.clone(),
        controller: options.controller.clone(),
        configuration: Configuration::from_controller(&options.controller),
        kind: load_balancer_kind(options),
        status: options.status.clone(),
        desired: options.desired,
        exposure: effective_exposure(options),
        target_groups,
        fleets: vec![fleet],
        events: Vec::new(),
        settings: Map::new(),
        tags: BTreeMap::new(),
        created_ms: now_ms(),
        version: 1,
        read_version: 1,
        changed_ms: now_ms(),
        steady_fleet: None,
    }
}

fn register_first_revision(
    account: &mut Account,
    options: &ServiceOptions,
) -> Result<String, NoSuchContainer> {
    let container = options
        .exposure
        .as_ref()
        .map(|exposure| exposure.container.as_str());
    let missing = || NoSuchContainer {
        service: options.name.clone(),
        container: container.unwrap_or("(any)").to_owned(),
    };
    let body = options
        .task_definition
        .as_object()
        .cloned()
        .ok_or_else(missing)?;
    let family = body
        .get("family")
        .and_then(Value::as_str)
        .ok_or_else(missing)?
        .to_owned();
    let location = account.location.clone();
    let revision = account.revisions.register(&family, body, |family, number| {
        location.revision_arn(family, number)
    });
    match container {
        Some(name) if revision.container(name).is_none() => Err(missing()),
        Some(_) | None => Ok(revision.arn),
    }
}

/// Blue and green alternate between two groups; one is enough for everybody else.
fn add_target_groups(account: &mut Account, options: &ServiceOptions) -> Vec<String> {
    let Some(exposure) = effective_exposure(options) else {
        return Vec::new();
    };
    let names = match options.controller {
        Controller::CodeDeploy(_) | Controller::Ecs(_) => {
            vec![format!("{}-1", options.name), format!("{}-2", options.name)]
        }
        Controller::Rolling(_) | Controller::External => vec![options.name.clone()],
    };
    let made = names.iter().map(|name| TargetGroup {
        name: name.clone(),
        kind: load_balancer_kind(options),
        port: exposure.port,
        targets: Vec::new(),
    });
    account.balancer.target_groups.extend(made);
    forward_to_blue(account, &exposure, &names);
    names
}

/// All traffic, also the test listener's, goes to the first group: blue.
fn forward_to_blue(account: &mut Account, exposure: &Exposure, target_groups: &[String]) {
    let weights: Vec<(String, u32)> = target_groups
        .iter()
        .enumerate()
        .map(|(index, name)| (name.clone(), if index == 0 { 100 } else { 0 }))
        .collect();
    for listener in exposure.listeners() {
        account.balancer.forward(&listener, &weights);
    }
}

fn add_deployment_group(account: &mut Account, options: &ServiceOptions, target_groups: &[String]) {
    let Controller::CodeDeploy(group) = &options.controller else {
        return;
    };
    let (Some(exposure), [first, second]) = (&options.exposure, target_groups) else {
        return;
    };
    let suffix = format!("ECS-{}-{}", account.location.cluster, options.name);
    account.groups.push(Group {
        id: account.ids.next_uuid(),
        application: group
            .application
            .clone()
            .unwrap_or_else(|| format!("App{suffix}")),
        name: group
            .group
            .clone()
            .unwrap_or_else(|| format!("Dgp{suffix}")),
        service: options.name.clone(),
        options: group.clone(),
        exposure: exposure.clone(),
        target_groups: [first.clone(), second.clone()],
    });
}

impl Account {
    /// Notes a listener that the world has opened.
    pub(crate) fn add_listener(
        &mut self,
        name: &str,
        kind: LoadBalancerKind,
        address: std::net::SocketAddr,
    ) {
        self.balancer.listeners.push(Listener {
            name: name.to_owned(),
            kind,
            address,
            forward: Vec::new(),
        });
    }
}
