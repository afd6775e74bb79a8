//! One schedule, played: a stage of its own, the product's own engine on it, what others do meanwhile, then `post` twice.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ecs_bluegreen::aws::Aws;
use ecs_bluegreen::clock::Clock;
use ecs_bluegreen::engine::{self, Ending};
use ecs_bluegreen::inputs;
use ecs_bluegreen::run::{Outlets, Run};
use ecs_bluegreen::runner::Runner;
use ecs_bluegreen::settings::Settings;
use ecs_bluegreen::unwind::{self, Unwound};
use ecs_bluegreen_sim::world::load::{Load, LoadOptions, Stats};
use ecs_bluegreen_sim::{AlarmState, ServiceOptions, Stage, StageOptions, TaskEngine};
use serde_json::json;
use tokio::sync::Notify;

use super::SERVICE;
use super::schedule::{Deed, Schedule, Test};
use super::somebody::Somebody;
use super::told::Told;
use super::traffic::{serves, settled};

/// Longer than every wait of the product that a schedule can come into, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(100);

/// A schedule that was played.
pub(super) struct Played {
    pub(super) stage: Stage,
    pub(super) told: Arc<Told>,
    pub(super) somebody: Somebody,
    /// None for a process that was killed.
    pub(super) ending: Option<Ending>,
    /// Who served when the run ended.
    pub(super) at_end: Result<String, String>,
    pub(super) posts: [Option<Unwound>; 2],
    pub(super) is_settled: bool,
    pub(super) users: Stats,
    /// The service's hooks, when all was over.
    pub(super) hooks: serde_json::Value,
    /// What never came to its end.
    pub(super) hangs: Option<&'static str>,
}

/// Who is there while the run goes.
struct Scene<'s> {
    stage: &'s Stage,
    somebody: &'s Somebody,
    told: &'s Told,
    run: &'s Run,
    settings: &'s Settings,
}

/// Plays it.
pub(super) async fn play(schedule: &Schedule) -> Played {
    let (stage, somebody) = (begin(schedule).await, Somebody::new());
    somebody.call(&stage, "ecs.RegisterTaskDefinition", definition("other")).await;
    schedule.faults.iter().for_each(|fault| stage.inject(fault.clone()));
    let users = stage
        .listener("prod")
        .map(|listener| Load::start(LoadOptions { connections: 1, pause: Duration::from_millis(150), ..LoadOptions::on(listener) }));
    let told = Told::new();
    let (runner, settings) = job(schedule, &stage);
    let run = new_run(&settings, &runner, &told).await;
    let ran = tokio::time::timeout(
        PATIENCE,
        main(schedule, Scene { stage: &stage, somebody: &somebody, told: &told, run: &run, settings: &settings }),
    )
    .await;
    let at_end = serves(&stage, &schedule.controller);
    let armed = told.armed();
    let first = post(&settings, &runner, &told, &armed).await;
    stage.clear_faults();
    let second = post(&settings, &runner, &told, &armed).await;
    let is_settled = settled(&stage, &schedule.controller, Duration::from_secs(40)).await;
    let users = users.expect("a listener").stop().await;
    let described = somebody.call(&stage, "ecs.DescribeServices", json!({ "cluster": "prod", "services": [SERVICE] })).await;
    let hooks = described["services"][0]["deploymentConfiguration"]["lifecycleHooks"].clone();
    let hangs = [(ran.is_err(), "the run"), (first.is_none(), "post"), (second.is_none(), "post, once more")];
    let hangs = hangs.into_iter().find(|(hangs, _)| *hangs).map(|(_, what)| what);
    Played { stage, told, somebody, ending: ran.ok().flatten(), at_end, posts: [first, second], is_settled, users, hooks, hangs }
}

async fn begin(schedule: &Schedule) -> Stage {
    let options = StageOptions {
        engine: TaskEngine::Imaginary,
        clock: ecs_bluegreen_sim::Clock::Observed { brief_ms: 60, patience_ms: 90, ready_minute_ms: schedule.minute_ms },
        alarms: [("errors".to_owned(), AlarmState::Ok)].into(),
        switches: schedule.switches.clone(),
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
    assert!(stage.wait_until_steady(SERVICE, PATIENCE).await, "{:?}", stage.service_view(SERVICE));
    stage
}

fn definition(family: &str) -> serde_json::Value {
    json!({ "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [{ "name": "app", "image": "registry.example.com/app:1", "essential": true, "portMappings": [{ "containerPort": 8080 }] }] })
}

/// The job's variables become settings as in `main`; the stage stands where the proxy for AWS would be.
fn job(schedule: &Schedule, stage: &Stage) -> (Runner, Settings) {
    let url = |name: &str| stage.listener_url(name).unwrap_or_default();
    let mut inputs: BTreeMap<&str, String> = [
        ("cluster", "prod".to_owned()),
        ("service", SERVICE.to_owned()),
        ("environment-variables", "RELEASE=2".to_owned()),
        ("poll-interval", "10ms".to_owned()),
        ("deadline", "20m".to_owned()),
        ("http-proxy", stage.endpoint()),
    ]
    .into();
    inputs.extend(schedule.inputs.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let tests: String = [("green", schedule.green), ("production", schedule.production)].into_iter().map(test).collect();
    if !tests.is_empty() {
        inputs.insert("smoke-tests", format!("defaults: {{ timeout: 5s, retry: {{ for: 60ms, every: 20ms }} }}\ntests:\n{tests}"));
    }
    if schedule.green != Test::Absent {
        inputs.insert("test-url", url("test"));
    }
    if schedule.production != Test::Absent {
        inputs.insert("production-url", url("prod"));
    }
    let own =
        [("GITHUB_RUN_ID", "4711"), ("GITHUB_RUN_ATTEMPT", "1"), ("AWS_REGION", "eu-central-1"), ("GITHUB_WORKSPACE", "/nonexistent")];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables = own.chain(inputs.into_iter().map(|(name, value)| (format!("INPUT_{}", name.to_uppercase()), value))).collect();
    let runner = Runner::from_variables(&variables);
    let settings = inputs::read(&variables).and_then(|inputs| Settings::from_inputs(&inputs, &runner)).expect("settings");
    (runner, settings)
}

fn test((side, test): (&str, Test)) -> String {
    let revision = match test {
        Test::Absent => return String::new(),
        Test::Passes => "${revision}",
        Test::Fails => "api:77",
    };
    format!("  - {{ name: {side}, get: /, on: [{side}], expect: {{ status: 200, json: {{ $.revision: \"{revision}\" }} }} }}\n")
}

async fn new_run(settings: &Settings, runner: &Runner, told: &Arc<Told>) -> Run {
    let (sink, keeper) = (Arc::clone(told), Arc::clone(told));
    let aws = Aws::connect(&settings.aws).await;
    let outlets = Outlets {
        sink: Box::new(move |event| sink.record(event)),
        keeper: Box::new(move |armed| keeper.keep(armed)),
        hider: Box::new(|_| ()),
    };
    Run::new(aws, runner.clone(), Clock::start(), outlets)
}

/// The run, with everything that happens meanwhile; none when its machine died.
async fn main(schedule: &Schedule, scene: Scene<'_>) -> Option<Ending> {
    let (cancelled, acts) = (Notify::new(), Cell::new(false));
    let deeds = async {
        for (after, deed) in &schedule.deeds {
            scene.told.after(*after).await;
            match deed {
                Deed::Kill => return,
                Deed::Cancel => cancelled.notify_one(),
                Deed::Alarm | Deed::Continue | Deed::Reject | Deed::Stop | Deed::Update => {
                    acts.set(true);
                    scene.somebody.does(*deed, scene.stage, &schedule.controller).await;
                    acts.set(false);
                }
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::pin!(deeds);
    let ending = tokio::select! {
        biased;
        () = &mut deeds => None,
        ending = engine::run(scene.run, scene.settings, async { cancelled.notified().await }) => Some(ending),
    };
    while acts.get() {
        let _ = tokio::time::timeout(Duration::from_millis(5), &mut deeds).await;
    }
    ending
}

/// Takes back what the run has left armed; none when it does not end.
async fn post(settings: &Settings, runner: &Runner, told: &Arc<Told>, armed: &[ecs_bluegreen::undo::Undo]) -> Option<Unwound> {
    let run = new_run(settings, runner, told).await;
    tokio::time::timeout(PATIENCE, unwind::all(&run, armed)).await.ok()
}
