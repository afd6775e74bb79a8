//! CloudWatch Logs: the last lines of a container, and the lines of some streams that match a
//! pattern.

use std::time::Duration;

use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService, entries, text};
use super::{Aws, AwsError};
use crate::scrub::mask;

pub(super) const LOGS: SignedService = SignedService {
    signing_name: "logs",
    host: "logs",
    id: "CloudWatch Logs",
    protocol: SignedProtocol::Json("Logs_20140328"),
};
const GET_EVENTS: &str = "logs:GetLogEvents";
const FILTER: &str = "logs:FilterLogEvents";
/// FilterLogEvents takes at most this many streams.
const MAX_STREAMS: usize = 100;
/// Requests for one answer. A page may be empty and still not the last one.
const MAX_PAGES: u32 = 10;
/// Counting stops here.
const MAX_LINES: u64 = 10_000;
/// Lines that are kept to be shown.
const KEPT_LINES: usize = 3;
/// Lines may be 256 KiB long; a job's log shows this many bytes of one.
const MAX_LINE_LENGTH: usize = 500;

/// A search in some streams of a log group.
#[derive(Debug, Clone, Copy)]
pub struct LogSearch<'s> {
    /// The log group's name.
    pub group: &'s str,
    /// The streams' names; those that do not exist have no lines.
    pub streams: &'s [String],
    /// A filter pattern of CloudWatch Logs.
    pub filter: &'s str,
    /// The start, since 1970.
    pub since: Duration,
    /// The end, since 1970; exclusive.
    pub until: Duration,
}

/// The lines that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLines {
    /// The number of lines.
    pub count: u64,
    /// The first few, oldest first, each with its time in milliseconds since 1970.
    pub first: Vec<(i64, String)>,
    /// Whether the number is complete.
    pub extent: SearchExtent,
}

/// Lines of a stream, oldest first, and how to ask for those after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The lines; none at the end of the stream.
    pub lines: Vec<String>,
    /// What to ask for the next ones with.
    pub next: Option<String>,
}

/// How much of the logs was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchExtent {
    /// All of it.
    Complete,
    /// There may be more lines.
    Partial,
}

impl Default for LogLines {
    fn default() -> Self {
        Self {
            count: 0,
            first: Vec::new(),
            extent: SearchExtent::Complete,
        }
    }
}

impl LogLines {
    fn add_events(&mut self, events: &[Value]) {
        self.count += events.len() as u64;
        let line = |event: &Value| {
            Some((
                event["timestamp"].as_i64()?,
                mask(event["message"].as_str()?)
                    .chars()
                    .take(MAX_LINE_LENGTH)
                    .collect(),
            ))
        };
        self.add_first(events.iter().filter_map(line).collect());
    }

    fn add_first(&mut self, lines: Vec<(i64, String)>) {
        self.first.extend(lines);
        self.first.sort_by_key(|(at, _)| *at);
        self.first.truncate(KEPT_LINES);
    }

    /// Merges two results.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.count += other.count;
        self.add_first(other.first);
        if other.extent == SearchExtent::Partial {
            self.extent = SearchExtent::Partial;
        }
        self
    }
}

impl Aws {
    /// The last lines of a log stream, oldest first.
    pub async fn read_last_lines(
        &self,
        group: &str,
        stream: &str,
        lines: i32,
    ) -> Result<Vec<String>, AwsError> {
        let input = json!({
            "logGroupName": group, "logStreamName": stream, "limit": lines, "startFromHead": false,
        });
        let answer = self.call_logs(GET_EVENTS, &input).await?;
        Ok(messages(&answer))
    }

    /// The lines of a log stream after those that the token stands for; from its begin without one.
    pub async fn read_new_lines(
        &self,
        group: &str,
        stream: &str,
        token: Option<&str>,
    ) -> Result<LogPage, AwsError> {
        let mut input = json!({
            "logGroupName": group, "logStreamName": stream, "startFromHead": true,
        });
        if let Some(token) = token {
            input["nextToken"] = json!(token);
        }
        let answer = self.call_logs(GET_EVENTS, &input).await?;
        Ok(LogPage {
            lines: messages(&answer),
            next: text(&answer["nextForwardToken"]).map(str::to_owned),
        })
    }

    /// The lines of the streams that match, counted up to a limit.
    ///
    /// # Errors
    /// The group is missing, or not ours to read.
    pub async fn filter_lines(&self, search: LogSearch<'_>) -> Result<LogLines, AwsError> {
        let (mut lines, mut budget) = (LogLines::default(), MAX_PAGES);
        let mut remaining: Vec<&[String]> = search.streams.chunks(MAX_STREAMS).rev().collect();
        while let Some(streams) = remaining.pop() {
            match self
                .read_pages(&search, streams, &mut lines, &mut budget)
                .await
            {
                Ok(SearchExtent::Complete) => {}
                Ok(SearchExtent::Partial) => {
                    return Ok(LogLines {
                        extent: SearchExtent::Partial,
                        ..lines
                    });
                }
                // One missing stream fails the request for all of them, so the list is split in
                // halves.
                Err(error) if is_missing_stream(&error) => {
                    let (first, second) = streams.split_at(streams.len() / 2);
                    remaining.extend(
                        [second, first]
                            .into_iter()
                            .filter(|half| half.len() < streams.len() && !half.is_empty()),
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(lines)
    }

    async fn read_pages(
        &self,
        search: &LogSearch<'_>,
        streams: &[String],
        lines: &mut LogLines,
        budget: &mut u32,
    ) -> Result<SearchExtent, AwsError> {
        let mut input = json!({
            "logGroupName": search.group,
            "logStreamNames": streams,
            "filterPattern": search.filter,
            "startTime": milliseconds(search.since),
            "endTime": milliseconds(search.until),
        });
        loop {
            if *budget == 0 || lines.count >= MAX_LINES {
                return Ok(SearchExtent::Partial);
            }
            let answer = self.call_logs(FILTER, &input).await?;
            *budget -= 1;
            lines.add_events(entries(&answer["events"]));
            match text(&answer["nextToken"]) {
                Some(next) => input["nextToken"] = json!(next),
                None => return Ok(SearchExtent::Complete),
            }
        }
    }

    async fn call_logs(&self, action: &'static str, input: &Value) -> Result<Value, AwsError> {
        let call = SignedCall::new(LOGS, action, self.partition.region());
        self.read_signed(call, input).await
    }
}

/// The lines of an answer, also empty ones.
fn messages(answer: &Value) -> Vec<String> {
    let events = entries(&answer["events"]).iter();
    events
        .filter_map(|event| event["message"].as_str().map(str::to_owned))
        .collect()
}

/// AWS has one code for a group and for a stream that does not exist; its sentence tells which.
fn is_missing_stream(error: &AwsError) -> bool {
    error.has_code("ResourceNotFoundException") && error.message.contains("log stream")
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: i64, message: &str) -> Value {
        json!({ "timestamp": at, "message": message })
    }

    #[test]
    fn lines_are_counted_and_the_first_three_in_time_are_kept_and_cut() {
        let mut lines = LogLines::default();
        lines.add_events(&[event(5, "e"), event(1, "a"), event(4, "d")]);
        lines.add_events(&[event(3, &"ü".repeat(600)), event(2, "b")]);
        assert_eq!(lines.count, 5);
        let shown: Vec<(i64, usize)> = lines
            .first
            .iter()
            .map(|(at, line)| (*at, line.chars().count()))
            .collect();
        assert_eq!(shown, [(1, 1), (2, 1), (3, MAX_LINE_LENGTH)]);
    }

    #[test]
    fn two_groups_are_counted_together_and_one_that_was_not_searched_whole_says_so() {
        let one = LogLines {
            count: 2,
            first: vec![(2, "b".into()), (4, "d".into())],
            extent: SearchExtent::Complete,
        };
        let other = LogLines {
            count: 9,
            first: vec![(1, "a".into()), (3, "c".into())],
            extent: SearchExtent::Partial,
        };
        let both = one.merge(other);
        assert_eq!((both.count, both.extent), (11, SearchExtent::Partial));
        assert_eq!(
            both.first,
            [
                (1, "a".to_owned()),
                (2, "b".to_owned()),
                (3, "c".to_owned())
            ]
        );
    }

    #[test]
    fn a_missing_stream_is_told_from_a_missing_group() {
        let error = |message: &str| AwsError {
            action: FILTER,
            kind: crate::aws::AwsErrorKind::Refused,
            code: "ResourceNotFoundException".into(),
            message: message.into(),
        };
        assert!(is_missing_stream(&error(
            "The specified log stream does not exist."
        )));
        assert!(!is_missing_stream(&error(
            "The specified log group does not exist."
        )));
    }
}
