//! Which containers of a task count, what they run, and how they ended.

use serde_json::Value;

use crate::aws::ecs_shapes::Task;
use crate::documents::run_task::{TaskRequest, describe_words};
use crate::documents::task_definition::{TaskDefinition, text};
use crate::event::{OneOffTask, TaskEnd};

/// The containers that ran; one without an exit code never did.
pub(super) fn list_exited(
    asked: &TaskRequest,
    tasks: &[Task],
    deciding: &[String],
) -> Vec<OneOffTask> {
    let all = tasks.iter().flat_map(|task| {
        task.containers
            .iter()
            .map(move |container| (task, container))
    });
    let relevant = all.filter(|(_, container)| deciding.contains(&container.name));
    let exited = relevant
        .filter_map(|(task, container)| Some((task, &container.name, container.exit_code?)));
    let one_off = |(task, name, code): (&Task, &String, i32)| OneOffTask {
        command: command_of(asked, name).map(Into::into),
        task: task.task_arn.clone(),
        container: name.clone(),
        end: TaskEnd::Exited { code },
    };
    exited.map(one_off).collect()
}

/// The tasks that continue alongside the rollout.
pub(super) fn list_not_awaited(
    asked: &TaskRequest,
    tasks: &[Task],
    deciding: &[String],
) -> Vec<OneOffTask> {
    let all = tasks
        .iter()
        .flat_map(|task| deciding.iter().map(move |name| (task, name)));
    let one_off = |(task, name): (&Task, &String)| OneOffTask {
        command: command_of(asked, name).map(Into::into),
        task: task.task_arn.clone(),
        container: name.clone(),
        end: TaskEnd::NotWaitedFor,
    };
    all.map(one_off).collect()
}

/// The command that the overrides give to any container.
pub(super) fn first_command(asked: &TaskRequest) -> Option<String> {
    asked.overrides.items.iter().find_map(command_in)
}

/// The command that the overrides give to a container.
fn command_of(asked: &TaskRequest, container: &str) -> Option<String> {
    asked
        .overrides
        .items
        .iter()
        .find(|item| text(item, "name") == Some(container))
        .and_then(command_in)
}

fn command_in(item: &Value) -> Option<String> {
    let words: Vec<&str> = item["command"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    Some(describe_words(&words)).filter(|command| !command.is_empty())
}

/// The containers whose exit code counts: the essential ones that the overrides name, else all
/// essential ones. What a sidecar exits with, when ECS ends the task, says nothing about the task.
pub(super) fn deciding_containers(asked: &TaskRequest, definition: &Value) -> Vec<String> {
    let essential: Vec<String> = TaskDefinition(definition)
        .essential_containers()
        .filter_map(|container| container.name().map(str::to_owned))
        .collect();
    let overridden: Vec<&str> = asked
        .overrides
        .items
        .iter()
        .filter_map(|item| text(item, "name"))
        .collect();
    let both: Vec<String> = essential
        .iter()
        .filter(|name| overridden.contains(&name.as_str()))
        .cloned()
        .collect();
    if both.is_empty() { essential } else { both }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::documents::run_task::MAX_COMMAND;

    #[test]
    fn a_long_command_is_cut_and_none_is_none() {
        let command = |words: Value| command_in(&json!({ "name": "app", "command": words }));
        assert_eq!(
            command(json!(["alembic", "upgrade", "head"])).as_deref(),
            Some("alembic upgrade head")
        );
        assert_eq!(command(json!([])), None);
        assert_eq!(command_in(&json!({ "name": "app" })), None);
        let long = command(json!(["x".repeat(200)])).unwrap();
        assert_eq!(
            (long.chars().count(), long.ends_with('…')),
            (MAX_COMMAND + 1, true)
        );
    }
}
