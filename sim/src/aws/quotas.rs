//! Service Quotas: how many vCPUs there may be on Fargate.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Input, ServiceError};
use crate::cloud::Cloud;

/// Answers an operation of Service Quotas.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetServiceQuota" => get_quota(cloud, input),
        _ => return None,
    })
}

fn get_quota(cloud: &Cloud, input: Input<'_>) -> Answer {
    let (service, code) = (
        input.text("ServiceCode").unwrap_or_default(),
        input.text("QuotaCode").unwrap_or_default(),
    );
    if (service, code) != ("fargate", "L-3032A538") {
        return Err(ServiceError::new(
            "NoSuchResourceException",
            "The request failed because the specified service quota does not exist.",
        ));
    }
    Ok(json!({ "Quota": {
        "ServiceCode": service, "ServiceName": "AWS Fargate", "QuotaCode": code,
        "QuotaName": "Fargate On-Demand vCPU resource count", "Value": cloud.options.account_contents.fargate_vcpus,
        "Unit": "None", "Adjustable": true, "GlobalQuota": false,
    } }))
}
