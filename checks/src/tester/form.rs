//! Testers as they are read from a document, and their environment. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use ecs_bluegreen_registry::ImageName;
use url::Url;

use super::reports::ReportPath;
use crate::moment::Moment;
use crate::template::{Template, Values};

/// Variables that every tester is given; a document may not set them.
pub(crate) const RESERVED: [&str; 6] = [
    "BASE_URL",
    "VERSION",
    "IMAGE_DIGEST",
    "REVISION",
    "MOMENT",
    "CI",
];

/// A tool in a container: its exit code is the result.
#[derive(Debug, Clone)]
pub struct Tester {
    /// Words for the log and the summary.
    pub name: String,
    /// The moments at which it runs.
    pub on: Vec<Moment>,
    /// What the container runs; empty for what its image says.
    pub command: Vec<String>,
    /// The longest it may take.
    pub timeout: Duration,
    /// Where it runs.
    pub place: TesterPlace,
    pub(crate) environment: Vec<(String, Template)>,
}

/// Where a tester runs.
#[derive(Debug, Clone)]
pub enum TesterPlace {
    /// In a container on the Docker engine of the runner.
    Runner(Box<RunnerPlace>),
    /// As a task in the service's network.
    Task(TaskPlace),
}

/// A container on the runner's Docker engine.
#[derive(Debug, Clone)]
pub struct RunnerPlace {
    /// The image as the engine names it; it is pulled when the engine does not have it.
    pub image: ImageName,
    /// Where its JUnit reports are.
    pub junit: Option<ReportPath>,
    /// The folder of the workspace in which it runs; the workspace itself when absent.
    pub working_directory: Option<String>,
    /// The engine's network; chosen by the URL when absent.
    pub network: Option<String>,
    /// Folders of the workspace that it may write to besides that of its reports; `.` is all of it.
    pub writes: Vec<String>,
    /// Bytes of memory that it may take.
    pub memory: u64,
    /// Processes and threads that it may have.
    pub processes: u32,
}

/// The name of the whole workspace in `writes`.
pub(crate) const WHOLE_WORKSPACE: &str = ".";

impl RunnerPlace {
    /// The folders of the workspace that it may write to, each once.
    pub fn writable_folders(&self) -> BTreeSet<String> {
        let reports = self.junit.iter().map(|path| path.folder().to_owned());
        self.writes.iter().cloned().chain(reports).collect()
    }

    /// Whether it may write to all of the workspace.
    pub fn writes_everything(&self) -> bool {
        self.writes.iter().any(|folder| folder == WHOLE_WORKSPACE)
    }
}

/// A task in the service's network.
#[derive(Debug, Clone)]
pub struct TaskPlace {
    /// `family` or `family:revision`; the revision that is deployed when absent.
    pub definition: Option<String>,
    /// The container whose command is replaced; the definition's only one when absent.
    pub container: Option<String>,
}

impl Tester {
    /// All its environment variables, without those of its image. Values may be secrets.
    pub fn render_environment(
        &self,
        moment: Moment,
        base: &Url,
        values: &Values,
    ) -> Vec<(String, String)> {
        let given = [
            // Tools put a path behind it that begins with a slash.
            base.as_str().trim_end_matches('/').to_owned(),
            values.version.clone(),
            values.digest.clone(),
            values.revision.clone(),
            moment_name(moment).to_owned(),
            "true".to_owned(),
        ];
        let given = RESERVED.into_iter().map(str::to_owned).zip(given);
        given
            .chain(
                self.environment
                    .iter()
                    .map(|(name, value)| (name.clone(), value.render(values))),
            )
            .collect()
    }

    /// Where it runs, in words.
    pub fn describe_place(&self) -> String {
        match &self.place {
            TesterPlace::Runner(runner) => format!("{} on the runner", runner.image),
            TesterPlace::Task(task) => {
                let definition = task
                    .definition
                    .as_deref()
                    .unwrap_or("the deployed revision");
                format!("a task of {definition}")
            }
        }
    }
}

fn moment_name(moment: Moment) -> &'static str {
    match moment {
        Moment::Green => "green",
        Moment::Step => "step",
        Moment::Production => "production",
        Moment::Bake => "bake",
    }
}
