//! One sink for a whole run: prints every event, journals it, keeps it for the report, writes the
//! files.
//!
//! Text from outside is masked where it becomes a part of a sentence. Here every sentence is
//! searched once more for secrets that cannot be words of ours; nothing else of an event is
//! changed, and no event is lost.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::event::{Event, Stamped};
use crate::github::commands::{Level, annotation_of, harmless, mask};
use crate::github::files::{Files, append_summary, append_value};
use crate::outcome::{NO_OUTCOME, NO_OUTCOME_HINT};
use crate::report::Report;
use crate::scrub;
use crate::secret::Secret;
use crate::sinks::{console::Console, journal, markdown, outputs, summary};
use crate::undo::Undo;
use crate::undo::saved::{self, UndoOwner};

/// The name of the state in which armed undos are kept.
pub const STATE: &str = "undos";

/// Outputs that are known only at the end; the others are written as soon as they are.
const LATE: &[&str] = &[
    "outcome",
    "reason",
    "rolled-back",
    "duration-seconds",
    "report",
];

/// Records a run.
pub struct Recorder {
    files: Files,
    recorded: Mutex<Recorded>,
}

struct Recorded {
    report: Report,
    console: Console,
    journal: Option<File>,
    written: Vec<(&'static str, String)>,
}

impl Recorder {
    /// A recorder that journals to `folder`, where there is one.
    pub fn new(files: Files, folder: Option<&Path>) -> Self {
        let path = folder.map(|folder| folder.join("ecs-bluegreen.jsonl"));
        let journal = path.and_then(|path| {
            OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(true)
                .open(path)
                .ok()
        });
        let recorded = Recorded {
            report: Report::begin(),
            console: Console::default(),
            journal,
            written: Vec::new(),
        };
        Self {
            files,
            recorded: Mutex::new(recorded),
        }
    }

    /// Takes an event.
    pub fn record(&self, stamped: &Stamped) {
        let mut stamped = stamped.clone();
        stamped
            .event
            .sentences()
            .into_iter()
            .for_each(|sentence| *sentence = scrub::mask_tokens(sentence));
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        print(&recorded.console.lines(&stamped));
        if let Some(journal) = &mut recorded.journal {
            let _ = journal.write_all(journal::line(&stamped).as_bytes()); // a full disk must not end a deployment
        }
        let is_fact = matches!(
            stamped.event,
            Event::Revision { .. }
                | Event::RolloutStarted { .. }
                | Event::ImagePinned { .. }
                | Event::TaskStarted { .. }
                | Event::TaskFound { .. }
                | Event::ScanAnswered { .. }
        );
        recorded.report.add(&stamped);
        if is_fact {
            self.write_outputs(&mut recorded, |name| !LATE.contains(&name));
        }
    }

    /// Hides a secret that came to be known on the way: the runner masks it too.
    pub fn hide(&self, secret: &Secret) {
        scrub::register(secret);
        print(&mask(secret.expose(), outputs::is_said));
    }

    /// Keeps what is armed for the post step, and whose it is.
    pub fn keep(&self, owner: &UndoOwner, armed: &[Undo]) {
        let Some(state) = &self.files.state else {
            return;
        };
        complain(
            "GITHUB_STATE",
            append_value(state, STATE, &saved::save(owner, armed)),
        );
    }

    /// Writes the outputs that are left and the summary.
    pub fn finish(&self) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        self.write_outputs(&mut recorded, |_| true);
        if let Some(file) = &self.files.summary {
            complain(
                "GITHUB_STEP_SUMMARY",
                append_summary(file, &summary::of(&recorded.report)),
            );
        }
    }

    /// Adds what the post step came to; the summary of main stands above it.
    pub fn finish_post(&self, result: &str) {
        print(&[format!("Post: {}", harmless(result))]);
        print(
            &self
                .recorded
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .console
                .stuck(),
        );
        if let Some(file) = &self.files.summary {
            complain(
                "GITHUB_STEP_SUMMARY",
                append_summary(
                    file,
                    &format!("### Post step\n\n{}\n", markdown::text(result)),
                ),
            );
        }
    }

    fn write_outputs(&self, recorded: &mut Recorded, wanted: impl Fn(&str) -> bool) {
        let Some(file) = &self.files.output else {
            return;
        };
        for output in outputs::of(&recorded.report) {
            if wanted(output.0) && !recorded.written.contains(&output) {
                complain("GITHUB_OUTPUT", append_value(file, output.0, &output.1));
                recorded.written.push(output);
            }
        }
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
pub fn defect(summary: Option<&Path>, what: &str) {
    let what = harmless(&scrub::masked(what));
    let lines = [
        format!("{NO_OUTCOME}: {what}"),
        format!("  hint: {NO_OUTCOME_HINT}; please report this"),
    ];
    print(&[annotation_of(Level::Error, "no outcome", None, &lines)]);
    if let Some(file) = summary {
        let text = format!(
            "## ✗ No outcome\n\n**{}: {}.** {}.\n",
            markdown::text(NO_OUTCOME),
            markdown::text(&what),
            markdown::text(NO_OUTCOME_HINT)
        );
        complain("GITHUB_STEP_SUMMARY", append_summary(file, &text));
    }
}

fn complain(file: &str, written: io::Result<()>) {
    if let Err(error) = written {
        print(&[format!(
            "::warning title=runner::{file} cannot be written: {error}"
        )]);
    }
}
