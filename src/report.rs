//! PURE: Events → Report, from which summary and outputs are rendered.
//!
//! One file, because every event is folded into this one struct.

use serde::Serialize;

use crate::checks::load::LoadResult;
use crate::checks::measurement::Phase;
use crate::checks::moment::Moment;
use crate::checks::smoke::{TestResult, TestVerdict};
use crate::checks::tester::{TesterResult, TesterVerdict};
use crate::error::Failure;
use crate::event::{
    CleanupTable, DeployedRevision, Event, Fact, FactLevel, FoundDrift, Migration, NamedCaller,
    ObservedBy, OneOffTask, PinnedImage, PlannedDeployment, RefusedInputs, ReportedProblem, RunEnd,
    RunStart, Serving, Stamped, StartGatesSeen, StartedRollout, Step, StepEnd, SurveyedService,
    TestUrl, Transfer, VerifiedItem,
};
use crate::identity::{
    ClusterName, RevisionArn, RolloutId, ServiceDeploymentArn, ServiceName, TaskArn,
};
use crate::outcome::{Outcome, Reason};
use crate::scan::ScanResult;
use crate::text::Text;

mod measured;

pub use measured::CheckReport;

/// The version of the JSON that the output `report` carries.
pub const VERSION: u32 = 1;

/// The result of a run.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The version of this JSON form.
    pub version: u32,
    /// The run's id.
    pub run: String,
    /// When the run began: wall clock, RFC 3339.
    pub time: String,
    /// The AWS region.
    pub region: String,
    /// Whose credentials the run used; none if AWS was not asked, or did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<NamedCaller>,
    /// The cluster's name.
    pub cluster: ClusterName,
    /// The service's name; none if the run has no service.
    pub service: Option<ServiceName>,
    /// The version users see.
    pub deployed_version: Option<String>,
    /// What serves traffic; none until the run has ended.
    pub outcome: Option<Outcome>,
    /// Why the run ended as it did.
    pub reason: Option<Reason>,
    /// A sentence that says what serves traffic.
    pub sentence: Text,
    /// The controller: `codedeploy`, `ecs rolling`.
    pub controller: Option<String>,
    /// What was looked at, if the run only verified.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verification: Vec<VerifiedItem>,
    /// What differs from what the last deployment left, if the run looked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<FoundDrift>,
    /// What goes and what stays, if the run cleaned up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<CleanupTable>,
    /// What a deployment would do, if the run only planned it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlannedDeployment>,
    /// The gates before the start, as they were seen last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gates: Option<StartGatesSeen>,
    /// The revision that served before.
    pub blue: Option<RevisionArn>,
    /// The revision that was deployed.
    pub revision: Option<RevisionArn>,
    /// The revision it replaces.
    pub previous_revision: Option<RevisionArn>,
    /// The changes of the definition, line by line.
    pub changes: Vec<Text>,
    /// The image, by digest: `repository@sha256:…`.
    pub image: Option<String>,
    /// The image's digest.
    pub image_digest: Option<String>,
    /// The registry's host.
    pub registry: Option<String>,
    /// Tags that were set.
    pub tags: Vec<String>,
    /// Deferred tags that were not set, because the run did not succeed.
    pub tags_not_set: Vec<crate::event::DeferredTag>,
    /// Bytes that were sent for the image.
    pub image_bytes_moved: u64,
    /// What happened to its parts, if it was pushed.
    pub image_transfer: Option<Transfer>,
    /// The repository that was created for it: `registry/name`.
    pub repository_created: Option<String>,
    /// The answers of the registry's scans.
    pub scans: Vec<ScanResult>,
    /// ARNs of the one-off tasks.
    pub tasks: Vec<TaskArn>,
    /// Containers of one-off tasks that ran, and are not undone.
    pub one_off_tasks: Vec<OneOffTask>,
    /// The migration, and what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
    /// The deployment's id.
    pub deployment: Option<RolloutId>,
    /// Whether the controller is CodeDeploy.
    #[serde(skip)]
    pub is_codedeploy: bool,
    /// The ECS service deployment's ARN.
    pub service_deployment: Option<ServiceDeploymentArn>,
    /// The URL of the rollout in the console.
    pub console: Option<String>,
    /// The steps with their times.
    pub steps: Vec<StepReport>,
    /// Whether test-url led to green.
    pub test_url: Option<TestUrl>,
    /// Results of the smoke tests.
    pub smoke_tests: Vec<TestResult>,
    /// Checks of the analysis, with their measurements.
    pub checks: Vec<CheckReport>,
    /// Results of the load probes.
    pub loads: Vec<LoadResult>,
    /// Results of the testers.
    pub testers: Vec<TesterResult>,
    /// Which side serves, and where that was observed.
    pub traffic: Option<(Serving, ObservedBy)>,
    /// Limited checks: what is not checked, and which IAM action to allow. The report is written by
    /// this name.
    pub narrowed: Vec<(Text, String)>,
    /// Warnings, in their order.
    pub warnings: Vec<Text>,
    /// Problems with the inputs.
    pub problems: Vec<ReportedProblem>,
    /// Whether something was changed in AWS before the problems were found.
    #[serde(skip)]
    pub after_changes: bool,
    /// Why the run failed.
    pub failure: Option<Failure>,
    /// What could not be undone, and why.
    pub stuck: Vec<(Text, Failure)>,
    /// The post step's result; none in the main step.
    #[serde(skip)]
    pub post_result: Option<Text>,
    /// The number of reads of AWS.
    pub reads: u64,
    /// The run's duration in milliseconds.
    pub milliseconds: u64,
}

/// A step with its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepReport {
    /// The step.
    pub step: Step,
    /// How it ended; none while it is in progress, or if it was cut short.
    pub end: Option<StepEnd>,
    /// Its result, in one line.
    pub result: Text,
    /// When it began, in milliseconds since the start.
    #[serde(skip)]
    pub began_ms: u64,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

impl Report {
    /// Folds the events of a run, given in their order.
    pub fn from_events<'e>(events: impl IntoIterator<Item = &'e Stamped>) -> Self {
        let mut report = Self::empty();
        events.into_iter().for_each(|stamped| report.add(stamped));
        report
    }

    /// The report of a run without events.
    pub fn empty() -> Self {
        Self {
            version: VERSION,
            ..Self::default()
        }
    }

    /// Adds the next event.
    pub fn add(&mut self, stamped: &Stamped) {
        self.milliseconds = stamped.at_ms;
        self.apply(&stamped.event, stamped.at_ms);
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

    fn apply(&mut self, event: &Event, at_ms: u64) {
        match event {
            Event::Started(start) => self.on_started(start),
            Event::StepStarted { step } => self.on_step_started(*step, at_ms),
            Event::StepEnded { step, end, result } => {
                self.on_step_ended(*step, *end, result, at_ms);
            }
            Event::Refused(refused) => self.on_refused(refused),
            Event::Failed { failure } => self.failure = Some(failure.clone()),
            Event::Ended(end) => self.on_ended(end, at_ms),
            Event::Measured { reads } => self.reads = *reads,
            Event::PostEnded { result } => self.post_result = Some(result.clone()),

            Event::CallerNamed(caller) => self.caller = Some(caller.clone()),
            Event::Surveyed(service) => self.on_surveyed(service),
            Event::StartGatesSeen(seen) => self.gates = Some(seen.clone()),
            Event::Verified { items } => self.verification.clone_from(items),
            Event::Drift(found) => self.drift = Some((**found).clone()),
            Event::CleanupDecided(table) => self.cleanup = Some((**table).clone()),
            Event::Planned(planned) => self.plan = Some((**planned).clone()),
            Event::Narrowed { check, allow, .. } => {
                self.narrowed.push((check.clone(), allow.clone()));
            }
            Event::Fact(fact) => self.on_fact(fact),
            Event::Warned { sentence } => self.warnings.push(sentence.clone()),
            Event::RepositoryCreated { repository, .. } => {
                self.repository_created = Some(repository.clone());
            }
            Event::ImagePinned(image) => self.on_image_pinned(image),
            Event::TagsDeferred { tags } => self.tags_not_set.clone_from(tags),
            Event::TagSet { tag } => self.on_tag_set(tag),
            Event::ScanAnswered { result } => self.scans.push((**result).clone()),
            Event::Revision(revision) => self.on_revision(revision),
            Event::TaskStarted { arns } | Event::TaskFound { arns } => self.tasks.clone_from(arns),
            Event::TaskRan { task } => self.one_off_tasks.push(task.clone()),
            Event::Migrated { migration } => {
                self.migration = Some(migration.clone().after(self.migration.as_ref()));
            }

            Event::RolloutStarted(rollout) => self.on_rollout_started(rollout),
            Event::TestUrlSeen { seen } => self.test_url = Some(seen.clone()),
            Event::SmokeTested { result } => self.on_smoke_tested(result),
            Event::Checked { measurement } => {
                measured::add_measurement(&mut self.checks, measurement);
            }
            Event::Loaded { result } => self.on_loaded(result),
            Event::Tested { result } => self.on_tested(result),
            Event::TrafficObserved(seen) => self.traffic = Some((seen.side, seen.observed_by)),
            Event::UndoFailed { what, failure } => self.stuck.push((what.clone(), failure.clone())),

            // Only the live log shows these.
            Event::Noted { .. }
            | Event::TaskDone { .. }
            | Event::MigrationLine { .. }
            | Event::RolloutSeen { .. }
            | Event::GateOpened { .. }
            | Event::WarmedUp { .. }
            | Event::TesterStarted(_)
            | Event::TesterLine { .. }
            | Event::GreenFound { .. }
            | Event::PointOfNoReturn
            | Event::Signalled
            | Event::SinkFailed { .. }
            | Event::Undone { .. } => {}
        }
    }

    fn on_fact(&mut self, fact: &Fact) {
        match fact.level() {
            FactLevel::Warning => self.warnings.push(fact.sentence()),
            FactLevel::Note => {}
        }
    }

    fn on_started(&mut self, start: &RunStart) {
        let start = start.clone();
        (self.run, self.time) = (start.run, start.time);
        (self.region, self.cluster, self.service) = (start.region, start.cluster, start.service);
        self.deployed_version = start.version;
    }

    fn on_refused(&mut self, refused: &RefusedInputs) {
        self.problems.clone_from(&refused.problems);
        self.after_changes = refused.after_changes;
        (self.outcome, self.reason) = (Some(Outcome::Refused), Some(refused.reason));
    }

    fn on_ended(&mut self, end: &RunEnd, at_ms: u64) {
        self.close_open_step(at_ms);
        (self.outcome, self.reason) = (Some(end.outcome), Some(end.reason));
        self.sentence.clone_from(&end.sentence);
    }

    fn on_surveyed(&mut self, service: &SurveyedService) {
        self.controller = Some(service.controller.clone());
        self.blue = Some(service.blue.clone()).filter(|blue| !blue.is_empty());
    }

    fn on_image_pinned(&mut self, image: &PinnedImage) {
        let image = image.clone();
        (self.image, self.image_digest) = (Some(image.image), Some(image.digest));
        (self.registry, self.tags) = (Some(image.registry), image.tags);
        (self.image_bytes_moved, self.image_transfer) = (image.moved, image.transfer);
    }

    fn on_tag_set(&mut self, tag: &str) {
        self.tags_not_set.retain(|waiting| waiting.tag != tag);
        self.tags.push(tag.to_owned());
    }

    fn on_revision(&mut self, revision: &DeployedRevision) {
        self.revision = Some(revision.arn.clone());
        self.previous_revision.clone_from(&revision.previous);
        self.changes.clone_from(&revision.changes);
    }

    fn on_rollout_started(&mut self, rollout: &StartedRollout) {
        let rollout = rollout.clone();
        (self.deployment, self.console) = (Some(rollout.deployment), Some(rollout.console));
        self.is_codedeploy = rollout.codedeploy;
        self.service_deployment = rollout.service_deployment;
    }

    fn on_smoke_tested(&mut self, result: &TestResult) {
        let same =
            |before: &TestResult| (&before.name, before.moment) == (&result.name, result.moment);
        if result.verdict != TestVerdict::Failed {
            drop_repeated_results(&mut self.smoke_tests, result.moment, same);
        }
        self.smoke_tests.push(result.clone());
    }

    fn on_loaded(&mut self, result: &LoadResult) {
        let same =
            |before: &LoadResult| (&before.name, before.moment) == (&result.name, result.moment);
        if result.phase == Phase::Successful {
            drop_repeated_results(&mut self.loads, result.moment, same);
        }
        self.loads.push(result.clone());
    }

    fn on_tested(&mut self, result: &TesterResult) {
        let same =
            |before: &TesterResult| (&before.name, before.moment) == (&result.name, result.moment);
        if result.verdict == TesterVerdict::Passed {
            drop_repeated_results(&mut self.testers, result.moment, same);
        }
        self.testers.push(result.clone());
    }

    fn on_step_started(&mut self, step: Step, began_ms: u64) {
        self.close_open_step(began_ms);
        self.steps.push(StepReport {
            step,
            end: None,
            result: Text::default(),
            began_ms,
            milliseconds: 0,
        });
    }

    /// Gives a step that was cut short its duration: until the next event began.
    fn close_open_step(&mut self, at_ms: u64) {
        if let Some(report) = self.steps.last_mut().filter(|report| report.end.is_none()) {
            report.milliseconds = at_ms.saturating_sub(report.began_ms);
        }
    }

    fn on_step_ended(&mut self, step: Step, end: StepEnd, result: &Text, at_ms: u64) {
        if let Some(report) = self
            .steps
            .iter_mut()
            .rev()
            .find(|report| report.step == step)
        {
            report.milliseconds = at_ms.saturating_sub(report.began_ms);
            (report.end, report.result) = (Some(end), result.clone());
        }
    }
}

/// Of good results that repeat (at every step, every minute of the bake), only the last is kept.
fn drop_repeated_results<T>(results: &mut Vec<T>, moment: Moment, is_same: impl Fn(&T) -> bool) {
    if matches!(moment, Moment::Step | Moment::Bake) {
        results.retain(|before| !is_same(before));
    }
}
