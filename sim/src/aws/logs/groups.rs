//! CloudWatch's log groups, and how long they keep their lines.

use serde_json::{Value, json};

use crate::aws::{Answer, Input, ServiceError};
use crate::cloud::Cloud;

/// The days that `PutRetentionPolicy` takes.
const DAYS: [u64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

fn is_missing(cloud: &Cloud, name: &str) -> bool {
    let missing = &cloud.options.account_contents.missing_log_groups;
    missing.contains(name)
}

/// The group that is named exactly, unless the stage's options say that it does not exist.
pub(super) fn describe(cloud: &Cloud, input: Input<'_>) -> Value {
    let name = input.text("logGroupNamePrefix").unwrap_or_default();
    if is_missing(cloud, name) {
        return json!({ "logGroups": [] });
    }
    cloud.read(|account| {
        let arn = account.location.log_group_arn(name);
        let mut group = json!({
            "logGroupName": name, "arn": arn, "creationTime": 1_700_000_000_000_i64, "storedBytes": 0,
        });
        if let Some(days) = account.log_retention.get(name) {
            group["retentionInDays"] = json!(days);
        }
        json!({ "logGroups": [group] })
    })
}

pub(super) fn put_retention(cloud: &Cloud, input: Input<'_>) -> Answer {
    let name = input.text("logGroupName").unwrap_or_default().to_owned();
    let days = input.number("retentionInDays").unwrap_or_default();
    if !DAYS.contains(&days) {
        return Err(ServiceError::new(
            "InvalidParameterException",
            "Invalid retention value.",
        ));
    }
    if is_missing(cloud, &name) {
        return Err(ServiceError::new(
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        ));
    }
    cloud.change(|account| {
        account.log_retention.insert(name, days);
    });
    Ok(json!({}))
}
