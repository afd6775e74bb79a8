//! Many deployments at once in one account, under the request limits that AWS documents: do all of
//! them end right, and what does it cost?
//!
//! Every run is a process of its own, as every job has its own runner: none knows of the others but
//! by being throttled. The tasks are imaginary, so that two processors are enough.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use ecs_bluegreen_sim::rehearse::job::{Job, Step, StepResult, StopSignals};
use ecs_bluegreen_sim::rehearse::sample::{REPOSITORY, service};
use ecs_bluegreen_sim::{
    Clock, Controller, EcsStrategyOptions, Entry, GroupOptions, Limits, RequestCounts,
    RollingOptions, Stage, StageOptions, StateChange, Strategy, TaskEngine,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::benchmark::{Benchmark, percentile, worst};
use crate::fixture::new_revision;
use crate::{Measurements, print_line};

/// How many deployments, unless somebody says otherwise.
pub(crate) const DEPLOYMENTS: usize = 200;

const TASKS: u32 = 2;
/// Pipelines of one push do not start in the same millisecond.
const STARTED_WITHIN: Duration = Duration::from_secs(20);
/// Registering alone takes AWS's one revision a second: the rest is to be short beside it.
const FASTER_THAN_AWS: f64 = 10.0;
const TIMEOUT: Duration = Duration::from_mins(2);

/// Who performs the rollouts, in turns.
const MIX: [Kind; 4] = [
    Kind::CodeDeploy,
    Kind::Rolling,
    Kind::BlueGreen,
    Kind::Canary,
];

/// Asked of green and of production: the reason for a gate.
const TESTS: &str = "tests: [{ name: health, get: /health }]";

#[derive(Debug, Clone, Copy)]
enum Kind {
    CodeDeploy,
    Rolling,
    BlueGreen,
    Canary,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::CodeDeploy => "codedeploy",
            Self::Rolling => "rolling",
            Self::BlueGreen => "blue-green",
            Self::Canary => "canary",
        }
    }

    fn controller(self) -> Controller {
        match self {
            Self::CodeDeploy => Controller::CodeDeploy(GroupOptions::default()),
            Self::Rolling => Controller::Rolling(RollingOptions::default()),
            Self::BlueGreen => Controller::Ecs(EcsStrategyOptions::default()),
            Self::Canary => {
                let strategy = Strategy::Canary {
                    percent: 10.0,
                    bake_minutes: 1,
                };
                Controller::Ecs(EcsStrategyOptions {
                    strategy,
                    ..EcsStrategyOptions::default()
                })
            }
        }
    }
}

/// A new revision, tested on green where there is a green to test.
fn deploy_step(stage: &Stage, service: &str) -> Step {
    let mut step = new_revision(service, 1);
    if let (Some(test), Some(production)) = (
        stage.listener_url(&format!("{service}-test")),
        stage.listener_url(service),
    ) {
        step.inputs.extend([
            ("smoke-tests", TESTS.to_owned()),
            ("test-url", test),
            ("production-url", production),
        ]);
    }
    step
}

/// One run's end.
struct Run {
    service: String,
    seconds: f64,
    ended: StepResult,
}

impl Run {
    fn has_deployed(&self) -> bool {
        self.ended.exit == 0 && self.outcome() == "deployed"
    }

    fn outcome(&self) -> &str {
        self.ended
            .outputs
            .get("outcome")
            .map_or("none", String::as_str)
    }

    /// What went wrong, without the service's name: the same for all that failed the same way.
    fn failure(&self) -> String {
        let reason = self
            .ended
            .outputs
            .get("reason")
            .map_or("none", String::as_str);
        format!(
            "exit {}, outcome {}, reason {reason}",
            self.ended.exit,
            self.outcome()
        )
    }
}

/// The bar, and what is worth knowing beside it.
pub(crate) async fn measure(action: &Path, folder: &Path, deployments: usize) -> Measurements {
    let services: Vec<(String, Kind)> = MIX
        .into_iter()
        .cycle()
        .take(deployments)
        .enumerate()
        .map(name_service)
        .collect();
    let stage = start_stage(&services).await?;
    let runs = deploy(action, &folder.join("scale"), &stage, &services).await?;
    let (tally, lags) = (stage.request_counts(), gate_latencies(&stage));
    stage.shutdown().await;
    print_details(&runs, &tally);
    Ok(to_benchmarks(&runs, &tally, &lags))
}

fn name_service((index, kind): (usize, Kind)) -> (String, Kind) {
    (format!("{}-{index:03}", kind.name()), kind)
}

async fn start_stage(services: &[(String, Kind)]) -> Result<Stage, Box<dyn Error>> {
    let options = StageOptions {
        engine: TaskEngine::Imaginary,
        limits: Limits::Documented,
        clock: Clock::Scaled(FASTER_THAN_AWS),
        repositories: vec![REPOSITORY.to_owned()],
        ..StageOptions::default()
    };
    let stage = Stage::start(options).await?;
    for (name, kind) in services {
        stage
            .add_service(service(name, kind.controller(), TASKS))
            .await?;
    }
    for (name, _) in services {
        if !stage.wait_until_steady(name, TIMEOUT).await {
            return Err(format!("{name} does not come up").into());
        }
    }
    Ok(stage)
}

/// One process for every service, evenly spread over the time in which they start; waits for all of
/// them.
async fn deploy(
    action: &Path,
    folder: &Path,
    stage: &Stage,
    services: &[(String, Kind)],
) -> Result<Vec<Run>, Box<dyn Error>> {
    let mut running: JoinSet<std::io::Result<Run>> = JoinSet::new();
    let pause = STARTED_WITHIN / u32::try_from(services.len().max(1))?;
    for (service, _) in services {
        let job = Job::new(action, &folder.join(service), &stage.endpoint())?;
        running.spawn(run_one(job, service.clone(), deploy_step(stage, service)));
        sleep(pause).await;
    }
    let mut runs = Vec::new();
    while let Some(run) = running.join_next().await {
        runs.push(run??);
    }
    Ok(runs)
}

/// One run. Its log stays in its folder.
async fn run_one(job: Job, service: String, step: Step) -> std::io::Result<Run> {
    let (began, mut log) = (Instant::now(), String::new());
    let ended = job
        .run(&step, &mut StopSignals::disabled(), |line| {
            log.extend([line, "\n"]);
        })
        .await?;
    std::fs::write(job.temp().join("log.txt"), log)?;
    Ok(Run {
        service,
        seconds: began.elapsed().as_secs_f64(),
        ended,
    })
}

/// Seconds between each gate being visible and AWS accepting our answer to it.
fn gate_latencies(stage: &Stage) -> Vec<f64> {
    let timeline = stage.timeline();
    stage
        .ledger()
        .iter()
        .filter(|entry| entry.code.is_none())
        .filter_map(|entry| gate_latency(&timeline, entry))
        .collect()
}

/// The gate that an answer is to is the last one before it.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds between two events"
)]
fn gate_latency(timeline: &[StateChange], answer: &Entry) -> Option<f64> {
    let (subject, gate) = match answer.operation.as_str() {
        "codedeploy:ContinueDeployment" => ("deploymentId", "Ready"),
        "ecs:ContinueServiceDeployment" => ("serviceDeploymentArn", " paused"),
        _ => return None,
    };
    let subject = answer.request.get(subject)?.as_str()?;
    let mut gates = timeline
        .iter()
        .rev()
        .filter(|moment| moment.subject == subject && moment.state.ends_with(gate));
    let visible = gates.find(|moment| moment.at_ms <= answer.at_ms)?;
    Some((answer.at_ms - visible.at_ms) as f64 / 1000.0)
}

/// What a table has no room for: the minutes, who was throttled, and what went wrong.
fn print_details(runs: &[Run], tally: &RequestCounts) {
    print_line(&format!("  requests by minute: {:?}", tally.per_minute()));
    for (operation, count) in tally
        .operations
        .iter()
        .filter(|(_, count)| count.throttled > 0)
    {
        print_line(&format!(
            "  throttled: {operation}, {} of {}",
            count.throttled, count.requests
        ));
    }
    for run in runs.iter().filter(|run| !run.has_deployed()) {
        print_line(&format!(
            "  {}: {} after {:.0} s",
            run.service,
            run.failure(),
            run.seconds
        ));
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "some hundreds of runs, some thousands of requests"
)]
fn to_benchmarks(runs: &[Run], tally: &RequestCounts, lags: &[f64]) -> Vec<Benchmark> {
    let name = |what: &str| format!("{} deployments at once: {what}", runs.len());
    let wrong = runs.iter().filter(|run| !run.has_deployed()).count() as f64;
    let seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
    let longest = format!(
        "the longest took {:.0} s, half of them at most {:.0} s",
        worst(&seconds),
        percentile(&seconds, 0.5)
    );
    let requests = format!(
        "{} in all, {} in the busiest minute",
        tally.total.requests,
        tally.busiest_minute()
    );
    let gates = format!(
        "p50 {:.1} s, p95 {:.1} s, worst {:.1} s of {}",
        percentile(lags, 0.5),
        percentile(lags, 0.95),
        worst(lags),
        lags.len()
    );
    vec![
        Benchmark::at_most(&name("ended wrong"), wrong, 0.0, "runs", &longest),
        Benchmark::without_limit(&name("requests to AWS"), &requests),
        Benchmark::without_limit(
            &name("throttled"),
            &format!("{} requests", tally.total.throttled),
        ),
        Benchmark::without_limit(&name("gate visible → continued"), &gates),
    ]
}
