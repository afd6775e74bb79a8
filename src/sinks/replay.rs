//! Renders a journal again: its log and its summary, as plain text.
//!
//! Anybody may have written the file. Its lines are never printed as workflow commands, not even
//! our own: replaying a run must not repeat its annotations.

use crate::event::Stamped;
use crate::github::commands::{as_text, sanitize};
use crate::outcome::NO_OUTCOME;
use crate::report::Report;
use crate::sinks::console::{Console, capitalize};
use crate::sinks::summary;

/// The lines of the log, then those of the summary.
pub fn lines(events: &[Stamped]) -> Vec<String> {
    let mut console = Console::default();
    let log = events.iter().flat_map(|event| console.lines(event));
    let mut lines: Vec<String> = log.filter_map(|line| as_text(&line)).collect();
    let report = Report::from_events(events);
    if report.outcome.is_none() {
        lines.push(format!("{}.", capitalize(NO_OUTCOME)));
    }
    lines.push(String::new());
    lines.extend(summary::render(&report).lines().map(sanitize));
    lines
}
