//! Where a run's events, secrets and armed undos go: the sinks, the runner's masks, its state.
//!
//! Events come without secrets (`text`): none is changed here, and none is lost.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::event::Stamped;
use crate::github::commands::{Level, annotation_at, mask_commands, sanitize};
use crate::github::files::{append_summary, append_value};
use crate::outcome::{NO_OUTCOME, NO_OUTCOME_HINT};
use crate::scrub;
use crate::secret::Secret;
use crate::sinks::dispatcher::Dispatcher;
use crate::sinks::sink::Sink;
use crate::sinks::{markdown, outputs};
use crate::undo::Undo;
use crate::undo::saved::{self, UndoOwner};

/// The name of the state in which armed undos are kept.
pub const UNDO_STATE: &str = "undos";

/// Records a run.
pub struct Recorder {
    state: Option<PathBuf>,
    dispatcher: Mutex<Dispatcher>,
}

impl Recorder {
    /// A recorder for these sinks, which saves undos in the runner's file of states.
    pub fn new(state: Option<PathBuf>, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self {
            state,
            dispatcher: Mutex::new(Dispatcher::new(sinks)),
        }
    }

    /// Takes an event.
    pub fn record(&self, stamped: &Stamped) {
        let mut dispatcher = self
            .dispatcher
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        dispatcher.dispatch(stamped);
    }

    /// Hides a secret that came to be known on the way: the runner masks it too.
    pub fn mask_secret(&self, secret: &Secret) {
        scrub::register(secret);
        print(&mask_commands(secret.expose(), outputs::is_in_outputs));
    }

    /// Keeps what is armed for the post step, and whose it is.
    pub fn save_undos(&self, owner: &UndoOwner, armed: &[Undo]) {
        let Some(state) = &self.state else {
            return;
        };
        warn_unwritable(
            "GITHUB_STATE",
            append_value(state, UNDO_STATE, &saved::save(owner, armed)),
        );
    }

    /// Nothing more is recorded: what is left is written, and what is under way waited for.
    pub fn finish(&self) {
        let mut dispatcher = self
            .dispatcher
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        dispatcher.finish();
    }
}

/// Standard output is where the runner reads commands and people read the log.
pub fn print(lines: &[String]) {
    let mut out = io::stdout().lock();
    for line in lines {
        let _ = writeln!(out, "{line}"); // a closed pipe must not end a deployment
    }
    let _ = out.flush();
}

/// A defect ends the process: that is said where people look.
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
