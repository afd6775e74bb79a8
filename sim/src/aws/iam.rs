//! IAM: roles with their trust policies, and what the caller's own role may do.

use std::sync::Arc;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Answer, Input, ServiceError, access};
use crate::account::sha256_hex;
use crate::cloud::Cloud;

/// The services by which every role may be assumed, unless the stage's options say otherwise.
const TRUSTED: [&str; 3] = [
    "ecs-tasks.amazonaws.com",
    "ecs.amazonaws.com",
    "codedeploy.amazonaws.com",
];

/// Answers an operation of IAM.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetRole" => get_role(cloud, input),
        "SimulatePrincipalPolicy" => simulate(cloud, input),
        _ => return None,
    })
}

fn no_such_role(name: &str) -> ServiceError {
    ServiceError {
        status: 404,
        ..ServiceError::new(
            "NoSuchEntity",
            format!("The role with name {name} cannot be found."),
        )
    }
}

fn get_role(cloud: &Cloud, input: Input<'_>) -> Answer {
    let name = input
        .text("RoleName")
        .ok_or_else(|| ServiceError::new("ValidationError", "RoleName is required"))?;
    let account = &cloud.options.account_contents;
    if account.missing_roles.contains(name) {
        return Err(no_such_role(name));
    }
    let trusted = account
        .trusted
        .get(name)
        .cloned()
        .unwrap_or_else(|| TRUSTED.map(ToOwned::to_owned).to_vec());
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "Service": trusted }, "Action": "sts:AssumeRole" }] });
    let arn = cloud.read(|account| account.location.role_arn(name));
    let id = sha256_hex(name).to_uppercase();
    Ok(json!({ "Role": {
        "Path": "/", "RoleName": name, "RoleId": format!("AROA{}", id.get(..17).unwrap_or_default()), "Arn": arn,
        "CreateDate": "2025-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": utf8_percent_encode(&policy.to_string(), NON_ALPHANUMERIC).to_string(),
        "MaxSessionDuration": 3600,
    } }))
}

/// Every action on every resource, as the stage itself would answer it.
fn simulate(cloud: &Cloud, input: Input<'_>) -> Answer {
    let principal = input
        .text("PolicySourceArn")
        .ok_or_else(|| ServiceError::new("ValidationError", "PolicySourceArn is required"))?;
    if !principal.contains(":role/") && !principal.contains(":user/") {
        return Err(ServiceError::new(
            "InvalidInput",
            format!(
                "Invalid Entity Arn: {principal} does not clearly define entity type and name."
            ),
        ));
    }
    let resources = match input.text_list("ResourceArns") {
        given if given.is_empty() => vec!["*"],
        given => given,
    };
    let results: Vec<Value> = input
        .text_list("ActionNames")
        .into_iter()
        .flat_map(|action| resources.iter().map(move |resource| (action, *resource)))
        .map(|(action, resource)| {
            let decision = if access::allows(cloud, action) {
                "allowed"
            } else {
                "implicitDeny"
            };
            json!({ "EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision,
                "MatchedStatements": [], "MissingContextValues": [] })
        })
        .collect();
    Ok(json!({ "EvaluationResults": results, "IsTruncated": false }))
}
