//! The migration of the database: the one-off task with a check before it and a verification after
//! it, and its undo.

use serde_json::{Value, json};

use super::task::{
    CommandEnd, FoundMigration, MarkedTask, OneOff, OneOffOutcome, TaskCommand, TaskMark,
    build_request,
};
use crate::aws::ecs_shapes::{Service, Task};
use crate::documents::migration::{CheckVerdict, PendingCheck, UndoAfterFailure};
use crate::documents::run_task::{TaskRequest, describe_words};
use crate::error::Failure;
use crate::event::fact::MigrationFact;
use crate::event::{Event, Migration, MigrationState, OneOffTask};
use crate::plan::{MigrationPlan, MigrationUndoPlan, TaskHost, command_override};
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::undo::{MigrationUndo, ServiceKey, TaskUndo, Undo};

/// A client token has at most 64 characters.
const MAX_TOKEN: usize = 64;
/// What serves when a migration, its check or its verification fails.
const NOTHING_ROLLED_OUT: &str = "nothing was rolled out";

/// A command around the migration.
struct Companion<'c> {
    input: &'static str,
    kind: MarkedTask,
    words: &'c [String],
}

/// Whether the database has to be backed up before the migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupState {
    /// It has, where anything is pending.
    Due,
    /// It is backed up, or need not be.
    Done,
}

impl OneOff<'_> {
    /// Runs the migration, unless its check says that nothing is pending, or a backup is due first.
    ///
    /// # Errors
    /// The check could not tell; or as for `run`.
    pub async fn run_migration(
        &self,
        migration: &MigrationPlan,
        backup: BackupState,
    ) -> Result<OneOffOutcome, Failure> {
        if let Some(check) = &migration.companions.check {
            let (verdict, since) = self.check(migration, check).await?;
            if verdict == CheckVerdict::NothingPending {
                return Ok(self.skip_migration(migration, since).await);
            }
        }
        match backup {
            BackupState::Due => Ok(OneOffOutcome::BackupDue),
            BackupState::Done => self.run().await,
        }
    }

    /// Nothing is pending, unless another run has undone or migrated something while that was
    /// looked at.
    async fn skip_migration(&self, migration: &MigrationPlan, since: f64) -> OneOffOutcome {
        if self.is_overtaken(since).await {
            self.run.emit(MigrationFact::LooksAgain);
            return OneOffOutcome::GaveWay;
        }
        self.run.emit(MigrationFact::NothingPending);
        self.run.emit(Event::Migrated {
            migration: Migration::skipped(describe_words(&migration.command).into()),
        });
        OneOffOutcome::NothingPending
    }

    /// What the check says, and when its task was created by AWS's clock.
    async fn check(
        &self,
        migration: &MigrationPlan,
        check: &PendingCheck,
    ) -> Result<(CheckVerdict, f64), Failure> {
        let companion = Companion {
            input: "migrate-check",
            kind: MarkedTask::Check,
            words: &check.words,
        };
        let (command, end) = self.run_companion(migration, &companion).await?;
        let verdict = check.evaluate(end.exit_code);
        match (verdict, end.exit_code) {
            (CheckVerdict::Pending, Some(code)) => self.run.emit(MigrationFact::Pending { code }),
            (CheckVerdict::NothingPending, _) | (CheckVerdict::Pending, None) => {}
            (CheckVerdict::Unclear, _) => {
                return Err(end
                    .failure(
                        &command,
                        "migrate-check cannot tell whether anything is pending",
                    )
                    .with_hint(NOTHING_ROLLED_OUT));
            }
        }
        Ok((verdict, end.created_at))
    }

    /// Runs the verification, where there is one.
    pub(super) async fn verify(&self, migration: &MigrationPlan) -> Result<(), Failure> {
        let Some(words) = &migration.companions.verify else {
            return Ok(());
        };
        let companion = Companion {
            input: "migrate-verify",
            kind: MarkedTask::Verification,
            words,
        };
        let (command, end) = self.run_companion(migration, &companion).await?;
        if end.exit_code == Some(0) {
            self.run.emit(MigrationFact::Verified);
            return Ok(());
        }
        Err(end
            .failure(&command, "the migration ran, and its verification failed")
            .with_hint(NOTHING_ROLLED_OUT))
    }

    /// Runs a command around the migration. Where the run ends early its task is stopped.
    async fn run_companion<'c>(
        &'c self,
        migration: &'c MigrationPlan,
        companion: &Companion<'c>,
    ) -> Result<(TaskCommand<'c>, CommandEnd), Failure> {
        let Companion { input, kind, words } = *companion;
        let command = TaskCommand {
            run: self.run,
            host: &self.plan.host,
            input,
            words,
            container: &migration.container,
            definition: &self.revision.definition,
            timeout: self.plan.deadline,
        };
        let asked = self.plan.request_for(&migration.container, words);
        let mark = self.mark_for(kind, &asked);
        let undo = TaskUndo {
            cluster: self.plan.host.cluster.clone(),
            started_by: self.started_by(),
            revision: self.revision.arn.clone(),
            group: mark.as_ref().map(TaskMark::group),
            ..TaskUndo::default()
        };
        let armed = self.run.arm(Undo::Task(undo.clone()));
        let place = CompanionPlace {
            run: self.run,
            host: &self.plan.host,
            revision: self.revision,
            service: self.service,
        };
        let mut request = place.build_request(&asked, mark.as_ref());
        request["clientToken"] = json!(token(&format!("{}-{input}-{}", self.run.id, self.attempt)));
        let end = command
            .run(&request, |arns| {
                armed.refine(Undo::Task(TaskUndo {
                    arns: arns.to_vec(),
                    ..undo
                }));
            })
            .await?;
        armed.disarm();
        Ok((command, end))
    }

    /// Reports how the migration ended, and arms its undo.
    pub(super) fn finish_migration(
        &self,
        plan: &MigrationPlan,
        tasks: &[Task],
        ran: Option<&OneOffTask>,
    ) {
        match (ran, tasks.first()) {
            (Some(ran), _) => self.arm_migration_undo(plan, &Migration::of_container(ran)),
            (None, Some(task)) => {
                let command = describe_words(&plan.command).into();
                let migration = Migration::ended(command, task.task_arn.clone(), None);
                self.run.emit(Event::Migrated { migration });
            }
            (None, None) => {}
        }
    }

    /// Arms the undo of a migration that has ended, where there is a command for it.
    fn arm_migration_undo(&self, plan: &MigrationPlan, migration: &Migration) {
        let Some(command) = &plan.companions.undo else {
            return;
        };
        let is_undone = match migration.state {
            MigrationState::Ran => true,
            MigrationState::Failed => {
                command.after_failure == UndoAfterFailure::Allowed && migration.exit_code.is_some()
            }
            MigrationState::NotRun
            | MigrationState::Skipped
            | MigrationState::Stopped
            | MigrationState::Undone => false,
        };
        if !is_undone {
            return;
        }
        let place = CompanionPlace {
            run: self.run,
            host: &self.plan.host,
            revision: self.revision,
            service: self.service,
        };
        let asked = self.plan.request_for(&plan.container, &command.words);
        let mut undo = place.build_undo(&asked, &plan.container, &command.words, migration.clone());
        undo.timeout_seconds = self.plan.deadline.as_secs().max(1);
        self.run.arm(Undo::Migration(undo));
    }
}

/// Where a command around a migration runs, and for which run.
struct CompanionPlace<'c> {
    run: &'c Run,
    host: &'c TaskHost,
    revision: &'c Revision,
    service: Option<&'c Service>,
}

impl CompanionPlace<'_> {
    /// Tasks around a migration name their run, since no input gives them a name.
    fn build_request(&self, asked: &TaskRequest, mark: Option<&TaskMark>) -> Value {
        let mut request = build_request(self.host, asked, self.revision, self.service);
        request["startedBy"] = json!(format!("ecs-bluegreen/{}", self.run.id));
        if let Some(mark) = mark {
            request["group"] = json!(mark.group());
        }
        request
    }

    fn build_undo(
        &self,
        asked: &TaskRequest,
        container: &str,
        words: &[String],
        migration: Migration,
    ) -> MigrationUndo {
        let service = self.host.service.as_ref();
        let mark =
            service.map(|service| TaskMark::new(MarkedTask::Undo, &self.run.id, service, asked));
        let mut request = self.build_request(asked, mark.as_ref());
        request["clientToken"] = json!(token(&format!("{}-migrate-undo", self.run.id)));
        MigrationUndo {
            cluster: self.host.cluster.clone(),
            service: service.map(|service| ServiceKey {
                cluster: self.host.cluster.clone(),
                service: service.clone(),
            }),
            revision: self.revision.arn.clone(),
            run: self.run.id.clone(),
            container: container.to_owned(),
            words: words.to_vec(),
            request,
            timeout_seconds: 0,
            poll_milliseconds: self
                .host
                .poll
                .fixed_interval
                .map(crate::clock::to_milliseconds),
            migration,
        }
    }
}

/// Arms what is known of the migration of a rollout that another job has started: that it ran, and
/// its undo where the inputs of this job have a command for it.
pub fn arm_found_migration(
    run: &Run,
    plan: &MigrationUndoPlan,
    revision: &Revision,
    service: Option<&Service>,
    found: &FoundMigration,
) {
    run.emit(Event::Migrated {
        migration: found.migration.clone(),
    });
    run.arm(Undo::Task(found.undo(&plan.host)));
    let Some(command) = &plan.command else {
        run.emit(MigrationFact::NoUndoGiven {
            command: found.migration.command.clone(),
            run: found.run.clone(),
        });
        return;
    };
    let container = command.container.as_ref().unwrap_or(&found.container);
    let asked = TaskRequest {
        overrides: command_override(container, &command.words),
        ..command.request.clone()
    };
    let place = CompanionPlace {
        run,
        host: &plan.host,
        revision,
        service,
    };
    let migration = found.migration.clone();
    let mut undo = place.build_undo(&asked, container, &command.words, migration);
    undo.timeout_seconds = command.timeout.as_secs().max(1);
    run.arm(Undo::Migration(undo));
}

fn token(text: &str) -> String {
    text.chars().take(MAX_TOKEN).collect()
}
