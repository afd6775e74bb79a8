//! `DescribeServices` and `UpdateService`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::service_view::{balanced_by, view};
use super::{configuration, in_cluster, load_balancers};
use crate::account::{Account, Service, last_part};
use crate::aws::{Answer, Asked, Refusal};
use crate::cloud::Cloud;
use crate::cycles::{Beginning, begin_native, begin_rolling, play_native};
use crate::options::Controller;
use crate::switches::{ConcurrentUpdate, HookScope, ShownDeployment, Toggle, UpdateAnswer};

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

/// Members that, changed, start a rollout of their own, beside a new revision and
/// `forceNewDeployment`.
const REPLACING: [&str; 2] = ["networkConfiguration", "platformVersion"];

pub(super) fn list(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    cloud.look(|account| {
        let arns: Vec<String> = account
            .services
            .iter()
            .map(|service| account.place.service_arn(&service.name))
            .collect();
        Ok(json!({ "serviceArns": arns }))
    })
}

pub(super) fn describe(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let names = asked.texts("services");
    let with_tags = asked.texts("include").contains(&"TAGS");
    if names.is_empty() || names.len() > AT_ONCE {
        return Err(Refusal::parameter(
            "Services cannot be empty, and at most 10 can be described at once.",
        ));
    }
    Ok(cloud.change(|account| {
        let (mut services, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            match account.service_mut(name) {
                Some(service) => {
                    service.seen = service.version;
                    let service = service.clone();
                    let mut view = view(account, &service);
                    if with_tags {
                        view["tags"] = service.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
                    }
                    services.push(view);
                }
                None => failures.push(json!({ "arn": account.place.service_arn(last_part(name)), "reason": "MISSING" })),
            }
        }
        json!({ "services": services, "failures": failures })
    }))
}

pub(super) fn update(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let name = asked
        .text("service")
        .ok_or_else(|| Refusal::parameter("Service cannot be empty."))?
        .to_owned();
    let (answer, started) = cloud.change(|account| update_one(cloud, account, &name, asked))?;
    if let Some(id) = answer
        .pointer("/service/deployments/0/id")
        .and_then(Value::as_str)
    {
        cloud
            .ledger
            .mark(last_part(&name), format!("{id} is primary"));
    }
    if let Some(arn) = started {
        play_native(cloud, &arn);
    }
    Ok(answer)
}

/// The answer, and the deployment that is now to be played.
fn update_one(
    cloud: &Cloud,
    account: &mut Account,
    name: &str,
    asked: Asked<'_>,
) -> Result<(Value, Option<String>), Refusal> {
    let service = account.service(name).ok_or_else(not_found)?.clone();
    if service.status != "ACTIVE" {
        return Err(Refusal::new(
            "ServiceNotActiveException",
            "Service was not ACTIVE.",
        ));
    }
    check_controller(&service, asked)?;
    check_managed(&service, asked)?;
    load_balancers::check(asked)?;
    let configuration = configuration::wanted(cloud, &service, asked)?;
    let revision = wanted_revision(account, &service, asked)?;
    if revision.is_some() {
        check_concurrent(cloud, account, &service)?;
        check_serving(cloud, account, &service)?;
    }
    change_settings(account, name, asked);
    load_balancers::apply(cloud, account, &service, asked);
    let under_way = account
        .unfinished(&service.name)
        .map(|deployment| deployment.arn.clone());
    if let Some(configuration) = &configuration {
        configuration::apply(cloud, account, &service.name, configuration);
    }
    let started = revision.and_then(|revision| start(cloud, account, &service, &revision));
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
pub(super) fn tag(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    let arn = asked
        .text("resourceArn")
        .ok_or_else(|| Refusal::parameter("resourceArn cannot be empty."))?;
    let given = asked
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let given: Vec<(String, String)> = given
        .filter_map(|tag| Some((text(tag, "key")?, text(tag, "value")?)))
        .collect();
    let taken = |text: &str, longest: usize| {
        text.len() <= longest
            && text
                .chars()
                .all(|letter| letter.is_alphanumeric() || " _.:/=+-@".contains(letter))
    };
    if given
        .iter()
        .any(|(key, value)| key.is_empty() || !taken(key, 128) || !taken(value, 256))
    {
        return Err(Refusal::parameter("Invalid tag."));
    }
    cloud.change(|account| {
        let is_service = arn.contains(":service/");
        let service = account
            .service_mut(arn)
            .filter(|_| is_service)
            .ok_or_else(not_found)?;
        service.tags.extend(given);
        for key in asked.texts("tagKeys") {
            service.tags.remove(key);
        }
        Ok(json!({}))
    })
}

fn text(value: &Value, member: &str) -> Option<String> {
    value.get(member)?.as_str().map(ToOwned::to_owned)
}

fn not_found() -> Refusal {
    Refusal::new("ServiceNotFoundException", "Service not found.")
}

/// Starts a rollout as the service's configuration says; returns a deployment that has to be
/// played.
fn start(cloud: &Cloud, account: &mut Account, before: &Service, revision: &str) -> Option<String> {
    let configuration = account.service(&before.name)?.configuration.clone()?;
    if !configuration.is_native() {
        begin_rolling(cloud, account, &before.name, revision);
        return None;
    }
    let configuration = match (cloud.switches().hook_scope, &before.configuration) {
        (HookScope::NextDeployment, Some(former)) => configuration.with_hooks_of(former),
        (HookScope::NextDeployment, None) | (HookScope::ThisDeployment, _) => configuration,
    };
    begin_native(
        cloud,
        account,
        Beginning {
            service: &before.name,
            revision,
            configuration,
        },
    )
}

fn check_concurrent(cloud: &Cloud, account: &Account, service: &Service) -> Result<(), Refusal> {
    let refused = cloud.switches().concurrent_update == ConcurrentUpdate::Refused;
    let shifting = account
        .unfinished(&service.name)
        .filter(|deployment| deployment.configuration.is_native());
    match shifting {
        Some(deployment) if refused => Err(Refusal::client(format!(
            "The service deployment {} is in progress. Wait for it to complete.",
            deployment.arn
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Production's rule leads to one of the service's two groups.
fn check_serving(cloud: &Cloud, account: &Account, service: &Service) -> Result<(), Refusal> {
    let is_checked = cloud.switches().preflight == Toggle::On && service.target_groups.len() > 1;
    let Some(exposure) = service.exposure.as_ref().filter(|_| is_checked) else {
        return Ok(());
    };
    let serving = service
        .target_groups
        .iter()
        .filter(|group| account.weight(&exposure.production, group) > 0)
        .count();
    let rule = super::service_view::rule(account, service, &exposure.production);
    let message = format!(
        "Production listener rule {rule} should have exactly one target group serving traffic but found {serving}"
    );
    if serving == 1 {
        Ok(())
    } else {
        Err(Refusal::parameter(message))
    }
}

/// What ECS manages of an Express service nobody else changes.
fn check_managed(service: &Service, asked: Asked<'_>) -> Result<(), Refusal> {
    let is_managed = matches!(&service.controller, Controller::Native(native) if native.express);
    match ["deploymentConfiguration", "loadBalancers"]
        .into_iter()
        .find(|member| is_managed && asked.get(member).is_some())
    {
        Some(member) => Err(Refusal::parameter(format!(
            "{member} cannot be updated for a service that is managed by Amazon ECS."
        ))),
        None => Ok(()),
    }
}

/// Only `CodeDeploy` moves its services to another revision.
fn check_controller(service: &Service, asked: Asked<'_>) -> Result<(), Refusal> {
    let own = match service.controller {
        Controller::Rolling(_) | Controller::Native(_) => return Ok(()),
        Controller::CodeDeploy(_) => "CODE_DEPLOY",
        Controller::External => "EXTERNAL",
    };
    let forbidden = [
        "taskDefinition",
        "networkConfiguration",
        "platformVersion",
        "loadBalancers",
    ];
    if forbidden.iter().any(|member| asked.get(member).is_some())
        || asked.flag("forceNewDeployment") == Some(true)
    {
        let message = format!(
            "Unable to update task definition on services with a {own} deployment controller. Use AWS CodeDeploy to trigger a new deployment."
        );
        return Err(Refusal::parameter(message));
    }
    Ok(())
}

/// The revision that a new rollout is to bring, if the request starts one.
fn wanted_revision(
    account: &Account,
    service: &Service,
    asked: Asked<'_>,
) -> Result<Option<String>, Refusal> {
    let current = account.wanted_revision(service).unwrap_or_default();
    let rebalanced = asked
        .get("loadBalancers")
        .is_some_and(|given| *given != balanced_by(account, service));
    let replaced = REPLACING
        .iter()
        .any(|member| differs(service, member, asked));
    let forced = asked.flag("forceNewDeployment") == Some(true) || replaced || rebalanced;
    let Some(reference) = asked.text("taskDefinition") else {
        return Ok(forced.then_some(current));
    };
    let found = account
        .revisions
        .find(reference)
        .ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
    if found.deregistered_ms.is_some() {
        return Err(Refusal::client("TaskDefinition is inactive"));
    }
    if let Some(exposure) = &service.exposure
        && found.container(&exposure.container).is_none()
    {
        let message = format!(
            "The container {} does not exist in the task definition.",
            exposure.container
        );
        return Err(Refusal::parameter(message));
    }
    Ok((forced || found.arn != current).then(|| found.arn.clone()))
}

fn differs(service: &Service, member: &str, asked: Asked<'_>) -> bool {
    asked
        .get(member)
        .is_some_and(|value| service.settings.get(member) != Some(value))
}

fn change_settings(account: &mut Account, name: &str, asked: Asked<'_>) {
    let Some(service) = account.service_mut(name) else {
        return;
    };
    for member in SETTINGS {
        if let Some(value) = asked.get(member) {
            service.settings.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(desired) = asked
        .number("desiredCount")
        .and_then(|count| u32::try_from(count).ok())
    {
        service.scale(desired);
    }
}
