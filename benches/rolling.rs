//! CPU time and memory of the smallest deploy: a new revision of a rolling service, not waited for,
//! as the official action's three calls.

use std::path::Path;

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::job::{Job, Step};
use ecs_bluegreen_sim::{Controller, RollingOptions, StageOptions};

use crate::Measurements;
use crate::benchmark::{Benchmark, median, worst};
use crate::extent::Extent;
use crate::fixture::{new_revision, start_stage};
use crate::usage::{self, Usage};

const RUNS: usize = 20;

pub(crate) async fn measure(programs: &Programs, folder: &Path, extent: Extent) -> Measurements {
    let runs = extent.choose(RUNS, 2);
    let rolling = [(
        "api".to_owned(),
        Controller::Rolling(RollingOptions::default()),
    )];
    let stage = start_stage(programs, folder, StageOptions::default(), &rolling).await?;
    let mut usages: Vec<Usage> = Vec::new();
    for run in 0..runs {
        let job = Job::new(&programs.action, &folder.join("rolling"), &stage.endpoint())?;
        usages.push(usage::measure_step(&programs.action, &job, &deploy_step(run), 0).await?);
    }
    stage.shutdown().await;
    let cpu: Vec<f64> = usages.iter().map(|usage| usage.cpu).collect();
    let memory: Vec<f64> = usages.iter().map(|usage| usage.memory).collect();
    let note = format!(
        "worst of {runs}: {:.1}; the official action: 213",
        worst(&cpu)
    );
    Ok(vec![
        Benchmark::at_most(
            "rolling deploy, CPU time, median",
            median(&cpu),
            25.0,
            "ms",
            &note,
        ),
        Benchmark::at_most(
            "rolling deploy, peak memory",
            worst(&memory),
            20.0,
            "MiB",
            "the official action: 74",
        ),
    ])
}

fn deploy_step(run: usize) -> Step {
    let mut step = new_revision("api", run);
    step.inputs
        .push(("wait-for-service-stability", "false".to_owned()));
    step
}
