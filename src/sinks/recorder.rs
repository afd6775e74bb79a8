//! Where a run's events, secrets and armed undos go: the sinks, the runner's masks, and its state.
//!
//! Events contain no secrets (see `text`), so they are passed on unchanged.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::event::Stamped;
use crate::github::commands::{Level, LogStyle, annotation_at, mask_commands, sanitize};
use crate::github::files::{append_summary, append_value};
use crate::outcome::{NO_OUTCOME, NO_OUTCOME_HINT};
use crate::runner::Runner;
use crate::scrub;
use crate::secret::Secret;
use crate::sinks::dispatcher::Dispatcher;
use crate::sinks::sink::Sink;
use crate::sinks::{markdown, outputs};
use crate::undo::Undo;
use crate::undo::saved::{self, UndoOwner};

/// The name of the runner's state with the armed undos.
pub const UNDO_STATE: &str = "undos";

/// Records a run.
pub struct Recorder {
    state: Option<PathBuf>,
    style: LogStyle,
    dispatcher: Mutex<Dispatcher>,
}

impl Recorder {
    /// A recorder for these sinks, which saves undos in the runner's state file.
    pub fn new(runner: &Runner, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self {
            state: runner.files.state.clone(),
            style: runner.log_style,
            dispatcher: Mutex::new(Dispatcher::new(sinks)),
        }
    }

    /// Passes an event to the sinks.
    pub fn record(&self, stamped: &Stamped) {
        let mut dispatcher = self
            .dispatcher
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        dispatcher.dispatch(stamped);
    }

    /// Registers a secret that was received during the run, here and with the runner.
    pub fn mask_secret(&self, secret: &Secret) {
        scrub::register(secret);
        if self.style == LogStyle::WorkflowCommands {
            print(&mask_commands(secret.expose(), outputs::is_in_outputs));
        }
    }

    /// Saves the armed undos, and the attempt they belong to, for the post step.
    pub fn save_undos(&self, owner: &UndoOwner, armed: &[Undo]) {
        let Some(state) = &self.state else {
            return;
        };
        warn_unwritable(
            "GITHUB_STATE",
            append_value(state, UNDO_STATE, &saved::save(owner, armed)),
        );
    }

    /// Ends the recording: sinks write what is left, and remote sinks are waited for.
    pub fn finish(&self) {
        let mut dispatcher = self
            .dispatcher
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        dispatcher.finish();
    }
}

/// Saves a map for the post step, where there is anything to save.
pub fn save_state(runner: &Runner, name: &str, values: &BTreeMap<String, String>) {
    let Some(state) = runner.files.state.as_ref().filter(|_| !values.is_empty()) else {
        return;
    };
    let text = serde_json::to_string(values).unwrap_or_default();
    warn_unwritable("GITHUB_STATE", append_value(state, name, &text));
}

/// The runner reads commands from standard output, and people read the log there.
pub fn print(lines: &[String]) {
    let mut out = io::stdout().lock();
    for line in lines {
        let _ = writeln!(out, "{line}"); // a closed pipe must not end a deployment
    }
    let _ = out.flush();
}

/// Reports a panic in the log and in the summary; the process ends afterwards.
pub fn report_defect(summary: Option<&Path>, what: &str) {
    let what = sanitize(&scrub::mask(what));
    let lines = [
        format!("{NO_OUTCOME}: {what}"),
        format!("  hint: {NO_OUTCOME_HINT}; please report this"),
    ];
    print(&[annotation_at(Level::Error, "no outcome", None, &lines)]);
    if let Some(file) = summary {
        let text = format!(
            "## ✗ No outcome\n\n**{}: {}.** {}.\n",
            markdown::escape_text(NO_OUTCOME),
            markdown::escape_text(&what),
            markdown::escape_text(NO_OUTCOME_HINT)
        );
        warn_unwritable("GITHUB_STEP_SUMMARY", append_summary(file, &text));
    }
}

fn warn_unwritable(file: &str, written: io::Result<()>) {
    if let Err(error) = written {
        print(&[format!(
            "::warning title=runner::{file} cannot be written: {error}"
        )]);
    }
}
