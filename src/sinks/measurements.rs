//! Measurements in the log and in the step summary: the value, what it was compared with, and why.

use crate::checks::measurement::{Measurement, Phase, Weight};
use crate::github::commands::sanitize;
use crate::report::CheckReport;
use crate::sinks::markdown::{code_span, escape_text};

/// The lines of one measurement: first the result, the value and its condition; then the question,
/// if it helps.
pub(super) fn lines(measurement: &Measurement) -> Vec<String> {
    let Measurement {
        check,
        moment,
        value,
        condition,
        ..
    } = measurement;
    let value = if value.is_empty() { "nothing" } else { value };
    let head = format!(
        "{} {check} on {moment}{}: {value}, wanted {condition}",
        phase_symbol(measurement.phase),
        weight_suffix(measurement.weight)
    );
    let note = measurement.note.as_ref().map(|note| format!("    {note}"));
    let query = (measurement.phase != Phase::Successful)
        .then(|| format!("    asked: {}", measurement.query));
    std::iter::once(head)
        .chain(note)
        .chain(query)
        .map(|line| sanitize(&line))
        .collect()
}

pub(super) fn phase_symbol(phase: Phase) -> &'static str {
    match phase {
        Phase::Successful => "✓",
        Phase::Inconclusive => "?",
        Phase::Error => "!",
        Phase::Failed => "✗",
    }
}

fn weight_suffix(weight: Weight) -> &'static str {
    match weight {
        Weight::Counts => "",
        Weight::DryRun => " (dry run)",
    }
}

/// The section of the summary; empty when nothing was measured.
pub(super) fn section(checks: &[CheckReport]) -> String {
    if checks.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = checks.iter().filter_map(check_row).collect();
    let details: Vec<String> = checks.iter().map(check_details).collect();
    format!(
        "### Analysis\n\n| | Check | Last value | Wanted | Measurements | |\n|---|---|---|---|---|---|\n{}\n\n\
         <details><summary>The last measurements, with what was asked</summary>\n\n{}\n\n</details>",
        rows.join("\n"),
        details.join("\n\n")
    )
}

fn check_row(report: &CheckReport) -> Option<String> {
    let last = report.last()?;
    let note = last.note.as_deref().unwrap_or_default();
    let name = format!(
        "{}{}",
        escape_text(&report.check),
        weight_suffix(report.weight)
    );
    Some(format!(
        "| {} | {name} | {} | {} | {} | {} |",
        phase_symbol(last.phase),
        escape_text(&last.value),
        escape_text(&last.condition),
        format_counts(report),
        escape_text(note)
    ))
}

fn format_counts(report: &CheckReport) -> String {
    let kinds = [
        (report.successful, "successful"),
        (report.failed, "failed"),
        (report.inconclusive, "inconclusive"),
        (report.errors, "not measured"),
    ];
    let some = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"));
    some.collect::<Vec<_>>().join(", ")
}

fn check_details(report: &CheckReport) -> String {
    let query = report
        .last()
        .map(|last| code_span(&last.query))
        .unwrap_or_default();
    let rows: Vec<String> = report.measurements.iter().map(measurement_row).collect();
    format!(
        "**{}**: {query}\n\n| | Time | On | Value | |\n|---|---|---|---|---|\n{}",
        escape_text(&report.check),
        rows.join("\n")
    )
}

fn measurement_row(measurement: &Measurement) -> String {
    let note = measurement.note.as_deref().unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {} |",
        phase_symbol(measurement.phase),
        escape_text(&measurement.time),
        measurement.moment,
        escape_text(&measurement.value),
        escape_text(note)
    )
}
