//! What the end of a one-off task means: the exit codes of its deciding containers, and why it failed.

use super::OneOff;
use crate::aws::ecs_shapes::Task;
use crate::documents::run_task::describe_words;
use crate::error::{Failure, StoppedContainer};
use crate::event::Event;
use crate::observe::{stop_reasons, stopped_tasks};
use crate::outcome::Reason;
use crate::text::Text;

impl OneOff<'_> {
    /// Reports a good end, and makes a failure of a bad one.
    pub(super) async fn evaluate(
        &self,
        tasks: &[Task],
        deciding: &[String],
    ) -> Result<(), Failure> {
        if tasks.is_empty() {
            let hint = "its container instance may be gone; look at the cluster's events, and at what the task had done by then";
            let sentence = format!(
                "ECS does not know the {} any more, so nobody can tell how it ended",
                self.noun()
            );
            return Err(Failure::new(self.reason(), sentence).with_hint(hint));
        }
        let mut good = Vec::new();
        for task in tasks {
            let failed = task.containers.iter().any(|container| {
                deciding.contains(&container.name) && container.exit_code != Some(0)
            });
            if failed || task.containers.is_empty() {
                return Err(self.failure(task, deciding).await);
            }
            good.extend(
                task.containers
                    .iter()
                    .filter(|container| deciding.contains(&container.name))
                    .map(|container| format!("{} exit 0", container.name)),
            );
        }
        self.run.emit(Event::TaskDone {
            containers: good.into_iter().map(Into::into).collect(),
        });
        Ok(())
    }

    pub(super) fn timeout_failure(&self) -> Failure {
        let deadline = crate::duration::HumanDuration(self.plan.deadline);
        match &self.plan.migration {
            None => Failure::new(
                Reason::Timeout,
                format!("the one-off task did not stop within {deadline}"),
            )
            .with_hint("raise wait-for-minutes or deadline"),
            Some(migration) => Failure::new(
                Reason::MigrationFailed,
                format!(
                    "the migration failed: \"{}\" was not over after {deadline}, and is stopped",
                    describe_words(&migration.command)
                ),
            )
            .with_hint("raise migrate-timeout"),
        }
    }

    async fn failure(&self, task: &Task, deciding: &[String]) -> Failure {
        let definition = &self.revision.definition;
        let stopped = stopped_tasks::containers_of_task(self.run, task, definition, deciding).await;
        let first = stopped.first();
        let sentence = match first {
            Some(first) => format!("the {} failed: {}", self.noun(), self.describe_end(first)),
            None => format!("the {} did not start", self.noun()),
        };
        let cause = first.map_or_else(
            || {
                task.stopped_reason
                    .as_deref()
                    .map_or_else(|| "AWS gives no reason".into(), Text::from_outside)
            },
            |first| first.why.clone(),
        );
        // What a one-off task runs is the user's business; a migration is ours, with advice.
        let remedy =
            self.plan.migration.as_ref().and_then(|_| {
                stop_reasons::remedy(&cause, first.and_then(|first| first.exit_code))
            });
        let failure = Failure::new(self.reason(), sentence).with_cause(cause);
        remedy
            .into_iter()
            .fold(failure, Failure::with_hint)
            .with_hint("the task's last log lines are shown; nothing was rolled out")
            .with_stopped(stopped)
    }

    /// How a container ended; of a migration by its command.
    fn describe_end(&self, ended: &StoppedContainer) -> String {
        let container = &ended.container;
        match (&self.plan.migration, ended.exit_code) {
            (Some(migration), Some(code)) => format!(
                "\"{}\" exited with {code} in container {container}",
                describe_words(&migration.command)
            ),
            (None, Some(code)) => format!("container {container} exited with {code}"),
            (_, None) => format!("container {container} {}", ended.describe_exit()),
        }
    }
}
