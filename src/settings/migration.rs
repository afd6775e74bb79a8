//! The migration of the database.

use std::time::Duration;

use super::collect::ProblemCollector;
use crate::checks::command;
use crate::documents::migration::{
    MigrationCommands, MigrationRequest, PendingCheck, UndoAfterFailure, UndoCommand,
};
use crate::inputs::Inputs;
use crate::outcome::Mode;

/// The time of each command, unless the user gives one.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(10);

pub(super) fn settings(
    mode: Mode,
    inputs: &Inputs,
    collect: &mut ProblemCollector,
) -> Option<MigrationRequest> {
    let Some(text) = inputs.migrate.as_deref() else {
        refuse_companions_without_migration(inputs, collect);
        if mode == Mode::Migrate {
            collect.add_problem("migrate", "mode migrate has nothing to run", "set migrate");
        }
        return None;
    };
    refuse_second_task(inputs, collect);
    let command = read_command("migrate", Some(text), collect);
    let timeout = collect.read_duration("migrate-timeout", inputs.migrate_timeout.as_deref());
    if timeout == Some(Duration::ZERO) {
        collect.add_problem(
            "migrate-timeout",
            "no command is over in no time",
            "leave it out for ten minutes, or give a longer time",
        );
    }
    let companions = MigrationCommands {
        check: read_command("migrate-check", inputs.migrate_check.as_deref(), collect)
            .map(PendingCheck::new),
        verify: read_command("migrate-verify", inputs.migrate_verify.as_deref(), collect),
        undo: read_undo(inputs, collect),
    };
    Some(MigrationRequest {
        command: command?,
        container: inputs.migrate_container.clone(),
        timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
        companions,
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

fn refuse_companions_without_migration(inputs: &Inputs, collect: &mut ProblemCollector) {
    let companions = [
        ("migrate-container", &inputs.migrate_container),
        ("migrate-timeout", &inputs.migrate_timeout),
        ("migrate-check", &inputs.migrate_check),
        ("migrate-verify", &inputs.migrate_verify),
        ("migrate-undo", &inputs.migrate_undo),
        ("migrate-undo-on-failure", &inputs.migrate_undo_on_failure),
    ];
    for (input, _) in companions.into_iter().filter(|(_, value)| value.is_some()) {
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
