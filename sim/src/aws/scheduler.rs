//! Amazon EventBridge Scheduler: schedules, and the tasks that they start.

use std::sync::Arc;

use serde_json::{Value, json};

use super::events::{definition_arn, page};
use super::{Answer, Input, ServiceError};
use crate::account::{Location, epoch_seconds};
use crate::cloud::Cloud;

const GROUP: &str = "default";
/// When the schedules were made.
const CREATED_MS: i64 = 1_700_000_000_000;

/// The call of a path, as in `/schedules/NAME?groupName=GROUP`.
pub(super) fn parse_path(path: &str, query: &str) -> Option<(String, Value)> {
    let rest = path.strip_prefix("/schedules")?;
    let mut input = json!({});
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "MaxResults" => input["MaxResults"] = json!(value.parse::<u64>().ok()?),
            "groupName" | "ScheduleGroup" => input["GroupName"] = json!(value),
            other => input[other] = json!(value),
        }
    }
    match rest.strip_prefix('/') {
        None | Some("") => Some(("ListSchedules".to_owned(), input)),
        Some(name) => {
            input["Name"] = json!(name);
            Some(("GetSchedule".to_owned(), input))
        }
    }
}

pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    let location = cloud.read(|account| account.location.clone());
    Some(match operation {
        "ListSchedules" => Ok(list(cloud, &location, input)),
        "GetSchedule" => get(cloud, &location, input),
        _ => return None,
    })
}

fn arn(location: &Location, name: &str) -> String {
    format!(
        "arn:aws:scheduler:{}:{}:schedule/{GROUP}/{name}",
        location.region, location.account
    )
}

fn list(cloud: &Cloud, location: &Location, input: Input<'_>) -> Value {
    let schedules = cloud.options.scheduled.schedules.keys().map(|name| {
        json!({
            "Arn": arn(location, name), "Name": name, "GroupName": GROUP, "State": "ENABLED",
            "CreationDate": epoch_seconds(CREATED_MS), "LastModificationDate": epoch_seconds(CREATED_MS),
            "Target": { "Arn": location.cluster_arn() },
        })
    });
    page("Schedules", &schedules.collect::<Vec<_>>(), input)
}

fn get(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let name = input.text("Name").unwrap_or_default();
    let definition = cloud.options.scheduled.schedules.get(name).ok_or_else(|| {
        let message = format!("Schedule {name} does not exist.");
        ServiceError {
            status: 404,
            ..ServiceError::new("ResourceNotFoundException", message)
        }
    })?;
    Ok(json!({
        "Arn": arn(location, name), "Name": name, "GroupName": GROUP, "State": "ENABLED",
        "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": location.cluster_arn(), "RoleArn": location.role_arn("scheduler"),
            "EcsParameters": { "TaskDefinitionArn": definition_arn(location, definition), "TaskCount": 1 },
        },
    }))
}
