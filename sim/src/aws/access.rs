//! Which IAM actions a call needs, and AWS's sentence when one is denied.

use serde_json::Value;

use super::wire::Call;
use super::{Api, Input, ServiceError, ecr};
use crate::account::{Location, name_from_arn};
use crate::cloud::Cloud;

/// Refuses a call whose IAM actions are not all allowed.
pub(super) fn check(cloud: &Cloud, call: &Call) -> Result<(), ServiceError> {
    let location = call_location(cloud, call);
    for (action, resource) in
        required_actions(&location, call.api, &call.operation, Input(&call.input))
    {
        if !allows(cloud, &action) || !role_allows(cloud, call, &action) {
            return Err(denial(cloud, call, &action, &resource));
        }
    }
    Ok(())
}

/// The refusal of an operation's own IAM action.
pub(super) fn access_denied(cloud: &Cloud, call: &Call) -> ServiceError {
    let resource = resource_arn(
        &call_location(cloud, call),
        call.api,
        &call.operation,
        Input(&call.input),
    );
    denial(
        cloud,
        call,
        &iam_action(call.api, &call.operation),
        &resource,
    )
}

/// Only ECR repositories can be in other accounts and regions.
fn call_location(cloud: &Cloud, call: &Call) -> Location {
    match call.api {
        Api::Ecr => ecr::registry_location(cloud, Input(&call.input), call.region.as_deref()),
        Api::Ecs
        | Api::CodeDeploy
        | Api::Logs
        | Api::CloudWatch
        | Api::Elb
        | Api::Sts
        | Api::Scaling
        | Api::Secrets
        | Api::Iam
        | Api::S3
        | Api::Quotas
        | Api::Rds
        | Api::Ssm
        | Api::Signals
        | Api::Backup
        | Api::Events
        | Api::Scheduler => cloud.read(|account| account.location.clone()),
    }
}

/// The caller's ARN, as `GetCallerIdentity` tells it.
pub(super) fn caller_arn(cloud: &Cloud, access_key: Option<&str>) -> String {
    cloud.sessions.find(access_key).map_or_else(
        || cloud.read(|account| account.location.caller_arn()),
        |session| session.caller_arn(),
    )
}

/// Whether the policy of the role whose session calls allows an action.
fn role_allows(cloud: &Cloud, call: &Call, action: &str) -> bool {
    let session = cloud.sessions.find(call.access_key.as_deref());
    let role = session.and_then(|session| {
        let mut roles = cloud.options.roles.iter();
        roles.find(|role| role.arn == session.role)
    });
    role.is_none_or(|role| {
        role.allowed.is_empty() || role.allowed.iter().any(|pattern| matches(pattern, action))
    })
}

fn matches(pattern: &str, action: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => action.starts_with(prefix),
        None => pattern == action,
    }
}

fn denial(cloud: &Cloud, call: &Call, action: &str, resource: &str) -> ServiceError {
    let caller = caller_arn(cloud, call.access_key.as_deref());
    let why = format!("because no identity-based policy allows the {action} action");
    ServiceError::denied(
        call.api,
        &format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource} {why}"
        ),
    )
}

/// Whether an IAM action is allowed.
pub(crate) fn allows(cloud: &Cloud, action: &str) -> bool {
    let is_match = |pattern: &String| matches(pattern, action);
    let allowed = cloud.allowed_actions();
    !cloud.denied_actions().iter().any(is_match)
        && (allowed.is_empty() || allowed.iter().any(is_match))
}

/// The IAM actions of a call, with their resources. Those of STS need none: a role's trust policy
/// decides.
fn required_actions(
    location: &Location,
    api: Api,
    operation: &str,
    input: Input<'_>,
) -> Vec<(String, String)> {
    if api == Api::Sts {
        return Vec::new();
    }
    let own_action = (
        iam_action(api, operation),
        resource_arn(location, api, operation, input),
    );
    let mut all = vec![own_action];
    all.extend(
        passed_roles(api, operation, input)
            .into_iter()
            .map(|role| ("iam:PassRole".to_owned(), role)),
    );
    if api == Api::Rds && operation.starts_with("Create") && input.get("Tags").is_some() {
        let snapshot = format!(
            "arn:aws:rds:{}:{}:snapshot:*",
            location.region, location.account
        );
        all.push(("rds:AddTagsToResource".to_owned(), snapshot));
    }
    if operation == "CreateDeployment" {
        let deploy = |kind: &str, name: &str| {
            format!(
                "arn:aws:codedeploy:{}:{}:{kind}:{name}",
                location.region, location.account
            )
        };
        let config = input
            .text("deploymentConfigName")
            .unwrap_or("CodeDeployDefault.ECSAllAtOnce");
        let application = input.text("applicationName").unwrap_or("*");
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

/// An object's head is read with the permission for the object.
fn iam_action(api: Api, operation: &str) -> String {
    match operation {
        "HeadObject" => "s3:GetObject".to_owned(),
        _ => format!("{}:{operation}", api.iam_prefix()),
    }
}

/// The roles that a request hands to ECS: a task's own, and those by which ECS calls functions and
/// rewrites listeners.
fn passed_roles(api: Api, operation: &str, input: Input<'_>) -> Vec<String> {
    let role = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let list_roles = |list: Option<&Value>, pointer: &str| -> Vec<String> {
        list.and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|entry| role(entry.pointer(pointer)?))
            .collect()
    };
    match (api, operation) {
        (Api::Ecs, "RegisterTaskDefinition") => ["taskRoleArn", "executionRoleArn"]
            .iter()
            .filter_map(|name| role(input.get(name)?))
            .collect(),
        (Api::Ecs, "UpdateService") => {
            let hooks = input
                .get("deploymentConfiguration")
                .and_then(|configuration| configuration.get("lifecycleHooks"));
            let balancers = input.get("loadBalancers");
            list_roles(hooks, "/roleArn")
                .into_iter()
                .chain(list_roles(balancers, "/advancedConfiguration/roleArn"))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn resource_arn(location: &Location, api: Api, operation: &str, input: Input<'_>) -> String {
    let found = match api {
        Api::Ecs => ecs_resource_arn(location, operation, input),
        Api::CodeDeploy => codedeploy_arn(location, input),
        Api::Ecr => {
            let name = input
                .text("repositoryName")
                .or_else(|| input.text_list("repositoryNames").first().copied());
            name.map(|name| location.repository_arn(name))
        }
        Api::Logs => input
            .text("logGroupName")
            .or_else(|| input.text("logGroupIdentifier"))
            .or_else(|| input.text("logGroupNamePrefix"))
            .map(|name| {
                format!(
                    "arn:aws:logs:{}:{}:log-group:{name}:*",
                    location.region, location.account
                )
            }),
        Api::Scaling => input
            .text("ResourceARN")
            .map_or_else(|| scalable_targets_arn(location), ToOwned::to_owned)
            .into(),
        Api::Secrets => input.text("SecretId").map(|id| {
            if id.starts_with("arn:") {
                id.to_owned()
            } else {
                location.secret_arn(id)
            }
        }),
        Api::Iam => input
            .text("RoleName")
            .map(|name| location.role_arn(name))
            .or_else(|| input.text("PolicySourceArn").map(ToOwned::to_owned)),
        Api::S3 => Some(format!(
            "arn:aws:s3:::{}/{}",
            input.text("Bucket").unwrap_or_default(),
            input.text("Key").unwrap_or_default()
        )),
        Api::Rds => rds_arn(location, input),
        Api::Ssm => input
            .text_list("Names")
            .first()
            .map(|name| location.parameter_arn(name))
            .or_else(|| calendar_arn(location, input)),
        Api::Events => input.text("Rule").map(|rule| {
            format!(
                "arn:aws:events:{}:{}:rule/{rule}",
                location.region, location.account
            )
        }),
        Api::Scheduler => input.text("Name").map(|name| {
            let group = input.text("GroupName").unwrap_or("default");
            format!(
                "arn:aws:scheduler:{}:{}:schedule/{group}/{name}",
                location.region, location.account
            )
        }),
        Api::CloudWatch | Api::Elb | Api::Sts | Api::Quotas | Api::Signals | Api::Backup => None,
    };
    found.unwrap_or_else(|| "*".to_owned())
}

/// A Change Calendar is a document.
fn calendar_arn(location: &Location, input: Input<'_>) -> Option<String> {
    let calendars = input.text_list("CalendarNames");
    let name = calendars.first()?;
    Some(if name.starts_with("arn:") {
        (*name).to_owned()
    } else {
        format!(
            "arn:aws:ssm:{}:{}:document/{name}",
            location.region, location.account
        )
    })
}

/// Of several resources of a call AWS names one: that of the database.
fn rds_arn(location: &Location, input: Input<'_>) -> Option<String> {
    let (kind, name) = input
        .text("DBInstanceIdentifier")
        .map(|name| ("db", name))
        .or_else(|| {
            input
                .text("DBClusterIdentifier")
                .map(|name| ("cluster", name))
        })?;
    Some(format!(
        "arn:aws:rds:{}:{}:{kind}:{name}",
        location.region, location.account
    ))
}

fn scalable_targets_arn(location: &Location) -> String {
    format!(
        "arn:aws:application-autoscaling:{}:{}:scalable-target/*",
        location.region, location.account
    )
}

fn ecs_resource_arn(location: &Location, operation: &str, input: Input<'_>) -> Option<String> {
    let family = || input.text("taskDefinition").map(name_from_arn);
    match operation {
        "UpdateService" => input
            .text("service")
            .map(|name| location.service_arn(name_from_arn(name))),
        "DescribeServices" => input
            .text_list("services")
            .first()
            .map(|name| location.service_arn(name_from_arn(name))),
        "ListServiceDeployments" => input
            .text("service")
            .map(|name| location.service_arn(name_from_arn(name))),
        "ContinueServiceDeployment" | "StopServiceDeployment" => {
            input.text("serviceDeploymentArn").map(ToOwned::to_owned)
        }
        "DescribeServiceDeployments" => input
            .text_list("serviceDeploymentArns")
            .first()
            .map(|arn| (*arn).to_owned()),
        "DescribeServiceRevisions" => input
            .text_list("serviceRevisionArns")
            .first()
            .map(|arn| (*arn).to_owned()),
        "RunTask" => family().map(|name| {
            format!(
                "arn:aws:ecs:{}:{}:task-definition/{name}",
                location.region, location.account
            )
        }),
        "StopTask" => input
            .text("task")
            .map(|id| location.task_arn(name_from_arn(id))),
        "DescribeTasks" => input
            .text_list("tasks")
            .first()
            .map(|id| location.task_arn(name_from_arn(id))),
        "ListTasks" => Some(format!(
            "arn:aws:ecs:{}:{}:container-instance/{}/*",
            location.region, location.account, location.cluster
        )),
        _ => None,
    }
}

fn codedeploy_arn(location: &Location, input: Input<'_>) -> Option<String> {
    let application = input.text("applicationName")?;
    let group = input.text("deploymentGroupName").map_or_else(
        || format!("application:{application}"),
        |group| format!("deploymentgroup:{application}/{group}"),
    );
    Some(format!(
        "arn:aws:codedeploy:{}:{}:{group}",
        location.region, location.account
    ))
}
