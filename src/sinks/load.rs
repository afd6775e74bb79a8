//! Load probes in the log and in the step summary: what was sent, how it was answered, and how long
//! that took.

use crate::checks::load::LoadResult;
use crate::checks::measurement::Phase;
use crate::github::commands::harmless;
use crate::report::Report;
use crate::sinks::markdown::{code, html_text, text};
use crate::sinks::measurements::mark;
use crate::sinks::outputs::human;
use crate::sinks::summary::side;

/// The longest bar of a histogram.
const WIDTH: u64 = 40;

/// The lines of the log.
pub(super) fn lines(result: &LoadResult, on: &str) -> Vec<String> {
    let LoadResult {
        name,
        query,
        condition,
        phase,
        ..
    } = result;
    let head = format!("{} {name} {on}: {result}, wanted {condition}", mark(*phase));
    let note = result.note.iter().map(|note| format!("    {note}"));
    let sent = (*phase != Phase::Successful).then(|| format!("    sent: {query}"));
    std::iter::once(head)
        .chain(note)
        .chain(sent)
        .map(|line| harmless(&line))
        .collect()
}

/// The section of the summary; empty without probes.
pub(super) fn section(report: &Report) -> String {
    let results = &report.loads;
    if results.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = results.iter().map(|result| row(report, result)).collect();
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

fn row(report: &Report, result: &LoadResult) -> String {
    let note = result
        .note
        .as_ref()
        .map(|note| format!("<br>{}", text(note)))
        .unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {}{note} | {} | {} |",
        mark(result.phase),
        text(&result.name),
        side(report, result.moment),
        code(&result.query),
        text(&result.to_string()),
        text(&result.condition),
        human(result.milliseconds)
    )
}

/// How many answers took how long.
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
        format!("{:>10} {bar:<40} {count}", format!("≤ {}", human(*bound)))
    });
    let bars: Vec<String> = bars.collect();
    format!(
        "<details><summary>{}: how long answers took</summary>\n\n```text\n{}\n```\n\n</details>",
        html_text(&result.name),
        bars.join("\n")
    )
}
