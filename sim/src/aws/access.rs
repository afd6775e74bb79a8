//! Which IAM actions a call needs, and AWS's sentence when one is denied.

use serde_json::Value;

use super::wire::Call;
use super::{Api, Asked, Refusal, ecr};
use crate::account::{Place, last_part};
use crate::cloud::Cloud;

/// Refuses a call whose IAM actions are not all allowed.
pub(super) fn check(cloud: &Cloud, call: &Call) -> Result<(), Refusal> {
    let place = place(cloud, call);
    for (action, resource) in needed(&place, call.api, &call.operation, Asked(&call.input)) {
        if !allows(cloud, &action) {
            return Err(sentence(cloud, call.api, &action, &resource));
        }
    }
    Ok(())
}

/// The refusal of an operation's own IAM action.
pub(super) fn denied(cloud: &Cloud, call: &Call) -> Refusal {
    let resource = resource(
        &place(cloud, call),
        call.api,
        &call.operation,
        Asked(&call.input),
    );
    sentence(
        cloud,
        call.api,
        &format!("{}:{}", call.api.iam_prefix(), call.operation),
        &resource,
    )
}

/// Registries are the only things of other accounts and regions.
fn place(cloud: &Cloud, call: &Call) -> Place {
    match call.api {
        Api::Ecr => ecr::place(cloud, Asked(&call.input), call.region.as_deref()),
        Api::Ecs
        | Api::CodeDeploy
        | Api::Logs
        | Api::CloudWatch
        | Api::Elb
        | Api::Sts
        | Api::Scaling
        | Api::Secrets => cloud.look(|account| account.place.clone()),
    }
}

fn sentence(cloud: &Cloud, api: Api, action: &str, resource: &str) -> Refusal {
    let caller = cloud.look(|account| account.place.caller_arn());
    let why = format!("because no identity-based policy allows the {action} action");
    Refusal::denied(
        api,
        &format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource} {why}"
        ),
    )
}

/// Whether an IAM action is allowed.
pub(crate) fn allows(cloud: &Cloud, action: &str) -> bool {
    let matches = |pattern: &String| match pattern.strip_suffix('*') {
        Some(prefix) => action.starts_with(prefix),
        None => pattern == action,
    };
    let allowed = cloud.allowed();
    !cloud.denied().iter().any(matches) && (allowed.is_empty() || allowed.iter().any(matches))
}

/// The actions with the resources they are checked on. A web identity is checked by the role's
/// trust, not by a policy of the caller.
fn needed(place: &Place, api: Api, operation: &str, asked: Asked<'_>) -> Vec<(String, String)> {
    if api == Api::Sts {
        return Vec::new();
    }
    let own = (
        format!("{}:{operation}", api.iam_prefix()),
        resource(place, api, operation, asked),
    );
    let mut all = vec![own];
    all.extend(
        roles(api, operation, asked)
            .into_iter()
            .map(|role| ("iam:PassRole".to_owned(), role)),
    );
    if operation == "CreateDeployment" {
        let deploy = |kind: &str, name: &str| {
            format!(
                "arn:aws:codedeploy:{}:{}:{kind}:{name}",
                place.region, place.account
            )
        };
        let config = asked
            .text("deploymentConfigName")
            .unwrap_or("CodeDeployDefault.ECSAllAtOnce");
        let application = asked.text("applicationName").unwrap_or("*");
        all.push((
            "codedeploy:GetDeploymentConfig".to_owned(),
            deploy("deploymentconfig", config),
        ));
        all.push((
            "codedeploy:RegisterApplicationRevision".to_owned(),
            deploy("application", application),
        ));
    }
    all
}

/// The roles that a request hands to ECS: a task's own, and those by which ECS calls functions and
/// rewrites listeners.
fn roles(api: Api, operation: &str, asked: Asked<'_>) -> Vec<String> {
    let role = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let listed = |list: Option<&Value>, pointer: &str| -> Vec<String> {
        list.and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|entry| role(entry.pointer(pointer)?))
            .collect()
    };
    match (api, operation) {
        (Api::Ecs, "RegisterTaskDefinition") => ["taskRoleArn", "executionRoleArn"]
            .iter()
            .filter_map(|name| role(asked.get(name)?))
            .collect(),
        (Api::Ecs, "UpdateService") => {
            let hooks = asked
                .get("deploymentConfiguration")
                .and_then(|configuration| configuration.get("lifecycleHooks"));
            let balancers = asked.get("loadBalancers");
            listed(hooks, "/roleArn")
                .into_iter()
                .chain(listed(balancers, "/advancedConfiguration/roleArn"))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn resource(place: &Place, api: Api, operation: &str, asked: Asked<'_>) -> String {
    let found = match api {
        Api::Ecs => ecs_resource(place, operation, asked),
        Api::CodeDeploy => codedeploy_resource(place, asked),
        Api::Ecr => {
            let name = asked
                .text("repositoryName")
                .or_else(|| asked.texts("repositoryNames").first().copied());
            name.map(|name| place.repository_arn(name))
        }
        Api::Logs => asked
            .text("logGroupName")
            .or_else(|| asked.text("logGroupIdentifier"))
            .map(|name| {
                format!(
                    "arn:aws:logs:{}:{}:log-group:{name}:*",
                    place.region, place.account
                )
            }),
        Api::Scaling => asked
            .text("ResourceARN")
            .map_or_else(|| scalable_targets(place), ToOwned::to_owned)
            .into(),
        Api::Secrets => asked.text("SecretId").map(|id| {
            if id.starts_with("arn:") {
                id.to_owned()
            } else {
                place.secret_arn(id)
            }
        }),
        Api::CloudWatch | Api::Elb | Api::Sts => None,
    };
    found.unwrap_or_else(|| "*".to_owned())
}

fn scalable_targets(place: &Place) -> String {
    format!(
        "arn:aws:application-autoscaling:{}:{}:scalable-target/*",
        place.region, place.account
    )
}

fn ecs_resource(place: &Place, operation: &str, asked: Asked<'_>) -> Option<String> {
    let family = || asked.text("taskDefinition").map(last_part);
    match operation {
        "UpdateService" => asked
            .text("service")
            .map(|name| place.service_arn(last_part(name))),
        "DescribeServices" => asked
            .texts("services")
            .first()
            .map(|name| place.service_arn(last_part(name))),
        "ListServiceDeployments" => asked
            .text("service")
            .map(|name| place.service_arn(last_part(name))),
        "ContinueServiceDeployment" | "StopServiceDeployment" => {
            asked.text("serviceDeploymentArn").map(ToOwned::to_owned)
        }
        "DescribeServiceDeployments" => asked
            .texts("serviceDeploymentArns")
            .first()
            .map(|arn| (*arn).to_owned()),
        "DescribeServiceRevisions" => asked
            .texts("serviceRevisionArns")
            .first()
            .map(|arn| (*arn).to_owned()),
        "RunTask" => family().map(|name| {
            format!(
                "arn:aws:ecs:{}:{}:task-definition/{name}",
                place.region, place.account
            )
        }),
        "StopTask" => asked.text("task").map(|id| place.task_arn(last_part(id))),
        "DescribeTasks" => asked
            .texts("tasks")
            .first()
            .map(|id| place.task_arn(last_part(id))),
        "ListTasks" => Some(format!(
            "arn:aws:ecs:{}:{}:container-instance/{}/*",
            place.region, place.account, place.cluster
        )),
        _ => None,
    }
}

fn codedeploy_resource(place: &Place, asked: Asked<'_>) -> Option<String> {
    let application = asked.text("applicationName")?;
    let group = asked.text("deploymentGroupName").map_or_else(
        || format!("application:{application}"),
        |group| format!("deploymentgroup:{application}/{group}"),
    );
    Some(format!(
        "arn:aws:codedeploy:{}:{}:{group}",
        place.region, place.account
    ))
}
