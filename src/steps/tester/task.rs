//! A tester as a task in the service's network: a container of a task definition with another
//! command.

use serde_json::{Value, json};

use super::{TesterContext, TesterOutcome};
use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::{Service, Task};
use crate::checks::tester::{Cases, TaskPlace, Tester, TesterVerdict, Transcript};
use crate::clock::nonce;
use crate::documents::ebs::ManagedVolume;
use crate::documents::overrides::Items;
use crate::documents::run_task::{TaskRequest, TaskWait};
use crate::documents::task_definition::{TaskDefinition, text};
use crate::error::{Explain, Failure};
use crate::event::{Event, StartedTester};
use crate::identity::TaskArn;
use crate::observe::stopped_tasks;
use crate::outcome::Reason;
use crate::plan::TaskHost;
use crate::run::{ArmedUndo, Run};
use crate::steps::revision::Revision;
use crate::steps::task;
use crate::undo::{TaskUndo, Undo};

/// `startedBy` of testers' tasks: people find them by it, and we find one whose start was not
/// answered.
const STARTED_BY: &str = "ecs-bluegreen-tester";
/// Lines of its log that are shown.
const MAX_LOG_LINES: i32 = 200;

/// AWS did not run the tester's task, or did not let it be watched.
#[derive(Debug, thiserror::Error)]
#[error("tester \"{name}\" cannot be run as a task")]
pub(super) struct TesterTaskError {
    name: String,
    source: AwsError,
}

impl Explain for TesterTaskError {
    fn reason(&self) -> Reason {
        self.source.reason()
    }

    fn hint(&self) -> Option<String> {
        self.source.hint()
    }
}

fn error_of(tester: &Tester) -> impl Fn(AwsError) -> TesterTaskError {
    |source| TesterTaskError {
        name: tester.name.clone(),
        source,
    }
}

/// Checks that a task definition of its own exists, and has the container.
pub(super) async fn prepare(run: &Run, tester: &Tester, place: &TaskPlace) -> Result<(), Failure> {
    let Some(definition) = &place.definition else {
        return Ok(());
    };
    let revision = read_revision(run, tester, definition).await?;
    choose_container(tester, place, &revision).map(drop)
}

async fn read_revision(run: &Run, tester: &Tester, name: &str) -> Result<Revision, Failure> {
    let mut answer = run
        .aws
        .describe_task_definition(name)
        .await
        .map_err(error_of(tester))?;
    let definition = answer["taskDefinition"].take();
    let arn = text(&definition, "taskDefinitionArn")
        .unwrap_or(name)
        .into();
    Ok(Revision {
        arn,
        definition,
        registered: false,
    })
}

/// The container that is named, or the only one that there is.
fn choose_container(
    tester: &Tester,
    place: &TaskPlace,
    revision: &Revision,
) -> Result<String, Failure> {
    let definition = TaskDefinition(&revision.definition);
    let essential: Vec<&str> = definition
        .essential_containers()
        .filter_map(|container| container.name())
        .collect();
    let (problem, names) = match (place.container.as_deref(), essential.as_slice()) {
        (Some(name), _) if definition.container(name).is_some() => return Ok(name.to_owned()),
        (None, [only]) => return Ok((*only).to_owned()),
        (Some(name), _) => (
            format!("there is no container `{name}`"),
            definition.container_names(),
        ),
        (None, _) => (
            "there is not exactly one essential container".to_owned(),
            definition.container_names(),
        ),
    };
    let sentence = format!(
        "tester \"{}\" cannot be run as a task: {problem} in {}",
        tester.name,
        short_name(&revision.arn)
    );
    Err(Failure::new(Reason::SmokeFailed, sentence)
        .with_hint(format!("set `container` of the tester to one of {names}")))
}

pub(super) async fn run_as_task(
    run: &Run,
    host: &TaskHost,
    tester: &Tester,
    place: &TaskPlace,
    context: &TesterContext<'_>,
) -> Result<TesterOutcome, Failure> {
    let revision = read_revision(
        run,
        tester,
        place
            .definition
            .as_deref()
            .unwrap_or(&context.values.revision),
    )
    .await?;
    let container = choose_container(tester, place, &revision)?;
    let service = read_service(run, host, tester).await?;
    let asked = build_task_request(tester, &container, context, service.as_ref());
    let mut request = task::build_request(host, &asked, &revision, service.as_ref());
    // Several testers may run the same revision: each is a request of its own.
    request["clientToken"] = json!(format!("{}-{:016x}", run.id, nonce()));
    let (armed, arns) = start(run, host, tester, &revision, &request).await?;
    let ids: Vec<&str> = arns.iter().map(short_name).collect();
    let place = format!("task {} of {}", ids.join(", "), short_name(&revision.arn));
    run.emit(Event::TesterStarted(StartedTester {
        name: tester.name.clone(),
        moment: context.moment,
        place,
    }));
    let watched = task::AwaitedTasks {
        what: "tester",
        arns: &arns,
        deadline: tester.timeout,
    };
    let Some(tasks) = task::wait_until_stopped(run, host, &watched, None).await? else {
        // It stays armed: the failed run stops it.
        return Ok(to_outcome(TesterVerdict::TimedOut, None, None));
    };
    armed.disarm();
    Ok(evaluate(run, tester, context, &revision, &container, &tasks).await)
}

async fn read_service(
    run: &Run,
    host: &TaskHost,
    tester: &Tester,
) -> Result<Option<Service>, Failure> {
    let Some(name) = &host.service else {
        return Ok(None);
    };
    match run
        .aws
        .describe_service(&host.cluster, name)
        .await
        .map_err(error_of(tester))?
    {
        ServiceLookup::Service(service) => Ok(Some(*service)),
        ServiceLookup::Missing(_) => Ok(None),
    }
}

/// As the service's own tasks are run, with the tester's command and environment.
fn build_task_request(
    tester: &Tester,
    container: &str,
    context: &TesterContext<'_>,
    service: Option<&Service>,
) -> TaskRequest {
    let environment = tester.render_environment(context.moment, context.url, context.values);
    let environment: Vec<Value> = environment
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let item = json!({ "name": container, "command": tester.command, "environment": environment });
    let set = service.and_then(Service::primary_task_set);
    let strategy = set.and_then(|set| set.capacity_provider_strategy.as_ref());
    let strategy = strategy
        .or_else(|| service.and_then(|service| service.capacity_provider_strategy.as_ref()));
    let launch_type = set
        .and_then(|set| set.launch_type.clone())
        .or_else(|| service.and_then(|service| service.launch_type.clone()));
    TaskRequest {
        overrides: Items {
            items: vec![item],
            notes: Vec::new(),
        },
        network: None,
        strategy: strategy
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default(),
        launch_type,
        started_by: STARTED_BY.to_owned(),
        tags: Vec::new(),
        volume: ManagedVolume::default(),
        wait: TaskWait::UntilStopped,
    }
}

async fn start<'r>(
    run: &'r Run,
    host: &TaskHost,
    tester: &Tester,
    revision: &Revision,
    request: &Value,
) -> Result<(ArmedUndo<'r>, Vec<TaskArn>), Failure> {
    let undo = TaskUndo {
        cluster: host.cluster.clone(),
        started_by: STARTED_BY.to_owned(),
        revision: revision.arn.clone(),
        ..TaskUndo::default()
    };
    let armed = run.arm(Undo::Task(undo.clone()));
    let launched = run.aws.run_task(request).await.map_err(error_of(tester))?;
    let arns: Vec<TaskArn> = launched
        .tasks
        .iter()
        .map(|task| task.task_arn.clone())
        .collect();
    armed.refine(Undo::Task(TaskUndo {
        arns: arns.clone(),
        ..undo
    }));
    task::check_placed(&launched, "tester's task", Reason::TaskFailed)?;
    Ok((armed, arns))
}

async fn evaluate(
    run: &Run,
    tester: &Tester,
    context: &TesterContext<'_>,
    revision: &Revision,
    container: &str,
    tasks: &[Task],
) -> TesterOutcome {
    let found = tasks.iter().find_map(|task| {
        Some((
            task,
            task.containers.iter().find(|one| one.name == container)?,
        ))
    });
    let Some((task, ours)) = found else {
        return to_outcome(
            TesterVerdict::Failed,
            None,
            Some("AWS does not show its container".into()),
        );
    };
    let report = |line: &str| {
        run.emit(Event::TesterLine {
            name: tester.name.clone(),
            line: line.into(),
        });
    };
    let mut transcript = Transcript::new(&context.scrubber, &report);
    let log = stopped_tasks::read_log(run, task, ours, &revision.definition, MAX_LOG_LINES).await;
    for line in &log {
        transcript.push_line(line);
    }
    let verdict = if ours.exit_code == Some(0) {
        TesterVerdict::Passed
    } else {
        TesterVerdict::Failed
    };
    let why = ours
        .exit_code
        .is_none()
        .then(|| stopped_tasks::stop_reason(task, ours));
    TesterOutcome {
        lines: transcript.last_lines(),
        ..to_outcome(verdict, ours.exit_code.map(i64::from), why)
    }
}

fn to_outcome(
    verdict: TesterVerdict,
    exit_code: Option<i64>,
    why: Option<String>,
) -> TesterOutcome {
    TesterOutcome {
        verdict,
        exit_code,
        cases: Cases::default(),
        lines: Vec::new(),
        omitted_lines: 0,
        note: None,
        why,
    }
}
