//! Plays the scenarios one after another on one stage, under load, and shows what a user would see.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use super::images::{self, Images};
use super::job::{Job, Step, Stop};
use super::sample::{CONTAINER, REPOSITORY, TOKEN, TOKEN_PARAMETER, service, task_definition};
use super::scenario::{Definition, Scenario};
use super::screen::Screen;
use super::strategy::Strategy;
use super::verdict::Played;
use super::viewer::Viewer;
use super::way::Way;
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
const PATIENCE: Duration = Duration::from_mins(1);

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
fn at(what: &'static str) -> impl FnOnce(io::Error) -> RehearsalError {
    move |error| RehearsalError::Prepare(what, error)
}

struct Rehearsal<'a> {
    programs: &'a Programs,
    way: Way,
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
    way: Way,
    strategy: Strategy,
    screen: Screen,
    signals: &mut Stop,
) -> Result<Vec<String>, RehearsalError> {
    let folder = programs.target.join("rehearsal").join(strategy.word());
    fs::create_dir_all(&folder).map_err(at("The folder for the results cannot be made"))?;
    screen.part(&format!(
        "The stage: a service of strategy {}",
        strategy.word()
    ));
    screen.line(&format!("  {}", strategy.story()));
    way.parts()
        .into_iter()
        .for_each(|line| screen.line(&format!("  {line}")));
    let images = Images::new(&programs.sample, &folder.join("images"));
    let stage = Stage::start(options(way)).await?;
    let rehearsal = Rehearsal {
        programs,
        way,
        strategy,
        screen,
        stage,
        images,
        folder,
    };
    let played = rehearsal.play(signals).await;
    rehearsal.stage.shutdown().await;
    if way == Way::Docker {
        images::remove(
            &strategy
                .scenarios()
                .map(|scenario| format!("sample-app:{}", scenario.version)),
        )
        .await;
    }
    Ok(played?
        .iter()
        .flat_map(|played| played.complaints(TOKEN))
        .collect())
}

fn options(way: Way) -> StageOptions {
    StageOptions {
        clock: Clock::Scaled(FACTOR),
        engine: way.engine(),
        repositories: vec![REPOSITORY.to_owned()],
        secrets: [(TOKEN_PARAMETER.to_owned(), TOKEN.to_owned())].into(),
        ..StageOptions::default()
    }
}

impl Rehearsal<'_> {
    async fn play(&self, signals: &mut Stop) -> Result<Vec<Played>, RehearsalError> {
        self.found().await?;
        let mut played = Vec::new();
        let scenarios = self.strategy.scenarios();
        for (index, scenario) in scenarios.into_iter().enumerate() {
            self.screen.part(&format!(
                "{} of {}, {}: {}",
                index + 1,
                scenarios.len(),
                self.strategy.word(),
                scenario.story
            ));
            if signals.came() {
                return Err(RehearsalError::Stopped);
            }
            played.push(self.scenario(index + 1, scenario, signals).await?);
            if signals.came() {
                return Err(RehearsalError::Stopped);
            }
        }
        self.conclude(&played)?;
        Ok(played)
    }

    /// Version 1.0.0 is there before the story begins.
    async fn found(&self) -> Result<(), RehearsalError> {
        let layout = self
            .images
            .layout("1.0.0")
            .map_err(at("The image of version 1.0.0 cannot be made"))?;
        let pushed = self
            .stage
            .world()
            .push_layout(&layout, REPOSITORY, "1.0.0")
            .await;
        pushed.map_err(at("The image of version 1.0.0 cannot be pushed"))?;
        self.stage
            .add_service(service(SERVICE, self.strategy.controller(), 2))
            .await?;
        if !self.stage.wait_until_steady(SERVICE, PATIENCE).await {
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
        self.screen.line(&format!(
            "Version 1.0.0 serves users at {}; {tasks}.",
            self.url(SERVICE)
        ));
        Ok(())
    }

    fn url(&self, listener: &str) -> String {
        self.stage.listener_url(listener).unwrap_or_default()
    }

    async fn scenario(
        &self,
        number: usize,
        scenario: Scenario,
        signals: &mut Stop,
    ) -> Result<Played, RehearsalError> {
        let folder = self.folder.join("jobs").join(scenario.name);
        let job = Job::new(&self.programs.action, &folder, &self.stage.endpoint())
            .map_err(at("The job's folder cannot be made"))?;
        self.check_out(&job)
            .map_err(at("The job's workspace cannot be written"))?;
        let image = self
            .images
            .input(self.way, scenario.version, &job.workspace())
            .await
            .map_err(at("The image cannot be made"))?;
        let step = self.step(scenario, image);
        step.yaml()
            .lines()
            .for_each(|line| self.screen.aside(&format!("  {line}")));
        self.screen.line("");
        let played = self.under_load(scenario, &job, &step, signals).await?;
        self.show(number, &played)?;
        Ok(played)
    }

    /// What the repository holds.
    fn check_out(&self, job: &Job) -> io::Result<()> {
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

    fn step(&self, scenario: Scenario, image: String) -> Step {
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
            .then(|| ("test-url", self.url(&format!("{SERVICE}-test"))));
        let production = [
            ("production-url", self.url(SERVICE)),
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

    async fn under_load(
        &self,
        scenario: Scenario,
        job: &Job,
        step: &Step,
        signals: &mut Stop,
    ) -> Result<Played, RehearsalError> {
        let load = self.load();
        tokio::time::sleep(MARGIN).await;
        let (mut viewer, mut log) = (Viewer::default(), String::new());
        let mut show = |line: &str| {
            if let Some(shown) = viewer.line(line) {
                self.screen.log(&shown);
                log.push_str(&shown.text);
                log.push('\n');
            }
        };
        let began = Instant::now();
        let ended = job
            .run(step, signals, &mut show)
            .await
            .map_err(at("The action cannot be run"))?;
        let seconds = began.elapsed().as_secs_f64();
        show("");
        show("Post org/ecs-bluegreen-action@v1");
        let post = job
            .post(step, &ended, signals, &mut show)
            .await
            .map_err(at("The post step cannot be run"))?;
        tokio::time::sleep(MARGIN).await;
        Ok(Played {
            scenario,
            ended,
            post,
            seconds,
            stats: load.stop().await,
            log,
        })
    }

    /// Users of production.
    fn load(&self) -> Load {
        let target = self
            .stage
            .listener(SERVICE)
            .unwrap_or_else(|| ([127, 0, 0, 1], 0).into());
        Load::start(LoadOptions {
            connections: 4,
            pause: Duration::from_millis(15),
            ..LoadOptions::on(target)
        })
    }

    fn show(&self, number: usize, played: &Played) -> Result<(), RehearsalError> {
        let file = self
            .folder
            .join(format!("{number}-{}.md", played.scenario.name));
        fs::write(&file, &played.ended.summary).map_err(at("The summary cannot be written"))?;
        self.screen.line("");
        self.screen.strong("The step summary:");
        for line in terminal::text(&played.ended.summary) {
            self.screen.line(&format!("  │ {line}"));
        }
        self.screen
            .aside(&format!("  as Markdown: {}", file.display()));
        Ok(())
    }

    fn conclude(&self, played: &[Played]) -> Result<(), RehearsalError> {
        let rows: Vec<Vec<String>> = std::iter::once(head())
            .chain(played.iter().map(row))
            .collect();
        let file = self.folder.join("index.html");
        fs::write(&file, page::page(self.strategy, played, &rows))
            .map_err(at("The page cannot be written"))?;
        self.screen.part(&format!(
            "What users got, by strategy {}",
            self.strategy.word()
        ));
        for line in table::ruled(&rows) {
            self.screen.line(&line);
        }
        self.screen.line("");
        self.screen.line(&format!(
            "All summaries and logs, to open in a browser: {}",
            file.display()
        ));
        Ok(())
    }
}

fn head() -> Vec<String> {
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

fn row(played: &Played) -> Vec<String> {
    let seen: Vec<String> = played
        .seen()
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
        played.serves().to_owned(),
    ]
}
