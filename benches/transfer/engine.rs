//! A Docker engine of its own, with nothing in it and nothing remembered.

use std::fs::{self, File};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use super::Result;

/// The engine's own bridge. With none it would take away the bridge of the machine's engine.
const BRIDGE: &str = "ebg-bench";

/// The engine; dropping it ends it and removes what it keeps.
pub(super) struct Engine {
    process: Mutex<Child>,
    folder: tempfile::TempDir,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
        let _ = bridge_command("delete").status();
    }
}

impl Engine {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let folder = tempfile::tempdir_in(folder)?;
        // One that was left by a run that was killed is as good.
        let _ = bridge_command("add")
            .args(["type", "bridge"])
            .stderr(Stdio::null())
            .status()?;
        let process = Mutex::new(spawn(folder.path())?);
        let engine = Self { process, folder };
        engine.wait()?;
        Ok(engine)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    /// A docker command that speaks with this engine.
    pub(super) fn docker(&self) -> Command {
        let mut docker = Command::new("docker");
        docker
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .stdout(Stdio::null());
        docker
    }

    pub(super) fn load(&self, archive: &Path) -> Result<()> {
        let done = self
            .docker()
            .args(["load", "--quiet", "--input"])
            .arg(archive)
            .status()?;
        if done.success() {
            Ok(())
        } else {
            Err("the engine does not load the image".into())
        }
    }

    /// As on a machine that has just begun: the images are there, what was pushed where is not
    /// remembered.
    pub(super) fn forget_pushes(&self) -> Result<()> {
        self.stop();
        for driver in fs::read_dir(self.folder.path().join("data/image"))? {
            let remembered = driver?.path().join("distribution");
            if remembered.exists() {
                fs::remove_dir_all(remembered)?;
            }
        }
        if let Ok(mut process) = self.process.lock() {
            *process = spawn(self.folder.path())?;
        }
        self.wait()
    }

    fn wait(&self) -> Result<()> {
        for _ in 0..500 {
            if UnixStream::connect(self.socket()).is_ok()
                && self
                    .docker()
                    .arg("info")
                    .stderr(Stdio::null())
                    .status()?
                    .success()
            {
                return Ok(());
            }
            if let Ok(mut process) = self.process.lock()
                && let Some(status) = process.try_wait()?
            {
                return Err(format!("dockerd ended with {status}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("dockerd does not listen".into())
    }

    fn stop(&self) {
        if let Ok(mut process) = self.process.lock() {
            // Asked, not killed: it has file systems mounted.
            let _ = rustix::process::Pid::from_raw(process.id().cast_signed())
                .map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
            let _ = process.wait();
        }
    }
}

fn bridge_command(what: &str) -> Command {
    let mut ip = Command::new("ip");
    ip.args(["link", what, BRIDGE]);
    ip
}

fn spawn(folder: &Path) -> io::Result<Child> {
    let mut engine = Command::new("dockerd");
    engine
        .arg("--data-root")
        .arg(folder.join("data"))
        .arg("--exec-root")
        .arg(folder.join("exec"));
    engine
        .arg("--pidfile")
        .arg(folder.join("engine.pid"))
        .arg("--host")
        .arg(format!("unix://{}", folder.join("engine.sock").display()));
    engine.args(["--bridge", BRIDGE, "--iptables=false", "--ip6tables=false"]);
    let log = File::create(folder.join("engine.log"))?;
    engine.stdout(log.try_clone()?).stderr(log).spawn()
}
