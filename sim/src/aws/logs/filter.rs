//! `FilterLogEvents`: lines of all streams of a group, in the order of time.

use serde_json::{Value, json};

use super::pattern::Pattern;
use super::{PAGE, lines_of};
use crate::account::{Account, LogPlace, Revision, sha256_hex};
use crate::aws::{Answer, Asked, Refusal};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::switches::Toggle;
use crate::world::TaskHandle;

/// "InputLogStreamNames: array members: maximum number of 100 items."
const STREAMS: usize = 100;

/// A line and where it is.
struct Line {
    at_ms: i64,
    stream: String,
    number: usize,
    text: String,
}

/// Answers the operation.
pub(super) fn answer(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let group = asked
        .text("logGroupName")
        .or_else(|| asked.text("logGroupIdentifier").map(name_of))
        .unwrap_or_default();
    let (names, prefix) = (
        asked.texts("logStreamNames"),
        asked.text("logStreamNamePrefix"),
    );
    if group.is_empty() || names.len() > STREAMS || (!names.is_empty() && prefix.is_some()) {
        return Err(parameter(
            "logGroupName is needed, and logStreamNames (1 to 100) or logStreamNamePrefix, not both.",
        ));
    }
    let pattern = Pattern::parse(asked.text("filterPattern").unwrap_or_default())
        .ok_or_else(|| parameter("Invalid filter pattern"))?;
    let streams = cloud.look(|account| streams(account, group))?;
    if let Some(missing) = names
        .iter()
        .find(|name| !streams.iter().any(|(stream, _)| stream == *name))
    {
        return Err(Refusal::new(
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
        .flat_map(|(stream, handle)| lines(&stream, handle))
        .filter(|line| is_in_time(asked, line.at_ms) && pattern.fits(&line.text));
    if cloud.switches().empty_log_page == Toggle::On && asked.text("nextToken").is_none() {
        return Ok(json!({ "events": [], "searchedLogStreams": [], "nextToken": token(0) }));
    }
    page(asked, group, lines.collect())
}

fn parameter(message: &str) -> Refusal {
    Refusal::parameter(message)
}

/// A group's name, out of its name or its ARN.
fn name_of(identifier: &str) -> &str {
    identifier
        .rsplit_once(":log-group:")
        .map_or(identifier, |(_, name)| name.trim_end_matches(":*"))
}

/// The streams of a group; a group is there as soon as a task definition names it.
fn streams(account: &Account, group: &str) -> Result<Vec<(String, Option<TaskHandle>)>, Refusal> {
    let containers = account.tasks.iter().flat_map(|task| &task.containers);
    let of_group = |place: &&LogPlace| place.group == group;
    let streams = containers.filter_map(|container| {
        Some((
            container.log.as_ref().filter(of_group)?.stream.clone(),
            container.handle.clone(),
        ))
    });
    let found: Vec<_> = streams.collect();
    let is_defined = || {
        let mut containers = account.revisions.all().flat_map(Revision::containers);
        containers.any(|container| {
            container
                .pointer("/logConfiguration/options/awslogs-group")
                .and_then(Value::as_str)
                == Some(group)
        })
    };
    if found.is_empty() && !is_defined() {
        return Err(Refusal::new(
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        ));
    }
    Ok(found)
}

fn lines(stream: &str, handle: Option<TaskHandle>) -> Vec<Line> {
    let numbered = lines_of(handle).into_iter().enumerate();
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
fn is_in_time(asked: Asked<'_>, at_ms: i64) -> bool {
    let limit = |name: &str| asked.get(name).and_then(Value::as_i64);
    limit("startTime").is_none_or(|from| at_ms >= from)
        && limit("endTime").is_none_or(|to| at_ms < to)
}

fn page(asked: Asked<'_>, group: &str, mut lines: Vec<Line>) -> Answer {
    lines.sort_by(|left, right| {
        (left.at_ms, &left.stream, left.number).cmp(&(right.at_ms, &right.stream, right.number))
    });
    let limit = asked.number("limit").unwrap_or(PAGE);
    let limit = usize::try_from(limit)
        .ok()
        .filter(|_| (1..=PAGE).contains(&limit))
        .ok_or_else(|| parameter("limit must be 1 to 10000"))?;
    let from = match asked.text("nextToken") {
        None => 0,
        Some(token) => {
            position(token).ok_or_else(|| parameter("The specified nextToken is invalid."))?
        }
    };
    let now = now_ms();
    let shown = lines.iter().skip(from).take(limit).map(|line| {
        json!({ "logStreamName": line.stream, "timestamp": line.at_ms, "message": line.text, "ingestionTime": now, "eventId": id(group, line) })
    });
    let mut answer = json!({ "events": shown.collect::<Vec<_>>(), "searchedLogStreams": [] });
    if lines.len() > from + limit {
        answer["nextToken"] = json!(token(from + limit));
    }
    Ok(answer)
}

fn token(position: usize) -> String {
    format!("events-{position}")
}

fn position(token: &str) -> Option<usize> {
    token.strip_prefix("events-")?.parse().ok()
}

/// 56 digits, as AWS has them.
fn id(group: &str, line: &Line) -> String {
    let digits = sha256_hex(&format!("{group}/{}/{}", line.stream, line.number));
    digits
        .bytes()
        .take(56)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect()
}
