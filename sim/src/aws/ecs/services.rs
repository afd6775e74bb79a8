//! `DescribeServices` and `UpdateService`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::in_cluster;
use super::service_view::view;
use crate::account::{Account, Service, last_part};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;
use crate::cycles::begin_rolling;
use crate::options::{Breaker, Controller, RollingOptions};

/// AWS describes at most so many services at once.
const AT_ONCE: usize = 10;

/// Members that only change the service's settings; they come back in the next answer.
const SETTINGS: [&str; 9] = [
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "networkConfiguration",
    "platformVersion",
    "placementConstraints",
    "placementStrategy",
    "capacityProviderStrategy",
];

/// Members that, changed, start a rollout of their own, beside a new revision and `forceNewDeployment`.
const REPLACING: [&str; 3] = ["networkConfiguration", "platformVersion", "capacityProviderStrategy"];

pub(super) fn describe(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let names = asked.texts("services");
    if names.is_empty() || names.len() > AT_ONCE {
        return Err(Refusal::parameter("Services cannot be empty, and at most 10 can be described at once."));
    }
    Ok(cloud.change(|account| {
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            match account.service_mut(name) {
                Some(service) => {
                    service.seen = service.version;
                    let service = service.clone();
                    services.push(view(account, &service));
                }
                None => failures.push(json!({ "arn": account.place.service_arn(last_part(name)), "reason": "MISSING" })),
            }
        }
        json!({ "services": services, "failures": failures })
    }))
}

pub(super) fn update(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let name = asked.text("service").ok_or_else(|| Refusal::parameter("Service cannot be empty."))?.to_owned();
    let answer = cloud.change(|account| update_one(account, &name, asked));
    if let Some(id) = answer.as_ref().ok().and_then(|answer| answer.pointer("/service/deployments/0/id")).and_then(Value::as_str) {
        cloud.ledger.mark(last_part(&name), format!("{id} is primary"));
    }
    answer
}

fn update_one(account: &mut Account, name: &str, asked: Asked<'_>) -> Answer {
    let service = account.service(name).ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?.clone();
    if service.status != "ACTIVE" {
        return Err(Refusal::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    check_controller(&service, asked)?;
    let revision = wanted_revision(account, &service, asked)?;
    change_settings(account, name, asked);
    if let Some(revision) = revision {
        begin_rolling(account, name, &revision);
    }
    let service = account.service(name).cloned().ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?;
    Ok(json!({ "service": view(account, &service) }))
}

/// Only `CodeDeploy` moves its services to another revision.
fn check_controller(service: &Service, asked: Asked<'_>) -> Result<(), Refusal> {
    let own = match service.controller {
        Controller::Rolling(_) => return Ok(()),
        Controller::CodeDeploy(_) => "CODE_DEPLOY",
        Controller::External => "EXTERNAL",
    };
    let forbidden = ["taskDefinition", "networkConfiguration", "platformVersion", "loadBalancers"];
    if forbidden.iter().any(|member| asked.get(member).is_some()) || asked.flag("forceNewDeployment") == Some(true) {
        let message = format!(
            "Unable to update task definition on services with a {own} deployment controller. Use AWS CodeDeploy to trigger a new deployment."
        );
        return Err(Refusal::parameter(message));
    }
    Ok(())
}

/// The revision that a new rollout is to bring, if the request starts one.
fn wanted_revision(account: &Account, service: &Service, asked: Asked<'_>) -> Result<Option<String>, Refusal> {
    let current = service.primary().map(|fleet| fleet.revision.clone()).unwrap_or_default();
    let forced = asked.flag("forceNewDeployment") == Some(true) || REPLACING.iter().any(|member| differs(service, member, asked));
    let Some(reference) = asked.text("taskDefinition") else { return Ok(forced.then_some(current)) };
    let found = account.revisions.find(reference).ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
    if found.deregistered_ms.is_some() {
        return Err(Refusal::client("TaskDefinition is inactive"));
    }
    if let Some(exposure) = &service.exposure
        && found.container(&exposure.container).is_none()
    {
        let message = format!("The container {} does not exist in the task definition.", exposure.container);
        return Err(Refusal::parameter(message));
    }
    Ok((forced || found.arn != current).then(|| found.arn.clone()))
}

fn differs(service: &Service, member: &str, asked: Asked<'_>) -> bool {
    asked.get(member).is_some_and(|value| service.settings.get(member) != Some(value))
}

fn change_settings(account: &mut Account, name: &str, asked: Asked<'_>) {
    let Some(service) = account.service_mut(name) else { return };
    for member in SETTINGS {
        if let Some(value) = asked.get(member) {
            service.settings.insert(member.to_owned(), value.clone());
        }
    }
    if let (Controller::Rolling(options), Some(given)) = (&mut service.controller, asked.get("deploymentConfiguration")) {
        configure(options, Asked(given));
    }
    if let Some(desired) = asked.number("desiredCount").and_then(|count| u32::try_from(count).ok()) {
        service.scale(desired);
    }
}

fn configure(options: &mut RollingOptions, given: Asked<'_>) {
    let percent = |name: &str| given.number(name).and_then(|percent| u32::try_from(percent).ok());
    options.maximum_percent = percent("maximumPercent").unwrap_or(options.maximum_percent);
    options.minimum_healthy_percent = percent("minimumHealthyPercent").unwrap_or(options.minimum_healthy_percent);
    if let Some(breaker) = given.get("deploymentCircuitBreaker").map(Asked) {
        options.breaker = match (breaker.flag("enable"), breaker.flag("rollback")) {
            (Some(true), Some(true)) => Breaker::Rollback,
            (Some(true), Some(false) | None) => Breaker::Fail,
            (Some(false) | None, _) => Breaker::Off,
        };
    }
    if let Some(alarms) = given.get("alarms").map(Asked) {
        let named = alarms.texts("alarmNames").into_iter().map(ToOwned::to_owned).collect();
        options.alarms = if alarms.flag("enable") == Some(true) { named } else { Vec::new() };
    }
}
