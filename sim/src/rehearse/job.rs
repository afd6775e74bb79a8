//! Starts the action as the GitHub runner does: inputs and command files by the environment,
//! nothing else of this machine.
//!
//! What a container changes (paths, users, signals) is not simulated here; the tests run the
//! container image for that. One file, because environment, command files and signals are all used
//! by the one type [`Job`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc;

/// One step of a workflow.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// `with:`.
    pub inputs: Vec<(&'static str, String)>,
    /// `env:`.
    pub environment: Vec<(&'static str, String)>,
}

impl Step {
    /// The step as a workflow has it. Values of `env:` are secrets and named only.
    pub fn yaml(&self) -> String {
        let inputs = self
            .inputs
            .iter()
            .map(|(name, value)| format!("    {name}: {value}\n"));
        let environment = self
            .environment
            .iter()
            .map(|(name, _)| format!("    {name}: ${{{{ secrets.{name} }}}}\n"));
        let environment: String = environment.collect();
        let environment = if environment.is_empty() {
            environment
        } else {
            format!("  env:\n{environment}")
        };
        format!(
            "- uses: org/ecs-bluegreen-action@v1\n  with:\n{}{environment}",
            inputs.collect::<String>()
        )
    }
}

/// What a step left behind.
#[derive(Debug, Clone, Default)]
pub struct StepResult {
    /// The exit code; 128 and the signal, if a signal ended it.
    pub exit: i32,
    /// The step summary, in Markdown.
    pub summary: String,
    /// The outputs of the step, by name.
    pub outputs: BTreeMap<String, String>,
    /// `STATE_*` for the post step.
    pub state: BTreeMap<String, String>,
}

/// The signals that this program gets while the action runs: they are passed on, as the runner
/// passes on its own.
#[derive(Debug)]
pub struct StopSignals {
    signals: mpsc::Receiver<Signal>,
    arrived: bool,
}

impl StopSignals {
    /// Signals from a channel.
    pub fn new(signals: mpsc::Receiver<Signal>) -> Self {
        Self {
            signals,
            arrived: false,
        }
    }

    /// For callers that are not to be asked to stop.
    pub fn disabled() -> Self {
        Self::new(mpsc::channel(1).1)
    }

    /// Whether one has come so far.
    pub fn has_arrived(&mut self) -> bool {
        self.arrived |= self.signals.try_recv().is_ok();
        self.arrived
    }

    async fn next(&mut self) -> Signal {
        match self.signals.recv().await {
            Some(signal) => {
                self.arrived = true;
                signal
            }
            None => std::future::pending().await,
        }
    }
}

/// The job of one step: its folders, its files and its environment.
#[derive(Debug)]
pub struct Job {
    action: PathBuf,
    folder: PathBuf,
    /// The AWS endpoint, and the engine that the action may ask.
    environment: Vec<(OsString, OsString)>,
}

impl Job {
    /// A job in an empty folder; what an earlier job left there is removed.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(action: &Path, folder: &Path, endpoint: &str) -> io::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let job = Self {
            action: action.to_owned(),
            folder: folder.to_owned(),
            environment: inherited_environment(),
        };
        fs::create_dir_all(job.workspace())?;
        fs::create_dir_all(job.temp())?;
        ["output", "state", "summary"]
            .iter()
            .try_for_each(|file| fs::write(job.file(file), ""))?;
        let endpoint = ("AWS_ENDPOINT_URL".into(), endpoint.into());
        Ok(Self {
            environment: job.environment.iter().cloned().chain([endpoint]).collect(),
            ..job
        })
    }

    /// The checked-out repository.
    pub fn workspace(&self) -> PathBuf {
        self.folder.join("workspace")
    }

    /// `RUNNER_TEMP`, where the action keeps its journal.
    pub fn temp(&self) -> PathBuf {
        self.folder.join("temp")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The environment of the step, whole.
    pub fn variables(&self, step: &Step) -> Vec<(OsString, OsString)> {
        let inputs = step.inputs.iter().map(|(name, value)| {
            (
                format!("INPUT_{}", name.to_uppercase()).into(),
                value.into(),
            )
        });
        let step_variables = step
            .environment
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let files = [
            ("GITHUB_OUTPUT", self.file("output")),
            ("GITHUB_STATE", self.file("state")),
            ("GITHUB_STEP_SUMMARY", self.file("summary")),
            ("GITHUB_WORKSPACE", self.workspace()),
            ("RUNNER_TEMP", self.temp()),
            ("HOME", self.temp()),
        ];
        let files = files
            .into_iter()
            .map(|(name, path)| (name.into(), path.into_os_string()));
        let fixed = RUNNER_VARIABLES
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.environment
            .iter()
            .cloned()
            .chain(fixed)
            .chain(files)
            .chain(step_variables)
            .chain(inputs)
            .collect()
    }

    /// A program in the place of the step, with nothing but its environment.
    pub fn command(&self, program: &Path, variables: Vec<(OsString, OsString)>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(variables)
            .current_dir(self.workspace())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs the step, and shows every line as it comes.
    ///
    /// # Errors
    /// The action cannot be started, or its files not be read.
    pub async fn run(
        &self,
        step: &Step,
        signals: &mut StopSignals,
        show: impl FnMut(&str),
    ) -> io::Result<StepResult> {
        let exit = self
            .run_action(&[], self.variables(step), signals, show)
            .await?;
        let (outputs, state) = (
            parse_pairs(&self.read_file("output")?),
            parse_pairs(&self.read_file("state")?),
        );
        Ok(StepResult {
            exit,
            summary: self.read_file("summary")?,
            outputs,
            state,
        })
    }

    /// Runs the post step, which undoes what is left, and returns its exit code.
    ///
    /// # Errors
    /// The action cannot be started.
    pub async fn run_post(
        &self,
        step: &Step,
        result: &StepResult,
        signals: &mut StopSignals,
        show: impl FnMut(&str),
    ) -> io::Result<i32> {
        let state = result
            .state
            .iter()
            .map(|(name, value)| (format!("STATE_{name}").into(), value.into()));
        self.run_action(
            &["post"],
            self.variables(step).into_iter().chain(state).collect(),
            signals,
            show,
        )
        .await
    }

    fn read_file(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(self.file(file))
    }

    async fn run_action(
        &self,
        arguments: &[&str],
        variables: Vec<(OsString, OsString)>,
        signals: &mut StopSignals,
        mut show: impl FnMut(&str),
    ) -> io::Result<i32> {
        let mut action = self.command(&self.action, variables);
        let mut child = action
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (sender, mut lines) = mpsc::channel(64);
        let process = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        tokio::spawn(forward_lines(child.stdout.take(), sender.clone()));
        tokio::spawn(forward_lines(child.stderr.take(), sender));
        loop {
            tokio::select! {
                line = lines.recv() => match line {
                    Some(line) => show(&line),
                    None => break,
                },
                signal = signals.next() => if let Some(process) = process {
                    // The only error is that it has ended already.
                    let _ = kill_process(process, signal);
                },
            }
        }
        child.wait().await.map(exit_code)
    }
}

/// What a runner sets that is of interest here. The credentials open nothing but the stage.
const RUNNER_VARIABLES: &[(&str, &str)] = &[
    ("CI", "true"),
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_RUN_ID", "1000001"),
    ("GITHUB_RUN_ATTEMPT", "1"),
    ("GITHUB_SHA", "5d9f8f0c2b1a4e7d8c6b5a493827160fedcba987"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "AKIAREHEARSAL0000000"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "rehearsal-secret-that-opens-nothing",
    ),
];

/// The little that the action needs of this machine: where the Docker engine is.
fn inherited_environment() -> Vec<(OsString, OsString)> {
    ["DOCKER_HOST"]
        .into_iter()
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
        .collect()
}

async fn forward_lines(pipe: Option<impl AsyncRead + Unpin>, lines: mpsc::Sender<String>) {
    let Some(pipe) = pipe else { return };
    let mut reader = BufReader::new(pipe).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        if lines.send(line).await.is_err() {
            return;
        }
    }
}

/// As a shell counts.
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

/// The pairs of a command file, `NAME<<DELIMITER` to `DELIMITER` or `NAME=VALUE`. The last one of a
/// name counts.
fn parse_pairs(text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((name, delimiter)) = line.split_once("<<") {
            let value: Vec<&str> = lines
                .by_ref()
                .take_while(|line| *line != delimiter)
                .collect();
            pairs.insert(name.to_owned(), value.join("\n"));
        } else if let Some((name, value)) = line.split_once('=') {
            pairs.insert(name.to_owned(), value.to_owned());
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_values_of_a_name_the_later_counts() {
        let read = parse_pairs("a<<X\none\ntwo\nX\nb=c=d\na<<Y\nthree\nY\n");
        assert_eq!(
            read,
            BTreeMap::from([("a".into(), "three".into()), ("b".into(), "c=d".into())])
        );
    }

    #[test]
    fn a_step_reads_as_in_a_workflow_and_names_its_secrets_only() {
        let step = Step {
            inputs: vec![("cluster", "prod".into())],
            environment: vec![("TOKEN", "hidden".into())],
        };
        let expected = "- uses: org/ecs-bluegreen-action@v1\n  with:\n    cluster: prod\n  env:\n    TOKEN: ${{ secrets.TOKEN }}\n";
        assert_eq!(step.yaml(), expected);
    }
}
