//! The undo of our task while it runs, and what is remembered of it afterwards.

use crate::event::{Event, Migration, OneOffKind, OneOffTask};
use crate::identity::TaskArn;
use crate::run::{ArmedUndo, Run};
use crate::undo::{OneOffUndo, TaskUndo, Undo};

/// A task that is stopped when the run fails.
pub(super) struct ArmedTask<'r> {
    armed: ArmedUndo<'r>,
    pub(super) undo: TaskUndo,
}

impl<'r> ArmedTask<'r> {
    fn kind(&self) -> OneOffKind {
        self.undo
            .one_off
            .as_ref()
            .map(|one_off| one_off.kind)
            .unwrap_or_default()
    }

    pub(super) fn arm(run: &'r Run, undo: TaskUndo) -> Self {
        let armed = run.arm(Undo::Task(undo.clone()));
        Self { armed, undo }
    }

    /// Refines the undo once AWS has named the tasks.
    pub(super) fn with_arns(self, arns: Vec<TaskArn>) -> Self {
        let undo = TaskUndo { arns, ..self.undo };
        self.armed.refine(Undo::Task(undo.clone()));
        Self { undo, ..self }
    }

    /// The task has ended, or is not waited for: it will not be stopped, and what ran is remembered
    /// until the end of the run.
    pub(super) fn finish(self, run: &Run, ran: Vec<OneOffTask>) {
        if ran.is_empty() {
            return self.armed.disarm();
        }
        for task in &ran {
            run.emit(match self.kind() {
                OneOffKind::Task => Event::TaskRan { task: task.clone() },
                OneOffKind::Migration => Event::Migrated {
                    migration: Migration::of_container(task),
                },
            });
        }
        let one_off = self
            .undo
            .one_off
            .map(|one_off| OneOffUndo { ran, ..one_off });
        self.armed.refine(Undo::Task(TaskUndo {
            one_off,
            ..self.undo
        }));
    }
}
