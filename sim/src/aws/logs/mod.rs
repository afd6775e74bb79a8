//! Amazon `CloudWatch` Logs: the lines that tasks really wrote.

mod filter;
mod groups;
mod pattern;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::account::{Container, LogLocation};
use crate::aws::{Answer, Input, ServiceError};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::world::TaskHandle;

/// AWS answers at most so many events at once.
const MAX_PAGE: u64 = 10_000;

/// Answers an operation of `CloudWatch` Logs.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetLogEvents" => get_log_events(cloud, input),
        "FilterLogEvents" => filter::answer(cloud, input),
        "DescribeLogGroups" => Ok(groups::describe(cloud, input)),
        "PutRetentionPolicy" => groups::put_retention(cloud, input),
        _ => return None,
    })
}

fn get_log_events(cloud: &Cloud, input: Input<'_>) -> Answer {
    let location = LogLocation {
        group: input.text("logGroupName").unwrap_or_default().to_owned(),
        stream: input.text("logStreamName").unwrap_or_default().to_owned(),
    };
    let handle = cloud.read(|account| {
        let mut containers = account.tasks.iter().flat_map(|task| &task.containers);
        containers
            .find(|container: &&Container| container.log.as_ref() == Some(&location))
            .map(|container| container.handle.clone())
    });
    let handle = handle.ok_or_else(|| {
        ServiceError::new(
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        )
    })?;
    let lag = i64::try_from(cloud.switches().log_lag_ms).unwrap_or(i64::MAX / 2);
    let mut lines = container_lines(handle);
    lines.retain(|(at, _)| at.saturating_add(lag) <= now_ms());
    Ok(paginate(&lines, input))
}

/// Everything that a container wrote and the world still has, with the time of each line. The log
/// driver sends no empty lines, which CloudWatch would not take.
fn container_lines(handle: Option<TaskHandle>) -> Vec<(i64, String)> {
    let lines = handle.map(|handle| handle.logs(usize::MAX));
    let mut lines = lines.unwrap_or_default();
    lines.retain(|(_, text)| !text.is_empty());
    lines
}

/// Forward tokens count the lines from the start; without one the newest lines come unless
/// `startFromHead`.
fn paginate(lines: &[(i64, String)], input: Input<'_>) -> Value {
    let limit =
        usize::try_from(input.number("limit").unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE)).unwrap_or(1);
    let token = input
        .text("nextToken")
        .and_then(|token| token.strip_prefix("f/")?.parse::<usize>().ok());
    let start = match (token, input.flag("startFromHead")) {
        (Some(position), _) => position.min(lines.len()),
        (None, Some(true)) => 0,
        (None, Some(false) | None) => lines.len().saturating_sub(limit),
    };
    let end = (start + limit).min(lines.len());
    let (from, to) = (
        input.get("startTime").and_then(Value::as_i64),
        input.get("endTime").and_then(Value::as_i64),
    );
    let is_in_range = |at: i64| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
    let now = now_ms();
    let chosen = lines
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .filter(|(at, _)| is_in_range(*at));
    let events: Vec<Value> = chosen
        .map(|(at, text)| json!({ "timestamp": at, "message": text, "ingestionTime": now }))
        .collect();
    json!({ "events": events, "nextForwardToken": format!("f/{end}"), "nextBackwardToken": format!("b/{start}") })
}
