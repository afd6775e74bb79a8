//! Whether the rehearsal uses Docker or plain processes, and so which parts are real and which are
//! simulated.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::options::TaskEngine;

/// An engine that hangs is as good as none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How tasks run, and where the image to deploy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RehearsalMode {
    /// Containers; images from `docker build` in the engine.
    Docker,
    /// Processes; images in OCI layouts.
    Process,
}

impl RehearsalMode {
    /// What `REHEARSE_ENGINE` says, or else whether a Docker engine answers.
    ///
    /// # Errors
    /// A sentence, when the variable holds another word.
    pub async fn choose(wanted: Option<&str>) -> Result<Self, String> {
        match wanted.filter(|word| !word.is_empty()) {
            Some("docker") => Ok(Self::Docker),
            Some("process") => Ok(Self::Process),
            Some(other) => Err(format!(
                "REHEARSE_ENGINE is {other:?}; it can be docker or process"
            )),
            None if is_engine_available().await => Ok(Self::Docker),
            None => Ok(Self::Process),
        }
    }

    /// What runs the tasks of the stage.
    pub fn engine(self) -> TaskEngine {
        match self {
            Self::Docker => TaskEngine::Docker,
            Self::Process => TaskEngine::Process,
        }
    }

    /// What is real and what is not, line by line.
    pub fn describe_parts(self) -> Vec<&'static str> {
        let own = match self {
            Self::Docker => [
                "real      images from `docker build`, taken out of the Docker engine by the action",
                "real      tasks, as containers of the pushed image",
            ],
            Self::Process => [
                "replaced  `docker build` and the Docker engine, by an OCI layout (oci:FOLDER): no Docker engine is used",
                "replaced  containers, by processes of this machine, run from the pushed image",
            ],
        };
        let always = [
            "real      the action, a registry, the load balancer's listeners and weights, every request of every user",
            "replaced  AWS (ECS, CodeDeploy, ECR, ELB), by a simulation whose minutes last two seconds",
        ];
        own.into_iter().chain(always).collect()
    }
}

/// Whether `docker` and its engine are there.
pub async fn is_engine_available() -> bool {
    let mut docker = Command::new("docker");
    docker
        .args(["version", "--format", "{{.Server.Version}}"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    docker.kill_on_drop(true);
    matches!(tokio::time::timeout(ANSWER_TIMEOUT, docker.status()).await, Ok(Ok(status)) if status.success())
}
