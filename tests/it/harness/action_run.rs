//! Everything one run of the action left: exit code, log, outputs, state, summary, and the calls to
//! AWS; and how it reads in a snapshot.

use std::collections::BTreeMap;

use ecs_bluegreen_sim::Entry;

use super::redact::Redactor;
use super::stable_order;

/// A run of the action that is over.
pub(crate) struct ActionRun {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output by lines.
    pub(crate) log: Vec<String>,
    pub(super) errors: String,
    /// The inputs, as the runner gives them to main and post.
    pub(crate) inputs: BTreeMap<String, String>,
    pub(crate) outputs: BTreeMap<String, String>,
    /// The state that the runner gives to post.
    pub(crate) state: BTreeMap<String, String>,
    /// The step summary.
    pub(crate) summary: String,
    pub(crate) journal: String,
    /// The mutating calls AWS got meanwhile, other people's too.
    pub(crate) calls: Vec<Entry>,
    /// Those with which it recorded what it had deployed.
    pub(crate) records: Vec<Entry>,
    pub(super) redactor: Redactor,
}

/// Outputs that are the same in every story, or so long that they are looked at elsewhere.
const LONG: &[&str] = &["report", "plan"];

impl ActionRun {
    /// Exit code, log, outputs and the calls to AWS.
    pub(crate) fn text(&self) -> String {
        self.parts(&[
            self.describe_exit(),
            stable_order::log(&self.log),
            self.outputs(),
            self.calls(),
        ])
    }

    /// The step summary as well.
    pub(crate) fn with_summary(&self) -> String {
        format!(
            "{}\n--- summary\n{}",
            self.text(),
            self.redact(&stable_order::summary(self.summary.trim_end()))
        )
    }

    /// What a person reads in the end: exit code, warnings, the last words, and the calls to AWS.
    pub(crate) fn ending(&self) -> String {
        let last = self
            .log
            .iter()
            .rposition(String::is_empty)
            .map_or(0, |at| at + 1);
        let is_told = |line: &&String| {
            [
                "::warning",
                "::error",
                "warning: ",
                "  Caused by: ",
                "  hint: ",
            ]
            .iter()
            .any(|begin| line.starts_with(begin))
        };
        let from = self
            .log
            .iter()
            .position(|line| line.starts_with("Nothing was touched"))
            .unwrap_or(last);
        let warnings: Vec<String> = self.log[..from].iter().filter(is_told).cloned().collect();
        self.parts(&[
            self.describe_exit(),
            stable_order::log(&warnings),
            self.log[from..].join("\n"),
            self.calls(),
        ])
    }

    fn parts(&self, parts: &[String]) -> String {
        self.redact(
            &parts
                .iter()
                .filter(|part| !part.is_empty())
                .cloned()
                .collect::<Vec<_>>()
                .join("\n---\n"),
        )
    }

    /// Any text of the run, the same in every run.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// The lines of the log that say something.
    pub(crate) fn log_with(&self, words: &str) -> String {
        self.redact(
            &self
                .log
                .iter()
                .filter(|line| line.contains(words))
                .cloned()
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }

    /// An output, empty when there is none.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// How often AWS got a call.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.calls
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    }

    fn describe_exit(&self) -> String {
        self.code
            .map_or_else(|| "killed".to_owned(), |code| format!("exit code {code}"))
    }

    fn outputs(&self) -> String {
        let shown = self
            .outputs
            .iter()
            .filter(|(name, _)| !LONG.contains(&name.as_str()));
        shown
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn calls(&self) -> String {
        let ended = |call: &Entry| match (&call.code, call.status) {
            (Some(code), _) => format!(" → {code}"),
            (None, 200) => String::new(),
            (None, 0) => " → no answer".to_owned(),
            (None, status) => format!(" → {status}"),
        };
        self.calls
            .iter()
            .map(|call| format!("{}{}", call.operation, ended(call)))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// The logs and ends of several runs.
pub(crate) fn join_texts(runs: &[ActionRun]) -> String {
    runs.iter()
        .map(|runs| format!("{}\n{}", runs.log.join("\n"), runs.text()))
        .collect::<Vec<_>>()
        .join("\n=======\n")
}
