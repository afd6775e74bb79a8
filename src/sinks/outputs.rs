//! The outputs: names and values, never a path inside the container.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::duration::HumanDuration;
use crate::event::{Event, Stamped, Step};
use crate::github::files::append_value;
use crate::identity::{RevisionArn, RolloutId, ServiceDeploymentArn};
use crate::outcome::{Outcome, Reason};
use crate::report::Report;
use crate::sinks::sink::{Sink, SinkError};

/// An output may have at most 1 MiB; the report is far below that, unless it contains the results
/// of a thousand tests.
const MAX_REPORT_LENGTH: usize = 500_000;

/// Outputs that are known only at the end; the others are written as soon as they are known.
const FINAL_OUTPUTS: &[&str] = &[
    "outcome",
    "reason",
    "rolled-back",
    "duration-seconds",
    "report",
];

/// The runner's file of outputs. The post step writes none.
pub struct OutputFile {
    path: Option<PathBuf>,
    report: Report,
    written: Vec<(&'static str, String)>,
}

impl OutputFile {
    /// Writes to this file, where there is one.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            report: Report::empty(),
            written: Vec::new(),
        }
    }

    fn write(&mut self, is_wanted: impl Fn(&str) -> bool) -> Result<(), SinkError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let mut first_error = Ok(());
        for output in collect(&self.report) {
            if is_wanted(output.0) && !self.written.contains(&output) {
                match append_value(path, output.0, &output.1) {
                    Ok(()) => self.written.push(output),
                    Err(error) => {
                        first_error = first_error.and(Err(SinkError::from_io(&error)));
                    }
                }
            }
        }
        first_error
    }
}

impl Sink for OutputFile {
    fn name(&self) -> &'static str {
        "GITHUB_OUTPUT"
    }

    fn handle_event(&mut self, stamped: &Stamped) -> Result<(), SinkError> {
        self.report.add(stamped);
        let is_fact = matches!(
            stamped.event,
            Event::Revision(_)
                | Event::RolloutStarted(_)
                | Event::ImagePinned(_)
                | Event::TaskStarted { .. }
                | Event::TaskFound { .. }
                | Event::ScanAnswered { .. }
                | Event::Planned(_)
        );
        if is_fact {
            self.write(|name| !FINAL_OUTPUTS.contains(&name))
        } else {
            Ok(())
        }
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if self.report.post_result.is_some() {
            return Ok(());
        }
        self.write(|_| true)
    }
}

/// Fixed words of the report that are not variants of Outcome, Reason or Step.
const REPORT_WORDS: &[&str] = &[
    "true",
    "codedeploy",
    "rolling",
    "blue-green",
    "canary",
    "linear",
    "listener",
    "task-sets",
    "deployment",
    "controller",
    "green",
    "blue",
    "passed",
    "failed",
    "skipped",
    "ran",
    "stopped",
    "undone",
    "production",
    "bake",
    "step",
    "done",
    "successful",
    "inconclusive",
    "error",
    "sent",
    "mounted",
    "count",
];

/// The outputs of a report that have a value.
pub fn collect(report: &Report) -> Vec<(&'static str, String)> {
    named_values(report)
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Every output, in the order of the documentation.
pub fn named_values(report: &Report) -> [(&'static str, Option<String>); 18] {
    let deployment = report.deployment.as_ref().map(RolloutId::to_string);
    let codedeploy = deployment.clone().filter(|_| report.is_codedeploy);
    let tasks = (!report.tasks.is_empty())
        .then(|| serde_json::to_string(&report.tasks).unwrap_or_default());
    [
        (
            "outcome",
            report.outcome.map(|outcome| outcome.word().to_owned()),
        ),
        (
            "reason",
            report.reason.map(|reason| reason.word().to_owned()),
        ),
        (
            "task-definition-arn",
            report.revision.as_ref().map(RevisionArn::to_string),
        ),
        ("codedeploy-deployment-id", codedeploy),
        ("run-task-arn", tasks),
        ("image", report.image.clone()),
        ("image-digest", report.image_digest.clone()),
        ("registry", report.registry.clone()),
        ("plan", plan(report)),
        (
            "plan-digest",
            report.plan.as_ref().map(|plan| plan.digest.clone()),
        ),
        ("scan-findings", scan_findings(report)),
        ("deployment-id", deployment),
        (
            "service-deployment-arn",
            report
                .service_deployment
                .as_ref()
                .map(ServiceDeploymentArn::to_string),
        ),
        (
            "previous-task-definition-arn",
            report
                .previous_revision
                .as_ref()
                .or(report.blue.as_ref())
                .map(RevisionArn::to_string),
        ),
        ("rolled-back", Some(report.is_rolled_back().to_string())),
        (
            "duration-seconds",
            Some((report.milliseconds / 1000).to_string()),
        ),
        ("console-url", report.console.clone()),
        (
            "report",
            to_json(report).filter(|text| text.len() <= MAX_REPORT_LENGTH),
        ),
    ]
}

fn plan(report: &Report) -> Option<String> {
    let text = serde_json::to_string(report.plan.as_ref()?).ok()?;
    (text.len() <= MAX_REPORT_LENGTH).then_some(text)
}

fn to_json(report: &Report) -> Option<String> {
    serde_json::to_string(report).ok()
}

/// Counts by severity over all platforms; none if no scan returned a list of findings.
fn scan_findings(report: &Report) -> Option<String> {
    let listed: Vec<_> = report
        .scans
        .iter()
        .filter(|scan| scan.kind.is_some())
        .collect();
    let mut counts = BTreeMap::new();
    for (severity, count) in listed.iter().flat_map(|scan| &scan.counts) {
        let sum: &mut u64 = counts.entry(severity.word()).or_default();
        *sum = sum.saturating_add(*count);
    }
    (!listed.is_empty()).then(|| serde_json::to_string(&counts).unwrap_or_default())
}

/// Whether a text occurs in the fixed part of the outputs. Masking such a text would make the
/// runner drop the output.
pub fn is_in_outputs(text: &str) -> bool {
    let report = serde_json::to_string(&Report::empty()).unwrap_or_default();
    let outcomes = Outcome::ALL.iter().map(|outcome| outcome.word());
    let reasons = Reason::ALL.iter().map(|reason| reason.word());
    let steps = Step::ALL.iter().map(|step| step.title());
    let words = outcomes
        .chain(reasons)
        .chain(steps)
        .chain(REPORT_WORDS.iter().copied());
    is_account(text)
        || text.starts_with("arn:")
        || words
            .chain([report.as_str()])
            .any(|said| said.to_lowercase().contains(&text.to_lowercase()))
}

/// Account ids occur in every ARN and image name.
fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Milliseconds as people read them.
pub fn human_duration(milliseconds: u64) -> HumanDuration {
    HumanDuration(std::time::Duration::from_millis(milliseconds))
}
