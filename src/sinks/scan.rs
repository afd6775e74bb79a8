//! Scan findings in the log and in the step summary: counts first, the worst findings by name, then
//! what was left out and why.

use crate::github::commands::harmless;
use crate::scan::{Finding, Package, Ruling, ScanResult};
use crate::sinks::markdown::{code, text};
use crate::steps::image::short_digest;

/// Findings named in the log; the summary has more.
const NAMED: usize = 10;

/// The lines of the log.
pub(super) fn lines(result: &ScanResult) -> Vec<String> {
    let named = result
        .worst
        .iter()
        .take(NAMED)
        .map(|finding| format!("  {}", named(finding)));
    let rest = rest(result, NAMED).map(|rest| format!("  {rest}"));
    let notes = notes(result).into_iter().map(|note| format!("  {note}"));
    let all = std::iter::once(head(result))
        .chain(named)
        .chain(rest)
        .chain(notes);
    all.map(|line| harmless(&line)).collect()
}

/// Which image, which scanner, and what it came to.
fn head(result: &ScanResult) -> String {
    let image = image(result);
    let Some(kind) = result.kind else {
        return format!("scan of {image}: {}", result.in_words());
    };
    let completed = result
        .completed
        .as_ref()
        .map(|moment| format!(", completed {moment}"))
        .unwrap_or_default();
    format!(
        "{kind} scan of {image}{completed}: {} (fail-on: {})",
        result.in_words(),
        result.fail_on
    )
}

fn image(result: &ScanResult) -> String {
    let digest = short_digest(&result.digest);
    result.platform.as_ref().map_or_else(
        || digest.to_owned(),
        |platform| format!("{platform} {digest}"),
    )
}

fn named(finding: &Finding) -> String {
    let packages: Vec<String> = finding.packages.iter().map(package).collect();
    let place = if packages.is_empty() {
        String::new()
    } else {
        format!(" in {}", packages.join("; "))
    };
    format!("{} {}{place}", finding.severity, finding.name)
}

fn package(package: &Package) -> String {
    let fixed = package
        .fixed_in
        .as_ref()
        .map(|version| format!(", fixed in {version}"));
    format!("{package}{}", fixed.unwrap_or_default())
}

fn rest(result: &ScanResult, shown: usize) -> Option<String> {
    let hidden = u64::try_from(result.worst.len().saturating_sub(shown))
        .unwrap_or(u64::MAX)
        .saturating_add(result.more);
    (hidden > 0).then(|| format!("… and {hidden} more"))
}

/// What does not count, and why; and names that ignore nothing.
fn notes(result: &ScanResult) -> Vec<String> {
    let times = |(name, count): (&String, &u64)| {
        if *count == 1 {
            name.clone()
        } else {
            format!("{name} ({count} times)")
        }
    };
    let ignored: Vec<String> = result.ignored.iter().map(times).collect();
    let total: u64 = result
        .ignored
        .values()
        .fold(0, |sum, count| sum.saturating_add(*count));
    let ignored = (total > 0).then(|| format!("{total} ignored: {}", ignored.join(", ")));
    let suppressed =
        (result.suppressed > 0).then(|| format!("{} suppressed in Inspector", result.suppressed));
    let needless = (!result.needless.is_empty())
        .then(|| format!("in ignore, but not found: {}", result.needless.join(", ")));
    [ignored, suppressed, needless]
        .into_iter()
        .flatten()
        .collect()
}

/// The section of the summary; empty without a scan.
pub(super) fn section(scans: &[ScanResult]) -> String {
    if scans.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = scans.iter().map(part).collect();
    format!("### Scan findings\n\n{}", parts.join("\n\n"))
}

fn part(result: &ScanResult) -> String {
    let rest = rest(result, result.worst.len()).map(|rest| format!("{rest}."));
    let notes: Vec<String> = notes(result)
        .iter()
        .map(|note| format!("- {}", text(note)))
        .collect();
    let parts = [
        sentence(result),
        table(result),
        rest.unwrap_or_default(),
        notes.join("\n"),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn sentence(result: &ScanResult) -> String {
    let mark = match result.ruling {
        Ruling::Passed => "✓",
        Ruling::Refused => "✗",
    };
    let completed = result
        .completed
        .as_ref()
        .map(|moment| format!(", completed {}", text(moment)))
        .unwrap_or_default();
    let image = code(&image(result));
    let Some(kind) = result.kind else {
        return format!("{mark} **{}**: scan of {image}.", text(&result.in_words()));
    };
    let fail_on = code(&format!("fail-on: {}", result.fail_on));
    format!(
        "{mark} **{}**, {fail_on}: {kind} scan of {image}{completed}.",
        result.in_words()
    )
}

fn table(result: &ScanResult) -> String {
    if result.worst.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = result.worst.iter().map(row).collect();
    format!(
        "| Severity | Vulnerability | Package | Fixed in |\n|---|---|---|---|\n{}",
        rows.join("\n")
    )
}

fn row(finding: &Finding) -> String {
    let cells = |cell: &dyn Fn(&Package) -> String| {
        finding
            .packages
            .iter()
            .map(cell)
            .collect::<Vec<_>>()
            .join("<br>")
    };
    let fixed = |package: &Package| package.fixed_in.as_deref().map(text).unwrap_or_default();
    format!(
        "| {} | {} | {} | {} |",
        finding.severity,
        text(&finding.name),
        cells(&|package| text(&package.to_string())),
        cells(&fixed)
    )
}
