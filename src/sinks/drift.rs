//! What differs from the last deployment, in the log and in the summary.

use crate::event::{DriftState, DriftedField, FoundDrift};
use crate::github::commands::sanitize;
use crate::sinks::console::capitalize;
use crate::sinks::markdown::{code_block, escape_text};

/// In the log: a line for each field that differs, with what to do.
pub(super) fn lines(drift: &FoundDrift) -> Vec<String> {
    let mut lines = vec![format!("Drift: {}", drift.sentence())];
    lines.extend(field_lines(drift).iter().map(|line| format!("  {line}")));
    lines.extend(
        drift
            .notes
            .iter()
            .map(|note| format!("  not compared: {note}")),
    );
    lines.extend(
        drift
            .remedies
            .iter()
            .map(|remedy| format!("  do: {remedy}")),
    );
    lines.iter().map(|line| sanitize(line)).collect()
}

/// In the summary; empty for a run that does not look for it.
pub(super) fn section(drift: Option<&FoundDrift>) -> String {
    let Some(drift) = drift else {
        return String::new();
    };
    let heading = match drift.state {
        DriftState::Found => "### Drift\n\n",
        DriftState::None | DriftState::Changing | DriftState::Unrecorded => "",
    };
    let mut parts = vec![format!(
        "{heading}{}.",
        escape_text(&capitalize(&drift.sentence()))
    )];
    let fields = field_lines(drift);
    if !fields.is_empty() {
        parts.push(code_block(&fields));
    }
    let told = drift
        .notes
        .iter()
        .map(|note| format!("- Not compared: {}", escape_text(note)));
    let asked = drift
        .remedies
        .iter()
        .map(|remedy| format!("- What to do: {}", escape_text(remedy)));
    let list: Vec<String> = told.chain(asked).collect();
    if !list.is_empty() {
        parts.push(list.join("\n"));
    }
    parts.join("\n\n")
}

fn field_lines(drift: &FoundDrift) -> Vec<String> {
    drift.changes.iter().flat_map(lines_of_field).collect()
}

fn lines_of_field(changed: &DriftedField) -> Vec<String> {
    let DriftedField { field, detail, .. } = changed;
    let head = if detail.as_str().is_empty() {
        format!("{field}: another value was deployed")
    } else {
        format!("{field}: {detail}")
    };
    std::iter::once(head)
        .chain(changed.changes.iter().map(|line| format!("  {line}")))
        .collect()
}
