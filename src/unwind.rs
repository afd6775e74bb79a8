//! Undoes what is armed, newest first. Each undo is idempotent, waits until its effect is observed,
//! and reports it.
//!
//! The same code serves a failed run, a cancelled one and the `post` step of a run that was killed.

use crate::aws::arn::short_name;
use crate::error::Failure;
use crate::event::fact::MigrationFact;
use crate::event::{Event, ObservedBy, OneOffKind};
use crate::identity::RevisionArn;
use crate::observe::traffic;
use crate::outcome::Reason;
use crate::run::Run;
use crate::undo::{Blue, MigrationFate, Undo};

mod codedeploy;
mod ecs;
mod hooks;
mod migration;
mod revision;
mod rolling;
pub mod scaling;
mod task;
mod tester;

/// How undoing ended.
#[derive(Debug, Clone, PartialEq)]
pub enum UnwindOutcome {
    /// No rollout had to be undone.
    NoRollout,
    /// Blue serves production again, observed.
    OnBlue {
        /// Blue's revision.
        revision: RevisionArn,
        /// What showed it.
        observed_by: ObservedBy,
    },
    /// The rollout was over: green serves, blue is gone.
    TooLate {
        /// Green's revision.
        revision: String,
    },
    /// Somebody else's rollout is in progress; it is not ours to undo.
    Superseded {
        /// The other rollout, in words.
        by: String,
        /// What serves production meanwhile.
        serves: String,
    },
    /// An undo failed.
    Stuck {
        /// What could not be undone.
        what: String,
        /// What serves production meanwhile, where that could be seen.
        serves: Option<String>,
    },
}

/// How one undo ended.
enum UndoOutcome {
    /// The effect is undone.
    Done,
    /// There was nothing to undo.
    NothingToUndo,
    /// The undo concerns a rollout, and decides what serves traffic.
    Traffic(UnwindOutcome),
}

impl UnwindOutcome {
    /// Whether a person is needed.
    pub fn is_stuck(&self) -> bool {
        matches!(self, Self::Stuck { .. })
    }

    /// The outcome in a few words; `armed` is what had to be undone.
    pub fn summarize(&self, run: &Run, armed: &[Undo]) -> String {
        match (self, list_what_stays(run, armed)) {
            (Self::NoRollout, stays) if !stays.is_empty() => {
                format!(
                    "everything of this run but its {} is undone",
                    stays.join(" and its ")
                )
            }
            (Self::NoRollout, _) => "everything of this run is undone".into(),
            (Self::OnBlue { .. }, _) => "blue serves 100 %".into(),
            (Self::TooLate { .. }, _) => "too late: blue is gone".into(),
            (Self::Superseded { .. }, _) => "left alone: another rollout took over".into(),
            (Self::Stuck { what, .. }, _) => format!("{what} is stuck"),
        }
    }

    /// Combines two outcomes: stuck wins over all others, and an outcome about traffic wins over
    /// none.
    fn combine(self, newer: Self) -> Self {
        match (self, newer) {
            (Self::OnBlue { revision, .. }, Self::Stuck { what, serves }) => Self::Stuck {
                what,
                serves: serves.or_else(|| {
                    let blue = short_name(&revision);
                    Some(format!("blue serves 100 % of production: {blue}"))
                }),
            },
            (stuck @ Self::Stuck { .. }, _) | (_, stuck @ Self::Stuck { .. }) => stuck,
            (Self::NoRollout, other) | (other, Self::NoRollout) => other,
            (first, _) => first,
        }
    }
}

/// What nothing has undone, in a word each.
fn list_what_stays(run: &Run, armed: &[Undo]) -> Vec<&'static str> {
    let is_migration_undone = matches!(run.migration_fate(), Some(MigrationFate::UndoneBy(_)));
    let noun = |undo: &Undo| match undo {
        Undo::Backup(_) => Some("backup"),
        undo => undo
            .one_off_kind()
            .filter(|kind| *kind == OneOffKind::Task || !is_migration_undone)
            .map(OneOffKind::noun),
    };
    let stays = armed
        .iter()
        .filter(|undo| undo.permanent_effect(None).is_some());
    stays.filter_map(noun).collect()
}

/// Restores what was only changed for the rollout, and a revision that nobody deploys any more.
/// What cannot be restored stays armed, for `post` and the next run.
pub async fn restore_temporary(run: &Run) -> UnwindOutcome {
    let temporary: Vec<Undo> = run
        .armed_undos()
        .into_iter()
        .filter(|undo| undo.is_temporary() || matches!(undo, Undo::Revision(_)))
        .collect();
    undo_all(run, &temporary).await
}

/// Whether a rollout is stopped, or only watched while it rolls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The rollout is stopped with rollback.
    Stop,
    /// AWS, or somebody else, has stopped it.
    Watch,
}

/// Watches a rollout that is rolling back until it is over.
pub async fn watch_rollback(run: &Run, undo: &Undo) -> UnwindOutcome {
    undo_one(run, undo, Trigger::Watch).await
}

/// Undoes all of these, newest first, and continues when one fails. Testers' containers are removed
/// at the same time.
pub async fn undo_all(run: &Run, armed: &[Undo]) -> UnwindOutcome {
    run.aws.begin_undoing();
    let (unwound, ()) = tokio::join!(undo_in_aws(run, armed), tester::remove(run, armed));
    run.aws.end_undoing();
    unwound
}

async fn undo_in_aws(run: &Run, armed: &[Undo]) -> UnwindOutcome {
    let mut unwound = UnwindOutcome::NoRollout;
    for undo in list_newest_first(armed) {
        // A revision stays while its rollout could not be undone, and where green serves after all.
        let is_in_use = matches!(
            unwound,
            UnwindOutcome::Stuck { .. }
                | UnwindOutcome::TooLate { .. }
                | UnwindOutcome::Superseded { .. }
        );
        if is_in_use && matches!(undo, Undo::Revision(_)) {
            continue;
        }
        // So does its migration, which is nobody's to undo once it is known that green serves.
        if is_in_use && matches!(undo, Undo::Migration(_)) {
            if !unwound.is_stuck() {
                run.disarm(undo);
            }
            continue;
        }
        // A strategy that was set with a rollout stays where the rollout does.
        let mut kept = undo.clone();
        if is_in_use {
            kept.keep_strategy();
        }
        let outcome = Box::pin(undo_one(run, &kept, Trigger::Stop)).await;
        if !outcome.is_stuck() {
            run.disarm(undo);
        }
        unwound = unwound.combine(outcome);
    }
    unwound
}

/// What is undone in AWS, newest first. The revision of a migration comes last, although an attempt
/// that adopts a rollout arms it later: the migration is undone by a task of it.
fn list_newest_first(armed: &[Undo]) -> Vec<&Undo> {
    let is_needed = |arn: &RevisionArn| {
        armed
            .iter()
            .any(|undo| matches!(undo, Undo::Migration(undo) if undo.revision == *arn))
    };
    let (last, first): (Vec<&Undo>, Vec<&Undo>) = armed
        .iter()
        .rev()
        .filter(|undo| !matches!(undo, Undo::Tester(_)))
        .partition(|undo| matches!(undo, Undo::Revision(undo) if is_needed(&undo.arn)));
    [first, last].concat()
}

async fn undo_one(run: &Run, undo: &Undo, trigger: Trigger) -> UnwindOutcome {
    if trigger == Trigger::Stop {
        run.mark_changed();
    }
    let what = undo.describe();
    match dispatch(run, undo, trigger).await {
        Ok(UndoOutcome::Done) => {
            run.emit(Event::Undone { what: what.into() });
            UnwindOutcome::NoRollout
        }
        Ok(UndoOutcome::NothingToUndo) => UnwindOutcome::NoRollout,
        // An undo that came too late, or whose rollout is somebody else's by now, left everything
        // as it is.
        Ok(UndoOutcome::Traffic(
            unwound @ (UnwindOutcome::TooLate { .. } | UnwindOutcome::Superseded { .. }),
        )) => unwound,
        Ok(UndoOutcome::Traffic(unwound)) => {
            run.emit(Event::Undone { what: what.into() });
            unwound
        }
        Err(failure) => {
            run.emit(Event::UndoFailed {
                what: what.clone().into(),
                failure,
            });
            UnwindOutcome::Stuck {
                what,
                serves: describe_serving(run, undo).await,
            }
        }
    }
}

/// What serves production while an undo is stuck: the first thing a person needs to know.
async fn describe_serving(run: &Run, undo: &Undo) -> Option<String> {
    let (place, blue) = undo.rollout()?.traffic_query()?;
    let observed = traffic::observe(run, place, blue).await;
    observed.map(|observed| observed.describe())
}

/// Somebody has changed production's weights after the shift: the rules are named, because a person
/// has to set them right.
async fn weights_changed_failure(run: &Run, blue: &Blue, sentence: String) -> Failure {
    let rules = traffic::rules_to_blue(run, blue).await;
    let failure = Failure::new(Reason::RolloutFailed, sentence);
    rules.into_iter().fold(failure, Failure::with_cause).with_hint(
        "where the new version is to serve all: aws elbv2 modify-rule --rule-arn RULE --actions with all weight on its target group (docs/stuck.md)",
    )
}

async fn dispatch(run: &Run, undo: &Undo, trigger: Trigger) -> Result<UndoOutcome, Failure> {
    match undo {
        Undo::Revision(undo) => revision::undo(run, undo).await,
        Undo::Task(undo) => task::undo(run, undo).await,
        Undo::Migration(undo) => Box::pin(migration::undo(run, undo)).await,
        Undo::Backup(undo) => {
            run.emit(MigrationFact::BackupKept {
                snapshot: undo.snapshot.clone(),
                of: undo.database.to_string(),
            });
            Ok(UndoOutcome::NothingToUndo)
        }
        Undo::CodeDeploy(undo) => Box::pin(codedeploy::undo(run, undo, trigger)).await,
        Undo::Rolling(undo) => Box::pin(rolling::undo(run, undo, trigger)).await,
        Undo::Ecs(undo) => Box::pin(ecs::undo(run, undo, trigger)).await,
        Undo::Hooks(undo) => hooks::undo(run, undo).await,
        Undo::Scaling(undo) => scaling::undo(run, undo).await,
        // `all` sees to it.
        Undo::Tester(_) => Ok(UndoOutcome::NothingToUndo),
    }
}
