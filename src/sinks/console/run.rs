//! The start and the failure of a run in the log, and refused inputs.

use crate::error::{Failure, StoppedContainer};
use crate::event::{RefusedInputs, ReportedProblem, RunStart};
use crate::github::commands::{Level, annotation_at, fits_annotation};
use crate::outcome::{Mode, Reason};
use crate::sinks::console::{AFTER_CHANGES, NO_CREDENTIALS, capitalize, sanitize_line};

pub(super) fn format_start(start: &RunStart) -> String {
    let RunStart { run, region, .. } = start;
    let place = match (start.mode, &start.service) {
        // Nothing of AWS is asked.
        (Mode::Verify, None) => "Verifying in".to_owned(),
        (Mode::Smoke, None) => String::new(),
        _ => format!(" {region}"),
    };
    sanitize_line(&format!("{}{place} (run {run})", describe_run(start)))
}

fn describe_run(start: &RunStart) -> String {
    let cluster = &start.cluster;
    let version = start
        .version
        .as_ref()
        .map(|version| format!(" {version}"))
        .unwrap_or_default();
    match (start.mode, &start.service) {
        (Mode::Smoke, None) => "Testing what serves".to_owned(),
        (Mode::Migrate, None) => format!("Migrating the database for{version} in"),
        (Mode::Plan, None) => format!("Planning to register{version} in"),
        (_, None) => format!("Registering{version} in"),
        (Mode::Deploy, Some(service)) => format!("Deploying{version} to {service} on {cluster},"),
        (Mode::Plan, Some(service)) => {
            let of = if version.is_empty() { "" } else { " of" };
            format!("Planning a deployment{of}{version} to {service} on {cluster},")
        }
        (Mode::Verify, Some(service)) => format!("Verifying {service} on {cluster},"),
        (Mode::Migrate, Some(service)) => {
            format!("Migrating the database for{version} of {service} on {cluster},")
        }
        (Mode::Smoke, Some(service)) => format!("Testing {service} on {cluster},"),
        (Mode::Rollback, Some(service)) => format!("Rolling {service} on {cluster} back,"),
        (Mode::Continue, Some(service)) => format!("Opening the gate of {service} on {cluster},"),
        (Mode::Abort, Some(service)) => {
            format!("Rolling back the rollout of {service} on {cluster},")
        }
        (Mode::Cleanup, Some(service)) => format!("Cleaning up after {service} on {cluster},"),
        (Mode::Status, Some(service)) => format!("Looking at {service} on {cluster},"),
        (Mode::Drift, Some(service)) => {
            format!("Looking for changes of {service} on {cluster},")
        }
    }
}

/// The problems with the inputs, with an annotation for each.
pub(super) fn refusal_lines(refused: &RefusedInputs) -> Vec<String> {
    let problems = &refused.problems;
    let problem = if problems.len() == 1 {
        "a problem".into()
    } else {
        format!("{} problems", problems.len())
    };
    let why = if refused.reason == Reason::Credentials {
        NO_CREDENTIALS.to_owned()
    } else {
        format!("the inputs have {problem}")
    };
    let head = if refused.after_changes {
        format!("{}; {AFTER_CHANGES}", capitalize(&why))
    } else {
        format!("Nothing was touched: {why}")
    };
    std::iter::once(head)
        .chain(problems.iter().map(problem_annotation))
        .collect()
}

fn problem_annotation(problem: &ReportedProblem) -> String {
    let lines = [
        problem.problem.to_string(),
        format!("  hint: {}", problem.remedy),
    ];
    annotation_at(Level::Error, "input refused", problem.at.as_ref(), &lines)
}

/// What could not be undone and what to do about it.
pub(super) fn undo_failure_lines(what: &str, failure: &Failure) -> Vec<String> {
    failure_lines(
        "stuck",
        &format!("not undone: {what}: {}", failure.sentence()),
        failure,
    )
}

/// What failed, why, and what to do, in one annotation, because GitHub shows annotations without
/// the log around them. It includes the last log lines of containers if they fit.
pub(super) fn failure_lines(title: &str, sentence: &str, failure: &Failure) -> Vec<String> {
    let causes: Vec<String> = failure
        .chain
        .iter()
        .skip(1)
        .map(|cause| format!("  Caused by: {cause}"))
        .collect();
    let hints: Vec<String> = failure
        .hints
        .iter()
        .map(|hint| format!("  hint: {hint}"))
        .collect();
    let stopped: Vec<String> = failure
        .stopped
        .iter()
        .flat_map(stopped_container_lines)
        .collect();
    let whole = [
        vec![sentence.to_owned()],
        causes.clone(),
        stopped.clone(),
        hints.clone(),
    ]
    .concat();
    if fits_annotation(&whole) {
        return vec![annotation_at(Level::Error, title, None, &whole)];
    }
    let short = [vec![sentence.to_owned()], causes, hints].concat();
    std::iter::once(annotation_at(Level::Error, title, None, &short))
        .chain(stopped.iter().map(|line| sanitize_line(line)))
        .collect()
}

fn stopped_container_lines(stopped: &StoppedContainer) -> Vec<String> {
    let head = format!(
        "  container {} of task {}: {}; {}",
        stopped.container,
        stopped.task,
        stopped.describe_exit(),
        stopped.why
    );
    std::iter::once(head)
        .chain(stopped.log.iter().map(|line| format!("    | {line}")))
        .collect()
}
