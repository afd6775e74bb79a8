//! Stages and steps for the measurements.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::images::Images;
use ecs_bluegreen_sim::rehearse::job::Step;
use ecs_bluegreen_sim::rehearse::sample::{REPOSITORY, TOKEN, TOKEN_PARAMETER, service};
use ecs_bluegreen_sim::{Controller, Stage, StageOptions};

const TIMEOUT: Duration = Duration::from_mins(1);

/// A stage with services that run version 1.0.0.
pub(crate) async fn start_stage(
    programs: &Programs,
    folder: &Path,
    options: StageOptions,
    services: &[(String, Controller)],
) -> Result<Stage, Box<dyn Error>> {
    let secrets = [(TOKEN_PARAMETER.to_owned(), TOKEN.to_owned())].into();
    let stage = Stage::start(StageOptions {
        repositories: vec![REPOSITORY.to_owned()],
        secrets,
        ..options
    })
    .await?;
    let layout = Images::new(&programs.sample, &folder.join("images")).build_layout("1.0.0")?;
    stage
        .world()
        .push_layout(&layout, REPOSITORY, "1.0.0")
        .await?;
    for (name, controller) in services {
        stage
            .add_service(service(name, controller.clone(), 1))
            .await?;
    }
    for (name, _) in services {
        if !stage.wait_until_steady(name, TIMEOUT).await {
            return Err(Box::new(io::Error::other(format!(
                "{name} does not come up"
            ))));
        }
    }
    Ok(stage)
}

/// A step that deploys a new revision of a service, without a new image: `number` makes it new.
pub(crate) fn new_revision(service: &str, number: usize) -> Step {
    let inputs = [
        ("cluster", "prod".to_owned()),
        ("service", service.to_owned()),
        ("environment-variables", format!("BENCH_RUN={number}")),
    ];
    Step {
        inputs: inputs.to_vec(),
        environment: Vec::new(),
    }
}

/// The same with the smoke tests of the examples on both sides, for a version of the sample
/// application.
pub(crate) fn with_tests(stage: &Stage, service: &str, version: &str, step: Step) -> Step {
    let url = |listener: &str| stage.listener_url(listener).unwrap_or_default();
    let checks = [
        ("version", version.to_owned()),
        (
            "smoke-tests",
            include_str!("../examples/smoke.yml").to_owned(),
        ),
        ("test-url", url(&format!("{service}-test"))),
        ("production-url", url(service)),
    ];
    Step {
        inputs: step.inputs.into_iter().chain(checks).collect(),
        environment: vec![("SMOKE_TOKEN", TOKEN.to_owned())],
    }
}
