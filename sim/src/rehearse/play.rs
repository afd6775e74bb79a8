//! Plays the scenarios one after another on one stage, under load, and shows what a user would see.
//! One file, because it is the one sequence that every scenario goes through, from the service to
//! the table of results.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use super::images::{self, Images};
use super::job::{Job, Step, StopSignals};
use super::mode::RehearsalMode;
use super::sample::{CONTAINER, REPOSITORY, TOKEN, TOKEN_PARAMETER, service, task_definition};
use super::scenario::{Definition, Scenario};
use super::screen::Screen;
use super::strategy::Strategy;
use super::verdict::PlayedScenario;
use super::viewer::Viewer;
use super::{Programs, page, table, terminal};
use crate::world::load::{Load, LoadOptions};
use crate::{Clock, Stage, StageError, StageOptions};

/// A minute of AWS's lasts two seconds: long enough to watch the steps of the traffic, short enough
/// to wait for.
const FACTOR: f64 = 30.0;
/// Two looks a step of the traffic. At AWS, where a step lasts minutes, nobody sets this.
const POLL: &str = "1s";
/// Users before and after the deployment, so that both ends are seen.
const MARGIN: Duration = Duration::from_secs(1);
/// Two tasks of a small program are up within seconds, also where everything else is slow.
const STEADY_TIMEOUT: Duration = Duration::from_mins(1);

const SERVICE: &str = "sample-app";
const SMOKE: &str = include_str!("../../../examples/smoke.yml");

/// Why a rehearsal cannot be played to its end.
#[derive(Debug, Error)]
pub enum RehearsalError {
    /// The stage does not start.
    #[error("The stage cannot be set up")]
    Stage(#[from] StageError),
    /// A file, an image or a process.
    #[error("{0}")]
    Prepare(&'static str, #[source] io::Error),
    /// The version that is there before the story begins does not come up.
    #[error("Version 1.0.0 does not come up: {0}")]
    NotSteady(String),
    /// Somebody pressed Ctrl-C.
    #[error("The rehearsal was stopped")]
    Stopped,
}

/// Explains an input or output error.
fn prepare_error(what: &'static str) -> impl FnOnce(io::Error) -> RehearsalError {
    move |error| RehearsalError::Prepare(what, error)
}

struct Rehearsal<'a> {
    programs: &'a Programs,
    mode: RehearsalMode,
    strategy: Strategy,
    screen: Screen,
    stage: Stage,
    images: Images,
    folder: PathBuf,
}

/// Plays everything; what was not as it must be.
///
/// # Errors
/// It cannot be played to its end.
pub async fn rehearse(
    programs: &Programs,
    mode: RehearsalMode,
    strategy: Strategy,
    screen: Screen,
    signals: &mut StopSignals,
) -> Result<Vec<String>, RehearsalError> {
    let folder = programs.target.join("rehearsal").join(strategy.name());
    fs::create_dir_all(&folder)
        .map_err(prepare_error("The folder for the results cannot be made"))?;
    screen.print_heading(&format!(
        "The stage: a service of strategy {}",
        strategy.name()
    ));
    screen.print(&format!("  {}", strategy.description()));
    mode.describe_parts()
        .into_iter()
        .for_each(|line| screen.print(&format!("  {line}")));
    let images = Images::new(&programs.sample, &folder.join("images"));
    let stage = Stage::start(stage_options(mode)).await?;
    let rehearsal = Rehearsal {
        programs,
        mode,
        strategy,
        screen,
        stage,
        images,
        folder,
    };
    let played = rehearsal.play(signals).await;
    rehearsal.stage.shutdown().await;
    if mode == RehearsalMode::Docker {
        images::remove_images(
            &strategy
                .scenarios()
                .map(|scenario| format!("sample-app:{}", scenario.version)),
        )
        .await;
    }
    Ok(played?
        .iter()
        .flat_map(|played| played.collect_problems(TOKEN))
        .collect())
}

fn stage_options(mode: RehearsalMode) -> StageOptions {
    StageOptions {
        clock: Clock::Scaled(FACTOR),
        engine: mode.engine(),
        repositories: vec![REPOSITORY.to_owned()],
        secrets: [(TOKEN_PARAMETER.to_owned(), TOKEN.to_owned())].into(),
        ..StageOptions::default()
    }
}

impl Rehearsal<'_> {
    async fn play(&self, signals: &mut StopSignals) -> Result<Vec<PlayedScenario>, RehearsalError> {
        self.set_up_service().await?;
        let mut played = Vec::new();
        let scenarios = self.strategy.scenarios();
        for (index, scenario) in scenarios.into_iter().enumerate() {
            self.screen.print_heading(&format!(
                "{} of {}, {}: {}",
                index + 1,
                scenarios.len(),
                self.strategy.name(),
                scenario.story
            ));
            if signals.has_arrived() {
                return Err(RehearsalError::Stopped);
            }
            played.push(self.play_scenario(index + 1, scenario, signals).await?);
            if signals.has_arrived() {
                return Err(RehearsalError::Stopped);
            }
        }
        self.write_results(&played)?;
        Ok(played)
    }

    /// Version 1.0.0 is there before the story begins.
    async fn set_up_service(&self) -> Result<(), RehearsalError> {
        let layout = self
            .images
            .build_layout("1.0.0")
            .map_err(prepare_error("The image of version 1.0.0 cannot be made"))?;
        let pushed = self
            .stage
            .world()
            .push_layout(&layout, REPOSITORY, "1.0.0")
            .await;
        pushed.map_err(prepare_error("The image of version 1.0.0 cannot be pushed"))?;
        self.stage
            .add_service(service(SERVICE, self.strategy.controller(), 2))
            .await?;
        if !self.stage.wait_until_steady(SERVICE, STEADY_TIMEOUT).await {
            let events = self
                .stage
                .service_view(SERVICE)
                .map(|view| view.events)
                .unwrap_or_default();
            return Err(RehearsalError::NotSteady(
                events
                    .into_iter()
                    .next()
                    .unwrap_or_else(|| "nothing is known".to_owned()),
            ));
        }
        let tasks = if self.strategy.has_green() {
            "its two tasks are blue"
        } else {
            "it has two tasks"
        };
        self.screen.print(&format!(
            "Version 1.0.0 serves users at {}; {tasks}.",
            self.listener_url(SERVICE)
        ));
        Ok(())
    }

    fn listener_url(&self, listener: &str) -> String {
        self.stage.listener_url(listener).unwrap_or_default()
    }

    async fn play_scenario(
        &self,
        number: usize,
        scenario: Scenario,
        signals: &mut StopSignals,
    ) -> Result<PlayedScenario, RehearsalError> {
        let folder = self.folder.join("jobs").join(scenario.name);
        let job = Job::new(&self.programs.action, &folder, &self.stage.endpoint())
            .map_err(prepare_error("The job's folder cannot be made"))?;
        self.write_workspace(&job)
            .map_err(prepare_error("The job's workspace cannot be written"))?;
        let image = self
            .images
            .build_input(self.mode, scenario.version, &job.workspace())
            .await
            .map_err(prepare_error("The image cannot be made"))?;
        let step = self.build_step(scenario, image);
        step.yaml()
            .lines()
            .for_each(|line| self.screen.print_dim(&format!("  {line}")));
        self.screen.print("");
        let played = self.run_under_load(scenario, &job, &step, signals).await?;
        self.show_summary(number, &played)?;
        Ok(played)
    }

    /// What the repository holds.
    fn write_workspace(&self, job: &Job) -> io::Result<()> {
        let production = self
            .stage
            .listener(SERVICE)
            .map(|address| address.port())
            .unwrap_or_default();
        let definition = task_definition(SERVICE, "filled in by the deployment", production);
        fs::write(
            job.workspace().join("task-definition.json"),
            format!("{definition:#}\n"),
        )?;
        fs::write(job.workspace().join("smoke.yml"), SMOKE)
    }

    fn build_step(&self, scenario: Scenario, image: String) -> Step {
        let definition = (scenario.definition == Definition::File)
            .then(|| ("task-definition", "task-definition.json".to_owned()));
        let place = [
            ("cluster", "prod".to_owned()),
            ("service", SERVICE.to_owned()),
        ];
        let fixed = [
            ("image", image),
            ("repository", REPOSITORY.to_owned()),
            ("tags", format!("{}, latest", scenario.version)),
            ("container", CONTAINER.to_owned()),
            ("smoke-tests", "smoke.yml".to_owned()),
        ];
        let test = self
            .strategy
            .has_green()
            .then(|| ("test-url", self.listener_url(&format!("{SERVICE}-test"))));
        let production = [
            ("production-url", self.listener_url(SERVICE)),
            ("poll-interval", POLL.to_owned()),
        ];
        let inputs = place
            .into_iter()
            .chain(definition)
            .chain(fixed)
            .chain(test)
            .chain(production)
            .collect();
        Step {
            inputs,
            environment: vec![("SMOKE_TOKEN", TOKEN.to_owned())],
        }
    }

    async fn run_under_load(
        &self,
        scenario: Scenario,
        job: &Job,
        step: &Step,
        signals: &mut StopSignals,
    ) -> Result<PlayedScenario, RehearsalError> {
        let load = self.start_load();
        tokio::time::sleep(MARGIN).await;
        let (mut viewer, mut log) = (Viewer::default(), String::new());
        let mut show = |line: &str| {
            if let Some(shown) = viewer.render_line(line) {
                self.screen.print_log_line(&shown);
                log.push_str(&shown.text);
                log.push('\n');
            }
        };
        let started = Instant::now();
        let ended = job
            .run(step, signals, &mut show)
            .await
            .map_err(prepare_error("The action cannot be run"))?;
        let seconds = started.elapsed().as_secs_f64();
        show("");
        show("Post org/ecs-bluegreen-action@v1");
        let post = job
            .run_post(step, &ended, signals, &mut show)
            .await
            .map_err(prepare_error("The post step cannot be run"))?;
        tokio::time::sleep(MARGIN).await;
        Ok(PlayedScenario {
            scenario,
            ended,
            post,
            seconds,
            stats: load.stop().await,
            log,
        })
    }

    /// Users of production.
    fn start_load(&self) -> Load {
        let target = self
            .stage
            .listener(SERVICE)
            .unwrap_or_else(|| ([127, 0, 0, 1], 0).into());
        Load::start(LoadOptions {
            connections: 4,
            pause: Duration::from_millis(15),
            ..LoadOptions::for_target(target)
        })
    }

    fn show_summary(&self, number: usize, played: &PlayedScenario) -> Result<(), RehearsalError> {
        let file = self
            .folder
            .join(format!("{number}-{}.md", played.scenario.name));
        fs::write(&file, &played.ended.summary)
            .map_err(prepare_error("The summary cannot be written"))?;
        self.screen.print("");
        self.screen.print_bold("The step summary:");
        for line in terminal::render(&played.ended.summary) {
            self.screen.print(&format!("  │ {line}"));
        }
        self.screen
            .print_dim(&format!("  as Markdown: {}", file.display()));
        Ok(())
    }

    fn write_results(&self, played: &[PlayedScenario]) -> Result<(), RehearsalError> {
        let rows: Vec<Vec<String>> = std::iter::once(table_head())
            .chain(played.iter().map(table_row))
            .collect();
        let file = self.folder.join("index.html");
        fs::write(&file, page::render(self.strategy, played, &rows))
            .map_err(prepare_error("The page cannot be written"))?;
        self.screen.print_heading(&format!(
            "What users got, by strategy {}",
            self.strategy.name()
        ));
        for line in table::align_with_rule(&rows) {
            self.screen.print(&line);
        }
        self.screen.print("");
        self.screen.print(&format!(
            "All summaries and logs, to open in a browser: {}",
            file.display()
        ));
        Ok(())
    }
}

fn table_head() -> Vec<String> {
    [
        "scenario",
        "outcome",
        "exit",
        "seconds",
        "requests served",
        "requests failed",
        "versions users saw",
        "serves now",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn table_row(played: &PlayedScenario) -> Vec<String> {
    let seen: Vec<String> = played
        .versions_seen()
        .into_iter()
        .map(|(version, count)| format!("{version} ({count})"))
        .collect();
    vec![
        format!("{} {}", played.scenario.version, played.scenario.name),
        played.output("outcome").to_owned(),
        played.ended.exit.to_string(),
        format!("{:.1}", played.seconds),
        (played.stats.requests - played.stats.failures).to_string(),
        played.stats.failures.to_string(),
        seen.join(", "),
        played.serving_version().to_owned(),
    ]
}
