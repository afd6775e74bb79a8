//! Amazon EventBridge: rules, and the tasks that they start.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Input, ServiceError};
use crate::account::Location;
use crate::cloud::Cloud;

/// So few, that several pages are read.
const PAGE: usize = 2;
const BUS: &str = "default";

pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    let location = cloud.read(|account| account.location.clone());
    Some(match operation {
        "ListEventBuses" => {
            Ok(json!({ "EventBuses": [{ "Name": BUS, "Arn": bus_arn(&location) }] }))
        }
        "ListRules" => check_bus(input).map(|()| list_rules(cloud, &location, input)),
        "ListTargetsByRule" => {
            check_bus(input).and_then(|()| list_targets(cloud, &location, input))
        }
        _ => return None,
    })
}

fn bus_arn(location: &Location) -> String {
    format!(
        "arn:aws:events:{}:{}:event-bus/{BUS}",
        location.region, location.account
    )
}

fn check_bus(input: Input<'_>) -> Result<(), ServiceError> {
    match input.text("EventBusName").unwrap_or(BUS) {
        BUS => Ok(()),
        other => Err(ServiceError::new(
            "ResourceNotFoundException",
            format!("Event bus {other} does not exist."),
        )),
    }
}

fn list_rules(cloud: &Cloud, location: &Location, input: Input<'_>) -> Value {
    let rules = cloud.options.scheduled.rules.keys().map(|name| {
        let arn = format!(
            "arn:aws:events:{}:{}:rule/{name}",
            location.region, location.account
        );
        json!({
            "Name": name, "Arn": arn, "State": "ENABLED", "EventBusName": BUS,
            "ScheduleExpression": "rate(1 day)",
        })
    });
    page("Rules", &rules.collect::<Vec<_>>(), input)
}

/// A page of a list, and the token of the next.
pub(super) fn page(member: &str, entries: &[Value], input: Input<'_>) -> Value {
    let start: usize = input
        .text("NextToken")
        .and_then(|token| token.parse().ok())
        .unwrap_or_default();
    let shown: Vec<Value> = entries.iter().skip(start).take(PAGE).cloned().collect();
    let mut answer = json!({ member: shown });
    if start + PAGE < entries.len() {
        answer["NextToken"] = json!((start + PAGE).to_string());
    }
    answer
}

fn list_targets(cloud: &Cloud, location: &Location, input: Input<'_>) -> Answer {
    let rule = input.text("Rule").unwrap_or_default();
    let definition = cloud.options.scheduled.rules.get(rule).ok_or_else(|| {
        let message = format!("Rule {rule} does not exist on EventBus {BUS}.");
        ServiceError::new("ResourceNotFoundException", message)
    })?;
    Ok(json!({ "Targets": [target(location, definition)] }))
}

fn target(location: &Location, definition: &str) -> Value {
    json!({
        "Id": "1", "Arn": location.cluster_arn(), "RoleArn": location.role_arn("ecsEventsRole"),
        "EcsParameters": {
            "TaskDefinitionArn": definition_arn(location, definition), "TaskCount": 1, "LaunchType": "FARGATE",
        },
    })
}

pub(super) fn definition_arn(location: &Location, definition: &str) -> String {
    format!(
        "arn:aws:ecs:{}:{}:task-definition/{definition}",
        location.region, location.account
    )
}
