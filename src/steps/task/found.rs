//! The migration of a rollout that another job has started, as far as ECS still knows its task.

use super::mark::{MarkedTask, TaskMark};
use super::others::{Marked, has_succeeded, list_marked};
use crate::aws::AwsError;
use crate::aws::ecs::DesiredTaskStatus;
use crate::aws::ecs_shapes::Task;
use crate::documents::run_task::describe_words;
use crate::event::{Migration, OneOffKind, OneOffTask, TaskEnd};
use crate::identity::RevisionArn;
use crate::plan::TaskHost;
use crate::run::Run;
use crate::undo::{OneOffUndo, TaskUndo};

/// A migration that was found by its task.
#[derive(Debug, Clone)]
pub struct FoundMigration {
    /// The run that migrated.
    pub run: String,
    /// The container in which it ran.
    pub container: String,
    /// Its command, and how it ended.
    pub migration: Migration,
    revision: RevisionArn,
    ran: OneOffTask,
}

impl FoundMigration {
    /// What is reported of it, because nothing but a command undoes what it did.
    pub fn undo(&self, host: &TaskHost) -> TaskUndo {
        TaskUndo {
            cluster: host.cluster.clone(),
            started_by: format!("ecs-bluegreen/{}", self.run),
            revision: self.revision.clone(),
            group: None,
            arns: vec![self.ran.task.clone()],
            one_off: Some(OneOffUndo {
                kind: OneOffKind::Migration,
                command: self.ran.command.as_ref().map(ToString::to_string),
                ran: vec![self.ran.clone()],
            }),
        }
    }
}

/// The migration that a workflow run has made with this revision, in any of its attempts; none where
/// there was none, it was undone since, or ECS has forgotten its task.
///
/// # Errors
/// The tasks could not be read.
pub async fn find_migration(
    run: &Run,
    host: &TaskHost,
    revision: &RevisionArn,
    of_run: &str,
) -> Result<Option<FoundMigration>, AwsError> {
    let Some(service) = &host.service else {
        return Ok(None);
    };
    let mut tasks = Vec::new();
    for wanted in [DesiredTaskStatus::Stopped, DesiredTaskStatus::Running] {
        tasks.extend(list_marked(run, &host.cluster, revision, wanted).await?);
    }
    tasks.retain(|(mark, _)| mark.is_for(service) && is_same_workflow(mark.run(), of_run));
    Ok(choose(&tasks, revision))
}

/// The newest migration that ended well, unless it was undone since.
fn choose(tasks: &[Marked], revision: &RevisionArn) -> Option<FoundMigration> {
    let of_kind = |kind| {
        tasks
            .iter()
            .filter(move |(mark, task)| mark.kind() == kind && has_succeeded(task, &[]))
            .max_by(|(_, one), (_, other)| one.created_at.total_cmp(&other.created_at))
    };
    let (mark, task) = of_kind(MarkedTask::Migration)?;
    let is_undone =
        of_kind(MarkedTask::Undo).is_some_and(|(_, undone)| undone.created_at > task.created_at);
    if is_undone || task.task_definition_arn != *revision {
        return None;
    }
    from_task(mark, task)
}

fn from_task(mark: &TaskMark, task: &Task) -> Option<FoundMigration> {
    let overridden = task.overrides.container_overrides.first()?;
    let ran = OneOffTask {
        command: Some(describe_words(&overridden.command).into()),
        task: task.task_arn.clone(),
        container: overridden.name.clone(),
        end: TaskEnd::Exited { code: 0 },
    };
    Some(FoundMigration {
        run: mark.run().to_owned(),
        container: overridden.name.clone(),
        migration: Migration::of_container(&ran),
        revision: task.task_definition_arn.clone(),
        ran,
    })
}

/// Whether both are attempts of one workflow run; runs by hand are only themselves.
fn is_same_workflow(run: &str, other: &str) -> bool {
    let workflow = |run: &str| {
        run.split_once('-')
            .filter(|(number, _)| number.parse::<u64>().is_ok())
            .map(|(number, _)| number.to_owned())
    };
    run == other || workflow(run).is_some_and(|number| workflow(other) == Some(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ecs_shapes::{Container, ContainerOverride, TaskOverrides};

    const REVISION: &str = "arn:aws:ecs:eu-central-1:1:task-definition/api:2";

    fn task(purpose: &str, at: f64, exit_code: i32) -> Marked {
        let task = Task {
            task_arn: format!("t/{at}").into(),
            task_definition_arn: REVISION.into(),
            group: Some(format!("ecs-bluegreen:42-1-aa:{purpose}:api")),
            created_at: at,
            containers: vec![Container {
                name: "app".into(),
                exit_code: Some(exit_code),
                reason: None,
                ..Container::default()
            }],
            overrides: TaskOverrides {
                container_overrides: vec![ContainerOverride {
                    name: "app".into(),
                    command: vec!["up".into()],
                }],
            },
            ..Task::default()
        };
        (TaskMark::from_task(&task).unwrap(), task)
    }

    fn chosen(tasks: &[Marked], revision: &str) -> Option<String> {
        let found = choose(tasks, &revision.into())?;
        Some(format!("{} {}", found.migration.describe(), found.ran.task))
    }

    #[test]
    fn the_newest_migration_that_ended_well_is_found_unless_it_was_undone() {
        let newest = Some("command \"up\", exit 0 t/2".to_owned());
        let up = [task("migrate-0a", 1.0, 0), task("migrate-0a", 2.0, 0)];
        assert_eq!(chosen(&up, REVISION), newest);
        assert_eq!(
            chosen(&up, "arn:aws:ecs:eu-central-1:1:task-definition/api:3"),
            None
        );
        let undone_before = [task("undo-0b", 1.5, 0), up[1].clone()];
        assert_eq!(chosen(&undone_before, REVISION), newest);
        let undone_since = [up[1].clone(), task("undo-0b", 3.0, 0)];
        assert_eq!(chosen(&undone_since, REVISION), None);
        let not_undone = [up[1].clone(), task("undo-0b", 3.0, 1)];
        assert_eq!(chosen(&not_undone, REVISION), newest);
        let others = [
            task("migrate-0a", 1.0, 3),
            task("check-0a", 2.0, 0),
            task("0a", 3.0, 0),
        ];
        assert_eq!(chosen(&others, REVISION), None);
    }

    #[test]
    fn attempts_of_a_workflow_run_belong_together() {
        assert!(is_same_workflow("42-1-aa", "42-2-bb"));
        assert!(!is_same_workflow("42-1-aa", "43-1-aa"));
        assert!(is_same_workflow("local-aa", "local-aa"));
        assert!(!is_same_workflow("local-aa", "local-bb"));
    }
}
