//! Undoes a migration by the command of the user, in a task of the new revision, once the old version
//! serves again. The request has a token of its own, so that it is done once however often it is
//! asked for.

use std::time::Duration;

use super::UndoOutcome;
use super::revision::is_serving;
use crate::aws::AwsErrorKind;
use crate::aws::ecs::{DesiredTaskStatus, ServiceLookup};
use crate::aws::ecs_shapes::{Service, Task};
use crate::choices::PollSettings;
use crate::documents::described::from_described;
use crate::error::Failure;
use crate::event::Event;
use crate::event::fact::MigrationFact;
use crate::identity::RevisionArn;
use crate::outcome::Reason;
use crate::plan::TaskHost;
use crate::run::Run;
use crate::steps::task::{MarkedTask, TaskCommand, TaskMark, family_of, has_succeeded};
use crate::undo::{MigrationFate, MigrationUndo};

/// The longest pause between two looks at its task.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(15);
/// What is said where tasks cannot be read.
const LIMITED: &str = "whether another run has migrated since is not known before the undo";

pub(super) async fn undo(run: &Run, undo: &MigrationUndo) -> Result<UndoOutcome, Failure> {
    let service = read_service(run, undo).await?;
    if service
        .as_ref()
        .is_some_and(|service| is_serving(service, &undo.revision))
    {
        run.emit(MigrationFact::StaysWithNewVersion {
            command: undo.command().into(),
        });
        return Ok(UndoOutcome::NothingToUndo);
    }
    let tasks = list_marked_tasks(run, undo).await?;
    check_family(undo, service.as_ref(), &tasks)?;
    if let Some(newer) = find_newer(undo, &tasks) {
        keep_for_newer(run, undo, newer);
        return Ok(UndoOutcome::NothingToUndo);
    }
    if let Some((other, task)) = find_undo_of_others(undo, &tasks) {
        leave_to_other(run, undo, other, task);
        return Ok(UndoOutcome::NothingToUndo);
    }
    run_command(run, undo).await?;
    run.set_migration_fate(MigrationFate::UndoneBy(undo.command()));
    run.emit(Event::Migrated {
        migration: undo.migration.clone().undone_by(undo.command().into()),
    });
    Ok(UndoOutcome::Done)
}

async fn run_command(run: &Run, undo: &MigrationUndo) -> Result<(), Failure> {
    let described = run
        .aws
        .describe_task_definition(undo.revision.as_str())
        .await;
    let check = "the log of migrate-undo is not shown";
    let definition = run
        .optional_read(check, described)
        .map(|answer| from_described(&answer))
        .unwrap_or_default();
    let host = TaskHost {
        cluster: undo.cluster.clone(),
        service: undo.service.as_ref().map(|place| place.service.clone()),
        enable_ecs_managed_tags: None,
        poll: PollSettings {
            fixed_interval: undo.poll_milliseconds.map(Duration::from_millis),
            max_interval: MAX_POLL_INTERVAL,
        },
    };
    let command = TaskCommand {
        run,
        host: &host,
        input: "migrate-undo",
        words: &undo.words,
        container: &undo.container,
        definition: &definition,
        timeout: Duration::from_secs(undo.timeout_seconds),
    };
    let ended = command.run(&undo.request, |_| {}).await;
    let end = ended.map_err(|failure| failure.with_hint(by_hand(undo)))?;
    if end.exit_code == Some(0) {
        return Ok(());
    }
    Err(end
        .failure(&command, "the migration could not be undone")
        .with_hint(by_hand(undo)))
}

async fn read_service(run: &Run, undo: &MigrationUndo) -> Result<Option<Service>, Failure> {
    let Some(place) = &undo.service else {
        return Ok(None);
    };
    let read = run
        .aws
        .describe_service(&place.cluster, &place.service)
        .await;
    match read {
        Ok(ServiceLookup::Service(service)) => Ok(Some(*service)),
        Ok(ServiceLookup::Missing(_)) => Ok(None),
        Err(error) => Err(not_undone(
            undo,
            "whether the new version serves could not be read, so its migration is not undone",
        )
        .with_cause(error.to_string())),
    }
}

/// The tasks of the service's migrations that ECS still knows. Where it is denied to read them there
/// are none, and that is said.
async fn list_marked_tasks(
    run: &Run,
    undo: &MigrationUndo,
) -> Result<Vec<(TaskMark, Task)>, Failure> {
    let Some(place) = &undo.service else {
        return Ok(Vec::new());
    };
    let family = family_of(&undo.revision);
    let mut tasks = Vec::new();
    for wanted in [DesiredTaskStatus::Running, DesiredTaskStatus::Stopped] {
        match run
            .aws
            .list_family_tasks(&undo.cluster, family, wanted)
            .await
        {
            Ok(found) => tasks.extend(found),
            Err(error) if error.kind == AwsErrorKind::Denied => {
                run.limit_check(LIMITED, &error);
                return Ok(Vec::new());
            }
            Err(error) => {
                return Err(not_undone(
                    undo,
                    "whether another run has migrated since could not be read, so the migration is not undone",
                )
                .with_cause(error.to_string()));
            }
        }
    }
    let marked = tasks
        .into_iter()
        .filter_map(|task| Some((TaskMark::from_task(&task)?, task)));
    Ok(marked
        .filter(|(mark, _)| mark.is_for(&place.service))
        .collect())
}

/// The saved state can be changed by other steps: a revision is run only if it is of a family of the
/// service, or ran the migration itself.
fn check_family(
    undo: &MigrationUndo,
    service: Option<&Service>,
    tasks: &[(TaskMark, Task)],
) -> Result<(), Failure> {
    let Some(service) = service else {
        return Ok(());
    };
    let family = family_of(&undo.revision);
    let is_known = families_of(service).any(|known| known == family)
        || tasks.iter().any(|(mark, task)| {
            mark.kind() == MarkedTask::Migration && task.task_definition_arn == undo.revision
        });
    if is_known {
        return Ok(());
    }
    let sentence = format!(
        "{} is no revision of the service, and ran no migration of it, so the migration is not undone by it",
        crate::aws::arn::short_name(&undo.revision)
    );
    Err(not_undone(undo, &sentence))
}

fn families_of(service: &Service) -> impl Iterator<Item = &str> {
    let sets = service.task_sets.iter().map(|set| &set.task_definition);
    let deployments = service
        .deployments
        .iter()
        .map(|deployment| &deployment.task_definition);
    [&service.task_definition]
        .into_iter()
        .chain(sets)
        .chain(deployments)
        .map(|revision: &RevisionArn| family_of(revision))
}

/// Another run's migration that was started after ours, runs or has ended well, and was not undone.
fn find_newer<'t>(undo: &MigrationUndo, tasks: &'t [(TaskMark, Task)]) -> Option<&'t TaskMark> {
    let own = undo.migration.task.as_ref()?;
    let began = tasks
        .iter()
        .find(|(_, task)| task.task_arn == *own)
        .map_or(0.0, |(_, task)| task.created_at);
    let is_undone = |of: &TaskMark, since: f64| {
        tasks.iter().any(|(mark, task)| {
            mark.kind() == MarkedTask::Undo
                && mark.run() == of.run()
                && task.created_at > since
                && has_succeeded(task, &[])
        })
    };
    let newer = tasks.iter().filter(|(mark, task)| {
        mark.kind() == MarkedTask::Migration
            && mark.run() != undo.run
            && task.task_arn != *own
            && task.created_at > began
            && (!task.is_stopped() || has_succeeded(task, &[]))
            && !is_undone(mark, task.created_at)
    });
    newer
        .max_by(|(_, one), (_, other)| one.created_at.total_cmp(&other.created_at))
        .map(|(mark, _)| mark)
}

/// Another run's undo of the same migration, which runs or has ended well: a relative command would
/// take back one migration too many.
fn find_undo_of_others<'t>(
    undo: &MigrationUndo,
    tasks: &'t [(TaskMark, Task)],
) -> Option<(&'t TaskMark, &'t Task)> {
    let own = undo.migration.task.as_ref()?;
    let (_, migrated) = tasks.iter().find(|(_, task)| task.task_arn == *own)?;
    tasks
        .iter()
        .find(|(mark, task)| {
            mark.kind() == MarkedTask::Undo
                && mark.run() != undo.run
                && task.task_definition_arn == migrated.task_definition_arn
                && task.created_at > migrated.created_at
                && (!task.is_stopped() || has_succeeded(task, &[]))
        })
        .map(|(mark, task)| (mark, task))
}

fn leave_to_other(run: &Run, undo: &MigrationUndo, other: &TaskMark, task: &Task) {
    let whose = format!("workflow run {}", other.run());
    run.note_once(format!(
        "{whose} undoes the migration already, so it is not undone a second time"
    ));
    let migration = undo.migration.clone();
    let (migration, fate) = if task.is_stopped() {
        let command = undo.command();
        (
            migration.undone_by(command.as_str().into()),
            MigrationFate::UndoneBy(command),
        )
    } else {
        let why = format!("{whose} is undoing it");
        (
            migration.kept_because(why.as_str().into()),
            MigrationFate::KeptBecause(why),
        )
    };
    run.emit(Event::Migrated { migration });
    run.set_migration_fate(fate);
}

fn keep_for_newer(run: &Run, undo: &MigrationUndo, newer: &TaskMark) {
    run.emit(MigrationFact::StaysForNewer {
        run: newer.run().to_owned(),
        command: undo.command().into(),
    });
    let why = format!("workflow run {} has migrated since", newer.run());
    run.emit(Event::Migrated {
        migration: undo.migration.clone().kept_because(why.as_str().into()),
    });
    run.set_migration_fate(MigrationFate::KeptBecause(why));
}

fn not_undone(undo: &MigrationUndo, sentence: &str) -> Failure {
    Failure::new(Reason::MigrationFailed, sentence).with_hint(by_hand(undo))
}

fn by_hand(undo: &MigrationUndo) -> String {
    format!(
        "look at what the schema is, and undo the rest by hand, in a task of {} or otherwise (docs/stuck.md#the-migration-was-not-undone)",
        crate::aws::arn::short_name(&undo.revision)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aws::ecs_shapes::Container;
    use crate::event::{Migration, TaskEnd};

    const OURS: &str = "arn:aws:ecs:eu-central-1:1:task-definition/api:2";

    fn undo() -> MigrationUndo {
        MigrationUndo {
            cluster: "prod".into(),
            service: None,
            revision: OURS.into(),
            run: "42-1-aa".into(),
            container: "app".into(),
            words: vec!["down".into()],
            request: json!({}),
            timeout_seconds: 60,
            poll_milliseconds: None,
            migration: Migration::ended(
                "up".into(),
                "t/2".into(),
                Some(TaskEnd::Exited { code: 0 }),
            ),
        }
    }

    /// A marked task, made at that second; one with an exit code is over.
    fn task(run: &str, purpose: &str, at: u32, exit: Option<i32>) -> (TaskMark, Task) {
        let task = Task {
            task_arn: format!("t/{at}").into(),
            task_definition_arn: OURS.into(),
            last_status: if exit.is_some() { "STOPPED" } else { "RUNNING" }.into(),
            created_at: f64::from(at),
            group: Some(format!("ecs-bluegreen:{run}:{purpose}:api")),
            containers: vec![Container {
                name: "app".into(),
                exit_code: exit,
                reason: None,
                ..Container::default()
            }],
            ..Task::default()
        };
        (TaskMark::from_task(&task).unwrap(), task)
    }

    fn newer(others: &[(TaskMark, Task)]) -> Option<String> {
        let ours = task("42-1-aa", "migrate-0a", 2, Some(0));
        let tasks: Vec<_> = [ours].into_iter().chain(others.iter().cloned()).collect();
        find_newer(&undo(), &tasks).map(|mark| mark.run().to_owned())
    }

    #[test]
    fn a_migration_of_another_run_since_keeps_ours_unless_it_failed_or_was_undone() {
        let good = task("43-1-bb", "migrate-0b", 3, Some(0));
        let undone = task("43-1-bb", "undo-0c", 4, Some(0));
        let table = [
            (vec![], None),
            (vec![good.clone()], Some("43-1-bb")),
            (
                vec![task("43-1-bb", "migrate-0b", 3, None)],
                Some("43-1-bb"),
            ),
            (vec![task("43-1-bb", "migrate-0b", 3, Some(1))], None),
            (vec![task("43-1-bb", "migrate-0b", 1, Some(0))], None),
            (vec![task("43-1-bb", "check-0b", 3, Some(0))], None),
            (vec![good.clone(), undone], None),
            (
                vec![good, task("43-1-bb", "undo-0c", 4, Some(1))],
                Some("43-1-bb"),
            ),
            (vec![task("42-1-aa", "migrate-0a", 3, Some(0))], None),
        ];
        for (others, expected) in table {
            assert_eq!(newer(&others).as_deref(), expected, "{others:?}");
        }
    }

    #[test]
    fn only_a_revision_of_the_service_or_of_its_migration_is_run() {
        let service = |revision: &str| -> Service {
            serde_json::from_value(json!({ "taskDefinition": revision })).unwrap()
        };
        let of_family = service("arn:aws:ecs:eu-central-1:1:task-definition/api:1");
        let of_other = service("arn:aws:ecs:eu-central-1:1:task-definition/old-api:7");
        assert!(check_family(&undo(), Some(&of_family), &[]).is_ok());
        assert!(check_family(&undo(), Some(&of_other), &[]).is_err());
        let migrated = [task("42-1-aa", "migrate-0a", 2, Some(0))];
        assert!(check_family(&undo(), Some(&of_other), &migrated).is_ok());
        let looked = [task("42-1-aa", "check-0a", 2, Some(0))];
        assert!(check_family(&undo(), Some(&of_other), &looked).is_err());
    }
}
