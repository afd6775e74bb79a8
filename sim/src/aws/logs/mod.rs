//! Amazon `CloudWatch` Logs: the lines that tasks really wrote.

mod filter;
mod pattern;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::account::{Container, LogPlace};
use crate::aws::{Answer, Asked, Refusal};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::world::TaskHandle;

/// AWS answers at most so many events at once.
const PAGE: u64 = 10_000;

/// Answers an operation of `CloudWatch` Logs.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    Some(match operation {
        "GetLogEvents" => events(cloud, asked),
        "FilterLogEvents" => filter::answer(cloud, asked),
        _ => return None,
    })
}

fn events(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let place = LogPlace {
        group: asked.text("logGroupName").unwrap_or_default().to_owned(),
        stream: asked.text("logStreamName").unwrap_or_default().to_owned(),
    };
    let handle = cloud.look(|account| {
        let mut containers = account.tasks.iter().flat_map(|task| &task.containers);
        containers
            .find(|container: &&Container| container.log.as_ref() == Some(&place))
            .map(|container| container.handle.clone())
    });
    let handle = handle.ok_or_else(|| {
        Refusal::new(
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        )
    })?;
    Ok(page(&lines_of(handle), asked))
}

/// Everything that a container wrote and the world still has, with the time of each line.
fn lines_of(handle: Option<TaskHandle>) -> Vec<(i64, String)> {
    handle
        .map(|handle| handle.logs(usize::MAX))
        .unwrap_or_default()
}

/// Forward tokens count the lines from the start; without one the newest lines come unless
/// `startFromHead`.
fn page(lines: &[(i64, String)], asked: Asked<'_>) -> Value {
    let limit = usize::try_from(asked.number("limit").unwrap_or(PAGE).clamp(1, PAGE)).unwrap_or(1);
    let token = asked
        .text("nextToken")
        .and_then(|token| token.strip_prefix("f/")?.parse::<usize>().ok());
    let start = match (token, asked.flag("startFromHead")) {
        (Some(position), _) => position.min(lines.len()),
        (None, Some(true)) => 0,
        (None, Some(false) | None) => lines.len().saturating_sub(limit),
    };
    let end = (start + limit).min(lines.len());
    let (from, to) = (
        asked.get("startTime").and_then(Value::as_i64),
        asked.get("endTime").and_then(Value::as_i64),
    );
    let in_time = |at: i64| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
    let now = now_ms();
    let chosen = lines
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .filter(|(at, _)| in_time(*at));
    let events: Vec<Value> = chosen
        .map(|(at, text)| json!({ "timestamp": at, "message": text, "ingestionTime": now }))
        .collect();
    json!({ "events": events, "nextForwardToken": format!("f/{end}"), "nextBackwardToken": format!("b/{start}") })
}
