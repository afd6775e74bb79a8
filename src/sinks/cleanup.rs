//! What a cleanup removes, and why the rest stays, in the log and in the summary.

use crate::event::{CleanupFate, CleanupKind, CleanupTable};
use crate::github::commands::sanitize;
use crate::sinks::markdown::escape_text;

/// Names of one reason that are shown; the report has all.
const NAMES: usize = 40;

/// In the log: what goes, a line each; what stays, a line for each reason.
pub(super) fn lines(table: &CleanupTable) -> Vec<String> {
    let going = table.rows.iter().filter_map(|row| {
        let kind = row.kind.word(1);
        match row.fate {
            CleanupFate::Goes => Some(format!("goes:    {kind} {}", row.name)),
            CleanupFate::Changes => Some(format!("changes: {kind} {}: {}", row.name, row.why)),
            CleanupFate::Stays => None,
        }
    });
    let staying = table.stays().into_iter().map(|(kind, why, names)| {
        format!(
            "stays:   {} {}: {why}",
            kind.word(names.len()),
            shorten(&names)
        )
    });
    going.chain(staying).map(|line| sanitize(&line)).collect()
}

fn shorten(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(NAMES)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// In the summary; empty for a run that cleans nothing.
pub(super) fn section(table: Option<&CleanupTable>) -> String {
    let Some(table) = table.filter(|table| !table.rows.is_empty()) else {
        return String::new();
    };
    let kinds = [CleanupKind::Revision, CleanupKind::Image];
    let going = kinds.into_iter().filter_map(|kind| {
        let rows = table.rows.iter();
        let gone = rows.filter(|row| row.kind == kind && row.fate == CleanupFate::Goes);
        let names: Vec<&str> = gone.map(|row| row.name.as_str()).collect();
        let what = kind.word(names.len());
        (!names.is_empty()).then(|| {
            format!(
                "| goes | {what} | {} | nothing needs it |",
                escape_text(&shorten(&names))
            )
        })
    });
    let changing = table
        .rows
        .iter()
        .filter(|row| row.fate == CleanupFate::Changes);
    let changing = changing.map(|row| {
        let (name, why) = (escape_text(&row.name), escape_text(&row.why));
        format!("| changes | {} | {name} | {why} |", row.kind.word(1))
    });
    let staying = table.stays().into_iter().map(|(kind, why, names)| {
        let what = kind.word(names.len());
        let (names, why) = (escape_text(&shorten(&names)), escape_text(why));
        format!("| stays | {what} | {names} | {why} |")
    });
    let rows: Vec<String> = going.chain(changing).chain(staying).collect();
    format!(
        "### Cleanup\n\n| | What | Which | Why |\n|---|---|---|---|\n{}",
        rows.join("\n")
    )
}
