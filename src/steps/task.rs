//! The one-off task: run with the new revision before the rollout, and evaluated by the exit codes
//! of its deciding containers.

use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::AwsError;
use crate::aws::ecs_shapes::{Service, Task};
use crate::documents::run_task::{TaskRequest, TaskWait};
use crate::documents::task_definition::{TaskDefinition, text};
use crate::error::{Explain, Failure};
use crate::event::fact::OneOffFact;
use crate::event::{Event, OneOffTask, TaskEnd};
use crate::identity::TaskArn;
use crate::observe::stopped_tasks;
use crate::outcome::Reason;
use crate::plan::TaskPlan;
use crate::run::{ArmedUndo, Run};
use crate::scrub::mask;
use crate::steps::revision::Revision;
use crate::text::Text;
use crate::undo::{OneOffUndo, TaskUndo, Undo};

mod others;
mod request;
mod wait;

use others::TaskMark;
pub use others::{ExistingTask, OtherEnd, OtherTask};
pub(super) use request::{build_request, check_placed};
use wait::timeout_failure;
pub(super) use wait::{AwaitedTasks, wait_until_stopped};

/// A client token has at most 64 characters.
const MAX_TOKEN: usize = 64;
/// How long ECS may take to stop a task; one that has not begun is stopped sooner.
const STOP_TIMEOUT: Duration = Duration::from_mins(5);
/// Longer commands are cut.
const MAX_COMMAND: usize = 120;

/// AWS did not run the task, or did not let it be watched.
#[derive(Debug, thiserror::Error)]
#[error("the one-off task could not be {doing}")]
pub struct TaskError {
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
    /// Another run's came first: ours was stopped before its containers started, and has to be
    /// tried again.
    GaveWay,
}

impl OneOffOutcome {
    /// The outcome in a few words.
    pub fn describe(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::GaveWay => "stopped: another run's task comes first".to_owned(),
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

/// A task that is stopped when the run fails.
struct ArmedTask<'r> {
    armed: ArmedUndo<'r>,
    undo: TaskUndo,
}

impl<'r> ArmedTask<'r> {
    fn arm(run: &'r Run, undo: TaskUndo) -> Self {
        let armed = run.arm(Undo::Task(undo.clone()));
        Self { armed, undo }
    }

    /// Refines the undo once AWS has named the tasks.
    fn with_arns(self, arns: Vec<TaskArn>) -> Self {
        let undo = TaskUndo { arns, ..self.undo };
        self.armed.refine(Undo::Task(undo.clone()));
        Self { undo, ..self }
    }

    /// The task has ended, or is not waited for: it will not be stopped, and what ran is remembered
    /// until the end of the run.
    fn finish(self, run: &Run, ran: Vec<OneOffTask>) {
        if ran.is_empty() {
            return self.armed.disarm();
        }
        for task in &ran {
            run.emit(Event::TaskRan { task: task.clone() });
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

impl OneOff<'_> {
    /// The mark of our task, where there is a service that other runs deploy too.
    fn mark(&self) -> Option<TaskMark> {
        Some(TaskMark::new(
            &self.run.id,
            self.plan.host.service.as_ref()?,
            &self.plan.request,
        ))
    }

    fn deciding_containers(&self) -> Vec<String> {
        deciding_containers(&self.plan.request, &self.revision.definition)
    }

    fn build_undo(&self, group: Option<String>, arns: Vec<TaskArn>) -> TaskUndo {
        TaskUndo {
            cluster: self.plan.host.cluster.clone(),
            started_by: self.plan.request.started_by.clone(),
            revision: self.revision.arn.clone(),
            group,
            arns,
            one_off: Some(OneOffUndo {
                command: first_command(&self.plan.request),
                ran: Vec::new(),
            }),
        }
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
        check_placed(&launched, "one-off task")?;
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
                let watched = AwaitedTasks {
                    what: "one-off task",
                    arns: &armed.undo.arns,
                    deadline: plan.deadline,
                };
                let tasks = wait_until_stopped(run, &plan.host, &watched)
                    .await?
                    .ok_or_else(|| timeout_failure(plan.deadline))?;
                armed.finish(run, list_exited(asked, &tasks, &deciding));
                evaluate(run, self.revision, &tasks, &deciding).await?;
            }
        }
        Ok(OneOffOutcome::Done)
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
        let Some(tasks) = wait_until_stopped(self.run, &self.plan.host, &watched).await? else {
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

/// The containers that ran; one without an exit code never did.
fn list_exited(asked: &TaskRequest, tasks: &[Task], deciding: &[String]) -> Vec<OneOffTask> {
    let all = tasks.iter().flat_map(|task| {
        task.containers
            .iter()
            .map(move |container| (task, container))
    });
    let relevant = all.filter(|(_, container)| deciding.contains(&container.name));
    let exited = relevant
        .filter_map(|(task, container)| Some((task, &container.name, container.exit_code?)));
    let one_off = |(task, name, code): (&Task, &String, i32)| OneOffTask {
        command: command_of(asked, name).map(Into::into),
        task: task.task_arn.clone(),
        container: name.clone(),
        end: TaskEnd::Exited { code },
    };
    exited.map(one_off).collect()
}

/// The tasks that continue alongside the rollout.
fn list_not_awaited(asked: &TaskRequest, tasks: &[Task], deciding: &[String]) -> Vec<OneOffTask> {
    let all = tasks
        .iter()
        .flat_map(|task| deciding.iter().map(move |name| (task, name)));
    let one_off = |(task, name): (&Task, &String)| OneOffTask {
        command: command_of(asked, name).map(Into::into),
        task: task.task_arn.clone(),
        container: name.clone(),
        end: TaskEnd::NotWaitedFor,
    };
    all.map(one_off).collect()
}

/// The command that the overrides give to any container.
fn first_command(asked: &TaskRequest) -> Option<String> {
    asked.overrides.items.iter().find_map(command_in)
}

/// The command that the overrides give to a container.
fn command_of(asked: &TaskRequest, container: &str) -> Option<String> {
    asked
        .overrides
        .items
        .iter()
        .find(|item| text(item, "name") == Some(container))
        .and_then(command_in)
}

fn command_in(item: &Value) -> Option<String> {
    let words: Vec<&str> = item["command"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let command = mask(&words.join(" "));
    let shown: String = command.chars().take(MAX_COMMAND).collect();
    Some(if shown.len() < command.len() {
        format!("{shown}…")
    } else {
        shown
    })
    .filter(|command| !command.is_empty())
}

async fn evaluate(
    run: &Run,
    revision: &Revision,
    tasks: &[Task],
    deciding: &[String],
) -> Result<(), Failure> {
    if tasks.is_empty() {
        let hint = "its container instance may be gone; look at the cluster's events, and at what the task had done by then";
        return Err(Failure::new(
            Reason::TaskFailed,
            "ECS does not know the one-off task any more, so nobody can tell how it ended",
        )
        .with_hint(hint));
    }
    let mut good = Vec::new();
    for task in tasks {
        let failed = task
            .containers
            .iter()
            .any(|container| deciding.contains(&container.name) && container.exit_code != Some(0));
        if failed || task.containers.is_empty() {
            return Err(failure(run, revision, task, deciding).await);
        }
        good.extend(
            task.containers
                .iter()
                .filter(|container| deciding.contains(&container.name))
                .map(|container| format!("{} exit 0", container.name)),
        );
    }
    run.emit(Event::TaskDone {
        containers: good.into_iter().map(Into::into).collect(),
    });
    Ok(())
}

/// The containers whose exit code counts: the essential ones that the overrides name, else all
/// essential ones. What a sidecar exits with, when ECS ends the task, says nothing about the task.
fn deciding_containers(asked: &TaskRequest, definition: &Value) -> Vec<String> {
    let essential: Vec<String> = TaskDefinition(definition)
        .essential_containers()
        .filter_map(|container| container.name().map(str::to_owned))
        .collect();
    let overridden: Vec<&str> = asked
        .overrides
        .items
        .iter()
        .filter_map(|item| text(item, "name"))
        .collect();
    let both: Vec<String> = essential
        .iter()
        .filter(|name| overridden.contains(&name.as_str()))
        .cloned()
        .collect();
    if both.is_empty() { essential } else { both }
}

async fn failure(run: &Run, revision: &Revision, task: &Task, deciding: &[String]) -> Failure {
    let stopped =
        stopped_tasks::containers_of_task(run, task, &revision.definition, deciding).await;
    let sentence = stopped.first().map_or_else(
        || "the one-off task did not start".to_owned(),
        |first| match first.exit_code {
            Some(code) => format!(
                "the one-off task failed: container {} exited with {code}",
                first.container
            ),
            None => format!(
                "the one-off task failed: container {} {}",
                first.container,
                first.describe_exit()
            ),
        },
    );
    let cause = stopped.first().map_or_else(
        || {
            task.stopped_reason
                .as_deref()
                .map_or_else(|| "AWS gives no reason".into(), Text::from_outside)
        },
        |first| first.why.clone(),
    );
    Failure::new(Reason::TaskFailed, sentence)
        .with_cause(cause)
        .with_hint("the task's last log lines are shown; nothing was rolled out")
        .with_stopped(stopped)
}

#[cfg(test)]
mod tests;
