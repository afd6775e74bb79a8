//! CloudWatch Logs: the last lines of a container, and the lines of some streams that match a
//! pattern.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

use super::error::told;
use super::{Aws, AwsError};
use crate::scrub::masked;

const FILTER: &str = "logs:FilterLogEvents";
/// FilterLogEvents takes at most this many streams.
const STREAMS: usize = 100;
/// Requests for one answer. A page may be empty and still not the last one.
const PAGES: u32 = 10;
/// More lines than this are too many, however many they are.
const ENOUGH: u64 = 10_000;
/// Lines that are kept to be shown.
const FIRST: usize = 3;
/// A line may be 256 KiB long; nobody reads that in a job's log.
const LONGEST: usize = 500;

/// What is looked for in some streams of a group.
#[derive(Debug, Clone, Copy)]
pub struct LogSearch<'s> {
    /// The log group.
    pub group: &'s str,
    /// The streams; those that do not exist have no lines.
    pub streams: &'s [String],
    /// A filter pattern of CloudWatch Logs.
    pub filter: &'s str,
    /// From here on, since 1970.
    pub since: Duration,
    /// Before here.
    pub until: Duration,
}

/// Lines that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// How many.
    pub count: u64,
    /// The first few, oldest first, each with its time in milliseconds since 1970.
    pub first: Vec<(i64, String)>,
    /// Whether these are all.
    pub extent: Extent,
}

/// How much of the logs was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// There may be more lines.
    Beginning,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            count: 0,
            first: Vec::new(),
            extent: Extent::Whole,
        }
    }
}

impl Lines {
    fn take(&mut self, events: &[FilteredLogEvent]) {
        self.count += events.len() as u64;
        let line = |event: &FilteredLogEvent| {
            Some((
                event.timestamp()?,
                masked(event.message()?).chars().take(LONGEST).collect(),
            ))
        };
        self.keep(events.iter().filter_map(line).collect());
    }

    fn keep(&mut self, lines: Vec<(i64, String)>) {
        self.first.extend(lines);
        self.first.sort_by_key(|(at, _)| *at);
        self.first.truncate(FIRST);
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.count += other.count;
        self.keep(other.first);
        if other.extent == Extent::Beginning {
            self.extent = Extent::Beginning;
        }
        self
    }
}

impl Aws {
    /// The last lines of a log stream, oldest first.
    pub async fn last_lines(
        &self,
        group: &str,
        stream: &str,
        lines: i32,
    ) -> Result<Vec<String>, AwsError> {
        let call = self
            .logs()
            .get_log_events()
            .log_group_name(group)
            .log_stream_name(stream)
            .limit(lines)
            .start_from_head(false);
        let answer = told("logs:GetLogEvents", call.send().await)?;
        Ok(answer
            .events()
            .iter()
            .filter_map(|event| event.message().map(str::to_owned))
            .collect())
    }

    /// The lines of the streams that match, counted up to a limit.
    ///
    /// # Errors
    /// The group is missing, or not ours to read.
    pub async fn filtered_lines(&self, search: LogSearch<'_>) -> Result<Lines, AwsError> {
        let (mut lines, mut budget) = (Lines::default(), PAGES);
        let mut open: Vec<&[String]> = search.streams.chunks(STREAMS).rev().collect();
        while let Some(streams) = open.pop() {
            match self.pages(&search, streams, &mut lines, &mut budget).await {
                Ok(Extent::Whole) => {}
                Ok(Extent::Beginning) => {
                    return Ok(Lines {
                        extent: Extent::Beginning,
                        ..lines
                    });
                }
                // One stream that does not exist yet fails a request for many: the others are in
                // one of the halves.
                Err(error) if is_missing_stream(&error) => {
                    let (first, second) = streams.split_at(streams.len() / 2);
                    open.extend(
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

    async fn pages(
        &self,
        search: &LogSearch<'_>,
        streams: &[String],
        lines: &mut Lines,
        budget: &mut u32,
    ) -> Result<Extent, AwsError> {
        let (since, until) = (milliseconds(search.since), milliseconds(search.until));
        let mut token = None;
        loop {
            if *budget == 0 || lines.count >= ENOUGH {
                return Ok(Extent::Beginning);
            }
            let call = self
                .logs()
                .filter_log_events()
                .log_group_name(search.group)
                .set_log_stream_names(Some(streams.to_vec()));
            let call = call
                .filter_pattern(search.filter)
                .start_time(since)
                .end_time(until)
                .set_next_token(token.take());
            let answer = told(FILTER, call.send().await)?;
            *budget -= 1;
            lines.take(answer.events());
            match answer.next_token() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(Extent::Whole),
            }
        }
    }
}

/// AWS has one code for a group and for a stream that does not exist; its sentence tells which.
fn is_missing_stream(error: &AwsError) -> bool {
    error.is("ResourceNotFoundException") && error.message.contains("log stream")
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: i64, message: &str) -> FilteredLogEvent {
        FilteredLogEvent::builder()
            .timestamp(at)
            .message(message)
            .build()
    }

    #[test]
    fn lines_are_counted_and_the_first_three_in_time_are_kept_and_cut() {
        let mut lines = Lines::default();
        lines.take(&[event(5, "e"), event(1, "a"), event(4, "d")]);
        lines.take(&[event(3, &"ü".repeat(600)), event(2, "b")]);
        assert_eq!(lines.count, 5);
        let shown: Vec<(i64, usize)> = lines
            .first
            .iter()
            .map(|(at, line)| (*at, line.chars().count()))
            .collect();
        assert_eq!(shown, [(1, 1), (2, 1), (3, LONGEST)]);
    }

    #[test]
    fn two_groups_are_counted_together_and_one_that_was_not_searched_whole_says_so() {
        let one = Lines {
            count: 2,
            first: vec![(2, "b".into()), (4, "d".into())],
            extent: Extent::Whole,
        };
        let other = Lines {
            count: 9,
            first: vec![(1, "a".into()), (3, "c".into())],
            extent: Extent::Beginning,
        };
        let both = one.and(other);
        assert_eq!((both.count, both.extent), (11, Extent::Beginning));
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
