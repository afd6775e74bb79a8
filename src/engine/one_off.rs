//! The task before the rollout, one-off or the migration's: in its turn among other runs, once, and
//! what a run says that ends with it.

use std::time::Duration;

use tokio::time::Instant;

use super::prepared::Prepared;
use super::status::read_definition;
use super::{Ending, Halt, run_step};
use crate::aws::ecs_shapes::Task;
use crate::aws::rds::DatabaseSnapshot;
use crate::documents::run_task::describe_words;
use crate::event::Step;
use crate::event::fact::{MigrationFact, OneOffFact};
use crate::outcome::{Outcome, Reason};
use crate::plan::{MigrationPlan, MigrationUndoPlan, TaskPlan};
use crate::planner::Planner;
use crate::run::Run;
use crate::steps::image::ResolvedImage;
use crate::steps::migration::{BackupState, arm_found_migration};
use crate::steps::task::{ExistingTask, OneOff, OneOffOutcome, OtherTask, find_migration};
use crate::survey::Snapshot;

/// How long a run is given from the end of its one-off task until its rollout is visible in AWS.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(20);

/// What is said where the migration's task is not known any more.
const NOT_RUN: &str = "the migration was not run: an earlier attempt of this run has started its rollout, which comes after it";

/// Runs the task, unless somebody else is deploying: what it does cannot be undone by us. An earlier
/// attempt of this run that has started its rollout has run the task already.
pub(super) async fn run(
    run: &Run,
    planner: &Planner,
    image: Option<&ResolvedImage>,
    prepared: &mut Prepared,
) -> Result<OneOffOutcome, Halt> {
    if prepared.adopted_rollout().is_some() {
        return Ok(recall(run, prepared).await);
    }
    let mut backup = None;
    for attempt in 1.. {
        if prepared.plan.task.is_none() {
            break;
        }
        Box::pin(prepared.replan_if_changed(run, planner, image)).await?;
        let Some(plan) = &prepared.plan.task else {
            break;
        };
        let one_off = one_off(run, prepared, plan, attempt);
        let ran = match one_off.find().await {
            ExistingTask::Other(other) => {
                let end = one_off.wait_for_other(&other).await?;
                if other.is_followed_by_more(end) {
                    wait_for_next(run, planner, prepared, &one_off, &other).await;
                }
                continue;
            }
            ExistingTask::Own(task) if !may_be_undone(plan, &task) => {
                let adopted = one_off.adopt(&task);
                run_step(run, step(plan), adopted, OneOffOutcome::describe).await?
            }
            ExistingTask::Own(_) | ExistingTask::Nothing => match &plan.migration {
                Some(migration) => {
                    let due = one_off.backup_state(migration, backup.as_ref()).await;
                    let ran = migrate(run, &one_off, migration, due).await?;
                    if let (OneOffOutcome::BackupDue, Some(asked)) = (ran, &migration.backup) {
                        let made = one_off.back_up(migration, asked);
                        let made = run_step(run, Step::Backup, Box::pin(made), describe_backup);
                        // Much may have happened meanwhile: everything is looked at again.
                        backup = Some(made.await?);
                        continue;
                    }
                    ran
                }
                None => run_step(run, step(plan), one_off.run(), OneOffOutcome::describe).await?,
            },
        };
        if ran != OneOffOutcome::GaveWay {
            return Ok(ran);
        }
    }
    Ok(OneOffOutcome::Done)
}

/// Looks whether anything is pending, and migrates unless a backup is due first.
async fn migrate(
    run: &Run,
    one_off: &OneOff<'_>,
    migration: &MigrationPlan,
    backup: BackupState,
) -> Result<OneOffOutcome, Halt> {
    if backup == BackupState::Due && migration.companions.check.is_none() {
        return Ok(OneOffOutcome::BackupDue);
    }
    let ran = Box::pin(one_off.run_migration(migration, backup));
    Ok(run_step(run, Step::Migration, ran, OneOffOutcome::describe).await?)
}

fn describe_backup(snapshot: &DatabaseSnapshot) -> String {
    format!("snapshot {} is available", snapshot.id)
}

/// A migration that an earlier attempt has finished may have been undone when that attempt was
/// rolled back. Running it again is safe: what is done already, its tool leaves as it is.
fn may_be_undone(plan: &TaskPlan, task: &Task) -> bool {
    let has_undo = plan
        .migration
        .as_ref()
        .is_some_and(|migration| migration.companions.undo.is_some());
    has_undo && task.is_stopped()
}

fn one_off<'a>(
    run: &'a Run,
    prepared: &'a Prepared,
    plan: &'a TaskPlan,
    attempt: u32,
) -> OneOff<'a> {
    OneOff {
        run,
        plan,
        revision: &prepared.revision,
        service: prepared.snapshot.service.as_ref(),
        attempt,
    }
}

fn step(plan: &TaskPlan) -> Step {
    match plan.migration {
        Some(_) => Step::Migration,
        None => Step::Task,
    }
}

/// The rollout that is adopted came after its task. Of a migration it has to be known what to undo.
async fn recall(run: &Run, prepared: &Prepared) -> OneOffOutcome {
    let Some(plan) = &prepared.plan.task else {
        return OneOffOutcome::NotRun;
    };
    let Some(migration) = &plan.migration else {
        run.emit(OneOffFact::RanBefore);
        return OneOffOutcome::NotRun;
    };
    run.emit(MigrationFact::RanBefore);
    let one_off = one_off(run, prepared, plan, 1);
    let ExistingTask::Own(task) = one_off.find().await else {
        return OneOffOutcome::NotRun;
    };
    one_off.recall_migration(migration, &task);
    OneOffOutcome::Done
}

/// Waits while the run whose task has just ended starts its next one, or its rollout, so that ours
/// does not start in between.
async fn wait_for_next(
    run: &Run,
    planner: &Planner,
    prepared: &Prepared,
    one_off: &OneOff<'_>,
    other: &OtherTask,
) {
    let (began, mut poll_interval) = (Instant::now(), prepared.poll_interval());
    while began.elapsed() < HANDOVER_TIMEOUT {
        let is_next = match one_off.find().await {
            ExistingTask::Other(next) => next.is_of_same_run(other),
            ExistingTask::Own(_) | ExistingTask::Nothing => false,
        };
        if is_next || planner.has_changed(run, &prepared.snapshot).await {
            break;
        }
        poll_interval.wait().await;
    }
}

/// Arms what is known of the migration that another job has made for its rollout, before the rollout
/// is answered or undone.
pub(super) async fn arm_migration_of(run: &Run, plan: &MigrationUndoPlan, snapshot: &Snapshot) {
    let Some(running) = &snapshot.running else {
        return;
    };
    let (Some(of_run), Some(revision)) = (&running.run, &running.revision) else {
        return;
    };
    let found = find_migration(run, &plan.host, revision, of_run).await;
    let found = match (found, &plan.command) {
        (Ok(found), _) => found,
        (Err(error), Some(_)) => {
            run.limit_check(
                "whether the deployment's run has migrated is not known",
                &error,
            );
            None
        }
        // Nobody has asked for it.
        (Err(_), None) => None,
    };
    match (found, &plan.command) {
        (Some(found), _) => {
            let revision = read_definition(run, running).await;
            let service = snapshot.service.as_ref();
            arm_found_migration(run, plan, &revision, service, &found);
        }
        (None, Some(command)) => run.emit(MigrationFact::NoneFound {
            run: of_run.clone(),
            command: describe_words(&command.words).into(),
        }),
        (None, None) => {}
    }
}

/// Outcomes whose sentence tells of the migration, with nothing that would have to be undone.
pub(super) fn tells_of_migration(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::AlreadyDeployed | Outcome::Registered | Outcome::Migrated
    )
}

/// The ending of `mode: migrate`.
pub(super) fn migrated_ending(prepared: &Prepared, ran: OneOffOutcome) -> Ending {
    let sentence = describe(prepared, ran).unwrap_or_else(|| NOT_RUN.to_owned());
    Ending {
        outcome: Outcome::Migrated,
        reason: Reason::AsPlanned,
        sentence: format!("{sentence}; nothing was rolled out: production traffic is unchanged"),
    }
}

/// Adds the migration to the ending of a run that has rolled nothing out.
pub(super) fn with_migration(ending: Ending, prepared: &Prepared, ran: OneOffOutcome) -> Ending {
    match describe(prepared, ran) {
        Some(migration) => Ending {
            sentence: format!("{}; {migration}", ending.sentence),
            ..ending
        },
        None => ending,
    }
}

fn describe(prepared: &Prepared, ran: OneOffOutcome) -> Option<String> {
    let migration = prepared.plan.task.as_ref()?.migration.as_ref()?;
    let command = describe_words(&migration.command);
    Some(match ran {
        OneOffOutcome::NothingPending => {
            format!("nothing is pending, so the migration was skipped (command \"{command}\")")
        }
        OneOffOutcome::NotRun | OneOffOutcome::BackupDue => return None,
        OneOffOutcome::Done | OneOffOutcome::GaveWay => {
            format!("the migration ran (command \"{command}\", exit 0)")
        }
    })
}
