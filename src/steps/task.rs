//! The task before the rollout, one-off or the migration's: run with the new revision, and evaluated
//! by the exit codes of its deciding containers.

use std::time::Duration;

use serde_json::json;

use crate::aws::AwsError;
use crate::aws::ecs_shapes::{Service, Task};
use crate::documents::run_task::{TaskRequest, TaskWait};
use crate::error::{Explain, Failure};
use crate::event::fact::OneOffFact;
use crate::event::{Event, OneOffKind};
use crate::identity::TaskArn;
use crate::observe::followed_log::FollowedLog;
use crate::outcome::Reason;
use crate::plan::{MigrationPlan, TaskPlan};
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::undo::{OneOffUndo, TaskUndo};

mod armed;
mod command;
mod containers;
mod evaluation;
mod found;
mod mark;
mod others;
mod request;
mod wait;

use armed::ArmedTask;
pub use command::{CommandEnd, TaskCommand};
use containers::{deciding_containers, first_command, list_exited, list_not_awaited};
pub use found::{FoundMigration, find_migration};
pub use mark::{MarkedTask, TaskMark};
pub use others::{ExistingTask, OtherEnd, OtherTask, family_of, has_succeeded};
pub(super) use request::{build_request, check_placed};
pub(super) use wait::{AwaitedTasks, wait_until_stopped};

/// A client token has at most 64 characters.
const MAX_TOKEN: usize = 64;
/// How long ECS may take to stop a task; one that has not begun is stopped sooner.
const STOP_TIMEOUT: Duration = Duration::from_mins(5);

/// AWS did not run the task, or did not let it be watched.
#[derive(Debug, thiserror::Error)]
#[error("the {what} could not be {doing}")]
pub struct TaskError {
    what: String,
    doing: &'static str,
    source: AwsError,
}

impl Explain for TaskError {
    fn reason(&self) -> Reason {
        self.source.reason()
    }

    fn hint(&self) -> Option<String> {
        self.source.hint()
    }
}

/// The one-off task of a run, and what it needs.
pub struct OneOff<'a> {
    /// The run that starts it.
    pub run: &'a Run,
    /// What the task runs, and where.
    pub plan: &'a TaskPlan,
    /// The revision that the task runs.
    pub revision: &'a Revision,
    /// The service as it was read.
    pub service: Option<&'a Service>,
    /// The number of this try, from 1: each try has a client token of its own.
    pub attempt: u32,
}

/// How the one-off task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneOffOutcome {
    /// It succeeded, or is not waited for.
    Done,
    /// The migration had nothing to do.
    NothingPending,
    /// The migration has something to do, and the database is to be backed up before.
    BackupDue,
    /// It was not run: an earlier attempt of this run has started its rollout already.
    NotRun,
    /// Another run's came first: ours was stopped before its containers started, or what it has
    /// found is not true any more, and it has to be tried again.
    GaveWay,
}

impl OneOffOutcome {
    /// The outcome in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::NothingPending => "nothing is pending".to_owned(),
            Self::BackupDue => "something is pending".to_owned(),
            Self::NotRun => "not run".to_owned(),
            Self::GaveWay => "another run's task comes first".to_owned(),
        }
    }
}

/// Which of two runs' one-off tasks continues.
enum Precedence<'r> {
    /// The other run's; ours was stopped.
    Other,
    /// Ours too.
    Ours(ArmedTask<'r>),
}

impl OneOff<'_> {
    /// The mark of our task, where there is a service that other runs deploy too.
    fn mark(&self) -> Option<TaskMark> {
        let kind = match self.plan.kind() {
            OneOffKind::Task => MarkedTask::OneOff,
            OneOffKind::Migration => MarkedTask::Migration,
        };
        self.mark_for(kind, &self.plan.request)
    }

    /// The mark of a task that belongs to ours.
    pub(super) fn mark_for(&self, kind: MarkedTask, asked: &TaskRequest) -> Option<TaskMark> {
        let service = self.plan.host.service.as_ref()?;
        Some(TaskMark::new(kind, &self.run.id, service, asked))
    }

    fn deciding_containers(&self) -> Vec<String> {
        deciding_containers(&self.plan.request, &self.revision.definition)
    }

    fn build_undo(&self, group: Option<String>, arns: Vec<TaskArn>) -> TaskUndo {
        TaskUndo {
            cluster: self.plan.host.cluster.clone(),
            started_by: self.started_by(),
            revision: self.revision.arn.clone(),
            group,
            arns,
            one_off: Some(OneOffUndo {
                kind: self.plan.kind(),
                command: first_command(&self.plan.request),
                ran: Vec::new(),
            }),
        }
    }

    /// Tasks of a migration name their run, since no input gives them a name.
    pub(super) fn started_by(&self) -> String {
        match self.plan.kind() {
            OneOffKind::Task => self.plan.request.started_by.clone(),
            OneOffKind::Migration => format!("ecs-bluegreen/{}", self.run.id),
        }
    }

    fn noun(&self) -> &'static str {
        self.plan.kind().noun()
    }

    /// Runs the task; when it is waited for, its failure is the run's.
    ///
    /// # Errors
    /// It could not be started, failed, or another run's came first and is not waited for.
    pub async fn run(&self) -> Result<OneOffOutcome, Failure> {
        let group = self.mark().map(|mark| mark.group());
        let armed = ArmedTask::arm(self.run, self.build_undo(group.clone(), Vec::new()));
        let mut request = build_request(
            &self.plan.host,
            &self.plan.request,
            self.revision,
            self.service,
        );
        request["startedBy"] = json!(self.started_by());
        request["clientToken"] = json!(self.token());
        if let Some(group) = group {
            request["group"] = json!(group);
        }
        let launched = self
            .run
            .aws
            .run_task(&request)
            .await
            .map_err(|source| TaskError {
                what: self.noun().to_owned(),
                doing: "started",
                source,
            })?;
        let arns: Vec<TaskArn> = launched
            .tasks
            .iter()
            .map(|task| task.task_arn.clone())
            .collect();
        let armed = armed.with_arns(arns.clone());
        self.run.emit(Event::TaskStarted { arns });
        check_placed(&launched, self.noun(), self.reason())?;
        if let [ours] = launched.tasks.as_slice()
            && let Some((other, ours)) = self.find_older_task(ours).await
        {
            return match self.give_way(armed, &ours, &other).await? {
                Precedence::Other => Ok(OneOffOutcome::GaveWay),
                Precedence::Ours(armed) => self.follow(armed, &launched.tasks).await,
            };
        }
        self.follow(armed, &launched.tasks).await
    }

    /// Continues with the task of an earlier attempt of this workflow run, which runs or has
    /// succeeded.
    ///
    /// # Errors
    /// As for `run`.
    pub async fn adopt(&self, task: &Task) -> Result<OneOffOutcome, Failure> {
        let arns = vec![task.task_arn.clone()];
        let armed = ArmedTask::arm(self.run, self.build_undo(task.group.clone(), arns.clone()));
        self.run.emit(Event::TaskFound { arns });
        self.follow(armed, std::slice::from_ref(task)).await
    }

    async fn follow(&self, armed: ArmedTask<'_>, tasks: &[Task]) -> Result<OneOffOutcome, Failure> {
        let Self { run, plan, .. } = *self;
        let asked = &plan.request;
        let deciding = self.deciding_containers();
        match asked.wait {
            TaskWait::DoNotWait => armed.finish(run, list_not_awaited(asked, tasks, &deciding)),
            TaskWait::UntilStopped => {
                let (tasks, log) = self.wait(&armed.undo.arns).await?;
                let ran = list_exited(asked, &tasks, &deciding);
                armed.finish(run, ran.clone());
                if let Some(migration) = &plan.migration {
                    self.finish_migration(migration, &tasks, ran.first());
                }
                // What was done is armed by now: the last lines may take their time.
                if let Some(log) = log {
                    log.finish(&mut PollInterval::new(plan.host.poll)).await;
                }
                self.evaluate(&tasks, &deciding).await?;
                if let Some(migration) = &plan.migration {
                    self.verify(migration).await?;
                }
            }
        }
        Ok(OneOffOutcome::Done)
    }

    /// Waits for the end of our tasks; the log of a migration is shown meanwhile.
    async fn wait(
        &self,
        arns: &[TaskArn],
    ) -> Result<(Vec<Task>, Option<FollowedLog<'_>>), Failure> {
        let Self {
            run,
            plan,
            revision,
            ..
        } = *self;
        let mut log = plan
            .migration
            .as_ref()
            .zip(arns.first())
            .map(|(migration, task)| {
                FollowedLog::new(run, &revision.definition, &migration.container, task)
            });
        let watched = AwaitedTasks {
            what: self.noun(),
            arns,
            deadline: plan.deadline,
        };
        let tasks = wait_until_stopped(run, &plan.host, &watched, log.as_mut()).await?;
        match (tasks, log) {
            (Some(tasks), log) => Ok((tasks, log)),
            (None, log) => {
                if let Some(log) = log {
                    log.finish(&mut PollInterval::new(plan.host.poll)).await;
                }
                Err(self.timeout_failure())
            }
        }
    }

    /// Arms what is to be known, and undone, of a migration that an earlier attempt has run before
    /// it started its rollout.
    pub fn recall_migration(&self, plan: &MigrationPlan, task: &Task) {
        let arns = vec![task.task_arn.clone()];
        let armed = ArmedTask::arm(self.run, self.build_undo(task.group.clone(), arns));
        let tasks = std::slice::from_ref(task);
        let ran = list_exited(&self.plan.request, tasks, &self.deciding_containers());
        armed.finish(self.run, ran.clone());
        self.finish_migration(plan, tasks, ran.first());
    }

    fn reason(&self) -> Reason {
        match self.plan.kind() {
            OneOffKind::Task => Reason::TaskFailed,
            OneOffKind::Migration => Reason::MigrationFailed,
        }
    }

    /// Stops our task where another run's is older, unless its containers have started: a task that
    /// is interrupted is worse than two that run.
    async fn give_way<'r>(
        &self,
        armed: ArmedTask<'r>,
        ours: &Task,
        other: &OtherTask,
    ) -> Result<Precedence<'r>, Failure> {
        let warn_of_both = || {
            self.run.emit(OneOffFact::BothRun {
                other: other.describe().into(),
            });
        };
        if ours.may_have_started() {
            warn_of_both();
            return Ok(Precedence::Ours(armed));
        }
        self.run.emit(OneOffFact::GivesWay {
            other: other.describe().into(),
        });
        let why = "another run's one-off task for this service was started before this one";
        if let Err(error) = self
            .run
            .aws
            .stop_task(&armed.undo.cluster, &ours.task_arn, why)
            .await
        {
            self.run.emit(OneOffFact::NotStopped {
                error: error.to_string().into(),
            });
            return Ok(Precedence::Ours(armed));
        }
        let watched = AwaitedTasks {
            what: "one-off task",
            arns: &armed.undo.arns,
            deadline: STOP_TIMEOUT,
        };
        let Some(tasks) = wait_until_stopped(self.run, &self.plan.host, &watched, None).await?
        else {
            return Err(other.failure());
        };
        if tasks.iter().all(Task::has_ended_by_itself) {
            warn_of_both();
            return Ok(Precedence::Ours(armed));
        }
        let ran = list_exited(&self.plan.request, &tasks, &self.deciding_containers());
        if !ran.is_empty() {
            self.run.emit(OneOffFact::HadBegun);
        }
        armed.finish(self.run, ran);
        if self.plan.order.waits_for_a_task() {
            Ok(Precedence::Other)
        } else {
            Err(other.failure())
        }
    }

    fn token(&self) -> String {
        let mut token = format!(
            "{}-{}-{}",
            self.run.id,
            self.attempt,
            crate::aws::arn::short_name(&self.revision.arn).replace(':', "-")
        );
        token.truncate(MAX_TOKEN);
        token
    }
}
