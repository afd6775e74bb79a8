//! A planned deployment in the log and in the summary.

use std::time::Duration;

use crate::aws::arn::short_name;
use crate::duration::HumanDuration;
use crate::event::{PlannedDeployment, PlannedStep};
use crate::github::commands::sanitize;
use crate::report::Report;
use crate::sinks::console::capitalize;
use crate::sinks::markdown::{code_block, code_span, escape_text};
use crate::text::Text;

/// The lines of the log.
pub(super) fn lines(planned: &PlannedDeployment) -> Vec<String> {
    let mut lines = vec![format!("Plan {}", planned.digest)];
    lines.extend(planned.before.iter().map(|line| format!("  first: {line}")));
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
    lines.iter().map(|line| sanitize(line)).collect()
}

fn indented(lines: &[Text]) -> impl Iterator<Item = String> {
    lines.iter().map(|line| format!("    {line}"))
}

/// The section of the summary; empty if the run plans nothing.
pub(super) fn section(report: &Report) -> String {
    let Some(planned) = &report.plan else {
        return String::new();
    };
    let mut parts = vec![format!(
        "### Plan\n\n{}.",
        escape_text(&capitalize(&definition(planned)))
    )];
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
            let lasts = step.seconds.map(lasting).unwrap_or_default();
            format!(
                "| {} | {} | {lasts} |",
                step.step.title(),
                escape_text(&step.what)
            )
        });
        parts.push(format!(
            "| Step | What it would do | At least |\n|---|---|--:|\n{}",
            rows.collect::<Vec<_>>().join("\n")
        ));
    }
    if let Some(words) = &planned.if_left_alone {
        parts.push(format!(
            "If the run dies meanwhile: {}.",
            escape_text(words)
        ));
    }
    let digest = code_span(&format!("plan-digest: {}", planned.digest));
    parts.push(format!(
        "A deployment with {digest} does this, or is refused."
    ));
    parts.join("\n\n")
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
    let lasts = step
        .seconds
        .map(|seconds| format!(" (at least {})", lasting(seconds)))
        .unwrap_or_default();
    format!("{}{lasts}", step.what)
}

fn lasting(seconds: u64) -> String {
    HumanDuration(Duration::from_secs(seconds)).to_string()
}
