//! The migration of the database: the one-off task with a check before it and a verification after
//! it, and its undo.

use serde_json::{Value, json};

use super::task::{CommandEnd, OneOff, OneOffOutcome, TaskCommand, build_request};
use crate::aws::ecs_shapes::Task;
use crate::documents::migration::{CheckVerdict, PendingCheck, UndoAfterFailure};
use crate::documents::run_task::describe_words;
use crate::error::Failure;
use crate::event::fact::MigrationFact;
use crate::event::{Event, Migration, MigrationState, OneOffTask};
use crate::plan::MigrationPlan;
use crate::undo::{MigrationUndo, ServiceKey, TaskUndo, Undo};

/// A client token has at most 64 characters.
const MAX_TOKEN: usize = 64;
/// What serves when a migration, its check or its verification fails.
const NOTHING_ROLLED_OUT: &str = "nothing was rolled out";

impl OneOff<'_> {
    /// Runs the migration, unless its check says that nothing is pending.
    ///
    /// # Errors
    /// The check could not tell; or as for `run`.
    pub async fn run_migration(&self, migration: &MigrationPlan) -> Result<OneOffOutcome, Failure> {
        if let Some(check) = &migration.companions.check
            && self.check(migration, check).await? == CheckVerdict::NothingPending
        {
            self.run.emit(MigrationFact::NothingPending);
            self.run.emit(Event::Migrated {
                migration: Migration::skipped(describe_words(&migration.command).into()),
            });
            return Ok(OneOffOutcome::NothingPending);
        }
        self.run().await
    }

    async fn check(
        &self,
        migration: &MigrationPlan,
        check: &PendingCheck,
    ) -> Result<CheckVerdict, Failure> {
        let (command, end) = self
            .run_companion(migration, "migrate-check", &check.words)
            .await?;
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
        Ok(verdict)
    }

    /// Runs the verification, where there is one.
    pub(super) async fn verify(&self, migration: &MigrationPlan) -> Result<(), Failure> {
        let Some(words) = &migration.companions.verify else {
            return Ok(());
        };
        let (command, end) = self
            .run_companion(migration, "migrate-verify", words)
            .await?;
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
        input: &'static str,
        words: &'c [String],
    ) -> Result<(TaskCommand<'c>, CommandEnd), Failure> {
        let command = TaskCommand {
            run: self.run,
            host: &self.plan.host,
            input,
            words,
            container: &migration.container,
            definition: &self.revision.definition,
            timeout: self.plan.deadline,
        };
        let undo = TaskUndo {
            cluster: self.plan.host.cluster.clone(),
            started_by: self.started_by(),
            revision: self.revision.arn.clone(),
            ..TaskUndo::default()
        };
        let armed = self.run.arm(Undo::Task(undo.clone()));
        let mut request = self.companion_request(&migration.container, words);
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

    fn companion_request(&self, container: &str, words: &[String]) -> Value {
        let mut request = build_request(
            &self.plan.host,
            &self.plan.request_for(container, words),
            self.revision,
            self.service,
        );
        request["startedBy"] = json!(self.started_by());
        request
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
            MigrationState::Skipped | MigrationState::Stopped | MigrationState::Undone => false,
        };
        if !is_undone {
            return;
        }
        let mut request = self.companion_request(&plan.container, &command.words);
        request["clientToken"] = json!(token(&format!("{}-migrate-undo", self.run.id)));
        let host = &self.plan.host;
        self.run.arm(Undo::Migration(MigrationUndo {
            cluster: host.cluster.clone(),
            service: host.service.clone().map(|service| ServiceKey {
                cluster: host.cluster.clone(),
                service,
            }),
            revision: self.revision.arn.clone(),
            run: self.run.id.clone(),
            container: plan.container.clone(),
            words: command.words.clone(),
            request,
            timeout_seconds: self.plan.deadline.as_secs().max(1),
            poll_milliseconds: host.poll.fixed_interval.map(crate::clock::to_milliseconds),
            migration: migration.clone(),
        }));
    }
}

fn token(text: &str) -> String {
    text.chars().take(MAX_TOKEN).collect()
}
