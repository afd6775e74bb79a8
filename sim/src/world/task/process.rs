//! A task as a process: the entrypoint of the unpacked image, run in its folder.
//!
//! It is not a container: the process sees this machine's files and network. Static binaries behave
//! the same in both.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::logs::Logs;
use crate::world::image::Unpacked;

/// A grandchild may keep the pipes open for ever; what the task itself wrote has been read long
/// before.
const LAST_LINES_TIMEOUT: Duration = Duration::from_millis(200);

/// A started process, leader of its own group.
#[derive(Debug)]
pub(super) struct Process {
    group: Option<Pid>,
}

impl Process {
    /// Starts it; `exit` gets its code when it ends.
    pub(super) fn start(
        image: &Unpacked,
        command_line: &[String],
        environment: &[(String, String)],
        logs: &Logs,
        exit: watch::Sender<Option<i32>>,
    ) -> io::Result<Self> {
        let program = command_line
            .first()
            .ok_or_else(|| io::Error::other("no command specified"))?;
        let mut child = Command::new(find_executable(&image.root, program, environment)?)
            .args(command_line.iter().skip(1))
            .env_clear()
            .envs(environment.iter().cloned())
            .current_dir(path_in_root(
                &image.root,
                image.config.working_dir.as_deref().unwrap_or_default(),
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        let readers = logs.follow(&mut child);
        tokio::spawn(wait_for_exit(child, readers, exit));
        Ok(Self { group })
    }

    /// Sends a signal to the process and its children; one that has ended is left alone.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // The only error is that there is nobody any more.
            let _ = kill_process_group(group, signal);
        }
    }
}

async fn wait_for_exit(
    mut child: Child,
    mut readers: tokio::task::JoinSet<()>,
    exit: watch::Sender<Option<i32>>,
) {
    let status = child.wait().await;
    let _ = tokio::time::timeout(LAST_LINES_TIMEOUT, async {
        while readers.join_next().await.is_some() {}
    })
    .await;
    exit.send_replace(Some(status.map_or(-1, exit_code)));
}

/// As a shell and Docker count: 128 and the signal.
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

fn path_in_root(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// The program inside the image; a bare name is looked up in the image's `PATH`.
fn find_executable(
    root: &Path,
    program: &str,
    environment: &[(String, String)],
) -> io::Result<PathBuf> {
    let path = environment
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or("/usr/local/bin:/usr/bin:/bin", |(_, value)| value.as_str());
    let candidates: Vec<PathBuf> = if program.contains('/') {
        vec![path_in_root(root, program)]
    } else {
        path.split(':')
            .map(|folder| path_in_root(root, folder).join(program))
            .collect()
    };
    let found = candidates.into_iter().find(|candidate| candidate.is_file());
    found.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("exec: \"{program}\": no such file in the image"),
        )
    })
}
