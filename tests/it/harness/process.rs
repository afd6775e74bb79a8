//! The action's process: started, watched line by line, and what it left when it ended.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ecs_bluegreen_sim::Stage;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::Instant;

use super::incidents::{Incident, When};

/// Longer than every story, shorter than the time-out of the test runner.
const LIMIT: Duration = Duration::from_secs(90);
/// How often it is checked whether an incident is due.
const LOOK: Duration = Duration::from_millis(10);

/// How the process ended and what it said.
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) log: Vec<String>,
    pub(super) errors: String,
}

/// Runs the binary with these arguments and nothing but these variables.
pub(super) async fn run(
    arguments: &[&str],
    variables: &BTreeMap<String, String>,
    stage: &Stage,
    incidents: Vec<(When, Incident)>,
) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-bluegreen"));
    command
        .args(arguments)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .kill_on_drop(true)
        .spawn()
        .expect("the action starts");
    let mut stderr = child.stderr.take().expect("a pipe");
    let errors = tokio::spawn(async move {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text).await;
        text
    });
    let log = watch(&mut child, stage, incidents).await;
    let status = child.wait().await.expect("a status");
    Finished {
        status,
        log,
        errors: errors.await.expect("stderr"),
    }
}

async fn watch(child: &mut Child, stage: &Stage, incidents: Vec<(When, Incident)>) -> Vec<String> {
    let (began, mut latest) = (Instant::now(), Instant::now());
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (mut log, mut incidents) = (Vec::new(), incidents.into_iter().peekable());
    while let Some(line) = next(&mut lines).await {
        log.extend(line.iter().flat_map(|line| split_annotation(line)));
        if let Some((_, incident)) =
            incidents.next_if(|(when, _)| when.has_come(stage, &log, latest.elapsed()))
        {
            incident.happen(stage, child.id()).await;
            latest = Instant::now();
        }
        assert!(
            began.elapsed() < LIMIT,
            "the action does not end; it said:\n{}",
            log.join("\n")
        );
    }
    let missed: Vec<_> = incidents.collect();
    assert!(
        missed.is_empty(),
        "the moment never came: {missed:?}; the action said:\n{}",
        log.join("\n")
    );
    log
}

/// The lines that the runner makes of one: those of an annotation stand below each other.
fn split_annotation(line: &str) -> Vec<String> {
    let is_annotation = line.starts_with("::error ") || line.starts_with("::warning ");
    if !is_annotation {
        return vec![line.to_owned()];
    }
    let mut lines = line.split("%0A");
    let first = lines.next().map(str::to_owned);
    first
        .into_iter()
        .chain(lines.map(|line| line.replace("%25", "%")))
        .collect()
}

/// The next line, or that none came for a short time; none at the end.
async fn next(lines: &mut tokio::io::Lines<BufReader<ChildStdout>>) -> Option<Option<String>> {
    match tokio::time::timeout(LOOK, lines.next_line()).await {
        Ok(line) => line.expect("UTF-8").map(Some),
        Err(_) => Some(None),
    }
}
