//! PURE: a migration of the database as the user asked for it, and what the exit code of its check
//! means.

use std::time::Duration;

use super::backup::BackupRequest;
use super::run_task::TaskRequest;

/// A migration, by its commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationRequest {
    /// The words of the command that migrates.
    pub command: Vec<String>,
    /// The container that it runs in, where the user names one.
    pub container: Option<String>,
    /// How long each of the commands may take.
    pub timeout: Duration,
    /// The other commands.
    pub companions: MigrationCommands,
    /// The backup before it.
    pub backup: Option<BackupRequest>,
}

/// The command that undoes the migration of a rollout that another job has started.
#[derive(Debug, Clone)]
pub struct MigrationUndoRequest {
    /// Its words.
    pub words: Vec<String>,
    /// The container that it runs in, where the user names one.
    pub container: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// Where its task runs.
    pub request: TaskRequest,
}

/// The commands around a migration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationCommands {
    /// Says whether anything is pending.
    pub check: Option<PendingCheck>,
    /// Must exit with 0 afterwards.
    pub verify: Option<Vec<String>>,
    /// Undoes the migration.
    pub undo: Option<UndoCommand>,
}

/// A command that undoes a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoCommand {
    /// Its words.
    pub words: Vec<String>,
    /// Whether it also runs when the migration itself has failed.
    pub after_failure: UndoAfterFailure,
}

/// Whether a migration that has failed is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoAfterFailure {
    /// It is left as it is, for a person.
    Never,
    /// It is undone like one that ended well.
    Allowed,
}

/// A command whose exit code says whether anything is pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingCheck {
    /// Its words.
    pub words: Vec<String>,
    /// The exit codes that mean that something is.
    pub pending: PendingCode,
}

/// The exit codes that mean that something is pending. 0 always means that nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingCode {
    /// Every other one.
    AnyOther,
    /// This one only; every other one means that the check itself has failed.
    Only(i32),
}

/// What a check has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckVerdict {
    /// The migration has nothing to do.
    NothingPending,
    /// The migration has to run.
    Pending,
    /// The check could not tell.
    Unclear,
}

/// The words that stand for a tool's own check, with its command and the exit code for "pending".
const PRESETS: &[(&str, &[&str], i32)] = &[
    ("alembic", &["alembic", "current", "--check-heads"], 255),
    ("django", &["python", "manage.py", "migrate", "--check"], 1),
    ("rails", &["bin/rails", "db:abort_if_pending_migrations"], 1),
    ("prisma", &["npx", "prisma", "migrate", "status"], 1),
];

impl PendingCheck {
    /// The check that these words mean: a tool's own, where they are its name.
    pub fn new(words: Vec<String>) -> Self {
        let preset = PRESETS
            .iter()
            .find(|(name, ..)| words.as_slice() == [*name]);
        match preset {
            Some((_, command, pending)) => Self {
                words: command.iter().map(|word| (*word).to_owned()).collect(),
                pending: PendingCode::Only(*pending),
            },
            None => Self {
                words,
                pending: PendingCode::AnyOther,
            },
        }
    }

    /// What its exit code means; a container without one never ran.
    pub fn evaluate(&self, exit_code: Option<i32>) -> CheckVerdict {
        match (exit_code, self.pending) {
            (Some(0), _) => CheckVerdict::NothingPending,
            (Some(_), PendingCode::AnyOther) => CheckVerdict::Pending,
            (Some(code), PendingCode::Only(pending)) if code == pending => CheckVerdict::Pending,
            (_, _) => CheckVerdict::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str]) -> PendingCheck {
        PendingCheck::new(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_tool_s_name_stands_for_its_own_check_and_only_its_exit_code_means_pending() {
        let alembic = check(&["alembic"]);
        assert_eq!(alembic.words, ["alembic", "current", "--check-heads"]);
        let verdicts = [Some(0), Some(255), Some(1), Some(127), None];
        assert_eq!(
            verdicts.map(|code| alembic.evaluate(code)),
            [
                CheckVerdict::NothingPending,
                CheckVerdict::Pending,
                CheckVerdict::Unclear,
                CheckVerdict::Unclear,
                CheckVerdict::Unclear
            ]
        );
        for name in ["django", "rails", "prisma"] {
            assert_eq!(check(&[name]).pending, PendingCode::Only(1), "{name}");
        }
    }

    #[test]
    fn of_a_command_of_one_s_own_every_other_exit_code_means_pending() {
        let own = check(&["alembic", "check"]);
        assert_eq!(own.words, ["alembic", "check"]);
        assert_eq!(
            [Some(0), Some(1), Some(127), None].map(|code| own.evaluate(code)),
            [
                CheckVerdict::NothingPending,
                CheckVerdict::Pending,
                CheckVerdict::Pending,
                CheckVerdict::Unclear
            ]
        );
    }
}
