//! Counts matching log lines of one side's tasks: finds the log streams, and says which logs cannot
//! be read.
//!
//! The `awslogs` driver names a stream `prefix/container/task-id`, so the tasks of a revision tell
//! the streams of a side.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::Task;
use crate::aws::logs::{LogLines, LogSearch, SearchExtent};
use crate::aws::{AwsError, AwsErrorKind};
use crate::checks::analysis::ask::{Access, SourceAnswer};
use crate::checks::analysis::question::{Answer, LogQuery};
use crate::documents::task_definition::{ContainerDefinition, TaskDefinition};
use crate::error::Explain as _;
use crate::identity::RevisionArn;
use crate::run::Run;
use crate::undo::ServiceKey;

/// What is not checked when reading logs is denied.
pub(super) const LIMITED: &str = "lines of logs are not counted";

/// The tasks of one side, with their log settings.
#[derive(Debug)]
pub(super) struct SideLogs {
    pub(super) revision: RevisionArn,
    pub(super) definition: Value,
    pub(super) tasks: Vec<Task>,
}

/// One log group with the streams to search.
#[derive(Debug, Default, PartialEq, Eq)]
struct LogLocation {
    group: String,
    streams: Vec<String>,
}

/// The tasks of the service: those that run and those that stopped recently.
pub(super) async fn read_tasks(run: &Run, place: &ServiceKey) -> Result<Vec<Task>, AwsError> {
    let (cluster, service) = (&place.cluster, &place.service);
    let (running, stopped) = tokio::join!(
        run.aws.list_service_task_arns(cluster, service),
        run.aws.list_stopped_task_arns(cluster, service)
    );
    let (mut all, stopped) = (running?, stopped?);
    all.extend(
        stopped
            .into_iter()
            .filter(|arn| !all.contains(arn))
            .collect::<Vec<_>>(),
    );
    let described = join_all(
        all.chunks(MAX_TASKS)
            .map(|arns| run.aws.describe_tasks(cluster, arns)),
    )
    .await;
    Ok(described
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// DescribeTasks takes at most this many.
const MAX_TASKS: usize = 100;

/// Counts the lines that match.
pub(super) async fn count(
    run: &Run,
    logging: &SideLogs,
    query: &LogQuery,
    since: f64,
    until: f64,
) -> SourceAnswer {
    let (places, mut notes) = match find_locations(logging, query, run.aws.partition().region()) {
        Ok(places) => places,
        Err(words) => return failed_answer(words, Access::Granted),
    };
    let (since, until) = (to_duration(since), to_duration(until));
    let searches = places
        .iter()
        .filter(|place| !place.streams.is_empty())
        .map(|place| {
            run.aws.filter_lines(LogSearch {
                group: &place.group,
                streams: &place.streams,
                filter: &query.filter,
                since,
                until,
            })
        });
    let mut lines = LogLines::default();
    for found in join_all(searches).await {
        match found {
            Ok(found) => lines = lines.merge(found),
            Err(error) => return answer_from_error(run, LIMITED, &error),
        }
    }
    if lines.extent == SearchExtent::Partial {
        notes.push(format!(
            "at least {} lines match `{}`: the rest was not counted",
            lines.count, query.filter
        ));
    }
    let first = lines.first.into_iter().map(|(_, line)| line).collect();
    SourceAnswer {
        answer: Answer::Lines {
            count: lines.count,
            first,
        },
        notes,
        access: Access::Granted,
    }
}

/// An answer for a failed call, with a hint; `limited` says which check is skipped when the call
/// was denied.
pub(super) fn answer_from_error(run: &Run, limited: &str, error: &AwsError) -> SourceAnswer {
    let access = if error.kind == AwsErrorKind::Denied {
        Access::Denied
    } else {
        Access::Granted
    };
    if access == Access::Denied {
        run.limit_check(limited, error);
    }
    failed_answer(
        error
            .hint()
            .map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}")),
        access,
    )
}

fn failed_answer(words: String, access: Access) -> SourceAnswer {
    SourceAnswer {
        answer: Answer::Failed(words),
        notes: Vec::new(),
        access,
    }
}

fn to_duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// The groups and streams to search, with notes on what is not searched. It is an error if nothing
/// could ever be found, because "no lines" would then be meaningless.
fn find_locations(
    logging: &SideLogs,
    query: &LogQuery,
    region: &str,
) -> Result<(Vec<LogLocation>, Vec<String>), String> {
    let (mut places, mut notes) = (Vec::<LogLocation>::new(), Vec::new());
    for container in TaskDefinition(&logging.definition).containers() {
        let name = container.name().unwrap_or_default();
        match group_and_prefix(container, region) {
            Ok((group, prefix))
                if query.groups.is_empty() || query.groups.iter().any(|asked| asked == group) =>
            {
                let streams = stream_names(&logging.tasks, prefix, name);
                match places.iter_mut().find(|place| place.group == group) {
                    Some(place) => place.streams.extend(streams),
                    None => places.push(LogLocation {
                        group: group.to_owned(),
                        streams,
                    }),
                }
            }
            Ok(_) => {}
            Err(why) => notes.push(format!(
                "the log of container {name} is not searched: {why}"
            )),
        }
    }
    let revision = short_name(&logging.revision);
    let unknown = query
        .groups
        .iter()
        .find(|asked| !places.iter().any(|place| place.group == **asked));
    if let Some(group) = unknown {
        return Err(format!(
            "no container of {revision} logs to group {group} by awslogs, so its lines cannot be told apart by side"
        ));
    }
    if places.is_empty() {
        return Err(format!(
            "no container of {revision} has a log that can be searched: {}",
            notes.join("; ")
        ));
    }
    if places.iter().all(|place| place.streams.is_empty()) {
        notes.push(format!("no task of {revision} has started yet"));
    }
    Ok((places, notes))
}

/// The log group and the prefix of its stream names, or why the log cannot be searched.
fn group_and_prefix<'d>(
    container: ContainerDefinition<'d>,
    region: &str,
) -> Result<(&'d str, &'d str), String> {
    let Some(logs) = container.aws_logs() else {
        let driver = container.0["logConfiguration"]["logDriver"].as_str();
        return Err(driver.map_or_else(
            || "it has no log driver".to_owned(),
            |driver| format!("its log driver is {driver}, not awslogs"),
        ));
    };
    if let Some(other) = logs.region.filter(|other| *other != region) {
        return Err(format!("its log is in region {other}"));
    }
    let prefix = logs
        .stream_prefix
        .ok_or("it has no awslogs-stream-prefix, so the names of its streams are not known")?;
    Ok((logs.group, prefix))
}

/// A container that never started has no stream, and a stream that does not exist is an error.
fn stream_names(tasks: &[Task], prefix: &str, container: &str) -> Vec<String> {
    let has_started = |task: &&Task| match task.last_status.as_str() {
        "PROVISIONING" | "PENDING" => false,
        "STOPPED" => task
            .containers
            .iter()
            .any(|other| other.name == container && other.exit_code.is_some()),
        _ => true,
    };
    tasks
        .iter()
        .filter(has_started)
        .map(|task| format!("{prefix}/{container}/{}", task.id()))
        .collect()
}

#[cfg(test)]
mod tests;
