//! Why containers stopped, and what they said last. Evidence only: what cannot be read narrows it, never the outcome.

use serde_json::Value;

use crate::aws::ecs_shapes::{Container, Task};
use crate::documents::task_definition::TaskDefinition;
use crate::error::StoppedContainer;
use crate::run::Run;
use crate::survey::optional;

/// Lines of log a container is shown with.
const LINES: i32 = 10;
/// Tasks looked at for different faults.
const TASKS: usize = 3;

/// Tasks of a revision that stopped in a service, newest first as AWS lists them.
pub async fn of_service(run: &Run, cluster: &str, service: &str, revision: &str, definition: &Value) -> Vec<StoppedContainer> {
    let listed = run.aws.stopped_tasks(cluster, service).await;
    let arns = optional(run, "why tasks stopped is not shown", listed).unwrap_or_default();
    if arns.is_empty() {
        return Vec::new();
    }
    let described = run.aws.describe_tasks(cluster, &arns).await;
    let tasks = optional(run, "why tasks stopped is not shown", described).unwrap_or_default();
    let ours = tasks.into_iter().filter(|task| task.task_definition_arn == revision);
    let mut stopped = Vec::new();
    for task in ours.take(TASKS) {
        stopped.extend(of_task(run, &task, definition, &[]).await);
    }
    distinct(stopped)
}

/// The same fault repeats itself in every task; it is shown once.
fn distinct(stopped: Vec<StoppedContainer>) -> Vec<StoppedContainer> {
    let mut distinct: Vec<StoppedContainer> = Vec::new();
    for one in stopped {
        let is_known =
            |other: &StoppedContainer| (&other.container, other.exit_code, &other.why) == (&one.container, one.exit_code, &one.why);
        if !distinct.iter().any(is_known) {
            distinct.push(one);
        }
    }
    distinct
}

/// The containers of a task that ended badly, or those that are judged.
pub async fn of_task(run: &Run, task: &Task, definition: &Value, judged: &[String]) -> Vec<StoppedContainer> {
    let failed = |container: &&Container| container.exit_code.is_none_or(|code| code != 0);
    let wanted = |container: &&Container| judged.is_empty() || judged.contains(&container.name);
    let mut stopped = Vec::new();
    for container in task.containers.iter().filter(failed).filter(wanted) {
        let log = log(run, task, container, definition).await;
        stopped.push(StoppedContainer {
            container: container.name.clone(),
            task: task.id().to_owned(),
            exit_code: container.exit_code,
            why: why(task, container),
            log,
        });
    }
    stopped
}

fn why(task: &Task, container: &Container) -> String {
    let reasons = [container.reason.as_deref(), task.stopped_reason.as_deref()];
    let mut words: Vec<&str> = reasons.into_iter().flatten().filter(|reason| !reason.is_empty()).collect();
    words.dedup(); // AWS gives the container's reason as the task's, too
    if words.is_empty() { task.stop_code.clone().unwrap_or_else(|| "AWS gives no reason".into()) } else { words.join("; ") }
}

async fn log(run: &Run, task: &Task, container: &Container, definition: &Value) -> Vec<String> {
    let Some(logs) = TaskDefinition(definition).container(&container.name).and_then(|container| container.aws_logs()) else {
        return Vec::new();
    };
    let Some(prefix) = logs.stream_prefix else { return Vec::new() };
    let stream = format!("{prefix}/{}/{}", container.name, task.id());
    let lines = run.aws.last_lines(logs.group, &stream, LINES).await;
    optional(run, "the container's last log lines are not shown", lines).unwrap_or_default()
}

/// How many tasks of a revision have stopped by themselves in a service; 0 where that cannot be read.
pub async fn crashed(run: &Run, cluster: &str, service: &str, revision: &str) -> usize {
    let listed = run.aws.stopped_tasks(cluster, service).await;
    let arns = optional(run, "tasks that stop again and again are noticed only when the controller gives up", listed).unwrap_or_default();
    if arns.is_empty() {
        return 0;
    }
    let described = run.aws.describe_tasks(cluster, &arns).await;
    let tasks =
        optional(run, "tasks that stop again and again are noticed only when the controller gives up", described).unwrap_or_default();
    tasks.iter().filter(|task| task.task_definition_arn == revision && is_crash(task)).count()
}

/// Tasks that a person, a scheduler or a deployment stopped say nothing about the revision.
fn is_crash(task: &Task) -> bool {
    task.is_stopped() && matches!(task.stop_code.as_deref(), Some("EssentialContainerExited" | "TaskFailedToStart"))
}
