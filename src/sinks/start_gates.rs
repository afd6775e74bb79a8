//! Start gates, in the log and in the summary.

use std::time::Duration;

use crate::checks::duration::HumanDuration;
use crate::event::{StartGate, StartGateState, StartGatesResult, StartGatesSeen};
use crate::github::commands::sanitize;
use crate::sinks::markdown::escape_text;

/// In the log, a line for each gate, with what opens it below it.
pub(super) fn lines(seen: &StartGatesSeen) -> Vec<String> {
    let mut lines: Vec<String> = seen.gates.iter().flat_map(gate_lines).collect();
    if let StartGatesResult::Waits { milliseconds } = seen.result {
        let rest = HumanDuration(Duration::from_millis(milliseconds));
        lines.push(format!("waiting for what is closed, {rest} at most"));
    }
    lines
}

fn gate_lines(gate: &StartGate) -> Vec<String> {
    let counts = match gate.state {
        StartGateState::UnreadableAndOpen => "; it counts as open (open-if-unreadable)",
        StartGateState::Open | StartGateState::Closed | StartGateState::Unreadable => "",
    };
    let line = format!(
        "{:10} {}: {}{counts}",
        gate.state.word(),
        gate.gate,
        gate.found
    );
    let mut lines = vec![sanitize(line.trim_end())];
    if !gate.opens.is_empty() {
        lines.push(sanitize(&format!(
            "           {}: {}",
            label(gate),
            gate.opens
        )));
    }
    lines
}

/// What stands before what opens a gate.
fn label(gate: &StartGate) -> &'static str {
    match gate.state {
        StartGateState::Open | StartGateState::Closed => "opens",
        StartGateState::Unreadable | StartGateState::UnreadableAndOpen => "do",
    }
}

/// Who passed closed gates, and why; none where nobody did.
pub(super) fn override_sentence(seen: &StartGatesSeen) -> Option<String> {
    let StartGatesResult::Overridden { actor, reason } = &seen.result else {
        return None;
    };
    let closed: Vec<&str> = seen
        .gates
        .iter()
        .filter(|gate| gate.state.is_closed())
        .map(|gate| gate.gate.as_str())
        .collect();
    Some(format!(
        "{actor} passes closed gates ({}): {reason}",
        closed.join(", ")
    ))
}

/// In the summary; empty for a run without start gates.
pub(super) fn section(seen: Option<&StartGatesSeen>) -> String {
    let Some(seen) = seen else {
        return String::new();
    };
    let rows: Vec<String> = seen.gates.iter().map(row).collect();
    let overridden = override_sentence(seen)
        .map(|sentence| format!("\n\n**Overridden:** {}.", escape_text(&sentence)))
        .unwrap_or_default();
    format!(
        "### Gates before the start\n\n| | Gate | Found | Opens |\n|---|---|---|---|\n{}{overridden}",
        rows.join("\n")
    )
}

fn row(gate: &StartGate) -> String {
    let mark = match gate.state {
        StartGateState::Open => "✓",
        StartGateState::Closed => "✗",
        StartGateState::Unreadable | StartGateState::UnreadableAndOpen => "?",
    };
    format!(
        "| {mark} | {} | {} | {} |",
        escape_text(&gate.gate),
        escape_text(&gate.found),
        escape_text(&gate.opens)
    )
}
