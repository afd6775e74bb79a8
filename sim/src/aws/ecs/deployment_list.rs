//! `ListServiceDeployments` and `DescribeServiceDeployments`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::check_cluster;
use super::deployment_view::{summary, view};
use crate::account::{Account, ServiceDeployment};
use crate::aws::{Answer, Input, ServiceError};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::switches::Switches;

/// AWS describes at most so many deployments at once.
const MAX_DESCRIBED: usize = 20;

/// A page has so many entries unless the caller says otherwise, and never more than a hundred.
const DEFAULT_PAGE: usize = 20;

pub(super) fn list(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    check_cluster(cloud, input)?;
    let name = input
        .text("service")
        .ok_or_else(|| ServiceError::invalid_parameter("Service cannot be empty."))?;
    let stop_lag_ms = cloud.switches().supersede_lag_ms;
    let lag = i64::try_from(cloud.switches().list_lag_ms).unwrap_or(i64::MAX / 2);
    let (from, size) = parse_page(input)?;
    cloud.read(|account| {
        let service = account
            .service(name)
            .ok_or_else(|| ServiceError::new("ServiceNotFoundException", "Service not found."))?;
        let is_listed = |deployment: &&ServiceDeployment| deployment.created_ms + lag <= now_ms();
        let all: Vec<&ServiceDeployment> = account
            .deployments_of(&service.name)
            .filter(is_listed)
            .filter(|deployment| matches_filter(deployment, input))
            .collect();
        let shown: Vec<Value> = all
            .iter()
            .skip(from)
            .take(size)
            .map(|deployment| summary(account, deployment, stop_lag_ms))
            .collect();
        let mut answer = json!({ "serviceDeployments": shown });
        if all.len() > from + size {
            answer["nextToken"] = json!((from + size).to_string());
        }
        Ok(answer)
    })
}

/// The first entry and the number of entries.
fn parse_page(input: Input<'_>) -> Result<(usize, usize), ServiceError> {
    let from = match input.text("nextToken") {
        Some(token) => token
            .parse()
            .map_err(|_| ServiceError::invalid_parameter("Invalid token"))?,
        None => 0,
    };
    let size = input.number("maxResults").map_or(DEFAULT_PAGE, |size| {
        usize::try_from(size).unwrap_or(usize::MAX)
    });
    if (1..=100).contains(&size) {
        Ok((from, size))
    } else {
        Err(ServiceError::invalid_parameter(
            "maxResults must be between 1 and 100.",
        ))
    }
}

fn matches_filter(deployment: &ServiceDeployment, input: Input<'_>) -> bool {
    let statuses = input.text_list("status");
    let parse_time = |name: &str| {
        input
            .get("createdAt")
            .and_then(|range| range.get(name))
            .and_then(Value::as_f64)
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since the epoch fit in a double for a long time"
    )]
    let created = deployment.created_ms as f64 / 1000.0;
    let in_time = parse_time("after").is_none_or(|after| created > after)
        && parse_time("before").is_none_or(|before| created < before);
    in_time && (statuses.is_empty() || statuses.contains(&deployment.status.as_str()))
}

pub(super) fn describe(cloud: &Arc<Cloud>, input: Input<'_>) -> Answer {
    let arns = input.text_list("serviceDeploymentArns");
    if arns.is_empty() || arns.len() > MAX_DESCRIBED {
        return Err(ServiceError::invalid_parameter(
            "Service deployment ARNs cannot be empty, and at most 20 can be described at once.",
        ));
    }
    let switches = cloud.switches();
    Ok(cloud.change(|account| {
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for arn in arns {
            match describe_one(account, arn, switches) {
                Some(view) => found.push(view),
                None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
            }
        }
        json!({ "serviceDeployments": found, "failures": failures })
    }))
}

fn describe_one(account: &mut Account, arn: &str, switches: &Switches) -> Option<Value> {
    let deployment = account.service_deployment_mut(arn)?;
    deployment.read_version = deployment.version;
    let deployment = deployment.clone();
    Some(view(account, &deployment, switches))
}
