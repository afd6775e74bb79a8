//! The request of RunTask for a task beside the service's own, and whether AWS has placed it. Testers
//! that run as tasks use it too.

use serde_json::{Value, json};

use crate::aws::ecs::RunTaskResult;
use crate::aws::ecs_shapes::Service;
use crate::documents::run_task::TaskRequest;
use crate::documents::task_definition::TaskDefinition;
use crate::error::Failure;
use crate::outcome::Reason;
use crate::plan::TaskHost;
use crate::scrub::mask;
use crate::steps::revision::Revision;

/// Fails where AWS has not started `what`.
pub(in crate::steps) fn check_placed(
    launched: &RunTaskResult,
    what: &str,
    reason: Reason,
) -> Result<(), Failure> {
    if launched.failures.is_empty() && !launched.tasks.is_empty() {
        return Ok(());
    }
    let failures = launched.failures.iter().map(|failure| {
        let words = [
            failure.arn.clone(),
            failure.reason.as_deref().map(mask),
            failure.detail.as_deref().map(mask),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(": ")
    });
    let causes = failures.collect::<Vec<_>>().join("; ");
    let cause = if causes.is_empty() {
        "AWS started no task and gives no reason".to_owned()
    } else {
        causes
    };
    Err(Failure::new(reason, format!("the {what} could not be placed")).with_cause(cause))
}

/// The request of RunTask, without its client token.
pub(in crate::steps) fn build_request(
    host: &TaskHost,
    asked: &TaskRequest,
    revision: &Revision,
    service: Option<&Service>,
) -> Value {
    let mut request = json!({
        "cluster": host.cluster,
        "taskDefinition": revision.arn,
        "startedBy": asked.started_by,
        "overrides": { "containerOverrides": asked.overrides.items },
    });
    let (key, capacity) = choose_capacity(asked, service);
    request[key] = capacity;
    let inherited = service
        .and_then(service_network)
        .filter(|_| TaskDefinition(&revision.definition).network_mode() == Some("awsvpc"));
    let optional = [
        (
            "networkConfiguration",
            merge_network(asked, inherited.as_ref()).or(inherited),
        ),
        ("tags", (!asked.tags.is_empty()).then(|| json!(asked.tags))),
        (
            "enableECSManagedTags",
            host.enable_ecs_managed_tags.map(Value::from),
        ),
        (
            "volumeConfigurations",
            asked
                .volume
                .configuration
                .clone()
                .map(|volume| json!([volume])),
        ),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            request[key] = value;
        }
    }
    request
}

/// Where the task runs: as given, else as the service's own tasks.
fn choose_capacity(asked: &TaskRequest, service: Option<&Service>) -> (&'static str, Value) {
    const PROVIDERS: &str = "capacityProviderStrategy";
    const LAUNCH_TYPE: &str = "launchType";
    if !asked.strategy.is_empty() {
        return (PROVIDERS, json!(asked.strategy));
    }
    if let Some(given) = &asked.launch_type {
        return (LAUNCH_TYPE, json!(given));
    }
    let set = service.and_then(Service::primary_task_set);
    let some = |strategy: &Option<Value>| {
        strategy
            .clone()
            .filter(|list| list.as_array().is_some_and(|list| !list.is_empty()))
    };
    let providers = set.and_then(|set| some(&set.capacity_provider_strategy));
    if let Some(providers) =
        providers.or_else(|| service.and_then(|service| some(&service.capacity_provider_strategy)))
    {
        return (PROVIDERS, providers);
    }
    let launch_type = set
        .and_then(|set| set.launch_type.clone())
        .or_else(|| service.and_then(|service| service.launch_type.clone()));
    (
        LAUNCH_TYPE,
        json!(launch_type.as_deref().unwrap_or("FARGATE")),
    )
}

/// The given network; subnets that were not given are the service's.
fn merge_network(asked: &TaskRequest, inherited: Option<&Value>) -> Option<Value> {
    let mut given = asked.network.as_ref()?.to_value();
    let configuration = &mut given["awsvpcConfiguration"];
    if configuration.get("subnets").is_none()
        && let Some(subnets) =
            inherited.and_then(|network| network.pointer("/awsvpcConfiguration/subnets"))
    {
        configuration["subnets"] = subnets.clone();
    }
    Some(given)
}

/// The network configuration of the service's tasks.
fn service_network(service: &Service) -> Option<Value> {
    service
        .primary_task_set()
        .and_then(|set| set.network_configuration.clone())
        .or_else(|| service.network_configuration.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::ebs::ManagedVolume;
    use crate::documents::overrides::Items;
    use crate::documents::run_task::TaskWait;

    fn request_with(launch_type: Option<&str>, strategy: Vec<Value>) -> TaskRequest {
        let launch_type = launch_type.map(str::to_owned);
        TaskRequest {
            launch_type,
            strategy,
            overrides: Items::default(),
            network: None,
            started_by: String::new(),
            tags: Vec::new(),
            volume: ManagedVolume::default(),
            wait: TaskWait::UntilStopped,
        }
    }

    fn service(json: Value) -> Service {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_task_runs_where_the_service_s_own_tasks_do_unless_it_is_said_otherwise() {
        let spot = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
        let ours = json!([{ "capacityProvider": "ours", "weight": 1 }]);
        let ec2 = json!({ "launchType": "EC2" });
        let providers = json!({ "capacityProviderStrategy": spot });
        let set = json!({ "launchType": "FARGATE", "taskSets": [{ "status": "PRIMARY", "capacityProviderStrategy": ours }] });
        let given = request_with(Some("FARGATE"), Vec::new());
        let table = [
            (
                request_with(None, Vec::new()),
                None,
                ("launchType", json!("FARGATE")),
            ),
            (
                request_with(None, Vec::new()),
                Some(&ec2),
                ("launchType", json!("EC2")),
            ),
            (
                request_with(None, Vec::new()),
                Some(&providers),
                ("capacityProviderStrategy", spot.clone()),
            ),
            (
                request_with(None, Vec::new()),
                Some(&set),
                ("capacityProviderStrategy", ours.clone()),
            ),
            (given.clone(), Some(&ec2), ("launchType", json!("FARGATE"))),
            (given, Some(&providers), ("launchType", json!("FARGATE"))),
            (
                request_with(None, vec![ours[0].clone()]),
                Some(&ec2),
                ("capacityProviderStrategy", ours.clone()),
            ),
        ];
        for (asked, answer, expected) in table {
            let service = answer.cloned().map(service);
            assert_eq!(
                choose_capacity(&asked, service.as_ref()),
                expected,
                "{answer:?}"
            );
        }
    }
}
