//! `ListServices`, `DescribeServices`, `UpdateService` and the tags of services. One file, because
//! most of it is the checks and changes of the one call `UpdateService`, and the rest is short.

use std::sync::Arc;

use serde_json::{Value, json};

use super::service_view::{load_balancers, view};
use super::{check_cluster, configuration, load_balancers};
use crate::account::{Account, Service, name_from_arn};
use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;
use crate::cycles::{NewDeployment, begin_ecs, begin_rolling, play_ecs};
use crate::options::Controller;
use crate::switches::{ConcurrentUpdate, HookScope, ShownDeployment, Toggle, UpdateAnswer};

/// AWS describes at most so many services at once.
const MAX_DESCRIBED: usize = 10;

/// Members that only change the service's settings; they come back in the next answer.
const SETTINGS: [&str; 11] = [
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "networkConfiguration",
    "platformVersion",
    "placementConstraints",
    "placementStrategy",
    "capacityProviderStrategy",
    "serviceRegistries",
    "availabilityZoneRebalancing",
];

/// Members that, changed, start a rollout of their own, beside a new revision and
/// `forceNewDeployment`.
const REPLACING: [&str; 2] = ["networkConfiguration", "platformVersion"];

pub(super) fn list(cloud: &Cloud, input: Input<'_>) -> Answer {
    check_cluster(cloud, input)?;
    cloud.read(|account| {
        let arns: Vec<String> = account
            .services
            .iter()
            .map(|service| account.location.service_arn(&service.name))
            .collect();
        Ok(json!({ "serviceArns": arns }))
    })
}

pub(super) fn describe(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    check_cluster(cloud, input)?;
    let names = input.text_list("services");
    let with_tags = input.text_list("include").contains(&"TAGS");
    if names.is_empty() || names.len() > MAX_DESCRIBED {
        return Err(ServiceError::invalid_parameter(
            "Services cannot be empty, and at most 10 can be described at once.",
        ));
    }
    Ok(cloud.change(|account| {
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            match account.service_mut(name) {
                Some(service) => {
                    service.read_version = service.version;
                    let service = service.clone();
                    let mut view = view(account, &service);
                    if with_tags {
                        view["tags"] = service.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
                    }
                    services.push(view);
                }
                None => failures.push(json!({ "arn": account.location.service_arn(name_from_arn(name)), "reason": "MISSING" })),
            }
        }
        json!({ "services": services, "failures": failures })
    }))
}

pub(super) fn update(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    check_cluster(cloud, input)?;
    let name = input
        .text("service")
        .ok_or_else(|| ServiceError::invalid_parameter("Service cannot be empty."))?
        .to_owned();
    let (answer, started) = cloud.change(|account| update_one(cloud, account, &name, input))?;
    if let Some(id) = answer
        .pointer("/service/deployments/0/id")
        .and_then(Value::as_str)
    {
        cloud
            .ledger
            .mark(name_from_arn(&name), format!("{id} is primary"));
    }
    if let Some(arn) = started {
        play_ecs(cloud, &arn);
    }
    Ok(answer)
}

/// The answer, and the deployment that is now to be played.
fn update_one(
    cloud: &Cloud,
    account: &mut Account,
    name: &str,
    input: Input<'_>,
) -> Result<(Value, Option<String>), ServiceError> {
    let service = account.service(name).ok_or_else(not_found)?.clone();
    if service.status != "ACTIVE" {
        return Err(ServiceError::new(
            "ServiceNotActiveException",
            "Service was not ACTIVE.",
        ));
    }
    check_controller(&service, input)?;
    check_not_managed(&service, input)?;
    load_balancers::check(input)?;
    let configuration = configuration::parse_update(cloud, &service, input)?;
    let revision = requested_revision(account, &service, input)?;
    if revision.is_some() {
        check_concurrent(cloud, account, &service)?;
        check_serving(cloud, account, &service)?;
    }
    change_settings(account, name, input);
    load_balancers::apply(cloud, account, &service, input);
    let under_way = account
        .unfinished_deployment(&service.name)
        .map(|deployment| deployment.arn.clone());
    if let Some(configuration) = &configuration {
        configuration::apply(cloud, account, &service.name, configuration);
    }
    let started = revision.and_then(|revision| start_rollout(cloud, account, &service, &revision));
    let shown = match cloud.switches().update_answer {
        UpdateAnswer::After => account.service(name).cloned().ok_or_else(not_found)?,
        UpdateAnswer::Before => service.clone(),
    };
    let mut view = view(account, &shown);
    let is_new = under_way.as_ref()
        != account
            .deployments_of(&service.name)
            .next()
            .map(|deployment| &deployment.arn);
    if is_new && cloud.switches().current_deployment == ShownDeployment::Absent {
        view.as_object_mut()
            .map(|view| view.shift_remove("currentServiceDeployment"));
    }
    Ok((json!({ "service": view }), started))
}

/// `TagResource` and `UntagResource`, of services only.
pub(super) fn update_tags(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    let arn = input
        .text("resourceArn")
        .ok_or_else(|| ServiceError::invalid_parameter("resourceArn cannot be empty."))?;
    let given = input
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let given: Vec<(String, String)> = given
        .filter_map(|tag| Some((text_field(tag, "key")?, text_field(tag, "value")?)))
        .collect();
    let is_valid = |text: &str, longest: usize| {
        text.len() <= longest
            && text
                .chars()
                .all(|letter| letter.is_alphanumeric() || " _.:/=+-@".contains(letter))
    };
    if given
        .iter()
        .any(|(key, value)| key.is_empty() || !is_valid(key, 128) || !is_valid(value, 256))
    {
        return Err(ServiceError::invalid_parameter("Invalid tag."));
    }
    cloud.change(|account| {
        let is_service = arn.contains(":service/");
        let service = account
            .service_mut(arn)
            .filter(|_| is_service)
            .ok_or_else(not_found)?;
        service.tags.extend(given);
        for key in input.text_list("tagKeys") {
            service.tags.remove(key);
        }
        Ok(json!({}))
    })
}

fn text_field(value: &Value, member: &str) -> Option<String> {
    value.get(member)?.as_str().map(ToOwned::to_owned)
}

fn not_found() -> ServiceError {
    ServiceError::new("ServiceNotFoundException", "Service not found.")
}

/// Starts a rollout as the service's configuration says; returns a deployment that has to be
/// played.
fn start_rollout(
    cloud: &Cloud,
    account: &mut Account,
    before: &Service,
    revision: &str,
) -> Option<String> {
    let configuration = account.service(&before.name)?.configuration.clone()?;
    if !configuration.shifts_traffic() {
        begin_rolling(cloud, account, &before.name, revision);
        return None;
    }
    let configuration = match (cloud.switches().hook_scope, &before.configuration) {
        (HookScope::NextDeployment, Some(former)) => configuration.with_hooks_of(former),
        (HookScope::NextDeployment, None) | (HookScope::ThisDeployment, _) => configuration,
    };
    begin_ecs(
        cloud,
        account,
        NewDeployment {
            service: &before.name,
            revision,
            configuration,
        },
    )
}

fn check_concurrent(
    cloud: &Cloud,
    account: &Account,
    service: &Service,
) -> Result<(), ServiceError> {
    let refused = cloud.switches().concurrent_update == ConcurrentUpdate::Refused;
    let shifting = account
        .unfinished_deployment(&service.name)
        .filter(|deployment| deployment.configuration.shifts_traffic());
    match shifting {
        Some(deployment) if refused => Err(ServiceError::client_exception(format!(
            "The service deployment {} is in progress. Wait for it to complete.",
            deployment.arn
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Production's rule leads to one of the service's two groups.
fn check_serving(cloud: &Cloud, account: &Account, service: &Service) -> Result<(), ServiceError> {
    let is_checked = cloud.switches().preflight == Toggle::On && service.target_groups.len() > 1;
    let Some(exposure) = service.exposure.as_ref().filter(|_| is_checked) else {
        return Ok(());
    };
    let serving = service
        .target_groups
        .iter()
        .filter(|group| account.weight(&exposure.production, group) > 0)
        .count();
    let rule = super::service_view::traffic_rule_arn(account, service, &exposure.production);
    let message = format!(
        "Production listener rule {rule} should have exactly one target group serving traffic but found {serving}"
    );
    if serving == 1 {
        Ok(())
    } else {
        Err(ServiceError::invalid_parameter(message))
    }
}

/// What ECS manages of an Express service nobody else changes.
fn check_not_managed(service: &Service, input: Input<'_>) -> Result<(), ServiceError> {
    let is_managed = matches!(&service.controller, Controller::Ecs(ecs) if ecs.express);
    match ["deploymentConfiguration", "loadBalancers"]
        .into_iter()
        .find(|member| is_managed && input.get(member).is_some())
    {
        Some(member) => Err(ServiceError::invalid_parameter(format!(
            "{member} cannot be updated for a service that is managed by Amazon ECS."
        ))),
        None => Ok(()),
    }
}

/// Only `CodeDeploy` moves its services to another revision.
fn check_controller(service: &Service, input: Input<'_>) -> Result<(), ServiceError> {
    let own = match service.controller {
        Controller::Rolling(_) | Controller::Ecs(_) => return Ok(()),
        Controller::CodeDeploy(_) => "CODE_DEPLOY",
        Controller::External => "EXTERNAL",
    };
    let forbidden = [
        "taskDefinition",
        "networkConfiguration",
        "platformVersion",
        "loadBalancers",
    ];
    if forbidden.iter().any(|member| input.get(member).is_some())
        || input.flag("forceNewDeployment") == Some(true)
    {
        let message = format!(
            "Unable to update task definition on services with a {own} deployment controller. Use AWS CodeDeploy to trigger a new deployment."
        );
        return Err(ServiceError::invalid_parameter(message));
    }
    Ok(())
}

/// The revision that a new rollout is to bring, if the request starts one.
fn requested_revision(
    account: &Account,
    service: &Service,
    input: Input<'_>,
) -> Result<Option<String>, ServiceError> {
    let current = account.wanted_revision(service).unwrap_or_default();
    let balancers_changed = input
        .get("loadBalancers")
        .is_some_and(|given| *given != load_balancers(account, service));
    let settings_changed = REPLACING
        .iter()
        .any(|member| setting_differs(service, member, input));
    let forced =
        input.flag("forceNewDeployment") == Some(true) || settings_changed || balancers_changed;
    let Some(reference) = input.text("taskDefinition") else {
        return Ok(forced.then_some(current));
    };
    let found = account
        .revisions
        .find(reference)
        .ok_or_else(|| ServiceError::client_exception("TaskDefinition not found."))?;
    if found.deregistered_ms.is_some() {
        return Err(ServiceError::client_exception("TaskDefinition is inactive"));
    }
    if let Some(exposure) = &service.exposure
        && found.container(&exposure.container).is_none()
    {
        let message = format!(
            "The container {} does not exist in the task definition.",
            exposure.container
        );
        return Err(ServiceError::invalid_parameter(message));
    }
    Ok((forced || found.arn != current).then(|| found.arn.clone()))
}

fn setting_differs(service: &Service, member: &str, input: Input<'_>) -> bool {
    input
        .get(member)
        .is_some_and(|value| service.settings.get(member) != Some(value))
}

fn change_settings(account: &mut Account, name: &str, input: Input<'_>) {
    let Some(service) = account.service_mut(name) else {
        return;
    };
    for member in SETTINGS {
        if let Some(value) = input.get(member) {
            service.settings.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(desired) = input
        .number("desiredCount")
        .and_then(|count| u32::try_from(count).ok())
    {
        service.scale(desired);
    }
}
