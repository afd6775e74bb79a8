//! The runner and the job, as the environment that `main` read describes them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::github::commands::LogStyle;
use crate::github::files::Files;
use crate::github::workflow::Workflow;
use crate::workspace::Workspace;

/// The job, as far as a deployment needs it.
#[derive(Debug, Clone, Default)]
pub struct Runner {
    /// The job's folders.
    pub workspace: Workspace,
    /// The command files.
    pub files: Files,
    /// `GITHUB_RUN_ID` and `GITHUB_RUN_ATTEMPT`, as `1234-1`; `local` outside a workflow.
    pub run_id: String,
    /// `GITHUB_SHA`.
    pub sha: Option<String>,
    /// The workflow's run as GitHub's API knows it; none outside a workflow.
    pub workflow: Option<Workflow>,
    /// The region of the environment.
    pub region: Option<String>,
    /// The path of the Docker engine's socket.
    pub engine_socket: PathBuf,
    /// A folder for large temporary files.
    pub temp_folder: PathBuf,
    /// How the log is written.
    pub log_style: LogStyle,
    /// Every variable, for `${env.NAME}` in smoke tests.
    pub variables: BTreeMap<String, String>,
}

/// Where the engine listens unless `DOCKER_HOST` says otherwise.
const ENGINE_SOCKET: &str = "/var/run/docker.sock";

impl Runner {
    /// Whether the job was run again.
    pub fn is_rerun(&self) -> bool {
        self.run_id
            .rsplit_once('-')
            .and_then(|(_, attempt)| attempt.parse::<u32>().ok())
            .is_some_and(|attempt| attempt > 1)
    }

    /// Reads the values from the variables.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| {
            variables
                .get(name)
                .filter(|value| !value.trim().is_empty())
                .cloned()
        };
        let path = |name: &str| text(name).map(PathBuf::from);
        let run = text("GITHUB_RUN_ID").unwrap_or_else(|| "local".into());
        Self {
            workspace: Workspace {
                root: path("GITHUB_WORKSPACE").unwrap_or_else(|| ".".into()),
                runner_temp: path("RUNNER_TEMP"),
                repository: text("GITHUB_REPOSITORY")
                    .and_then(|name| name.rsplit('/').next().map(str::to_owned)),
            },
            files: Files {
                output: path("GITHUB_OUTPUT"),
                state: path("GITHUB_STATE"),
                summary: path("GITHUB_STEP_SUMMARY"),
            },
            run_id: text("GITHUB_RUN_ATTEMPT")
                .map_or(run.clone(), |attempt| format!("{run}-{attempt}")),
            sha: text("GITHUB_SHA"),
            workflow: Workflow::from_variables(variables),
            region: text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION")),
            engine_socket: text("DOCKER_HOST")
                .and_then(|host| host.strip_prefix("unix://").map(PathBuf::from))
                .unwrap_or_else(|| ENGINE_SOCKET.into()),
            // The image has no /tmp; the runner's temporary folder is a mount of the runner's disk.
            temp_folder: path("RUNNER_TEMP")
                .filter(|folder| folder.is_dir())
                .unwrap_or_else(std::env::temp_dir),
            log_style: if text("GITHUB_ACTIONS").as_deref() == Some("true") {
                LogStyle::WorkflowCommands
            } else {
                LogStyle::PlainText
            },
            variables: variables.clone(),
        }
    }
}
