//! Our one-off task is stopped; one whose answer was lost is found by its revision.

use super::Undone;
use crate::aws::ecs_shapes::Task;
use crate::error::Failure;
use crate::run::Run;
use crate::survey::optional;
use crate::undo::TaskUndo;

pub(super) async fn take_back(run: &Run, undo: &TaskUndo) -> Result<Undone, Failure> {
    let arns = if undo.arns.is_empty() { find(run, undo).await } else { undo.arns.clone() };
    for arn in arns {
        let stopped = run.aws.stop_task(&undo.cluster, &arn, "the deployment that started this task was taken back").await;
        stopped.or_else(|error| if error.is("InvalidParameter") { Ok(()) } else { Err(error) })?;
    }
    Ok(Undone::Nothing)
}

async fn find(run: &Run, undo: &TaskUndo) -> Vec<String> {
    let listed = run.aws.running_tasks(&undo.cluster, &undo.started_by).await;
    let running = optional(run, "a one-off task whose start was not answered is not looked for", listed).unwrap_or_default();
    if running.is_empty() {
        return Vec::new();
    }
    let described = run.aws.describe_tasks(&undo.cluster, &running).await;
    let tasks: Vec<Task> = optional(run, "a one-off task whose start was not answered is not looked for", described).unwrap_or_default();
    tasks.into_iter().filter(|task| task.task_definition_arn == undo.revision).map(|task| task.task_arn).collect()
}
