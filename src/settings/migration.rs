//! The migration of the database.

use std::time::Duration;

use serde_json::Value;

use super::collect::ProblemCollector;
use crate::checks::command;
use crate::documents::backup::{BackupRequest, Database};
use crate::documents::command_secrets::secrets_in_command;
use crate::documents::migration::{
    MigrationCommands, MigrationRequest, MigrationUndoRequest, PendingCheck, UndoAfterFailure,
    UndoCommand,
};
use crate::documents::run_task::TaskWait;
use crate::inputs::Inputs;
use crate::outcome::Mode;
use crate::secret::Secret;

/// The time of each command, unless the user gives one.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(10);
/// The time of the backup, unless the user gives one: the first snapshot of a large database takes
/// long, later ones only what has changed.
const DEFAULT_BACKUP_TIMEOUT: Duration = Duration::from_hours(1);
/// Modes that answer, or stop, a rollout that another job has started.
const ANSWERING: [Mode; 3] = [Mode::Continue, Mode::Abort, Mode::Rollback];

pub(super) fn settings(
    mode: Mode,
    inputs: &Inputs,
    collect: &mut ProblemCollector,
) -> Option<MigrationRequest> {
    let Some(text) = inputs.migrate.as_deref() else {
        refuse_companions_without_migration(mode, inputs, collect);
        if mode == Mode::Migrate {
            collect.add_problem("migrate", "mode migrate has nothing to run", "set migrate");
        }
        return None;
    };
    refuse_second_task(inputs, collect);
    let command = read_command("migrate", Some(text), collect);
    let timeout = read_timeout(inputs, collect);
    let backup = read_backup(inputs, collect);
    let companions = MigrationCommands {
        check: read_command("migrate-check", inputs.migrate_check.as_deref(), collect)
            .map(PendingCheck::new),
        verify: read_command("migrate-verify", inputs.migrate_verify.as_deref(), collect),
        undo: read_undo(inputs, collect),
    };
    Some(MigrationRequest {
        command: command?,
        container: inputs.migrate_container.clone(),
        timeout,
        companions,
        backup,
    })
}

/// The command that undoes the migration of a rollout that another job has started.
pub(super) fn undo_settings(
    mode: Mode,
    inputs: &Inputs,
    collect: &mut ProblemCollector,
) -> Option<MigrationUndoRequest> {
    if !ANSWERING.contains(&mode) || inputs.migrate_undo.is_none() {
        return None;
    }
    let words = read_command("migrate-undo", inputs.migrate_undo.as_deref(), collect);
    let timeout = read_timeout(inputs, collect);
    let mut request = super::task::request(inputs, collect)?;
    request.wait = TaskWait::UntilStopped;
    Some(MigrationUndoRequest {
        words: words?,
        container: inputs.migrate_container.clone(),
        timeout,
        request,
    })
}

fn read_timeout(inputs: &Inputs, collect: &mut ProblemCollector) -> Duration {
    let timeout = collect.read_duration("migrate-timeout", inputs.migrate_timeout.as_deref());
    if timeout == Some(Duration::ZERO) {
        collect.add_problem(
            "migrate-timeout",
            "no command is over in no time",
            "leave it out for ten minutes, or give a longer time",
        );
    }
    timeout.unwrap_or(DEFAULT_TIMEOUT)
}

fn read_backup(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<BackupRequest> {
    let timeout = collect.read_duration("backup-timeout", inputs.backup_timeout.as_deref());
    if timeout == Some(Duration::ZERO) {
        collect.add_problem(
            "backup-timeout",
            "no backup is made in no time",
            "leave it out for an hour, or give a longer time",
        );
    }
    let Some(text) = inputs.backup_before.as_deref() else {
        if inputs.backup_timeout.is_some() {
            collect.add_problem(
                "backup-timeout",
                "there is no backup that it could belong to",
                "set backup-before, or leave it out",
            );
        }
        return None;
    };
    let database = Database::from_input(text);
    if database.is_none() {
        collect.add_problem(
            "backup-before",
            format!("`{text}` names no database"),
            "give rds: and the identifier of an instance, or rds-cluster: and that of a cluster, such as rds:orders",
        );
    }
    Some(BackupRequest {
        database: database?,
        timeout: timeout.unwrap_or(DEFAULT_BACKUP_TIMEOUT),
    })
}

fn read_undo(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<UndoCommand> {
    const ON_FAILURE: &str = "migrate-undo-on-failure";
    let on_failure = collect.read_bool(ON_FAILURE, inputs.migrate_undo_on_failure.as_deref());
    if on_failure == Some(true) && inputs.migrate_undo.is_none() {
        collect.add_problem(
            ON_FAILURE,
            "there is no command that could undo the migration",
            "set migrate-undo, or leave it out",
        );
    }
    let words = read_command("migrate-undo", inputs.migrate_undo.as_deref(), collect)?;
    Some(UndoCommand {
        words,
        after_failure: match on_failure {
            Some(true) => UndoAfterFailure::Allowed,
            Some(false) | None => UndoAfterFailure::Never,
        },
    })
}

/// The secrets in the commands of the inputs, as far as their form tells.
pub(super) fn command_secrets(inputs: &Inputs) -> Vec<Secret> {
    let commands = [
        &inputs.migrate,
        &inputs.migrate_check,
        &inputs.migrate_verify,
        &inputs.migrate_undo,
    ];
    let words = commands
        .into_iter()
        .flatten()
        .filter_map(|text| command::split_words(text));
    let overrides = inputs.task_overrides.as_deref().unwrap_or_default();
    let overrides: Vec<Value> = serde_json::from_str(overrides).unwrap_or_default();
    let overridden = overrides.iter().map(|container| {
        let words = container["command"].as_array().into_iter().flatten();
        words
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    });
    words
        .chain(overridden)
        .flat_map(|words: Vec<String>| secrets_in_command(&words))
        .map(Secret::new)
        .collect()
}

/// The words of a command; none where it is absent or cannot be split.
fn read_command(
    input: &str,
    text: Option<&str>,
    collect: &mut ProblemCollector,
) -> Option<Vec<String>> {
    match command::split_words(text?) {
        None => {
            collect.add_problem(input, "a quote is not closed", command::UNCLOSED);
            None
        }
        Some(words) if words.iter().all(|word| word.trim().is_empty()) => {
            collect.add_problem(
                input,
                "it has no words",
                "give a command, or leave the input out",
            );
            None
        }
        Some(words) => Some(words),
    }
}

fn refuse_companions_without_migration(
    mode: Mode,
    inputs: &Inputs,
    collect: &mut ProblemCollector,
) {
    // What undoes the migration of another job's rollout needs no migration of its own.
    let undoes = ANSWERING.contains(&mode) && inputs.migrate_undo.is_some();
    let of_undo = ["migrate-container", "migrate-timeout", "migrate-undo"];
    let companions = [
        ("migrate-container", &inputs.migrate_container),
        ("migrate-timeout", &inputs.migrate_timeout),
        ("migrate-check", &inputs.migrate_check),
        ("migrate-verify", &inputs.migrate_verify),
        ("migrate-undo", &inputs.migrate_undo),
        ("migrate-undo-on-failure", &inputs.migrate_undo_on_failure),
        ("backup-before", &inputs.backup_before),
        ("backup-timeout", &inputs.backup_timeout),
    ];
    let given = companions
        .into_iter()
        .filter(|(input, value)| value.is_some() && !(undoes && of_undo.contains(input)));
    for (input, _) in given {
        collect.add_problem(
            input,
            "there is no migration that it could belong to",
            "set migrate, or leave it out",
        );
    }
}

fn refuse_second_task(inputs: &Inputs, collect: &mut ProblemCollector) {
    let runs_another = inputs
        .run_task
        .as_deref()
        .is_some_and(|text| text.eq_ignore_ascii_case("true"));
    if runs_another {
        collect.add_problem(
            "run-task",
            "migrate runs a task of the new revision already, and there is only one before the rollout",
            "leave run-task out and let migrate do both, or leave migrate out",
        );
    }
}
