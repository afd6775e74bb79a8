//! A command in a container of a revision, in a task of its own, whose exit code is the answer: what
//! is done around a migration.

use std::time::Duration;

use serde_json::Value;

use super::wait::{AwaitedTasks, wait_until_stopped};
use super::{TaskError, check_placed};
use crate::documents::run_task::describe_words;
use crate::error::{Failure, StoppedContainer};
use crate::event::fact::MigrationFact;
use crate::identity::TaskArn;
use crate::observe::followed_log::FollowedLog;
use crate::observe::stopped_tasks;
use crate::outcome::Reason;
use crate::plan::TaskHost;
use crate::poll_interval::PollInterval;
use crate::run::Run;

/// A command that is run once.
pub struct TaskCommand<'a> {
    /// The run that asks for it.
    pub run: &'a Run,
    /// Where it runs.
    pub host: &'a TaskHost,
    /// The input that gives the command.
    pub input: &'static str,
    /// Its words.
    pub words: &'a [String],
    /// The container.
    pub container: &'a str,
    /// The definition that has the container.
    pub definition: &'a Value,
    /// How long it may take.
    pub timeout: Duration,
}

/// How a command ended.
#[derive(Debug)]
pub struct CommandEnd {
    /// Its exit code; none where the container never ran.
    pub exit_code: Option<i32>,
    /// The container that explains an exit code other than 0.
    pub stopped: Vec<StoppedContainer>,
    /// When the task was created, by AWS's clock; zero where that is not known.
    pub created_at: f64,
}

impl TaskCommand<'_> {
    /// Sends the request and waits for the end. `started` is told which tasks there are.
    ///
    /// # Errors
    /// The task could not be started or watched, or was not over in time.
    pub async fn run(
        &self,
        request: &Value,
        started: impl FnOnce(&[TaskArn]),
    ) -> Result<CommandEnd, Failure> {
        let Self {
            run,
            host,
            input,
            container,
            definition,
            ..
        } = *self;
        let launched = run
            .aws
            .run_task(request)
            .await
            .map_err(|source| TaskError {
                what: format!("task of {input}"),
                doing: "started",
                source,
            })?;
        let arns: Vec<TaskArn> = launched
            .tasks
            .iter()
            .map(|task| task.task_arn.clone())
            .collect();
        started(&arns);
        check_placed(
            &launched,
            &format!("task of {input}"),
            Reason::MigrationFailed,
        )?;
        let mut log = arns.first().map(|task| {
            run.emit(MigrationFact::CommandStarted {
                input: input.to_owned(),
                command: describe_words(self.words).into(),
                task: task.clone(),
            });
            FollowedLog::new(run, definition, container, task)
        });
        let watched = AwaitedTasks {
            what: &format!("task of {input}"),
            arns: &arns,
            deadline: self.timeout,
        };
        let tasks = wait_until_stopped(run, host, &watched, log.as_mut()).await?;
        if let Some(log) = log {
            log.finish(&mut PollInterval::new(host.poll)).await;
        }
        let tasks = tasks.ok_or_else(|| self.timeout_failure())?;
        let found = tasks.iter().find_map(|task| {
            let ours = task.containers.iter().find(|one| one.name == container)?;
            Some((task, ours.exit_code))
        });
        let Some((task, exit_code)) = found else {
            return Ok(CommandEnd {
                exit_code: None,
                stopped: Vec::new(),
                created_at: 0.0,
            });
        };
        let stopped = if exit_code == Some(0) {
            Vec::new()
        } else {
            let relevant = [container.to_owned()];
            stopped_tasks::containers_of_task(run, task, definition, &relevant).await
        };
        Ok(CommandEnd {
            exit_code,
            stopped,
            created_at: task.created_at,
        })
    }

    fn timeout_failure(&self) -> Failure {
        let sentence = format!(
            "{} \"{}\" was not over after {}",
            self.input,
            describe_words(self.words),
            crate::duration::HumanDuration(self.timeout)
        );
        Failure::new(Reason::MigrationFailed, sentence).with_hint("raise migrate-timeout")
    }
}

impl CommandEnd {
    /// The failure of a command that had to exit with 0.
    pub fn failure(self, command: &TaskCommand<'_>, sentence: &str) -> Failure {
        let shown = describe_words(command.words);
        let ended = match self.exit_code {
            Some(code) => format!("\"{shown}\" exited with {code}"),
            None => format!("container {} never ran \"{shown}\"", command.container),
        };
        let failure = Failure::new(Reason::MigrationFailed, format!("{sentence}: {ended}"));
        let first = self.stopped.first();
        let why = first.map(|stopped| stopped.why.clone());
        let remedy = crate::observe::stop_reasons::remedy(
            why.as_ref().map_or("", |why| why.as_str()),
            self.exit_code,
        );
        let failure = why.into_iter().fold(failure, Failure::with_cause);
        remedy
            .into_iter()
            .fold(failure, Failure::with_hint)
            .with_stopped(self.stopped)
    }
}
