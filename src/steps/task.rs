//! The one-off task: run with the new revision before the rollout, judged by the container that matters.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::aws::AwsError;
use crate::aws::ecs::Launched;
use crate::aws::ecs_shapes::{Service, Task};
use crate::documents::task_definition::{TaskDefinition, text};
use crate::error::{Explain, Failure};
use crate::event::{Event, OneOffTask, TaskEnd};
use crate::outcome::Reason;
use crate::pace::Pace;
use crate::run::Run;
use crate::scrub::masked;
use crate::settings::{Settings, TaskSettings, Wait};
use crate::steps::revision::Revision;
use crate::steps::stopped;
use crate::undo::{OneOffUndo, TaskUndo, Undo};

/// A client token has at most 64 characters.
const TOKEN: usize = 64;
/// Of a longer command, this much says which one it was.
const COMMAND: usize = 120;

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

/// Runs the task; when it is waited for, its failure is the run's.
pub async fn task(
    run: &Run,
    settings: &Settings,
    asked: &TaskSettings,
    revision: &Revision,
    service: Option<&Service>,
) -> Result<(), Failure> {
    let undo = TaskUndo {
        cluster: settings.cluster.clone(),
        started_by: asked.started_by.clone(),
        revision: revision.arn.clone(),
        arns: Vec::new(),
        one_off: Some(OneOffUndo { command: command(asked), ran: Vec::new() }),
    };
    run.arm(Undo::Task(undo.clone()));
    let request = request(run, settings, asked, revision, service);
    let launched = run.aws.run_task(&request).await.map_err(|source| TaskError { doing: "started", source })?;
    let arns: Vec<String> = launched.tasks.iter().map(|task| task.task_arn.clone()).collect();
    let undo = TaskUndo { arns: arns.clone(), ..undo };
    run.narrow(Undo::Task(undo.clone()));
    run.tell(Event::TaskStarted { arns: arns.clone() });
    placed(&launched, "one-off task")?;
    let judged = judged(asked, &revision.definition);
    match asked.wait {
        Wait::Not => {
            keep(run, undo, left(asked, &launched.tasks, &judged));
            Ok(())
        }
        Wait::UntilStopped => {
            let deadline = settings.rollout.deadline.unwrap_or(settings.rollout.wait);
            let watched = Watched { what: "one-off task", arns: &arns, deadline };
            let tasks = until_stopped(run, settings, &watched).await?.ok_or_else(|| late(deadline))?;
            keep(run, undo, ran(asked, &tasks, &judged));
            judge(run, revision, &tasks, &judged).await
        }
    }
}

/// The task has ended, or is left alone: it is not stopped any more, and what ran is kept in mind to the end of the run.
fn keep(run: &Run, undo: TaskUndo, ran: Vec<OneOffTask>) {
    if ran.is_empty() {
        return run.disarm_newest();
    }
    for task in &ran {
        run.tell(Event::TaskRan { task: task.clone() });
    }
    let one_off = undo.one_off.map(|one_off| OneOffUndo { ran, ..one_off });
    run.narrow(Undo::Task(TaskUndo { one_off, ..undo }));
}

/// The containers that ran; one without an exit code never did.
fn ran(asked: &TaskSettings, tasks: &[Task], judged: &[String]) -> Vec<OneOffTask> {
    let all = tasks.iter().flat_map(|task| task.containers.iter().map(move |container| (task, container)));
    let judged = all.filter(|(_, container)| judged.contains(&container.name));
    let exited = judged.filter_map(|(task, container)| Some((task, &container.name, container.exit_code?)));
    let one_off = |(task, name, code): (&Task, &String, i32)| OneOffTask {
        command: command_of(asked, name),
        task: task.task_arn.clone(),
        container: name.clone(),
        end: TaskEnd::Exited { code },
    };
    exited.map(one_off).collect()
}

/// What goes on beside the rollout.
fn left(asked: &TaskSettings, tasks: &[Task], judged: &[String]) -> Vec<OneOffTask> {
    let all = tasks.iter().flat_map(|task| judged.iter().map(move |name| (task, name)));
    let one_off = |(task, name): (&Task, &String)| OneOffTask {
        command: command_of(asked, name),
        task: task.task_arn.clone(),
        container: name.clone(),
        end: TaskEnd::NotWaitedFor,
    };
    all.map(one_off).collect()
}

/// The command that the overrides give to any container.
fn command(asked: &TaskSettings) -> Option<String> {
    asked.overrides.items.iter().find_map(command_in)
}

/// The command that the overrides give to a container.
fn command_of(asked: &TaskSettings, container: &str) -> Option<String> {
    asked.overrides.items.iter().find(|item| text(item, "name") == Some(container)).and_then(command_in)
}

fn command_in(item: &Value) -> Option<String> {
    let words: Vec<&str> = item["command"].as_array()?.iter().filter_map(Value::as_str).collect();
    let command = masked(&words.join(" "));
    let shown: String = command.chars().take(COMMAND).collect();
    Some(if shown.len() < command.len() { format!("{shown}…") } else { shown }).filter(|command| !command.is_empty())
}

/// Whether AWS has started `what`.
pub(super) fn placed(launched: &Launched, what: &str) -> Result<(), Failure> {
    if launched.failures.is_empty() && !launched.tasks.is_empty() {
        return Ok(());
    }
    let failures = launched.failures.iter().map(|failure| {
        let words = [failure.arn.clone(), failure.reason.as_deref().map(masked), failure.detail.as_deref().map(masked)];
        words.into_iter().flatten().collect::<Vec<_>>().join(": ")
    });
    let causes = failures.collect::<Vec<_>>().join("; ");
    let cause = if causes.is_empty() { "AWS started no task and gives no reason".to_owned() } else { causes };
    Err(Failure::new(Reason::TaskFailed, format!("the {what} could not be placed")).caused_by(cause))
}

/// The request of RunTask.
pub(super) fn request(run: &Run, settings: &Settings, asked: &TaskSettings, revision: &Revision, service: Option<&Service>) -> Value {
    let mut token = format!("{}-{}", run.id, crate::undo::short(&revision.arn).replace(':', "-"));
    token.truncate(TOKEN);
    let mut request = json!({
        "cluster": settings.cluster,
        "taskDefinition": revision.arn,
        "startedBy": asked.started_by,
        "clientToken": token,
        "overrides": { "containerOverrides": asked.overrides.items },
    });
    let (key, capacity) = capacity(asked, service);
    request[key] = capacity;
    let inherited = service.and_then(network).filter(|_| TaskDefinition(&revision.definition).network_mode() == Some("awsvpc"));
    let optional = [
        ("networkConfiguration", given_network(asked, inherited.as_ref()).or(inherited)),
        ("tags", (!asked.tags.is_empty()).then(|| json!(asked.tags))),
        ("enableECSManagedTags", settings.rollout.enable_ecs_managed_tags.map(Value::from)),
        ("volumeConfigurations", asked.volume.configuration.clone().map(|volume| json!([volume]))),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            request[key] = value;
        }
    }
    request
}

/// Where the task runs: as given, else as the service's own tasks.
fn capacity(asked: &TaskSettings, service: Option<&Service>) -> (&'static str, Value) {
    const PROVIDERS: &str = "capacityProviderStrategy";
    const LAUNCH_TYPE: &str = "launchType";
    if !asked.strategy.is_empty() {
        return (PROVIDERS, json!(asked.strategy));
    }
    if let Some(given) = &asked.launch_type {
        return (LAUNCH_TYPE, json!(given));
    }
    let set = service.and_then(Service::primary_task_set);
    let some = |strategy: &Option<Value>| strategy.clone().filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
    let providers = set.and_then(|set| some(&set.capacity_provider_strategy));
    if let Some(providers) = providers.or_else(|| service.and_then(|service| some(&service.capacity_provider_strategy))) {
        return (PROVIDERS, providers);
    }
    let launch_type = set.and_then(|set| set.launch_type.clone()).or_else(|| service.and_then(|service| service.launch_type.clone()));
    (LAUNCH_TYPE, json!(launch_type.as_deref().unwrap_or("FARGATE")))
}

/// The given network; subnets that were not given are the service's.
fn given_network(asked: &TaskSettings, inherited: Option<&Value>) -> Option<Value> {
    let mut given = asked.network.as_ref()?.to_value();
    let configuration = &mut given["awsvpcConfiguration"];
    if configuration.get("subnets").is_none()
        && let Some(subnets) = inherited.and_then(|network| network.pointer("/awsvpcConfiguration/subnets"))
    {
        configuration["subnets"] = subnets.clone();
    }
    Some(given)
}

/// Where the service's tasks stand in the network.
fn network(service: &Service) -> Option<Value> {
    service.primary_task_set().and_then(|set| set.network_configuration.clone()).or_else(|| service.network_configuration.clone())
}

/// Tasks that are waited for.
pub(super) struct Watched<'a> {
    /// What they are, for the log.
    pub(super) what: &'a str,
    /// Their ARNs.
    pub(super) arns: &'a [String],
    /// The longest that is waited.
    pub(super) deadline: Duration,
}

/// Waits until all of them have stopped; none when they have not in their time.
pub(super) async fn until_stopped(run: &Run, settings: &Settings, watched: &Watched<'_>) -> Result<Option<Vec<Task>>, Failure> {
    let Watched { what, arns, deadline } = *watched;
    let began = Instant::now();
    let mut pace = Pace::new(settings.rollout.pace);
    let mut last = String::new();
    let mut blind_since: Option<Instant> = None;
    loop {
        match run.aws.describe_tasks(&settings.cluster, arns).await {
            Ok(tasks) if !tasks.is_empty() && tasks.iter().all(Task::is_stopped) => return Ok(Some(tasks)),
            Ok(tasks) => {
                blind_since = None;
                let now = tasks.iter().map(|task| task.last_status.as_str()).collect::<Vec<_>>().join(", ");
                if now != last {
                    run.tell(Event::Noted { sentence: format!("the {what} is {now}") });
                    last = now;
                }
            }
            Err(error)
                if error.may_have_landed() && blind_since.get_or_insert_with(Instant::now).elapsed() < crate::decide::BLIND_BUDGET =>
            {
                pace.slower();
            }
            Err(error) if error.kind == crate::aws::Kind::Throttled => pace.slower(),
            Err(source) => return Err(TaskError { doing: "watched", source }.into()),
        }
        if began.elapsed() >= deadline {
            return Ok(None);
        }
        pace.rest().await;
    }
}

fn late(deadline: Duration) -> Failure {
    Failure::new(Reason::Timeout, format!("the one-off task did not stop within {}", crate::duration::Human(deadline)))
        .hint("raise wait-for-minutes or deadline")
}

async fn judge(run: &Run, revision: &Revision, tasks: &[Task], judged: &[String]) -> Result<(), Failure> {
    let mut good = Vec::new();
    for task in tasks {
        let failed = task.containers.iter().any(|container| judged.contains(&container.name) && container.exit_code != Some(0));
        if failed || task.containers.is_empty() {
            return Err(failure(run, revision, task, judged).await);
        }
        good.extend(
            task.containers
                .iter()
                .filter(|container| judged.contains(&container.name))
                .map(|container| format!("{} exit 0", container.name)),
        );
    }
    run.tell(Event::TaskDone { containers: good });
    Ok(())
}

/// The containers whose exit code counts: the essential ones that the overrides name, else all essential ones. What a
/// sidecar exits with, when ECS ends the task, says nothing about the task.
fn judged(asked: &TaskSettings, definition: &Value) -> Vec<String> {
    let essential: Vec<String> =
        TaskDefinition(definition).essential().filter_map(|container| container.name().map(str::to_owned)).collect();
    let overridden: Vec<&str> = asked.overrides.items.iter().filter_map(|item| text(item, "name")).collect();
    let both: Vec<String> = essential.iter().filter(|name| overridden.contains(&name.as_str())).cloned().collect();
    if both.is_empty() { essential } else { both }
}

async fn failure(run: &Run, revision: &Revision, task: &Task, judged: &[String]) -> Failure {
    let stopped = stopped::of_task(run, task, &revision.definition, judged).await;
    let sentence = stopped.first().map_or_else(
        || "the one-off task did not start".to_owned(),
        |first| match first.exit_code {
            Some(code) => format!("the one-off task failed: container {} exited with {code}", first.container),
            None => format!("the one-off task failed: container {} {}", first.container, first.exit()),
        },
    );
    let cause = stopped
        .first()
        .map_or_else(|| task.stopped_reason.as_deref().map_or_else(|| "AWS gives no reason".into(), masked), |first| first.why.clone());
    Failure::new(Reason::TaskFailed, sentence)
        .caused_by(cause)
        .hint("the task's last log lines are shown; nothing was rolled out")
        .with_stopped(stopped)
}

#[cfg(test)]
mod tests;
