//! Stops our task, unless it has ended; one whose answer was lost is found by its revision. What a
//! one-off task did is not undone, and is reported.

use super::UndoOutcome;
use crate::aws::ecs_shapes::Task;
use crate::error::Failure;
use crate::event::fact::OneOffFact;
use crate::event::{Event, Migration, OneOffKind, OneOffTask, TaskEnd};
use crate::identity::TaskArn;
use crate::run::Run;
use crate::text::Text;
use crate::undo::{OneOffUndo, TaskUndo, Undo};

pub(super) async fn undo(run: &Run, undo: &TaskUndo) -> Result<UndoOutcome, Failure> {
    if undo
        .one_off
        .as_ref()
        .is_some_and(|one_off| !one_off.ran.is_empty())
    {
        return Ok(report_permanent_effect(run, undo.clone()));
    }
    let arns = if undo.arns.is_empty() {
        find_tasks(run, undo).await
    } else {
        undo.arns.clone()
    };
    if arns.is_empty() {
        return Ok(UndoOutcome::NothingToUndo);
    }
    let described = run
        .aws
        .describe_tasks(&undo.cluster, &arns)
        .await
        .unwrap_or_default();
    let mut ran = Vec::new();
    for arn in &arns {
        let found = described.iter().find(|task| task.task_arn == *arn);
        // The state is an environment variable that other steps can set: only a task of our
        // revision is stopped.
        if found.is_some_and(|task| task.task_definition_arn != undo.revision) {
            continue;
        }
        let ended = found.filter(|task| task.is_stopped());
        if ended.is_none() {
            let stopped = run
                .aws
                .stop_task(
                    &undo.cluster,
                    arn,
                    "the deployment that started this task was rolled back",
                )
                .await;
            stopped.or_else(|error| {
                if error.has_code("InvalidParameter") {
                    Ok(())
                } else {
                    Err(error)
                }
            })?;
        }
        ran.extend(
            undo.one_off
                .iter()
                .flat_map(|one_off| list_ran(one_off, arn, ended)),
        );
    }
    let kind = undo
        .one_off
        .as_ref()
        .map(|one_off| one_off.kind)
        .unwrap_or_default();
    for task in &ran {
        run.emit(match kind {
            OneOffKind::Task => Event::TaskRan { task: task.clone() },
            OneOffKind::Migration => Event::Migrated {
                migration: Migration::of_container(task),
            },
        });
    }
    match &undo.one_off {
        Some(one_off) => Ok(report_permanent_effect(
            run,
            TaskUndo {
                one_off: Some(OneOffUndo {
                    ran,
                    ..one_off.clone()
                }),
                arns,
                ..undo.clone()
            },
        )),
        None => Ok(UndoOutcome::Done),
    }
}

fn report_permanent_effect(run: &Run, undo: TaskUndo) -> UndoOutcome {
    if let Some(sentence) = run.permanent_effect(&Undo::Task(undo)) {
        run.emit(OneOffFact::NotUndone {
            what: sentence.into(),
        });
    }
    UndoOutcome::NothingToUndo
}

/// What ran in a task: the containers that have ended, or whatever was stopped with it.
fn list_ran(one_off: &OneOffUndo, arn: &TaskArn, ended: Option<&Task>) -> Vec<OneOffTask> {
    let to_entry = |container: &str, end| OneOffTask {
        command: one_off.command.as_ref().map(Text::from),
        task: arn.clone(),
        container: container.to_owned(),
        end,
    };
    match ended {
        None => vec![to_entry("", TaskEnd::Stopped)],
        Some(task) => {
            let exited = task
                .containers
                .iter()
                .filter_map(|container| Some((container, container.exit_code?)));
            exited
                .map(|(container, code)| to_entry(&container.name, TaskEnd::Exited { code }))
                .collect()
        }
    }
}

async fn find_tasks(run: &Run, undo: &TaskUndo) -> Vec<TaskArn> {
    let listed = run
        .aws
        .list_tasks_started_by(&undo.cluster, &undo.started_by)
        .await;
    let running = run
        .optional_read(
            "a one-off task whose start was not answered is not looked for",
            listed,
        )
        .unwrap_or_default();
    if running.is_empty() {
        return Vec::new();
    }
    let described = run.aws.describe_tasks(&undo.cluster, &running).await;
    let tasks: Vec<Task> = run
        .optional_read(
            "a one-off task whose start was not answered is not looked for",
            described,
        )
        .unwrap_or_default();
    let is_ours = |task: &Task| {
        task.task_definition_arn == undo.revision
            && (undo.group.is_none() || undo.group == task.group)
    };
    tasks
        .into_iter()
        .filter(is_ours)
        .map(|task| task.task_arn)
        .collect()
}
