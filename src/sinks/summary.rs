//! The step summary: the outcome first, then what was done and seen, as Markdown. Pure: Report →
//! text.
//!
//! One file, because it is one document, in the order in which it is read.

use std::path::PathBuf;

use crate::aws::arn::short_name;
use crate::checks::moment::Moment;
use crate::checks::smoke::{TestResult, TestVerdict};
use crate::error::{Failure, StoppedContainer};
use crate::event::{
    BackupProgress, DatabaseBackup, MigrationState, NamedCaller, Stamped, StepEnd, TestUrl,
};
use crate::github::files::append_summary;
use crate::outcome::{NO_OUTCOME, NO_OUTCOME_HINT, Outcome, Reason};
use crate::report::{Report, StepReport};
use crate::sinks::console::image::{format_transfer, format_unset_tag};
use crate::sinks::console::{AFTER_CHANGES, NO_CREDENTIALS, capitalize, step_title};
use crate::sinks::markdown::{code_block, code_span, escape_text};
use crate::sinks::outputs::human_duration;
use crate::sinks::sink::{Sink, SinkError};
use crate::sinks::{
    cleanup, drift, load, measurements, plan, scan, start_gates, tester, verification,
};

/// The runner's file of the step summary. The post step's result is appended below the main step's
/// summary.
pub struct SummaryFile {
    path: Option<PathBuf>,
    report: Report,
}

impl SummaryFile {
    /// Writes to this file, where there is one.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            report: Report::empty(),
        }
    }
}

impl Sink for SummaryFile {
    fn name(&self) -> &'static str {
        "GITHUB_STEP_SUMMARY"
    }

    fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        self.report.add(stamped);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let summary = match &self.report.post_result {
            Some(result) => format!("### Post step\n\n{}\n", escape_text(result)),
            None => render(&self.report),
        };
        append_summary(path, &summary).map_err(|error| SinkError::from_io(&error))
    }
}

/// The summary of a report.
pub fn render(report: &Report) -> String {
    let parts = [
        heading(report),
        problems_table(report),
        failure_section(report),
        failed_undos_section(report),
        start_gates::section(report.gates.as_ref()),
        verification::section(&report.verification),
        cleanup::section(report.cleanup.as_ref()),
        plan::section(report),
        drift::section(report.drift.as_ref()),
        details_table(report),
        steps_section(report),
        scan::section(&report.scans),
        smoke_tests_section(report),
        load::section(report),
        tester::section(report),
        measurements::section(&report.checks),
        stopped_section(report),
        notes_section(report),
        console_link(report),
    ];
    let mut summary = parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n");
    summary.push('\n');
    summary
}

pub(super) fn heading(report: &Report) -> String {
    let target = report.service.as_ref().map_or_else(
        || "task definition".to_owned(),
        |service| {
            format!(
                "{} on {}",
                code_span(service.as_str()),
                code_span(report.cluster.as_str())
            )
        },
    );
    let outcome = match report.outcome {
        None => return no_outcome_heading(&target),
        Some(Outcome::Refused) => return refused_heading(report, &target),
        Some(outcome) => outcome,
    };
    let reason = report
        .reason
        .filter(|_| !outcome.is_success())
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    format!(
        "## {} {outcome}{reason}: {target}\n\n**{}**",
        outcome_symbol(outcome),
        escape_text(&to_sentence(&report.sentence))
    )
}

/// "Nothing was touched" is only shown if it is true.
fn refused_heading(report: &Report, target: &str) -> String {
    let why = if report.reason == Some(Reason::Credentials) {
        capitalize(NO_CREDENTIALS)
    } else {
        "The inputs have problems".to_owned()
    };
    if report.after_changes {
        format!(
            "## ✗ Refused: {target}\n\n**{why}.** {}.",
            escape_text(AFTER_CHANGES)
        )
    } else {
        format!("## ✗ Refused: {target}\n\n**Nothing was touched.** {why}.")
    }
}

fn no_outcome_heading(target: &str) -> String {
    format!(
        "## ✗ No outcome: {target}\n\n**{}** {}",
        escape_text(&to_sentence(NO_OUTCOME)),
        escape_text(&to_sentence(NO_OUTCOME_HINT))
    )
}

fn outcome_symbol(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deployed
        | Outcome::Verified
        | Outcome::Tested
        | Outcome::NoDrift
        | Outcome::Migrated
        | Outcome::Cleaned => "✓",
        Outcome::AlreadyDeployed
        | Outcome::Registered
        | Outcome::Planned
        | Outcome::DriftUnknown
        | Outcome::Waiting
        | Outcome::Started => "○",
        Outcome::NotDeployed | Outcome::RolledBack => "↩",
        Outcome::StillRunning => "…",
        Outcome::Stuck | Outcome::Refused | Outcome::TestsFailed | Outcome::Drifted => "✗",
    }
}

/// Capitalizes the first letter and adds a full stop.
fn to_sentence(words: &str) -> String {
    format!("{}.", capitalize(words).trim_end_matches('.'))
}

pub(super) fn problems_table(report: &Report) -> String {
    if report.problems.is_empty() {
        return String::new();
    }
    let rows = report.problems.iter().map(|problem| {
        format!(
            "| {} | {} |",
            escape_text(&problem.problem),
            escape_text(&problem.remedy)
        )
    });
    format!(
        "| Problem | What to do |\n|---|---|\n{}",
        rows.collect::<Vec<_>>().join("\n")
    )
}

pub(super) fn failure_section(report: &Report) -> String {
    report
        .failure
        .as_ref()
        .map(|failure| format!("### Why\n\n{}", cause_list(failure)))
        .unwrap_or_default()
}

fn cause_list(failure: &Failure) -> String {
    let mut lines = vec![format!("- **{}**", escape_text(failure.sentence()))];
    lines.extend(
        failure
            .chain
            .iter()
            .skip(1)
            .map(|cause| format!("  - {}", escape_text(cause))),
    );
    lines.extend(
        failure
            .hints
            .iter()
            .map(|hint| format!("- What to do: {}", escape_text(hint))),
    );
    lines.join("\n")
}

fn failed_undos_section(report: &Report) -> String {
    let parts: Vec<String> = report
        .stuck
        .iter()
        .map(|(what, failure)| {
            format!(
                "### Not undone: {}\n\n{}",
                escape_text(what),
                cause_list(failure)
            )
        })
        .collect();
    parts.join("\n\n")
}

fn details_table(report: &Report) -> String {
    let version = report.deployed_version.as_ref();
    let repository = report.repository_created.as_ref();
    let transfer = report.image_transfer.as_ref();
    let rows = [
        ("Version", version.map(|version| code_span(version))),
        ("Image", image_cell(report)),
        ("Tags not set", unset_tags_cell(report)),
        (
            "Repository",
            repository.map(|place| format!("{}, made by this run", code_span(place))),
        ),
        (
            "Transfer",
            transfer.map(|transfer| escape_text(&format_transfer(transfer))),
        ),
        ("Task definition", revision_cell(report)),
        ("One-off task", one_off_cell(report)),
        ("Migration", migration_cell(report)),
        ("Rollout", rollout_cell(report)),
        ("Production traffic", traffic_cell(report)),
    ];
    let rows: Vec<String> = rows
        .into_iter()
        .filter_map(|(name, value)| Some(format!("| {name} | {} |", value?)))
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!("| | |\n|---|---|\n{}", rows.join("\n"))
    }
}

fn image_cell(report: &Report) -> Option<String> {
    let image = report.image.as_ref()?;
    let tags: Vec<String> = report.tags.iter().map(|tag| code_span(tag)).collect();
    let tags = if tags.is_empty() {
        String::new()
    } else {
        format!(", tags {}", tags.join(" "))
    };
    Some(format!("{}{tags}", code_span(image)))
}

fn unset_tags_cell(report: &Report) -> Option<String> {
    let tags: Vec<String> = report
        .tags_not_set
        .iter()
        .map(|tag| escape_text(&format_unset_tag(tag)))
        .collect();
    (!tags.is_empty()).then(|| tags.join("<br>"))
}

fn revision_cell(report: &Report) -> Option<String> {
    let revision = report.revision.as_ref()?;
    let new = code_span(short_name(revision));
    Some(match &report.previous_revision {
        Some(previous) if previous != revision => {
            describe_replacement(report.outcome, &new, &code_span(short_name(previous)))
        }
        _ => new,
    })
}

fn rollout_cell(report: &Report) -> Option<String> {
    let id = report.deployment.as_ref()?;
    let controller = report.controller.as_deref().unwrap_or_default();
    Some(format!(
        "{} ({})",
        code_span(id.as_str()),
        escape_text(controller)
    ))
}

fn traffic_cell(report: &Report) -> Option<String> {
    let (side, observed_by) = report.traffic?;
    let words = format!("{side:?}, {}", observed_by.describe()).to_lowercase();
    Some(escape_text(&words))
}

/// What ran before the rollout, and is not undone.
fn one_off_cell(report: &Report) -> Option<String> {
    let ran: Vec<String> = report
        .one_off_tasks
        .iter()
        .map(|task| {
            format!(
                "{} ({})",
                escape_text(&task.describe()),
                code_span(short_name(&task.task))
            )
        })
        .collect();
    let stays = if report.outcome == Some(Outcome::Deployed) {
        ""
    } else {
        "; it is not undone"
    };
    (!ran.is_empty()).then(|| format!("{}{stays}", ran.join("; ")))
}

/// What became of the migration.
fn migration_cell(report: &Report) -> Option<String> {
    let migration = report.migration.as_ref()?;
    let task = migration
        .task
        .as_ref()
        .map(|task| format!(" ({})", code_span(short_name(task))))
        .unwrap_or_default();
    let backup = migration.backup.as_ref().map(describe_backup);
    let stays = match (migration.state, report.outcome) {
        (MigrationState::Undone, _) => {
            let command = migration.undone_by.as_deref().unwrap_or_default();
            format!("; undone by \"{}\"", escape_text(command))
        }
        (MigrationState::NotRun | MigrationState::Skipped, _)
        | (
            MigrationState::Ran,
            Some(
                Outcome::Deployed
                | Outcome::AlreadyDeployed
                | Outcome::Registered
                | Outcome::Migrated,
            ),
        ) => String::new(),
        (MigrationState::Ran | MigrationState::Failed | MigrationState::Stopped, _) => {
            let why = migration.kept_because.as_deref();
            let why = why.map(|why| format!(", because {}", escape_text(why)));
            format!(
                "; it is not undone{}: the schema may be ahead of the version that serves",
                why.unwrap_or_default()
            )
        }
    };
    Some(format!(
        "{}{task}{stays}{}",
        escape_text(&migration.describe()),
        backup.unwrap_or_default()
    ))
}

fn describe_backup(backup: &DatabaseBackup) -> String {
    let state = match backup.state {
        BackupProgress::Available => "is kept",
        BackupProgress::Started => "was being made, and is kept",
    };
    format!(
        "; snapshot {} of {} {state}",
        code_span(&backup.snapshot),
        escape_text(&backup.of)
    )
}

/// Which of the two revisions serves in the end.
fn describe_replacement(outcome: Option<Outcome>, new: &str, old: &str) -> String {
    match outcome {
        Some(Outcome::RolledBack | Outcome::NotDeployed) => {
            format!("{new}, rolled back: {old} serves")
        }
        Some(
            Outcome::Deployed
            | Outcome::AlreadyDeployed
            | Outcome::Registered
            | Outcome::Planned
            | Outcome::Verified
            | Outcome::Tested
            | Outcome::TestsFailed
            | Outcome::NoDrift
            | Outcome::Drifted
            | Outcome::DriftUnknown
            | Outcome::Migrated
            | Outcome::Cleaned
            | Outcome::Waiting
            | Outcome::Started
            | Outcome::StillRunning
            | Outcome::Stuck
            | Outcome::Refused,
        )
        | None => {
            format!("{new}, in place of {old}")
        }
    }
}

fn steps_section(report: &Report) -> String {
    if report.steps.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = report
        .steps
        .iter()
        .map(|step| step_row(report, step))
        .collect();
    let reads = if report.reads > 0 {
        format!(", {} reads of AWS", report.reads)
    } else {
        String::new()
    };
    let caller = report.caller.as_ref().map(describe_caller);
    format!(
        "### Steps\n\n| | Step | Time | |\n|---|---|--:|---|\n{}\n\n{} in all{reads}.{}",
        rows.join("\n"),
        human_duration(report.milliseconds),
        caller.unwrap_or_default()
    )
}

fn describe_caller(caller: &NamedCaller) -> String {
    let session = caller
        .session
        .as_ref()
        .map(|session| format!(", session {}", code_span(session)));
    format!(
        " {}{}.",
        escape_text(&caller.sentence()),
        session.unwrap_or_default()
    )
}

fn step_row(report: &Report, step: &StepReport) -> String {
    let mark = match step.end {
        Some(StepEnd::Done) => "✓",
        Some(StepEnd::Failed) => "✗",
        None => "–",
    };
    format!(
        "| {mark} | {} | {} | {} |",
        step_title(step.step, report.test_url.as_ref()),
        human_duration(step.milliseconds),
        escape_text(&step.result)
    )
}

fn smoke_tests_section(report: &Report) -> String {
    if report.smoke_tests.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = report
        .smoke_tests
        .iter()
        .map(|result| smoke_test_row(report, result))
        .collect();
    format!(
        "### Smoke tests\n\n| | Test | On | Request | Time | Attempts | |\n|---|---|---|---|--:|--:|---|\n{}",
        rows.join("\n")
    )
}

fn smoke_test_row(report: &Report, result: &TestResult) -> String {
    let mark = match result.verdict {
        TestVerdict::Passed => "✓",
        TestVerdict::Failed => "✗",
        TestVerdict::Skipped | TestVerdict::Unfinished => "–",
    };
    let failures = result.failures.iter().map(|failure| {
        escape_text(&format!(
            "{}: expected {}, found {}",
            failure.what, failure.expected, failure.found
        ))
    });
    let why = failures.collect::<Vec<_>>().join("<br>");
    let (name, request) = (escape_text(&result.name), code_span(&result.request));
    format!(
        "| {mark} | {name} | {} | {request} | {} | {} | {why} |",
        describe_side(report, result.moment),
        human_duration(result.last_milliseconds),
        result.attempts
    )
}

/// The tested side. It says "green" only when test-url is known to lead to green.
pub(super) fn describe_side(report: &Report, moment: Moment) -> String {
    match (moment, &report.test_url) {
        (Moment::Green, Some(TestUrl::Unproven { .. })) => {
            "test-url, not proven to have reached green".to_owned()
        }
        _ => moment.to_string(),
    }
}

fn stopped_section(report: &Report) -> String {
    let containers = report.failure.iter().flat_map(|failure| &failure.stopped);
    let parts: Vec<String> = containers.map(container_details).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("### Stopped containers\n\n{}", parts.join("\n\n"))
    }
}

fn container_details(stopped: &StoppedContainer) -> String {
    let exit = stopped.describe_exit();
    let head = format!(
        "{} in task {}: {exit}. {}",
        code_span(&stopped.container),
        code_span(&stopped.task),
        escape_text(&stopped.why)
    );
    if stopped.log.is_empty() {
        head
    } else {
        format!("{head}\n\n{}", code_block(&stopped.log))
    }
}

fn notes_section(report: &Report) -> String {
    let limited = report.narrowed.iter().map(|(check, allow)| {
        let allow = if allow.is_empty() {
            String::new()
        } else {
            format!(" To have it, allow {}.", code_span(allow))
        };
        format!("- Limited: {}.{allow}", escape_text(check))
    });
    let lines: Vec<String> = report
        .warnings
        .iter()
        .map(|warning| format!("- {}", escape_text(warning)))
        .chain(limited)
        .collect();
    let changes = if report.changes.is_empty() {
        String::new()
    } else {
        format!(
            "<details><summary>Changes of the task definition</summary>\n\n{}\n\n</details>",
            code_block(&report.changes)
        )
    };
    let notes = if lines.is_empty() {
        String::new()
    } else {
        format!("### Notes\n\n{}", lines.join("\n"))
    };
    [changes, notes]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn console_link(report: &Report) -> String {
    report
        .console
        .as_ref()
        .map(|url| {
            if is_console(url) {
                format!("[Watch it in the AWS console]({url})")
            } else {
                format!("Watch it: {}", code_span(url))
            }
        })
        .unwrap_or_default()
}

/// Only links to AWS's consoles are made: a journal may contain any URL.
fn is_console(url: &str) -> bool {
    let host = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split('/').next())
        .unwrap_or_default();
    let domains = [
        "console.aws.amazon.com",
        "console.amazonaws.cn",
        "console.amazonaws-us-gov.com",
    ];
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || "-._~:/?#&=%,+".contains(letter);
    domains.iter().any(|domain| {
        host.strip_suffix(domain)
            .is_some_and(|region| region.ends_with('.'))
    }) && url.chars().all(is_plain)
}
