//! Why containers stopped, and the last lines of their logs. What cannot be read limits what is
//! reported, never the outcome.

use serde_json::Value;

use crate::aws::ecs_shapes::{Container, Task};
use crate::documents::task_definition::TaskDefinition;
use crate::error::StoppedContainer;
use crate::identity::RevisionArn;
use crate::run::Run;
use crate::scrub::mask;
use crate::undo::ServiceKey;

/// How many log lines are shown of a container.
const LOG_LINES: i32 = 10;
/// How many tasks are searched for different faults.
const MAX_TASKS: usize = 3;

/// Tasks of a revision that stopped in a service, those that failed first.
pub async fn containers_of_service(
    run: &Run,
    place: &ServiceKey,
    revision: &RevisionArn,
    definition: &Value,
) -> Vec<StoppedContainer> {
    let mut tasks = read_stopped_tasks(run, place, revision).await;
    tasks.sort_by_key(|task| !task.has_failed());
    let mut stopped = Vec::new();
    for task in tasks.iter().take(MAX_TASKS) {
        stopped.extend(containers_of_task(run, task, definition, &[]).await);
    }
    deduplicate(stopped)
}

/// Tasks of a revision that stopped in a service; none where they cannot be read, which limits a
/// check.
async fn read_stopped_tasks(run: &Run, place: &ServiceKey, revision: &RevisionArn) -> Vec<Task> {
    let check = "why tasks stopped is not shown";
    let listed = run
        .aws
        .list_stopped_task_arns(&place.cluster, &place.service)
        .await;
    let arns = run.optional_read(check, listed).unwrap_or_default();
    if arns.is_empty() {
        return Vec::new();
    }
    let described = run.aws.describe_tasks(&place.cluster, &arns).await;
    let tasks = run.optional_read(check, described).unwrap_or_default();
    tasks
        .into_iter()
        .filter(|task| task.task_definition_arn == *revision)
        .collect()
}

/// The same fault usually occurs in every task; it is shown once.
fn deduplicate(stopped: Vec<StoppedContainer>) -> Vec<StoppedContainer> {
    let mut distinct: Vec<StoppedContainer> = Vec::new();
    for one in stopped {
        let is_known = |other: &StoppedContainer| {
            (&other.container, other.exit_code, &other.why)
                == (&one.container, one.exit_code, &one.why)
        };
        if !distinct.iter().any(is_known) {
            distinct.push(one);
        }
    }
    distinct
}

/// The containers of a task that failed, limited to those in `relevant` unless it is empty; the most
/// likely cause comes first.
pub async fn containers_of_task(
    run: &Run,
    task: &Task,
    definition: &Value,
    relevant: &[String],
) -> Vec<StoppedContainer> {
    // A container that is stopped because nothing could reach it may exit with 0; its log is the
    // evidence then.
    let has_failed = |container: &&Container| {
        task.failed_health_checks() || container.exit_code.is_none_or(|code| code != 0)
    };
    let is_wanted =
        |container: &&Container| relevant.is_empty() || relevant.contains(&container.name);
    let mut containers: Vec<&Container> = task
        .containers
        .iter()
        .filter(has_failed)
        .filter(is_wanted)
        .collect();
    let is_essential = |name: &str| {
        TaskDefinition(definition)
            .essential_containers()
            .any(|container| container.name() == Some(name))
    };
    containers
        .sort_by_key(|container| (cause_likelihood(container), !is_essential(&container.name)));
    let mut stopped = Vec::new();
    for container in containers {
        let log = read_log(run, task, container, definition, LOG_LINES).await;
        stopped.push(StoppedContainer {
            container: container.name.clone(),
            task: task.id().to_owned(),
            exit_code: container.exit_code,
            why: stop_reason(task, container).into(),
            log: log.into_iter().map(Into::into).collect(),
        });
    }
    stopped
}

/// How likely it is that a container's end is why its task stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CauseLikelihood {
    /// It exited by itself with an error, or AWS says what was wrong with it.
    Cause,
    /// It was stopped by a signal, which is how ECS stops the other containers after an essential
    /// one has exited.
    Stopped,
    /// It did not start, and no reason is given.
    Unknown,
}

fn cause_likelihood(container: &Container) -> CauseLikelihood {
    /// 128 and the number of SIGKILL or SIGTERM, with which ECS stops containers.
    const SIGNALS: [i32; 2] = [137, 143];
    let is_explained = container
        .reason
        .as_deref()
        .is_some_and(|reason| !reason.is_empty());
    match container.exit_code {
        Some(code) if is_explained || !SIGNALS.contains(&code) => CauseLikelihood::Cause,
        None if is_explained => CauseLikelihood::Cause,
        Some(_) => CauseLikelihood::Stopped,
        None => CauseLikelihood::Unknown,
    }
}

/// Why a container or its task stopped, in AWS's words.
pub fn stop_reason(task: &Task, container: &Container) -> String {
    let reasons = [container.reason.as_deref(), task.stopped_reason.as_deref()];
    let mut words: Vec<&str> = reasons
        .into_iter()
        .flatten()
        .filter(|reason| !reason.is_empty())
        .collect();
    words.dedup(); // AWS gives the container's reason as the task's, too
    if words.is_empty() {
        task.stop_code
            .clone()
            .unwrap_or_else(|| "AWS gives no reason".into())
    } else {
        mask(&words.join("; "))
    }
}

/// The last lines of a container's log; none where they cannot be read.
pub async fn read_log(
    run: &Run,
    task: &Task,
    container: &Container,
    definition: &Value,
    lines: i32,
) -> Vec<String> {
    let Some(logs) = TaskDefinition(definition)
        .container(&container.name)
        .and_then(|container| container.aws_logs())
    else {
        return Vec::new();
    };
    let Some(prefix) = logs.stream_prefix else {
        return Vec::new();
    };
    let stream = format!("{prefix}/{}/{}", container.name, task.id());
    let lines = run.aws.read_last_lines(logs.group, &stream, lines).await;
    let lines = run
        .optional_read("the container's last log lines are not shown", lines)
        .unwrap_or_default();
    lines.iter().map(|line| mask(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_that_ended_by_itself_comes_before_those_that_were_stopped_because_of_it() {
        let container = |name: &str, exit_code: Option<i32>, reason: &str| Container {
            name: name.into(),
            exit_code,
            reason: (!reason.is_empty()).then(|| reason.into()),
            ..Container::default()
        };
        let oom = container(
            "worker",
            Some(137),
            "OutOfMemoryError: Container killed due to memory usage",
        );
        let pull = container("app", None, "CannotPullContainerError: not found");
        for (cause, other) in [
            (
                container("app", Some(1), ""),
                container("proxy", Some(143), ""),
            ),
            (
                container("app", Some(139), ""),
                container("proxy", Some(137), ""),
            ),
            (oom, container("proxy", Some(143), "")),
            (pull, container("proxy", None, "")),
        ] {
            assert!(
                cause_likelihood(&cause) < cause_likelihood(&other),
                "{cause:?} {other:?}"
            );
        }
    }
}
