//! PURE: what was looked at before a deployment, line by line: what is wrong, what is right, and
//! what could not be told.
//!
//! A line is an entry of [`LINES`] and a function that looks. What a line finds to be wrong is also
//! refused before a deployment's first write, where the entry says so.

use serde_json::Value;

use super::{Plan, definition};
use crate::aws::AwsError;
use crate::choices::LintLevel;
use crate::documents::lint::{LintFinding, lint};
use crate::error::{Explain, Failure};
use crate::event::{VerificationStatus, VerifiedItem};
use crate::outcome::Reason;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::survey::Snapshot;

mod basics;
mod container;
mod files;
mod forecast;
mod hooks;
mod lines;
mod logging;
mod needs;
mod permissions;
mod quota;
mod repository;
mod roles;
mod rotation;
mod secrets;
mod size;
mod target_groups;
mod time;
mod urls;

use lines::{LINES, Line, Refuses};
pub use needs::needs;

/// What the lines look at.
struct Subject<'a> {
    settings: &'a Settings,
    snapshot: &'a Snapshot,
    /// What would be registered, without the image; none where it cannot be made.
    definition: Option<&'a Value>,
    /// The whole plan, where nothing is wrong.
    plan: Option<&'a Plan>,
}

/// What a line found.
#[derive(Debug, Clone, PartialEq)]
enum LineResult {
    /// It was read, and nothing is wrong.
    Ok(String),
    /// It was not looked at.
    Skipped { why: String, remedy: String },
    /// A person should know.
    Warned { why: String, remedy: String },
    /// A deployment would be refused, or fail.
    Failed(Problem),
}

impl LineResult {
    fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped {
            why: why.into(),
            remedy: String::new(),
        }
    }

    fn warned(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Warned {
            why: why.into(),
            remedy: remedy.into(),
        }
    }

    fn failed(input: &str, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Failed(Problem::new(input, why, remedy))
    }

    /// What could not be read.
    fn unread(error: &AwsError) -> Self {
        Self::Skipped {
            why: error.summary(),
            remedy: error.hint().unwrap_or_default(),
        }
    }

    fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Failed(problem) => Some(problem),
            Self::Ok(_) | Self::Skipped { .. } | Self::Warned { .. } => None,
        }
    }

    /// Whether a person has to read it.
    fn is_notable(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Warned { .. })
    }

    fn into_item(self, name: &str) -> VerifiedItem {
        let (status, detail, remedy) = match self {
            Self::Ok(found) => (VerificationStatus::Ok, found, String::new()),
            Self::Skipped { why, remedy } => (VerificationStatus::Skipped, why, remedy),
            Self::Warned { why, remedy } => (VerificationStatus::Warned, why, remedy),
            Self::Failed(problem) => (
                VerificationStatus::Failed,
                problem.to_string(),
                problem.remedy,
            ),
        };
        VerifiedItem {
            item: name.to_owned(),
            status,
            detail: detail.into(),
            remedy: remedy.into(),
        }
    }
}

/// What stands between the inputs and a deployment.
#[derive(Debug, Default)]
pub struct Obstacles {
    /// What is wrong with the inputs, or with what they name.
    pub problems: Vec<Problem>,
    /// What keeps a deployment from beginning now.
    pub failure: Option<Failure>,
}

/// What was looked at, and what is wrong.
#[derive(Debug)]
pub struct Verification {
    /// Every line.
    pub items: Vec<VerifiedItem>,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

/// What is certainly wrong, and can be known before a deployment's first write. A rollout that an
/// earlier attempt of this run started must not be refused half-way.
pub(super) fn problems_before_write(
    settings: &Settings,
    snapshot: &Snapshot,
    definition: &Value,
) -> Vec<Problem> {
    let is_under_way = snapshot
        .running
        .as_ref()
        .is_some_and(|running| running.is_ours);
    if is_under_way || !settings.mode.plans_deployment() {
        return Vec::new();
    }
    let subject = Subject {
        settings,
        snapshot,
        definition: Some(definition),
        plan: None,
    };
    LINES
        .iter()
        .filter(|line| line.refuses == Refuses::Deployments)
        .flat_map(|line| (line.look)(&subject))
        .filter_map(|finding| finding.problem().cloned())
        .collect()
}

/// Every line. `plan` is there where nothing is wrong.
pub fn verification(
    settings: &Settings,
    snapshot: &Snapshot,
    obstacles: Obstacles,
    plan: Option<&Plan>,
) -> Verification {
    let definition = definition::build_definition(settings, snapshot)
        .ok()
        .map(|(definition, _)| definition);
    let subject = Subject {
        settings,
        snapshot,
        definition: definition.as_ref(),
        plan,
    };
    let found: Vec<(&Line, Vec<LineResult>)> = LINES
        .iter()
        .map(|line| (line, without_repeats((line.look)(&subject))))
        .collect();
    let mut problems: Vec<Problem> = found
        .iter()
        .flat_map(|(_, findings)| findings)
        .filter_map(|finding| finding.problem().cloned())
        .collect();
    let mut left: Vec<Problem> = obstacles.problems;
    left.retain(|problem| !problems.contains(problem));
    problems.splice(0..0, left.iter().cloned());
    let mut items = Vec::new();
    for (line, findings) in found {
        let (own, others): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|problem| line.inputs.contains(&problem.input.as_str()));
        left = others;
        let is_wrong = !own.is_empty();
        items.extend(
            own.into_iter()
                .map(|problem| LineResult::Failed(problem).into_item(line.name)),
        );
        items.extend(
            findings
                .into_iter()
                .filter(|finding| !is_wrong || finding.is_notable())
                .map(|finding| finding.into_item(line.name)),
        );
    }
    items.extend(left.into_iter().map(|problem| {
        let name = problem.input.clone();
        LineResult::Failed(problem).into_item(&name)
    }));
    if let Some(failure) = obstacles.failure {
        problems.push(problem_of(&failure));
        add_failure(&mut items, &failure);
    }
    items.extend(
        lint_findings(&subject)
            .into_iter()
            .map(|finding| finding.into_item("lint")),
    );
    Verification { items, problems }
}

/// What could not be read for one reason is said once.
fn without_repeats(results: Vec<LineResult>) -> Vec<LineResult> {
    let mut told = Vec::new();
    let mut kept = results;
    kept.retain(|result| match result {
        LineResult::Skipped { why, .. } => {
            let is_new = !told.contains(why);
            told.push(why.clone());
            is_new
        }
        LineResult::Ok(_) | LineResult::Warned { .. } | LineResult::Failed(_) => true,
    });
    kept
}

fn problem_of(failure: &Failure) -> Problem {
    let remedy = failure.hints.first().map(ToString::to_string);
    Problem::new(
        failure.reason.word(),
        failure.sentence(),
        remedy.unwrap_or_else(|| "see docs/outcomes.md".to_owned()),
    )
}

/// What keeps a deployment from beginning now takes the place of what was good about its line.
fn add_failure(items: &mut Vec<VerifiedItem>, failure: &Failure) {
    let name = match failure.reason {
        Reason::Alarm => "alarms",
        Reason::AlreadyRunning | Reason::StaleRun => "free slot",
        _ => "AWS",
    };
    items.retain(|item| item.item != name || item.status != VerificationStatus::Ok);
    items.push(VerifiedItem {
        item: name.to_owned(),
        status: VerificationStatus::Failed,
        detail: failure.sentence().into(),
        remedy: failure.hints.first().cloned().unwrap_or_default(),
    });
}

/// What is seldom meant in the definition; where `lint` is `error`, it was refused as a problem.
fn lint_findings(subject: &Subject<'_>) -> Vec<LineResult> {
    let is_told = matches!(
        subject.settings.verification.lint,
        None | Some(LintLevel::Warn)
    );
    let Some(definition) = subject.definition.filter(|_| is_told) else {
        return Vec::new();
    };
    lint_definition(subject.settings, definition)
        .into_iter()
        .map(|finding| LineResult::warned(finding.message, finding.remedy))
        .collect()
}

/// The lint of a definition; the image that is deployed is put in by digest.
pub(super) fn lint_definition(settings: &Settings, definition: &Value) -> Vec<LintFinding> {
    let pinned = definition::find_image_containers(settings, definition).unwrap_or_default();
    lint(definition, &pinned)
}

/// What the lint refuses where `lint` is `error`.
pub(super) fn lint_problems(settings: &Settings, definition: &Value) -> Vec<Problem> {
    if settings.verification.lint != Some(LintLevel::Error) {
        return Vec::new();
    }
    lint_definition(settings, definition)
        .into_iter()
        .map(|finding| Problem::new("lint", finding.message, finding.remedy))
        .collect()
}

/// What the lint warns of in a deployment where `lint` is `warn`.
pub(super) fn lint_warnings(settings: &Settings, definition: &Value) -> Vec<String> {
    if settings.verification.lint != Some(LintLevel::Warn) {
        return Vec::new();
    }
    lint_definition(settings, definition)
        .into_iter()
        .map(|finding| format!("{}: {}", finding.message, finding.remedy))
        .collect()
}
