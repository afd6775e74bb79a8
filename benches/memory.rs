//! Peak memory of a whole deploy through CodeDeploy, with smoke tests: without an image, and with
//! 100 MiB of it to push.

use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::images::{self, Images};
use ecs_bluegreen_sim::rehearse::job::{Job, Step};
use ecs_bluegreen_sim::rehearse::mode::RehearsalMode;
use ecs_bluegreen_sim::rehearse::sample::{CONTAINER, REPOSITORY};
use ecs_bluegreen_sim::{Controller, GroupOptions, Stage, StageOptions};

use crate::Measurements;
use crate::benchmark::{Benchmark, worst};
use crate::extent::Extent;
use crate::fixture::{new_revision, start_stage, with_tests};
use crate::usage;

const RUNS: usize = 3;
const PADDING: u64 = 100 * 1024 * 1024;
const SHORT_PADDING: u64 = 1024 * 1024;
const WITHOUT: &str = "deploy without an image transfer, peak memory";
const FROM_LAYOUT: &str = "deploy with a 100 MiB layer from an OCI layout, peak memory";
const FROM_ENGINE: &str = "deploy with a 100 MiB layer from the Docker engine, peak memory";

pub(crate) async fn measure(
    programs: &Programs,
    folder: &Path,
    way: RehearsalMode,
    extent: Extent,
) -> Measurements {
    let service = [(
        "api".to_owned(),
        Controller::CodeDeploy(GroupOptions::default()),
    )];
    let stage = start_stage(programs, folder, StageOptions::default(), &service).await?;
    let mut without = Vec::new();
    for run in 0..extent.choose(RUNS, 1) {
        let job = create_job(programs, folder, &stage)?;
        without
            .push(measure_peak(programs, &job, &stage, new_revision("api", run), "1.0.0").await?);
    }
    let mut bars = vec![Benchmark::at_most(
        WITHOUT,
        worst(&without),
        25.0,
        "MiB",
        "",
    )];
    let images = Images::new(
        &write_padded_sample(programs, folder, extent.choose(PADDING, SHORT_PADDING))?,
        &folder.join("large"),
    );
    bars.push(measure_transfer(programs, folder, &stage, &images, RehearsalMode::Process).await?);
    bars.push(match way {
        RehearsalMode::Docker => measure_transfer(programs, folder, &stage, &images, way).await?,
        RehearsalMode::Process => {
            Benchmark::not_measured(FROM_ENGINE, "≤ 64 MiB", "no Docker engine answers")
        }
    });
    stage.shutdown().await;
    // Only an engine's image was made there.
    let _ = fs::remove_dir_all(folder.join("large"));
    fs::remove_file(folder.join("padded"))?;
    Ok(bars)
}

fn create_job(programs: &Programs, folder: &Path, stage: &Stage) -> io::Result<Job> {
    Job::new(&programs.action, &folder.join("memory"), &stage.endpoint())
}

async fn measure_peak(
    programs: &Programs,
    job: &Job,
    stage: &Stage,
    step: Step,
    version: &str,
) -> io::Result<f64> {
    Ok(usage::measure_step(
        &programs.action,
        job,
        &with_tests(stage, "api", version, step),
        0,
    )
    .await?
    .memory)
}

async fn measure_transfer(
    programs: &Programs,
    folder: &Path,
    stage: &Stage,
    images: &Images,
    way: RehearsalMode,
) -> Result<Benchmark, Box<dyn Error>> {
    // Another version than the other way's, or there would be nothing to send.
    let (name, version) = match way {
        RehearsalMode::Process => (FROM_LAYOUT, "1.0.0"),
        RehearsalMode::Docker => (FROM_ENGINE, "1.1.0"),
    };
    let job = create_job(programs, folder, stage)?;
    let image = images.build_input(way, version, &job.workspace()).await?;
    let mut step = new_revision("api", RUNS);
    let more = [
        ("image", image.clone()),
        ("repository", REPOSITORY.to_owned()),
        ("tags", version.to_owned()),
        ("container", CONTAINER.to_owned()),
    ];
    step.inputs.extend(more);
    let memory = measure_peak(programs, &job, stage, step, version).await;
    if way == RehearsalMode::Docker {
        images::remove_images(&[image]).await;
    }
    Ok(Benchmark::at_most(name, memory?, 64.0, "MiB", ""))
}

/// The sample application with random bytes behind it: a program all the same, and nothing that
/// could be compressed.
fn write_padded_sample(programs: &Programs, folder: &Path, padding: u64) -> io::Result<PathBuf> {
    let path = folder.join("padded");
    fs::copy(&programs.sample, &path)?;
    let mut file = fs::OpenOptions::new().append(true).open(&path)?;
    io::copy(
        &mut fs::File::open("/dev/urandom")?.take(padding),
        &mut file,
    )?;
    file.flush()?;
    Ok(path)
}
