//! A planned deployment in the log and in the summary.

use std::time::Duration;

use crate::aws::arn::short_name;
use crate::duration::HumanDuration;
use crate::event::{PlannedDeployment, PlannedStep};
use crate::github::commands::sanitize;
use crate::report::Report;
use crate::sinks::console::capitalize;
use crate::sinks::drift;
use crate::sinks::markdown::{code_block, code_span, escape_text};
use crate::text::Text;

/// The lines of the log.
pub(super) fn lines(planned: &PlannedDeployment) -> Vec<String> {
    let mut lines = vec![format!("Plan {}", planned.digest)];
    lines.extend(planned.before.iter().map(|line| format!("  first: {line}")));
    let scans = planned.image.iter().flat_map(|image| &image.scans);
    lines.extend(scans.map(|scan| format!("  scan of the image: {scan}")));
    lines.push(format!("  {}", definition(planned)));
    lines.extend(indented(&planned.task_definition.changes));
    if !planned.service_changes.is_empty() {
        lines.push("  the service:".to_owned());
        lines.extend(indented(&planned.service_changes));
    }
    lines.extend(
        planned
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| format!("  {}. {}: {}", index + 1, step.step.title(), done(step))),
    );
    lines.extend(
        planned
            .if_left_alone
            .iter()
            .map(|words| format!("  if the run dies meanwhile: {words}")),
    );
    let drift = planned.drift.iter().flat_map(drift::lines);
    lines.extend(drift.map(|line| format!("  {line}")));
    lines.iter().map(|line| sanitize(line)).collect()
}

fn indented(lines: &[Text]) -> impl Iterator<Item = String> {
    lines.iter().map(|line| format!("    {line}"))
}

/// The section of the summary; empty if the run plans nothing.
pub(super) fn section(report: &Report) -> String {
    parts(report).join("\n\n")
}

/// Its parts, each complete in itself.
pub(super) fn parts(report: &Report) -> Vec<String> {
    let Some(planned) = &report.plan else {
        return Vec::new();
    };
    let mut parts = vec![format!(
        "### Plan\n\n{}.",
        escape_text(&capitalize(&definition(planned)))
    )];
    let scans = planned.image.iter().flat_map(|image| &image.scans);
    let scans: Vec<String> = scans.map(|scan| escape_text(scan)).collect();
    if !scans.is_empty() {
        parts.push(format!("Scan of the image: {}.", scans.join("; ")));
    }
    if !planned.task_definition.changes.is_empty() {
        parts.push(code_block(&planned.task_definition.changes));
    }
    if !planned.service_changes.is_empty() {
        parts.push(format!(
            "The service:\n\n{}",
            code_block(&planned.service_changes)
        ));
    }
    if !planned.before.is_empty() {
        let before = planned
            .before
            .iter()
            .map(|line| format!("- {}", escape_text(line)));
        parts.push(format!(
            "What comes first:\n\n{}",
            before.collect::<Vec<_>>().join("\n")
        ));
    }
    if !planned.steps.is_empty() {
        let rows = planned.steps.iter().map(|step| {
            let lasts = describe_time(step).unwrap_or_default();
            format!(
                "| {} | {} | {lasts} |",
                step.step.title(),
                escape_text(&step.what)
            )
        });
        parts.push(format!(
            "| Step | What it would do | Time |\n|---|---|--:|\n{}",
            rows.collect::<Vec<_>>().join("\n")
        ));
    }
    if let Some(words) = &planned.if_left_alone {
        parts.push(format!(
            "If the run dies meanwhile: {}.",
            escape_text(words)
        ));
    }
    let drift = drift::section(planned.drift.as_ref());
    if !drift.is_empty() {
        parts.push(drift);
    }
    let digest = code_span(&format!("plan-digest: {}", planned.digest));
    parts.push(format!(
        "A deployment with {digest} does this, or is refused."
    ));
    parts
}

fn definition(planned: &PlannedDeployment) -> String {
    let revision = &planned.task_definition;
    let family = &revision.family;
    match (&revision.registered, &revision.previous) {
        (Some(arn), _) => format!(
            "the task definition is {}, which is registered already",
            short_name(arn)
        ),
        (None, Some(previous)) => format!(
            "a new revision of {family} would be registered, different from {}",
            short_name(previous)
        ),
        (None, None) => format!("the first revision of {family} would be registered"),
    }
}

fn done(step: &PlannedStep) -> String {
    match describe_time(step) {
        Some(time) => format!("{} ({time})", step.what),
        None => step.what.to_string(),
    }
}

fn describe_time(step: &PlannedStep) -> Option<String> {
    let at_least = step.seconds.map(lasting);
    let at_most = step.at_most_seconds.map(lasting);
    match (at_least, at_most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (None, None) => None,
    }
}

fn lasting(seconds: u64) -> String {
    HumanDuration(Duration::from_secs(seconds)).to_string()
}
