//! Load probes in the log and in the step summary: what was sent, what was answered, and how long
//! that took.

use crate::checks::load::LoadResult;
use crate::checks::measurement::Phase;
use crate::github::commands::sanitize;
use crate::report::Report;
use crate::sinks::markdown::{code_span, escape_html_text, escape_text};
use crate::sinks::measurements::phase_symbol;
use crate::sinks::outputs::human_duration;
use crate::sinks::summary::describe_side;

/// The length of the longest bar, in characters.
const WIDTH: u64 = 40;

pub(super) fn lines(result: &LoadResult, target: &str) -> Vec<String> {
    let LoadResult {
        name,
        query,
        condition,
        phase,
        ..
    } = result;
    let head = format!(
        "{} {name} {target}: {result}, wanted {condition}",
        phase_symbol(*phase)
    );
    let note = result.note.iter().map(|note| format!("    {note}"));
    let sent = (*phase != Phase::Successful).then(|| format!("    sent: {query}"));
    std::iter::once(head)
        .chain(note)
        .chain(sent)
        .map(|line| sanitize(&line))
        .collect()
}

/// The section of the summary; empty without probes.
pub(super) fn section(report: &Report) -> String {
    let results = &report.loads;
    if results.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = results
        .iter()
        .map(|result| result_row(report, result))
        .collect();
    let head = "### Load\n\n| | Probe | On | Requests | Answers | Wanted | Time |\n|---|---|---|---|---|---|--:|";
    let histograms = results
        .iter()
        .filter(|result| !result.histogram.is_empty())
        .map(histogram);
    std::iter::once(format!("{head}\n{}", rows.join("\n")))
        .chain(histograms)
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn result_row(report: &Report, result: &LoadResult) -> String {
    let note = result
        .note
        .as_ref()
        .map(|note| format!("<br>{}", escape_text(note)))
        .unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {}{note} | {} | {} |",
        phase_symbol(result.phase),
        escape_text(&result.name),
        describe_side(report, result.moment),
        code_span(&result.query),
        escape_text(&result.to_string()),
        escape_text(&result.condition),
        human_duration(result.milliseconds)
    )
}

/// A bar for each range of response times.
fn histogram(result: &LoadResult) -> String {
    let most = result
        .histogram
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(1)
        .max(1);
    let bars = result.histogram.iter().map(|(bound, count)| {
        let length = count.saturating_mul(WIDTH).div_ceil(most).min(WIDTH);
        let bar = "█".repeat(usize::try_from(length).unwrap_or_default());
        format!(
            "{:>10} {bar:<40} {count}",
            format!("≤ {}", human_duration(*bound))
        )
    });
    let bars: Vec<String> = bars.collect();
    format!(
        "<details><summary>{}: how long answers took</summary>\n\n```text\n{}\n```\n\n</details>",
        escape_html_text(&result.name),
        bars.join("\n")
    )
}
