//! PURE: the task that runs before the rollout, one-off or the migration's, and where tasks run that
//! do not belong to the service.

use std::time::Duration;

use serde_json::{Value, json};

use crate::choices::PollSettings;
use crate::documents::backup::BackupRequest;
use crate::documents::migration::{MigrationCommands, MigrationRequest, MigrationUndoRequest};
use crate::documents::overrides::Items;
use crate::documents::render::find_only_container;
use crate::documents::run_task::{TaskRequest, TaskWait};
use crate::documents::task_definition::TaskDefinition;
use crate::event::OneOffKind;
use crate::identity::{ClusterName, ServiceName};
use crate::problem::Problem;
use crate::run_order::RunOrder;
use crate::settings::Settings;

/// The task that runs before the rollout.
#[derive(Debug)]
pub struct TaskPlan {
    /// Where it runs.
    pub host: TaskHost,
    /// The request to RunTask.
    pub request: TaskRequest,
    /// Its deadline.
    pub deadline: Duration,
    /// Which run goes first if another one has a task for the same service.
    pub order: RunOrder,
    /// The migration that it is for.
    pub migration: Option<MigrationPlan>,
}

impl TaskPlan {
    /// What it is for.
    pub fn kind(&self) -> OneOffKind {
        if self.migration.is_some() {
            OneOffKind::Migration
        } else {
            OneOffKind::Task
        }
    }
}

/// The migration that the task before the rollout is for.
#[derive(Debug)]
pub struct MigrationPlan {
    /// The container in which its commands run.
    pub container: String,
    /// The words of the command that migrates.
    pub command: Vec<String>,
    /// The commands around it.
    pub companions: MigrationCommands,
    /// The backup before it.
    pub backup: Option<BackupRequest>,
}

/// How the migration of a rollout is undone that another job has started.
#[derive(Debug)]
pub struct MigrationUndoPlan {
    /// Where its task runs.
    pub host: TaskHost,
    /// The command; none where the inputs have none.
    pub command: Option<MigrationUndoRequest>,
}

/// Where tasks run that do not belong to the service, and how they are followed.
#[derive(Debug)]
pub struct TaskHost {
    /// The cluster, as the inputs name it.
    pub cluster: ClusterName,
    /// The service whose network settings they use, as the inputs name it.
    pub service: Option<ServiceName>,
    /// `enableECSManagedTags` of RunTask; not sent when none.
    pub enable_ecs_managed_tags: Option<bool>,
    /// How often they are read.
    pub poll: PollSettings,
}

/// The task that the inputs ask for, by the definition that it will run.
///
/// # Errors
/// There is no container, or no single one, in which the migration could run.
pub(super) fn plan(
    settings: &Settings,
    definition: &Value,
    image_containers: &[String],
) -> Result<Option<TaskPlan>, Vec<Problem>> {
    let Some(request) = settings.task.clone() else {
        return Ok(None);
    };
    let rollout = &settings.rollout;
    let one_off = TaskPlan {
        host: task_host(settings),
        request,
        deadline: rollout.deadline.unwrap_or(rollout.wait),
        order: run_order(settings),
        migration: None,
    };
    let Some(asked) = &settings.migration else {
        return Ok(Some(one_off));
    };
    let container = choose_container(asked, TaskDefinition(definition), image_containers)
        .map_err(|problem| vec![problem])?;
    Ok(Some(for_migration(one_off, asked, container)))
}

/// The same task with the command of a migration.
fn for_migration(task: TaskPlan, asked: &MigrationRequest, container: String) -> TaskPlan {
    TaskPlan {
        request: TaskRequest {
            overrides: command_override(&container, &asked.command),
            wait: TaskWait::UntilStopped,
            ..task.request
        },
        deadline: asked.timeout,
        migration: Some(MigrationPlan {
            container,
            command: asked.command.clone(),
            companions: asked.companions.clone(),
            backup: asked.backup.clone(),
        }),
        ..task
    }
}

/// The override that gives a container a command.
pub fn command_override(container: &str, words: &[String]) -> Items {
    Items {
        items: vec![json!({ "name": container, "command": words })],
        notes: Vec::new(),
    }
}

impl TaskPlan {
    /// The request for a task that runs another command of the migration.
    pub fn request_for(&self, container: &str, words: &[String]) -> TaskRequest {
        TaskRequest {
            overrides: command_override(container, words),
            ..self.request.clone()
        }
    }
}

/// The container that the user names, else the one that gets the image, else the only one there is.
fn choose_container(
    asked: &MigrationRequest,
    definition: TaskDefinition<'_>,
    image_containers: &[String],
) -> Result<String, Problem> {
    const INPUT: &str = "migrate-container";
    let chosen = match (asked.container.as_deref(), image_containers) {
        (Some(name), _) if definition.container(name).is_none() => {
            return Err(Problem::new(
                INPUT,
                format!("there is no container `{name}`"),
                format!(
                    "the task definition has the containers {}",
                    definition.container_names()
                ),
            ));
        }
        (Some(name), _)
            if definition
                .container(name)
                .is_some_and(|container| !container.is_essential()) =>
        {
            return Err(Problem::new(
                INPUT,
                format!("the container `{name}` is not essential: the task would not end with it"),
                "name an essential container",
            ));
        }
        (Some(name), _) => Some(name.to_owned()),
        (None, [only]) => Some(only.clone()),
        (None, _) => find_only_container(definition),
    };
    chosen.ok_or_else(|| {
        Problem::new(
            INPUT,
            "there are several containers, and none is named for the migration",
            format!("set it to one of {}", definition.container_names()),
        )
    })
}

pub(super) fn migration_undo(settings: &Settings) -> MigrationUndoPlan {
    MigrationUndoPlan {
        host: task_host(settings),
        command: settings.migration_undo.clone(),
    }
}

pub(super) fn task_host(settings: &Settings) -> TaskHost {
    TaskHost {
        cluster: settings.cluster.clone(),
        service: settings.service.clone(),
        enable_ecs_managed_tags: settings.rollout.enable_ecs_managed_tags,
        poll: settings.rollout.poll,
    }
}

pub(super) fn run_order(settings: &Settings) -> RunOrder {
    RunOrder {
        if_running: settings.control.if_running,
        stale_run: settings.control.stale_run,
        deadline: settings.rollout.deadline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The named container, the definition, the containers that get the image; and which is chosen.
    type Case<'a> = (
        Option<&'a str>,
        &'a Value,
        &'a [String],
        Result<&'a str, &'a str>,
    );

    #[test]
    fn a_migration_runs_in_the_container_that_is_named_or_gets_the_image_or_is_the_only_one() {
        let one = json!({ "containerDefinitions": [{ "name": "app" }, { "name": "log", "essential": false }] });
        let two = json!({ "containerDefinitions": [{ "name": "app" }, { "name": "web" }] });
        let image = ["web".to_owned()];
        let table: [Case<'_>; 6] = [
            (None, &one, &[], Ok("app")),
            (None, &two, &image, Ok("web")),
            (Some("app"), &two, &image, Ok("app")),
            (
                None,
                &two,
                &[],
                Err("there are several containers, and none is named for the migration"),
            ),
            (Some("db"), &two, &image, Err("there is no container `db`")),
            (
                Some("log"),
                &one,
                &[],
                Err("the container `log` is not essential: the task would not end with it"),
            ),
        ];
        for (container, definition, images, expected) in table {
            let asked = MigrationRequest {
                command: vec!["up".into()],
                container: container.map(str::to_owned),
                timeout: Duration::from_mins(10),
                companions: MigrationCommands::default(),
                backup: None,
            };
            let chosen = choose_container(&asked, TaskDefinition(definition), images);
            let chosen = chosen
                .as_deref()
                .map_err(|problem| problem.message.as_str());
            assert_eq!(chosen, expected, "{container:?} {images:?}");
        }
    }
}
