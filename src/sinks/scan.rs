//! Scan findings in the log and in the step summary: counts first, the worst findings by name, then
//! what was left out and why.

use crate::github::commands::sanitize;
use crate::scan::{Finding, Package, Ruling, ScanResult};
use crate::sinks::markdown::{code_span, escape_text};
use crate::steps::image::short_digest;

/// Findings named in the log; the summary has more.
const MAX_NAMED_FINDINGS: usize = 10;

/// The lines of the log.
pub(super) fn lines(result: &ScanResult) -> Vec<String> {
    let named = result
        .worst
        .iter()
        .take(MAX_NAMED_FINDINGS)
        .map(|finding| format!("  {}", format_finding(finding)));
    let rest = format_remainder(result, MAX_NAMED_FINDINGS).map(|rest| format!("  {rest}"));
    let notes = collect_notes(result)
        .into_iter()
        .map(|note| format!("  {note}"));
    let all = std::iter::once(heading(result))
        .chain(named)
        .chain(rest)
        .chain(notes);
    all.map(|line| sanitize(&line)).collect()
}

/// The image, the scanner, and the result.
fn heading(result: &ScanResult) -> String {
    let image = image_name(result);
    let Some(kind) = result.kind else {
        return format!("scan of {image}: {}", result.describe());
    };
    let completed = result
        .completed
        .as_ref()
        .map(|moment| format!(", completed {moment}"))
        .unwrap_or_default();
    format!(
        "{kind} scan of {image}{completed}: {} (fail-on: {})",
        result.describe(),
        result.fail_on
    )
}

fn image_name(result: &ScanResult) -> String {
    let digest = short_digest(&result.digest);
    result.platform.as_ref().map_or_else(
        || digest.to_owned(),
        |platform| format!("{platform} {digest}"),
    )
}

fn format_finding(finding: &Finding) -> String {
    let packages: Vec<String> = finding.packages.iter().map(format_package).collect();
    let place = if packages.is_empty() {
        String::new()
    } else {
        format!(" in {}", packages.join("; "))
    };
    format!("{} {}{place}", finding.severity, finding.name)
}

fn format_package(package: &Package) -> String {
    let fixed = package
        .fixed_in
        .as_ref()
        .map(|version| format!(", fixed in {version}"));
    format!("{package}{}", fixed.unwrap_or_default())
}

fn format_remainder(result: &ScanResult, shown: usize) -> Option<String> {
    let hidden = u64::try_from(result.worst.len().saturating_sub(shown))
        .unwrap_or(u64::MAX)
        .saturating_add(result.more);
    (hidden > 0).then(|| format!("… and {hidden} more"))
}

/// Findings that do not count, and entries of `ignore` that match no finding.
fn collect_notes(result: &ScanResult) -> Vec<String> {
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
    let parts: Vec<String> = scans.iter().map(scan_section).collect();
    format!("### Scan findings\n\n{}", parts.join("\n\n"))
}

fn scan_section(result: &ScanResult) -> String {
    let rest = format_remainder(result, result.worst.len()).map(|rest| format!("{rest}."));
    let notes: Vec<String> = collect_notes(result)
        .iter()
        .map(|note| format!("- {}", escape_text(note)))
        .collect();
    let parts = [
        summary_sentence(result),
        findings_table(result),
        rest.unwrap_or_default(),
        notes.join("\n"),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn summary_sentence(result: &ScanResult) -> String {
    let mark = match result.ruling {
        Ruling::Passed => "✓",
        Ruling::Refused => "✗",
    };
    let completed = result
        .completed
        .as_ref()
        .map(|moment| format!(", completed {}", escape_text(moment)))
        .unwrap_or_default();
    let image = code_span(&image_name(result));
    let Some(kind) = result.kind else {
        return format!(
            "{mark} **{}**: scan of {image}.",
            escape_text(&result.describe())
        );
    };
    let fail_on = code_span(&format!("fail-on: {}", result.fail_on));
    format!(
        "{mark} **{}**, {fail_on}: {kind} scan of {image}{completed}.",
        result.describe()
    )
}

fn findings_table(result: &ScanResult) -> String {
    if result.worst.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = result.worst.iter().map(finding_row).collect();
    format!(
        "| Severity | Vulnerability | Package | Fixed in |\n|---|---|---|---|\n{}",
        rows.join("\n")
    )
}

fn finding_row(finding: &Finding) -> String {
    let cells = |cell: &dyn Fn(&Package) -> String| {
        finding
            .packages
            .iter()
            .map(cell)
            .collect::<Vec<_>>()
            .join("<br>")
    };
    let fixed = |package: &Package| {
        package
            .fixed_in
            .as_deref()
            .map(escape_text)
            .unwrap_or_default()
    };
    format!(
        "| {} | {} | {} | {} |",
        finding.severity,
        escape_text(&finding.name),
        cells(&|package| escape_text(&package.to_string())),
        cells(&fixed)
    )
}
