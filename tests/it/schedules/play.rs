//! One schedule, played: a stage of its own, the product's own engine on it, what others do
//! meanwhile, then `post` twice.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ecs_bluegreen::aws::Aws;
use ecs_bluegreen::clock::Clock;
use ecs_bluegreen::engine::{self, Ending};
use ecs_bluegreen::inputs;
use ecs_bluegreen::planner::Planner;
use ecs_bluegreen::run::{Observers, Run};
use ecs_bluegreen::runner::Runner;
use ecs_bluegreen::settings::Settings;
use ecs_bluegreen::unwind::{self, UnwindOutcome};
use ecs_bluegreen_sim::world::load::{Load, LoadOptions, Stats};
use ecs_bluegreen_sim::{
    AlarmState, EventTime, ServiceOptions, Stage, StageOptions, TaskEngine, TaskFault,
    TaskFaultKind,
};
use serde_json::json;
use tokio::sync::Notify;

use super::SERVICE;
use super::event_log::{EventLog, now_ms};
use super::schedule::{Intervention, OneOff, Schedule, Test, Trouble};
use super::somebody::Somebody;
use super::traffic::{serves, settled};

/// The workflow runs.
const FIRST: &str = "4711";
const SECOND: &str = "4712";
/// Longer than every wait of the product that a schedule can come into, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(100);

/// A run of ours that was played.
pub(super) struct Ran {
    pub(super) log: Arc<EventLog>,
    /// None for a process that was killed.
    pub(super) ending: Option<Ending>,
    pub(super) ended_ms: i64,
    /// Who served when it ended.
    pub(super) at_end: Result<String, String>,
    pub(super) posts: [Option<UnwindOutcome>; 2],
}

/// A schedule that was played.
pub(super) struct Played {
    pub(super) stage: Stage,
    pub(super) somebody: Somebody,
    pub(super) first: Ran,
    /// The other run, where one was started.
    pub(super) second: Option<Ran>,
    pub(super) is_settled: bool,
    pub(super) users: Stats,
    /// The one-off tasks of ours, when all was over.
    pub(super) one_off_tasks: Vec<serde_json::Value>,
    /// The service's hooks, when all was over.
    pub(super) hooks: serde_json::Value,
    /// What never came to its end.
    pub(super) hangs: Option<&'static str>,
}

/// A run of ours, as its job sets it up.
struct Job {
    runner: Runner,
    settings: Settings,
    log: Arc<EventLog>,
}

impl Job {
    fn new(schedule: &Schedule, stage: &Stage, id: &str) -> Self {
        let (runner, settings) = job(schedule, stage, id);
        Self {
            runner,
            settings,
            log: EventLog::new(),
        }
    }
}

/// Who is there while the runs go.
struct Scene<'s> {
    stage: &'s Stage,
    somebody: &'s Somebody,
    job: &'s Job,
    run: &'s Run,
}

pub(super) async fn play(schedule: &Schedule) -> Played {
    let (stage, somebody) = (begin(schedule).await, Somebody::new());
    somebody
        .call(&stage, "ecs.RegisterTaskDefinition", definition("other"))
        .await;
    schedule
        .faults
        .iter()
        .for_each(|fault| stage.inject(fault.clone()));
    let users = stage.listener("prod").map(|listener| {
        Load::start(LoadOptions {
            connections: 1,
            pause: Duration::from_millis(150),
            ..LoadOptions::for_target(listener)
        })
    });
    let (first, second) = (
        Job::new(schedule, &stage, FIRST),
        Job::new(schedule, &stage, SECOND),
    );
    let is_over = Notify::new();
    let played = async {
        let played = run_first(schedule, &stage, &somebody, &first).await;
        is_over.notify_one();
        played
    };
    let beside = async {
        let asked = schedule.second?;
        tokio::select! { biased; () = is_over.notified() => return None, () = first.log.after(asked.after) => {} }
        Some(run_second(schedule, &stage, &second).await)
    };
    let (first_ran, second_ran) = tokio::join!(played, beside);
    let hangs = (first_ran.is_none() || second_ran.as_ref().is_some_and(Option::is_none))
        .then_some("a run");
    let armed = [&first, &second].map(|job| job.log.armed());
    let posts = [
        post(&first, &armed[0]).await,
        post(&second, &armed[1]).await,
    ];
    stage.clear_faults();
    let again = [
        post(&first, &armed[0]).await,
        post(&second, &armed[1]).await,
    ];
    let hangs = hangs.or_else(|| {
        posts
            .iter()
            .chain(&again)
            .any(Option::is_none)
            .then_some("post")
    });
    let [[first_post, second_post], [first_again, second_again]] = [posts, again];
    let first = first_ran
        .unwrap_or_else(|| Ended::of(&stage, schedule))
        .with(first.log, [first_post, first_again]);
    let second = second_ran.map(|ran| {
        ran.unwrap_or_else(|| Ended::of(&stage, schedule))
            .with(second.log, [second_post, second_again])
    });
    let is_settled = settled(&stage, &schedule.controller, Duration::from_secs(40)).await;
    let users = users.expect("a listener").stop().await;
    let described = somebody
        .call(
            &stage,
            "ecs.DescribeServices",
            json!({ "cluster": "prod", "services": [SERVICE] }),
        )
        .await;
    let hooks = described["services"][0]["deploymentConfiguration"]["lifecycleHooks"].clone();
    let one_off_tasks = if schedule.one_off.is_some() {
        one_off_tasks(&stage, &somebody).await
    } else {
        Vec::new()
    };
    Played {
        stage,
        somebody,
        first,
        second,
        is_settled,
        users,
        one_off_tasks,
        hooks,
        hangs,
    }
}

/// Those of RunTask; one that has just been stopped gets time to end.
async fn one_off_tasks(stage: &Stage, somebody: &Somebody) -> Vec<serde_json::Value> {
    tokio::time::sleep(Duration::from_millis(400)).await;
    let mut arns = Vec::new();
    for status in ["RUNNING", "STOPPED"] {
        let listed = somebody
            .call(
                stage,
                "ecs.ListTasks",
                json!({ "cluster": "prod", "family": SERVICE, "desiredStatus": status }),
            )
            .await;
        arns.extend(listed["taskArns"].as_array().into_iter().flatten().cloned());
    }
    let described = somebody
        .call(
            stage,
            "ecs.DescribeTasks",
            json!({ "cluster": "prod", "tasks": arns }),
        )
        .await;
    let tasks = described["tasks"].as_array().cloned().unwrap_or_default();
    tasks
        .into_iter()
        .filter(|task| {
            task["group"]
                .as_str()
                .is_some_and(|group| group.starts_with("ecs-bluegreen:"))
        })
        .collect()
}

/// How a run ended, and who served then.
struct Ended {
    ending: Option<Ending>,
    at_ms: i64,
    at_end: Result<String, String>,
}

impl Ended {
    /// One that did not come to its end.
    fn of(stage: &Stage, schedule: &Schedule) -> Self {
        Self {
            ending: None,
            at_ms: now_ms(),
            at_end: serves(stage, &schedule.controller),
        }
    }

    fn with(self, log: Arc<EventLog>, posts: [Option<UnwindOutcome>; 2]) -> Ran {
        Ran {
            log,
            ending: self.ending,
            ended_ms: self.at_ms,
            at_end: self.at_end,
            posts,
        }
    }
}

/// The run, with everything that happens meanwhile; none when it hangs.
async fn run_first(
    schedule: &Schedule,
    stage: &Stage,
    somebody: &Somebody,
    job: &Job,
) -> Option<Ended> {
    let run = new_run(job).await;
    let scene = Scene {
        stage,
        somebody,
        job,
        run: &run,
    };
    let ending = tokio::time::timeout(PATIENCE, main(schedule, scene))
        .await
        .ok()?;
    Some(Ended {
        ending,
        ..Ended::of(stage, schedule)
    })
}

/// Another run of ours, which nobody cancels.
async fn run_second(schedule: &Schedule, stage: &Stage, job: &Job) -> Option<Ended> {
    let run = new_run(job).await;
    let planner = Planner::new(job.settings.clone(), &run.id);
    let engine = engine::run(&run, &planner, std::future::pending());
    let ending = tokio::time::timeout(PATIENCE, engine).await.ok()?;
    Some(Ended {
        ending: Some(ending),
        ..Ended::of(stage, schedule)
    })
}

async fn begin(schedule: &Schedule) -> Stage {
    let options = StageOptions {
        engine: TaskEngine::Imaginary,
        clock: ecs_bluegreen_sim::Clock::Observed {
            brief_ms: 60,
            patience_ms: 90,
            ready_minute_ms: schedule.minute_ms,
        },
        alarms: [("errors".to_owned(), AlarmState::Ok)].into(),
        switches: schedule.switches.clone(),
        task_troubles: troubles(schedule),
        ..StageOptions::default()
    };
    let stage = Stage::start(options).await.expect("a stage");
    let service = ServiceOptions {
        name: SERVICE.to_owned(),
        controller: schedule.controller.clone(),
        desired: 1,
        task_definition: definition(SERVICE),
        status: "ACTIVE".to_owned(),
        exposure: Some(schedule.exposure.clone()),
        scaling: None,
    };
    stage.add_service(service).await.expect("a service");
    assert!(
        stage.wait_until_steady(SERVICE, PATIENCE).await,
        "{:?}",
        stage.service_view(SERVICE)
    );
    stage
}

/// From the beginning, so that no user reaches them where traffic is moved by weights.
fn troubles(schedule: &Schedule) -> Vec<TaskFault> {
    let crash = |revision: &str| TaskFault {
        revision: revision.to_owned(),
        when: EventTime::Started(0.0),
        kind: TaskFaultKind::Crashes,
    };
    if schedule.trouble == Some(Trouble::Crashes) {
        ["api:2", "api:3"].map(crash).into()
    } else {
        Vec::new()
    }
}

fn definition(family: &str) -> serde_json::Value {
    json!({ "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [{ "name": "app", "image": "registry.example.com/app:1", "essential": true, "portMappings": [{ "containerPort": 8080 }] }] })
}

/// The job's variables become settings as in `main`; the stage takes the place that the proxy for
/// AWS would be.
fn job(schedule: &Schedule, stage: &Stage, id: &str) -> (Runner, Settings) {
    let url = |name: &str| stage.listener_url(name).unwrap_or_default();
    let mut inputs: BTreeMap<&str, String> = [
        ("cluster", "prod".to_owned()),
        ("service", SERVICE.to_owned()),
        ("environment-variables", environment(schedule, id)),
        ("poll-interval", "10ms".to_owned()),
        ("deadline", "20m".to_owned()),
        ("http-proxy", stage.endpoint()),
    ]
    .into();
    inputs.extend(
        schedule
            .inputs
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    if let Some(ends) = schedule.one_off {
        let command = if ends == OneOff::Passes {
            json!(["migrate"])
        } else {
            json!(["migrate", "--fail"])
        };
        inputs.insert("run-task", "true".to_owned());
        inputs.insert(
            "run-task-container-overrides",
            json!([{ "name": "app", "command": command }]).to_string(),
        );
        inputs.insert("run-task-subnets", "subnet-1".to_owned());
    }
    if let Some(second) = schedule.second.filter(|_| id == SECOND) {
        inputs.insert("if-running", second.policy.to_owned());
        // A person's answer is waited for by one run only.
        inputs.remove("approval");
    }
    let tests: String = [
        ("green", schedule.green),
        ("production", schedule.production),
    ]
    .into_iter()
    .map(test)
    .collect();
    if !tests.is_empty() {
        inputs.insert(
            "smoke-tests",
            format!(
                "defaults: {{ timeout: 5s, retry: {{ for: 60ms, every: 20ms }} }}\ntests:\n{tests}"
            ),
        );
    }
    if schedule.green != Test::Absent {
        inputs.insert("test-url", url("test"));
    }
    if schedule.production != Test::Absent {
        inputs.insert("production-url", url("prod"));
    }
    let own = [
        ("GITHUB_RUN_ID", id),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("AWS_REGION", "eu-central-1"),
        ("GITHUB_WORKSPACE", "/nonexistent"),
    ];
    let own = own
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables = own
        .chain(
            inputs
                .into_iter()
                .map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value)),
        )
        .collect();
    let runner = Runner::from_variables(&variables);
    let settings = inputs::read(&variables)
        .and_then(|inputs| Settings::from_inputs(&inputs, &runner))
        .expect("settings");
    (runner, settings)
}

fn test((side, test): (&str, Test)) -> String {
    let revision = match test {
        Test::Absent => return String::new(),
        Test::Passes => "${revision}",
        Test::Fails => "api:77",
    };
    format!(
        "  - {{ name: {side}, get: /, on: [{side}], expect: {{ status: 200, json: {{ $.revision: \"{revision}\" }} }} }}\n"
    )
}

/// Each run brings another version.
fn environment(schedule: &Schedule, id: &str) -> String {
    let trouble = if schedule.trouble == Some(Trouble::Sick) {
        "\nTROUBLE_PATH=/health"
    } else {
        ""
    };
    format!("RELEASE={id}{trouble}")
}

async fn new_run(job: &Job) -> Run {
    let (observer, keeper) = (Arc::clone(&job.log), Arc::clone(&job.log));
    let aws = Aws::connect(&job.settings.aws).await;
    let observers = Observers {
        observer: Box::new(move |event| observer.record(event)),
        state_store: Box::new(move |armed| keeper.keep(armed)),
        secret_masker: Box::new(|_| ()),
    };
    Run::new(aws, job.runner.clone(), Clock::start(), observers)
}

/// The run, with everything that happens meanwhile; none when its machine died.
async fn main(schedule: &Schedule, scene: Scene<'_>) -> Option<Ending> {
    let (cancelled, acts) = (Notify::new(), Cell::new(false));
    let interventions = async {
        for (after, intervention) in &schedule.interventions {
            scene.job.log.after(*after).await;
            match intervention {
                Intervention::Kill => return,
                Intervention::Cancel => cancelled.notify_one(),
                Intervention::Alarm
                | Intervention::Continue
                | Intervention::Reject
                | Intervention::Stop
                | Intervention::Update
                | Intervention::Weights => {
                    acts.set(true);
                    scene
                        .somebody
                        .does(*intervention, scene.stage, &schedule.controller)
                        .await;
                    acts.set(false);
                }
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::pin!(interventions);
    let planner = Planner::new(scene.job.settings.clone(), &scene.run.id);
    let ending = tokio::select! {
        biased;
        () = &mut interventions => None,
        ending = engine::run(scene.run, &planner, async { cancelled.notified().await }) => Some(ending),
    };
    while acts.get() {
        let _ = tokio::time::timeout(Duration::from_millis(5), &mut interventions).await;
    }
    ending
}

/// Takes back what the run has left armed; none when it does not end.
async fn post(job: &Job, armed: &[ecs_bluegreen::undo::Undo]) -> Option<UnwindOutcome> {
    let run = new_run(job).await;
    tokio::time::timeout(PATIENCE, unwind::undo_all(&run, armed))
        .await
        .ok()
}
