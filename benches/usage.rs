//! CPU time and peak memory of one run of the action.
//!
//! The kernel counts both for all children of a process together, and a new child's peak begins
//! with its parent's. So a small process of its own starts the action: this program again, started
//! to by [`FLAG`].

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use ecs_bluegreen_sim::rehearse::job::{Job, Step};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};

/// `bench --usage FILE PROGRAM`.
pub(crate) const FLAG: &str = "--usage";

/// What a run took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Its exit code.
    pub(crate) exit: i32,
    /// User and system time in milliseconds.
    pub(crate) cpu: f64,
    /// Peak resident memory in mebibytes.
    pub(crate) memory: f64,
}

/// The small process: runs the program and writes what it took to the file.
pub(crate) fn measure(file: &Path, program: &Path) -> ExitCode {
    let written =
        run(program).and_then(|usage| std::fs::write(file, serde_json::to_string(&usage)?));
    if written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds and mebibytes of one run are small"
)]
fn run(program: &Path) -> io::Result<Usage> {
    let status = Command::new(program).status()?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1000.0;
    // Linux counts it in kibibytes.
    Ok(Usage {
        exit: status.code().unwrap_or(-1),
        cpu,
        memory: usage.max_rss() as f64 / 1024.0,
    })
}

/// Runs a step of a job and measures it; its log goes to a file beside.
pub(crate) async fn measure_step(
    action: &Path,
    job: &Job,
    step: &Step,
    expected_exit: i32,
) -> io::Result<Usage> {
    let (file, log) = (job.temp().join("usage.json"), job.temp().join("log.txt"));
    let mut command = job.command(&std::env::current_exe()?, job.variables(step));
    let status = command
        .arg(FLAG)
        .arg(&file)
        .arg(action)
        .stdout(std::fs::File::create(&log)?)
        .stderr(Stdio::null())
        .status()
        .await?;
    if !status.success() {
        return Err(io::Error::other("the action cannot be started"));
    }
    let usage: Usage = serde_json::from_slice(&std::fs::read(&file)?)?;
    if usage.exit == expected_exit {
        return Ok(usage);
    }
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    Err(io::Error::other(format!(
        "the action ended with {}, expected {expected_exit}:\n{log}",
        usage.exit
    )))
}
