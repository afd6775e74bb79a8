//! What was verified, in the log and in the summary.

use crate::event::{VerificationStatus, VerifiedItem};
use crate::github::commands::sanitize;
use crate::sinks::markdown::escape_text;

/// In the log, a line each, with what to do below it.
pub(super) fn lines(items: &[VerifiedItem]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in items {
        let line = format!("{:8} {}: {}", item.status.word(), item.item, item.detail);
        lines.push(sanitize(line.trim_end()));
        if !item.remedy.is_empty() {
            lines.push(sanitize(&format!("         do: {}", item.remedy)));
        }
    }
    lines
}

/// In the summary; empty for a run that does not only verify.
pub(super) fn section(items: &[VerifiedItem]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let rows = items.iter().map(|item| {
        let mark = match item.status {
            VerificationStatus::Ok => "✓",
            VerificationStatus::Failed => "✗",
            VerificationStatus::Warned => "!",
            VerificationStatus::Skipped => "–",
        };
        format!(
            "| {mark} | {} | {} | {} |",
            escape_text(&item.item),
            escape_text(&item.detail),
            escape_text(&item.remedy)
        )
    });
    format!(
        "### Verified\n\n| | | Found | What to do |\n|---|---|---|---|\n{}",
        rows.collect::<Vec<_>>().join("\n")
    )
}
