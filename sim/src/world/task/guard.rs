//! Cleans up after a world that could not: a process of its own that waits for the stage to die, by
//! Ctrl-C or kill −9 too.
//!
//! It holds the reading end of a pipe whose other end only the stage has; the kernel closes that,
//! however the stage ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// `$1` is the world's folder, in which all of its processes run; `$2` the label of its containers,
/// if it has any.
const SCRIPT: &str = r#"
while read -r _; do :; done
for process in /proc/[0-9]*; do
  case "$(readlink "$process/cwd")" in "$1"/*) kill -KILL "${process#/proc/}" ;; esac
done
if [ -n "$2" ]; then docker ps --all --quiet --filter "label=$2" | xargs --no-run-if-empty docker rm --force --volumes; fi
rm -rf -- "$1"
"#;

/// The waiting process. Dropping this means that everything is clean, and ends it.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
}

impl Guard {
    pub(super) fn spawn(folder: &Path, label: Option<&str>) -> io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "ecs-bluegreen-sim-guard"])
            .arg(folder.canonicalize()?)
            .arg(label.unwrap_or_default())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal is for the stage, not for the one who cleans up after it.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_the_pipe_closes_what_runs_in_the_folder_is_killed_and_the_folder_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path().join("root");
        std::fs::create_dir(&inside).expect("a folder");
        let mut task = Command::new("sleep")
            .arg("60")
            .current_dir(&inside)
            .spawn()
            .expect("a task");
        let mut other = Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("somebody else");
        let mut guard = Guard::spawn(folder.path(), None).expect("a guard");
        drop(guard.shell.stdin.take());
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&task.wait().expect("it ends")),
            Some(9)
        );
        guard.shell.wait().expect("it ends");
        assert!(!folder.path().exists());
        assert!(other.try_wait().expect("asked").is_none());
        other.kill().and_then(|()| other.wait()).expect("it ends");
    }
}
