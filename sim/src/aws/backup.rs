//! AWS Backup: recovery points of resources.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Input, ServiceError};
use crate::account::{epoch_seconds, uuid_from};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::options::RecoveryPointOptions;

/// At most so many recovery points in one answer.
const MAX_PAGE: usize = 100;

/// Answers an operation of AWS Backup.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "ListRecoveryPointsByResource" => list_recovery_points(cloud, input),
        _ => return None,
    })
}

fn list_recovery_points(cloud: &Cloud, input: Input<'_>) -> Answer {
    let resource = input.text("ResourceArn").unwrap_or_default();
    if !resource.starts_with("arn:") {
        let message = format!("Invalid ARN: {resource}");
        return Err(ServiceError::new("InvalidParameterValueException", message));
    }
    let Some(points) = cloud.options.recovery_points.get(resource) else {
        return Ok(json!({ "RecoveryPoints": [] }));
    };
    let start: usize = match input.text("NextToken") {
        Some(token) => token.parse().map_err(|_| {
            ServiceError::new("InvalidParameterValueException", "Invalid NextToken")
        })?,
        None => 0,
    };
    let shown = points.iter().enumerate().skip(start).take(MAX_PAGE);
    let shown: Vec<Value> = shown.map(|(number, point)| view(number, point)).collect();
    let mut answer = json!({ "RecoveryPoints": shown });
    if points.len() > start + MAX_PAGE {
        answer["NextToken"] = json!((start + MAX_PAGE).to_string());
    }
    Ok(answer)
}

fn view(number: usize, point: &RecoveryPointOptions) -> Value {
    let age = i64::try_from(point.age_seconds).unwrap_or(i64::MAX / 2_000);
    let id = uuid_from(&format!("recovery-point/{number}"));
    json!({
        "RecoveryPointArn": format!("arn:aws:backup:eu-central-1:123456789012:recovery-point:{id}"),
        "CreationDate": epoch_seconds(now_ms() - age * 1_000), "Status": point.status,
        "BackupVaultName": "Default", "BackupSizeBytes": 1024, "IsParent": false,
    })
}
