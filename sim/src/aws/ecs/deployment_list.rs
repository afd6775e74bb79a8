//! `ListServiceDeployments` and `DescribeServiceDeployments`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::deployment_view::{brief, view};
use super::in_cluster;
use crate::account::{Account, ServiceDeployment};
use crate::aws::{Answer, Asked, Refusal};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::switches::Switches;

/// AWS describes at most so many deployments at once.
const AT_ONCE: usize = 20;

/// A page has so many entries unless the caller says otherwise, and never more than a hundred.
const PAGE: usize = 20;

pub(super) fn list(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    in_cluster(cloud, asked)?;
    let name = asked
        .text("service")
        .ok_or_else(|| Refusal::parameter("Service cannot be empty."))?;
    let stops = cloud.switches().supersede_lag_ms;
    let lag = i64::try_from(cloud.switches().list_lag_ms).unwrap_or(i64::MAX / 2);
    let (from, size) = page(asked)?;
    cloud.look(|account| {
        let service = account
            .service(name)
            .ok_or_else(|| Refusal::new("ServiceNotFoundException", "Service not found."))?;
        let known = |deployment: &&ServiceDeployment| deployment.created_ms + lag <= now_ms();
        let all: Vec<&ServiceDeployment> = account
            .deployments_of(&service.name)
            .filter(known)
            .filter(|deployment| fits(deployment, asked))
            .collect();
        let shown: Vec<Value> = all
            .iter()
            .skip(from)
            .take(size)
            .map(|deployment| brief(account, deployment, stops))
            .collect();
        let mut answer = json!({ "serviceDeployments": shown });
        if all.len() > from + size {
            answer["nextToken"] = json!((from + size).to_string());
        }
        Ok(answer)
    })
}

/// The first entry and the number of entries.
fn page(asked: Asked<'_>) -> Result<(usize, usize), Refusal> {
    let from = match asked.text("nextToken") {
        Some(token) => token
            .parse()
            .map_err(|_| Refusal::parameter("Invalid token"))?,
        None => 0,
    };
    let size = asked
        .number("maxResults")
        .map_or(PAGE, |size| usize::try_from(size).unwrap_or(usize::MAX));
    if (1..=100).contains(&size) {
        Ok((from, size))
    } else {
        Err(Refusal::parameter("maxResults must be between 1 and 100."))
    }
}

fn fits(deployment: &ServiceDeployment, asked: Asked<'_>) -> bool {
    let statuses = asked.texts("status");
    let moment = |name: &str| {
        asked
            .get("createdAt")
            .and_then(|range| range.get(name))
            .and_then(Value::as_f64)
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since the epoch fit in a double for a long time"
    )]
    let created = deployment.created_ms as f64 / 1000.0;
    let in_time = moment("after").is_none_or(|after| created > after)
        && moment("before").is_none_or(|before| created < before);
    in_time && (statuses.is_empty() || statuses.contains(&deployment.status.as_str()))
}

pub(super) fn describe(cloud: &Arc<Cloud>, asked: Asked<'_>) -> Answer {
    let arns = asked.texts("serviceDeploymentArns");
    if arns.is_empty() || arns.len() > AT_ONCE {
        return Err(Refusal::parameter(
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
    deployment.seen = deployment.version;
    let deployment = deployment.clone();
    Some(view(account, &deployment, switches))
}
