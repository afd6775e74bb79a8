//! Tasks as containers, through the Docker command line. Everything it makes carries the world's
//! label, and is removed by it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::logs::Logs;

/// What a container is started with.
#[derive(Debug)]
pub(super) struct ContainerSpec<'a> {
    pub(super) name: String,
    pub(super) image: &'a str,
    pub(super) environment: &'a [(String, String)],
    pub(super) command: &'a [String],
    /// The port on this machine and the container's.
    pub(super) ports: Option<(u16, u16)>,
}

/// The Docker engine, used for one world.
#[derive(Debug, Clone)]
pub(super) struct Docker {
    label: String,
    /// A Docker configuration of our own, with the registry's password in it.
    config: PathBuf,
}

impl Docker {
    pub(super) fn new(world: &str, config: &Path) -> Self {
        Self {
            label: format!("ecs-bluegreen-sim={world}"),
            config: config.to_owned(),
        }
    }

    /// The label of everything it makes.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null());
        command
    }

    async fn run_docker(&self, arguments: &[&str]) -> io::Result<String> {
        read_output(&self.command().args(arguments).output().await?)
    }

    pub(super) async fn pull(&self, image: &str) -> io::Result<()> {
        self.run_docker(&["pull", "--quiet", image]).await.map(drop)
    }

    /// Starts a container; `exit` gets its code when it ends.
    pub(super) async fn run(
        &self,
        run: &ContainerSpec<'_>,
        logs: &Logs,
        exit: watch::Sender<Option<i32>>,
    ) -> io::Result<()> {
        let mut command = self.command();
        command.args([
            "run",
            "--detach",
            "--name",
            &run.name,
            "--label",
            &self.label,
        ]);
        if let Some((here, inside)) = run.ports {
            command
                .arg("--publish")
                .arg(format!("127.0.0.1:{here}:{inside}"));
        }
        for (name, value) in run.environment {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        let started = read_output(&command.arg(run.image).args(run.command).output().await?);
        if let Err(error) = started {
            self.remove(&run.name).await;
            return Err(error);
        }
        let mut follower = self.command();
        let mut follower = follower
            .args(["logs", "--follow", &run.name])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let readers = logs.follow(&mut follower);
        tokio::spawn(self.clone().wait(run.name.clone(), follower, readers, exit));
        Ok(())
    }

    async fn wait(
        self,
        name: String,
        mut follower: Child,
        mut readers: tokio::task::JoinSet<()>,
        exit: watch::Sender<Option<i32>>,
    ) {
        let code = self
            .run_docker(&["wait", &name])
            .await
            .ok()
            .and_then(|code| code.parse().ok());
        let rest = async { while readers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(2), rest).await;
        let _ = follower.start_kill();
        exit.send_replace(Some(code.unwrap_or(-1)));
    }

    /// SIGTERM, and SIGKILL after the timeout; Docker sees to both.
    pub(super) async fn stop(&self, name: &str, timeout: Duration) {
        let _ = self
            .run_docker(&["stop", "--time", &timeout.as_secs().to_string(), name])
            .await;
    }

    pub(super) async fn remove(&self, name: &str) {
        let _ = self.run_docker(&["rm", "--force", "--volumes", name]).await;
    }

    /// Removes every container of this world. Blocks: it is for the very end, when there may be no
    /// runtime any more.
    pub(super) fn remove_all(&self, images: &[String]) {
        let filter = format!("label={}", self.label);
        let listed = std::process::Command::new("docker")
            .args(["ps", "--all", "--quiet", "--filter", &filter])
            .output();
        let names = listed
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        let names: Vec<&str> = names.split_whitespace().collect();
        run_ignoring_errors("rm", &["--force", "--volumes"], &names);
        let images: Vec<&str> = images.iter().map(String::as_str).collect();
        run_ignoring_errors("rmi", &[], &images);
    }
}

fn run_ignoring_errors(verb: &str, options: &[&str], names: &[&str]) {
    if !names.is_empty() {
        let _ = std::process::Command::new("docker")
            .arg(verb)
            .args(options)
            .args(names)
            .output();
    }
}

fn read_output(output: &Output) -> io::Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(io::Error::other(
        String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', " "),
    ))
}
