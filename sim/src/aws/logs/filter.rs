//! `FilterLogEvents`: lines of all streams of a group, in the order of time.

use serde_json::{Value, json};

use super::pattern::Pattern;
use super::{MAX_PAGE, container_lines};
use crate::account::{Account, LogLocation, Revision, sha256_hex};
use crate::aws::{Answer, Input, ServiceError};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::switches::Toggle;
use crate::world::TaskHandle;

/// "InputLogStreamNames: array members: maximum number of 100 items."
const MAX_STREAMS: usize = 100;

struct Line {
    at_ms: i64,
    stream: String,
    number: usize,
    text: String,
}

/// Answers the operation.
pub(super) fn answer(cloud: &Cloud, input: Input<'_>) -> Answer {
    let group = input
        .text("logGroupName")
        .or_else(|| input.text("logGroupIdentifier").map(group_name))
        .unwrap_or_default();
    let (names, prefix) = (
        input.text_list("logStreamNames"),
        input.text("logStreamNamePrefix"),
    );
    if group.is_empty() || names.len() > MAX_STREAMS || (!names.is_empty() && prefix.is_some()) {
        return Err(parameter_error(
            "logGroupName is needed, and logStreamNames (1 to 100) or logStreamNamePrefix, not both.",
        ));
    }
    let pattern = Pattern::parse(input.text("filterPattern").unwrap_or_default())
        .ok_or_else(|| parameter_error("Invalid filter pattern"))?;
    let streams = cloud.read(|account| find_streams(account, group))?;
    if let Some(missing) = names
        .iter()
        .find(|name| !streams.iter().any(|(stream, _)| stream == *name))
    {
        return Err(ServiceError::new(
            "ResourceNotFoundException",
            format!("The specified log stream does not exist: {missing}"),
        ));
    }
    let is_wanted = |stream: &str| {
        (names.is_empty() || names.contains(&stream))
            && prefix.is_none_or(|prefix| stream.starts_with(prefix))
    };
    let wanted = streams.into_iter().filter(|(stream, _)| is_wanted(stream));
    let lines = wanted
        .flat_map(|(stream, handle)| read_lines(&stream, handle))
        .filter(|line| is_in_range(input, line.at_ms) && pattern.matches(&line.text));
    if cloud.switches().empty_log_page == Toggle::On && input.text("nextToken").is_none() {
        return Ok(json!({ "events": [], "searchedLogStreams": [], "nextToken": format_token(0) }));
    }
    paginate(input, group, lines.collect())
}

fn parameter_error(message: &str) -> ServiceError {
    ServiceError::invalid_parameter(message)
}

/// A group's name, out of its name or its ARN.
fn group_name(identifier: &str) -> &str {
    identifier
        .rsplit_once(":log-group:")
        .map_or(identifier, |(_, name)| name.trim_end_matches(":*"))
}

/// The streams of a group; a group is there as soon as a task definition names it.
fn find_streams(
    account: &Account,
    group: &str,
) -> Result<Vec<(String, Option<TaskHandle>)>, ServiceError> {
    let containers = account.tasks.iter().flat_map(|task| &task.containers);
    let is_in_group = |location: &&LogLocation| location.group == group;
    let streams = containers.filter_map(|container| {
        Some((
            container.log.as_ref().filter(is_in_group)?.stream.clone(),
            container.handle.clone(),
        ))
    });
    let found: Vec<_> = streams.collect();
    let is_defined = || {
        let mut containers = account.revisions.iter().flat_map(Revision::containers);
        containers.any(|container| {
            container
                .pointer("/logConfiguration/options/awslogs-group")
                .and_then(Value::as_str)
                == Some(group)
        })
    };
    if found.is_empty() && !is_defined() {
        return Err(ServiceError::new(
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        ));
    }
    Ok(found)
}

fn read_lines(stream: &str, handle: Option<TaskHandle>) -> Vec<Line> {
    let numbered = container_lines(handle).into_iter().enumerate();
    numbered
        .map(|(number, (at_ms, text))| Line {
            at_ms,
            stream: stream.to_owned(),
            number,
            text,
        })
        .collect()
}

/// From the start to the end, without the end.
fn is_in_range(input: Input<'_>, at_ms: i64) -> bool {
    let limit = |name: &str| input.get(name).and_then(Value::as_i64);
    limit("startTime").is_none_or(|from| at_ms >= from)
        && limit("endTime").is_none_or(|to| at_ms < to)
}

fn paginate(input: Input<'_>, group: &str, mut lines: Vec<Line>) -> Answer {
    lines.sort_by(|left, right| {
        (left.at_ms, &left.stream, left.number).cmp(&(right.at_ms, &right.stream, right.number))
    });
    let limit = input.number("limit").unwrap_or(MAX_PAGE);
    let limit = usize::try_from(limit)
        .ok()
        .filter(|_| (1..=MAX_PAGE).contains(&limit))
        .ok_or_else(|| parameter_error("limit must be 1 to 10000"))?;
    let from = match input.text("nextToken") {
        None => 0,
        Some(token) => parse_token(token)
            .ok_or_else(|| parameter_error("The specified nextToken is invalid."))?,
    };
    let now = now_ms();
    let shown = lines.iter().skip(from).take(limit).map(|line| {
        json!({ "logStreamName": line.stream, "timestamp": line.at_ms, "message": line.text, "ingestionTime": now, "eventId": event_id(group, line) })
    });
    let mut answer = json!({ "events": shown.collect::<Vec<_>>(), "searchedLogStreams": [] });
    if lines.len() > from + limit {
        answer["nextToken"] = json!(format_token(from + limit));
    }
    Ok(answer)
}

fn format_token(position: usize) -> String {
    format!("events-{position}")
}

fn parse_token(token: &str) -> Option<usize> {
    token.strip_prefix("events-")?.parse().ok()
}

/// 56 digits, as AWS has them.
fn event_id(group: &str, line: &Line) -> String {
    let digits = sha256_hex(&format!("{group}/{}/{}", line.stream, line.number));
    digits
        .bytes()
        .take(56)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect()
}
