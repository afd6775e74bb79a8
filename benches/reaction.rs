//! From `Ready` being visible to our `ContinueDeployment`, at the default poll interval; and how
//! often AWS is read while traffic shifts.
//!
//! Several stages at different speeds: on one stage all deployments would be ready at the same
//! point between two looks.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::job::{Job, StopSignals};
use ecs_bluegreen_sim::{
    Clock, ConfigOptions, Controller, GroupOptions, Stage, StageOptions, Traffic,
};
use tokio::task::JoinSet;

use crate::Measurements;
use crate::benchmark::{Benchmark, median, worst};
use crate::extent::Extent;
use crate::fixture::{new_revision, start_stage};

/// How much faster than AWS each stage is. Green needs five seconds divided by this, and its start:
/// so `Ready` comes at six times that are evenly spread over the time between two looks.
const FACTORS: [f64; 6] = [1.5, 1.74, 2.08, 2.6, 3.4, 5.0];
const SERVICES: [&str; 2] = ["one", "two"];
const FOLLOWED: Duration = Duration::from_mins(1);
const TIMEOUT: Duration = Duration::from_mins(1);
/// Longer at every speed than everything is looked at.
const CANARY: Traffic = Traffic::Canary {
    percent: 10,
    minutes: 12,
};

pub(crate) async fn measure(programs: &Programs, folder: &Path, extent: Extent) -> Measurements {
    let followed = extent.choose(FOLLOWED, Duration::from_secs(1));
    let stages = start_stages(programs, folder, extent.choose(&FACTORS[..], &FACTORS[5..])).await?;
    let deployments = deploy(programs, folder, &stages)?;
    for stage in &stages {
        if !stage
            .wait_until(TIMEOUT, |stage| {
                reaction_times(stage).len() == SERVICES.len()
            })
            .await
        {
            return Err("a deployment did not pass its gate".into());
        }
    }
    let before = count_reads(&stages);
    tokio::time::sleep(followed).await;
    let read = count_reads(&stages) - before;
    drop(deployments);
    let times: Vec<f64> = stages.iter().flat_map(reaction_times).collect();
    for stage in stages {
        stage.shutdown().await;
    }
    Ok(to_benchmarks(&times, read, followed))
}

#[expect(clippy::cast_precision_loss, reason = "some hundreds of reads")]
fn to_benchmarks(times: &[f64], read: u64, followed: Duration) -> Vec<Benchmark> {
    let a_minute = read as f64 / times.len() as f64 / followed.as_secs_f64() * 60.0;
    let note = format!("worst of {}: {:.1}", times.len(), worst(times));
    vec![
        Benchmark::at_most(
            "Ready visible → ContinueDeployment, median",
            median(times),
            2.0,
            "s",
            &note,
        ),
        Benchmark::at_most(
            "reads of AWS while traffic shifts",
            a_minute,
            30.0,
            "a minute",
            "each run",
        ),
    ]
}

async fn start_stages(
    programs: &Programs,
    folder: &Path,
    factors: &[f64],
) -> Result<Vec<Stage>, Box<dyn Error>> {
    let mut stages = Vec::new();
    for factor in factors.iter().copied() {
        let group = GroupOptions {
            config: "Canary".to_owned(),
            ..GroupOptions::default()
        };
        let services =
            SERVICES.map(|name| (name.to_owned(), Controller::CodeDeploy(group.clone())));
        let configs = vec![ConfigOptions {
            name: "Canary".to_owned(),
            traffic: CANARY,
        }];
        let options = StageOptions {
            clock: Clock::Scaled(factor),
            deployment_configs: configs,
            ..StageOptions::default()
        };
        stages.push(start_stage(programs, folder, options, &services).await?);
    }
    Ok(stages)
}

/// Starts the action for every service; dropping the set kills them, which the stage does not mind.
fn deploy(programs: &Programs, folder: &Path, stages: &[Stage]) -> std::io::Result<JoinSet<()>> {
    let mut deployments = JoinSet::new();
    for (index, stage) in stages.iter().enumerate() {
        for service in SERVICES {
            let job = Job::new(
                &programs.action,
                &folder.join(format!("reaction-{index}-{service}")),
                &stage.endpoint(),
            )?;
            deployments.spawn(async move {
                let _ = job
                    .run(
                        &new_revision(service, 1),
                        &mut StopSignals::disabled(),
                        |_| (),
                    )
                    .await;
            });
        }
    }
    Ok(deployments)
}

/// Seconds between a deployment's `Ready` and our answer.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds between two events"
)]
fn reaction_times(stage: &Stage) -> Vec<f64> {
    let timeline = stage.timeline();
    let continued = stage
        .ledger()
        .into_iter()
        .filter(|entry| entry.operation == "codedeploy:ContinueDeployment");
    let seconds = continued.filter_map(|entry| {
        let id = entry.request.get("deploymentId")?.as_str()?;
        let ready = timeline
            .iter()
            .find(|moment| moment.subject == id && moment.state == "Ready")?;
        Some((entry.at_ms - ready.at_ms) as f64 / 1000.0)
    });
    seconds.collect()
}

fn count_reads(stages: &[Stage]) -> u64 {
    stages
        .iter()
        .map(|stage| stage.read_counts().values().sum::<u64>())
        .sum()
}
