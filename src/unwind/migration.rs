//! Undoes a migration by the command of the user, in a task of the new revision, once the old version
//! serves again. The request has a token of its own, so that it is done once however often it is
//! asked for.

use std::time::Duration;

use super::UndoOutcome;
use super::revision::is_serving;
use crate::aws::ecs::ServiceLookup;
use crate::choices::PollSettings;
use crate::documents::described::from_described;
use crate::error::Failure;
use crate::event::Event;
use crate::event::fact::MigrationFact;
use crate::outcome::Reason;
use crate::plan::TaskHost;
use crate::run::Run;
use crate::steps::task::TaskCommand;
use crate::undo::MigrationUndo;

/// The longest pause between two looks at its task.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(15);

pub(super) async fn undo(run: &Run, undo: &MigrationUndo) -> Result<UndoOutcome, Failure> {
    if serves_new_version(run, undo).await? {
        run.emit(MigrationFact::StaysWithNewVersion {
            command: undo.command().into(),
        });
        return Ok(UndoOutcome::NothingToUndo);
    }
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
    if end.exit_code != Some(0) {
        return Err(end
            .failure(&command, "the migration could not be undone")
            .with_hint(by_hand(undo)));
    }
    run.mark_migration_undone(undo.command());
    run.emit(Event::Migrated {
        migration: undo.migration.clone().undone_by(undo.command().into()),
    });
    Ok(UndoOutcome::Done)
}

/// Whether the version that the migration was for serves all the same.
async fn serves_new_version(run: &Run, undo: &MigrationUndo) -> Result<bool, Failure> {
    let Some(place) = &undo.service else {
        return Ok(false);
    };
    match run
        .aws
        .describe_service(&place.cluster, &place.service)
        .await
    {
        Ok(ServiceLookup::Service(service)) => Ok(is_serving(&service, &undo.revision)),
        Ok(ServiceLookup::Missing(_)) => Ok(false),
        Err(error) => Err(Failure::new(
            Reason::MigrationFailed,
            "whether the new version serves could not be read, so its migration is not undone",
        )
        .with_cause(error.to_string())
        .with_hint(by_hand(undo))),
    }
}

fn by_hand(undo: &MigrationUndo) -> String {
    format!(
        "look at what the schema is, and undo the rest by hand, in a task of {} or otherwise (docs/stuck.md#the-migration-was-not-undone)",
        crate::aws::arn::short_name(&undo.revision)
    )
}
