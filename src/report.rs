//! Events → Report: the fold from which summary, outputs and exit code are rendered. Pure.

use serde::Serialize;

use crate::checks::load::LoadResult;
use crate::checks::measurement::Phase;
use crate::checks::moment::Moment;
use crate::checks::smoke::{TestResult, TestVerdict};
use crate::checks::tester::{TesterResult, TesterVerdict};
use crate::error::Failure;
use crate::event::{
    Event, ObservedBy, OneOffTask, ReportedProblem, Serving, Stamped, Step, StepEnd, TestUrl,
    Transfer,
};
use crate::outcome::{Outcome, Reason};
use crate::scan::ScanResult;

mod measured;

pub use measured::CheckReport;

/// The version of the JSON that the output `report` carries.
pub const VERSION: u32 = 1;

/// Everything a run came to.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Version of this form.
    pub version: u32,
    /// The run's id.
    pub run: String,
    /// When it began.
    pub time: String,
    /// Region.
    pub region: String,
    /// Cluster.
    pub cluster: String,
    /// Service.
    pub service: Option<String>,
    /// The version users see.
    pub deployed_version: Option<String>,
    /// What serves traffic.
    pub outcome: Option<Outcome>,
    /// Why.
    pub reason: Option<Reason>,
    /// In a sentence.
    pub sentence: String,
    /// Who performs the rollout.
    pub controller: Option<String>,
    /// What served before.
    pub blue: Option<String>,
    /// The revision deployed.
    pub revision: Option<String>,
    /// What it replaces.
    pub previous_revision: Option<String>,
    /// What changed in it.
    pub changes: Vec<String>,
    /// The image.
    pub image: Option<String>,
    /// Its digest.
    pub image_digest: Option<String>,
    /// Its registry.
    pub registry: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Tags that it was to get, and did not: what they were to wait for did not come.
    pub tags_not_set: Vec<crate::event::DeferredTag>,
    /// Bytes that were sent for it.
    pub image_bytes_moved: u64,
    /// What became of its parts, when it was pushed.
    pub image_transfer: Option<Transfer>,
    /// The repository that was made for it.
    pub repository_created: Option<String>,
    /// What the registry's scans of it answered.
    pub scans: Vec<ScanResult>,
    /// One-off tasks.
    pub tasks: Vec<String>,
    /// What ran in them, and is not undone.
    pub one_off_tasks: Vec<OneOffTask>,
    /// The deployment.
    pub deployment: Option<String>,
    /// Whether the controller is CodeDeploy.
    #[serde(skip)]
    pub is_codedeploy: bool,
    /// The ECS service deployment.
    pub service_deployment: Option<String>,
    /// Console link.
    pub console: Option<String>,
    /// Steps with times.
    pub steps: Vec<StepReport>,
    /// Whether what was tested at test-url was green.
    pub test_url: Option<TestUrl>,
    /// Smoke tests.
    pub smoke_tests: Vec<TestResult>,
    /// What was measured.
    pub checks: Vec<CheckReport>,
    /// Load probes.
    pub loads: Vec<LoadResult>,
    /// Testers.
    pub testers: Vec<TesterResult>,
    /// Which side serves, and who says so.
    pub traffic: Option<(Serving, ObservedBy)>,
    /// Narrowed checks: what is not checked and which action to allow.
    pub narrowed: Vec<(String, String)>,
    /// Warnings.
    pub warnings: Vec<String>,
    /// Problems with the inputs.
    pub problems: Vec<ReportedProblem>,
    /// Whether something was changed in AWS before they were found.
    #[serde(skip)]
    pub after_changes: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What could not be undone.
    pub stuck: Vec<(String, Failure)>,
    /// Reads of AWS.
    pub reads: u64,
    /// Milliseconds in all.
    pub milliseconds: u64,
}

/// A step and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// How it ended; none while it goes on, or when it was cut short.
    pub end: Option<StepEnd>,
    /// One line.
    pub result: String,
    /// When it began.
    #[serde(skip)]
    pub began_ms: u64,
    /// How long it took.
    pub milliseconds: u64,
}

impl Report {
    /// Folds the events of a run, in their order.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e Stamped>) -> Self {
        let mut report = Self::begin();
        events.into_iter().for_each(|stamped| report.add(stamped));
        report
    }

    /// The report of a run that has told nothing yet.
    pub fn begin() -> Self {
        Self {
            version: VERSION,
            ..Self::default()
        }
    }

    /// Adds what happened next.
    pub fn add(&mut self, stamped: &Stamped) {
        self.milliseconds = stamped.at_ms;
        self.take(stamped);
    }

    /// Whether the inputs were refused.
    pub fn is_refused(&self) -> bool {
        self.outcome == Some(Outcome::Refused)
    }

    /// Whether a rollback was observed.
    pub fn is_rolled_back(&self) -> bool {
        self.outcome == Some(Outcome::RolledBack)
            || (self.outcome == Some(Outcome::Deployed)
                && self.reason == Some(Reason::RollbackAsked))
    }

    fn take(&mut self, stamped: &Stamped) {
        match stamped.event.clone() {
            Event::Started {
                run,
                time,
                region,
                cluster,
                service,
                version,
                ..
            } => {
                (self.run, self.time, self.region, self.cluster) = (run, time, region, cluster);
                (self.service, self.deployed_version) = (service, version);
            }
            Event::StepStarted { step } => self.step_started(step, stamped.at_ms),
            Event::StepEnded { step, end, result } => {
                self.step_ended(step, end, result, stamped.at_ms);
            }
            Event::Refused {
                problems,
                after_changes,
                reason,
            } => {
                (self.problems, self.after_changes) = (problems, after_changes);
                (self.outcome, self.reason) = (Some(Outcome::Refused), Some(reason));
            }
            Event::Ended {
                outcome,
                reason,
                sentence,
            } => {
                self.cut_short(stamped.at_ms);
                (self.outcome, self.reason, self.sentence) =
                    (Some(outcome), Some(reason), sentence);
            }
            other => self.take_fact(other),
        }
    }

    fn take_fact(&mut self, event: Event) {
        match event {
            Event::Surveyed {
                controller, blue, ..
            } => {
                (self.controller, self.blue) =
                    (Some(controller), Some(blue).filter(|blue| !blue.is_empty()));
            }
            Event::Narrowed { check, allow, .. } => self.narrowed.push((check, allow)),
            Event::Warned { sentence } => self.warnings.push(sentence),
            Event::ScanAnswered { result } => self.scans.push(*result),
            Event::TaskStarted { arns } | Event::TaskFound { arns } => self.tasks = arns,
            Event::TaskRan { task } => self.one_off_tasks.push(task),
            Event::TestUrlSeen { seen } => self.test_url = Some(seen),
            Event::SmokeTested { result } => self.tested(result),
            Event::Checked { measurement } => measured::take(&mut self.checks, *measurement),
            Event::Loaded { result } => {
                let same = |before: &LoadResult| {
                    (&before.name, before.moment) == (&result.name, result.moment)
                };
                again(
                    &mut self.loads,
                    result.moment,
                    result.phase == Phase::Successful,
                    same,
                );
                self.loads.push(*result);
            }
            Event::Tested { result } => {
                let same = |before: &TesterResult| {
                    (&before.name, before.moment) == (&result.name, result.moment)
                };
                again(
                    &mut self.testers,
                    result.moment,
                    result.verdict == TesterVerdict::Passed,
                    same,
                );
                self.testers.push(*result);
            }
            Event::TrafficObserved { side, witness, .. } => self.traffic = Some((side, witness)),
            Event::UndoFailed { what, failure } => self.stuck.push((what, failure)),
            Event::Failed { failure } => self.failure = Some(failure),
            Event::Measured { reads } => self.reads = reads,
            other => self.take_thing(other),
        }
    }

    fn tested(&mut self, result: TestResult) {
        let same =
            |before: &TestResult| (&before.name, before.moment) == (&result.name, result.moment);
        again(
            &mut self.smoke_tests,
            result.moment,
            result.verdict != TestVerdict::Failed,
            same,
        );
        self.smoke_tests.push(result);
    }

    fn take_thing(&mut self, event: Event) {
        match event {
            Event::RepositoryCreated { repository, .. } => {
                self.repository_created = Some(repository);
            }
            Event::ImagePinned {
                image,
                digest,
                registry,
                tags,
                moved,
                transfer,
            } => {
                (self.image, self.image_digest, self.registry) =
                    (Some(image), Some(digest), Some(registry));
                (self.tags, self.image_bytes_moved, self.image_transfer) = (tags, moved, transfer);
            }
            Event::TagsDeferred { tags } => self.tags_not_set = tags,
            Event::TagSet { tag } => {
                self.tags_not_set.retain(|waiting| waiting.tag != tag);
                self.tags.push(tag);
            }
            Event::Revision {
                arn,
                previous,
                changes,
                ..
            } => {
                (self.revision, self.previous_revision, self.changes) =
                    (Some(arn), previous, changes);
            }
            Event::RolloutStarted {
                deployment,
                service_deployment,
                console,
                codedeploy,
                ..
            } => {
                (self.deployment, self.console, self.is_codedeploy) =
                    (Some(deployment), Some(console), codedeploy);
                self.service_deployment = service_deployment;
            }
            _ => {} // what only the live log shows; what the report shows was taken above
        }
    }

    fn step_started(&mut self, step: Step, began_ms: u64) {
        self.cut_short(began_ms);
        self.steps.push(StepReport {
            step,
            end: None,
            result: String::new(),
            began_ms,
            milliseconds: 0,
        });
    }

    /// A step that never ended took its time all the same: until something else began.
    fn cut_short(&mut self, at_ms: u64) {
        if let Some(report) = self.steps.last_mut().filter(|report| report.end.is_none()) {
            report.milliseconds = at_ms.saturating_sub(report.began_ms);
        }
    }

    fn step_ended(&mut self, step: Step, end: StepEnd, result: String, at_ms: u64) {
        if let Some(report) = self
            .steps
            .iter_mut()
            .rev()
            .find(|report| report.step == step)
        {
            report.milliseconds = at_ms.saturating_sub(report.began_ms);
            (report.end, report.result) = (Some(end), result);
        }
    }
}
/// Of what recurs (at every step, every minute of the bake) and is good, only the last result is
/// kept.
fn again<T>(results: &mut Vec<T>, moment: Moment, is_good: bool, is_same: impl Fn(&T) -> bool) {
    if is_good && matches!(moment, Moment::Step | Moment::Bake) {
        results.retain(|before| !is_same(before));
    }
}
