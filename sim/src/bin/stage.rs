//! `ecs-bluegreen-sim --options FILE`: a stage for shells. Prints its addresses as one line of JSON
//! and runs until it is stopped.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use ecs_bluegreen_sim::{Stage, StageError, StageOptions};
use thiserror::Error;

#[derive(Debug, Error)]
enum Failure {
    #[error("Usage: ecs-bluegreen-sim [--options FILE]")]
    Usage,
    #[error("{} cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("{} is not a stage's options", .0.display())]
    Malformed(PathBuf, #[source] serde_json::Error),
    #[error("The stage cannot start")]
    Start(#[source] StageError),
    #[error("The stage cannot print or listen for signals")]
    Terminal(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let stage = Stage::start(read_options()?)
        .await
        .map_err(Failure::Start)?;
    writeln!(std::io::stdout(), "{}", stage.addresses())?;
    wait_for_signal().await?;
    stage.shutdown().await;
    Ok(())
}

fn read_options() -> Result<StageOptions, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = match arguments.as_slice() {
        [] => return Ok(StageOptions::default()),
        [flag, path] if flag == "--options" => PathBuf::from(path),
        _ => return Err(Failure::Usage),
    };
    let text =
        std::fs::read_to_string(&path).map_err(|error| Failure::Unreadable(path.clone(), error))?;
    serde_json::from_str(&text).map_err(|error| Failure::Malformed(path, error))
}

/// Ctrl-C, or SIGTERM as service managers and test harnesses send it.
async fn wait_for_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn report(failure: &dyn std::error::Error) {
    let mut terminal = std::io::stderr();
    let _ = writeln!(terminal, "error: {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        let _ = writeln!(terminal, "Caused by: {error}");
        cause = error.source();
    }
}
