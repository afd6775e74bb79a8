//! Every fact of a run, once. Log, summary, outputs and journal are all rendered from these.
//!
//! Events carry data and no sentences, except where AWS, an error or a person spoke. Times are
//! milliseconds since the start.

use serde::{Deserialize, Serialize};

use crate::checks::load::{LoadResult, WarmUpResult};
use crate::checks::measurement::Measurement;
use crate::checks::smoke::TestResult;
use crate::checks::tester::TesterResult;
use crate::error::Failure;
use crate::identity::TaskArn;
use crate::scan::ScanResult;
use crate::text::Text;

mod caller;
mod cleanup;
mod drift;
pub mod fact;
mod image;
mod migration;
mod one_off;
mod planned;
mod rollout;
mod run;
mod start_gate;
mod step;
mod tester;
mod traffic;
mod verification;

pub use caller::NamedCaller;
pub use cleanup::{CleanupFate, CleanupKind, CleanupRow, CleanupTable};
pub use drift::{DriftState, DriftedField, FoundDrift, LastRecord};
pub use fact::{Fact, FactLevel};
pub use image::{DeferredTag, Parts, PinnedImage, Transfer};
pub use migration::{BackupProgress, DatabaseBackup, Migration, MigrationState};
pub use one_off::{OneOffKind, OneOffTask, TaskEnd};
pub use planned::{
    PlannedDeployment, PlannedImage, PlannedRevision, PlannedStep, VERSION as PLAN_VERSION,
};
pub use rollout::{
    DeployedRevision, Gate, Progress, StartedRollout, StepSeen, SurveyedService, Tasks,
};
pub use run::{FilePlace, RefusedInputs, ReportedProblem, RunEnd, RunStart};
pub use start_gate::{StartGate, StartGateState, StartGatesResult, StartGatesSeen};
pub use step::{Step, StepEnd};
pub use tester::StartedTester;
pub use traffic::{ObservedBy, ObservedTraffic, Serving, TestUrl, Traffic, describe_target};
pub use verification::{VerificationStatus, VerifiedItem};

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Milliseconds since the process started.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Everything that can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run began.
    Started(RunStart),
    /// The inputs were refused.
    Refused(RefusedInputs),
    /// A step began.
    StepStarted {
        /// The step.
        step: Step,
    },
    /// A step ended.
    StepEnded {
        /// The step.
        step: Step,
        /// Whether it succeeded.
        end: StepEnd,
        /// Its result, in one line.
        result: Text,
    },
    /// Whose credentials the run uses.
    CallerNamed(NamedCaller),
    /// What runs now, as the survey read it.
    Surveyed(SurveyedService),
    /// What a look at the gates before the start showed.
    StartGatesSeen(StartGatesSeen),
    /// What was looked at, in a run that only verifies.
    Verified {
        /// A line for each, in their order.
        items: Vec<VerifiedItem>,
    },
    /// What differs from what the last deployment left, in a run that only looks for it.
    Drift(Box<FoundDrift>),
    /// What goes and what stays, in a run that cleans up.
    CleanupDecided(Box<CleanupTable>),
    /// What a deployment would do, in a run that only plans it.
    Planned(Box<PlannedDeployment>),
    /// A read was denied or failed, so a check is limited. The name is that of the journal, whose
    /// lines are read again.
    Narrowed {
        /// What is not checked now.
        check: Text,
        /// The IAM action to allow.
        allow: String,
        /// AWS's reason.
        why: Text,
    },
    /// A fact that is shown as one sentence.
    Fact(Fact),
    /// Something the user should know, as free text from AWS or a person.
    Warned {
        /// The sentence.
        sentence: Text,
    },
    /// Something the log shows for the record, as free text from AWS or a person.
    Noted {
        /// The sentence.
        sentence: Text,
    },
    /// A repository was created for the image; it is kept.
    RepositoryCreated {
        /// `registry/name`.
        repository: String,
        /// The settings it was created with, one for each line; all others are ECR's defaults.
        with: Vec<Text>,
    },
    /// The image is in its registry.
    ImagePinned(PinnedImage),
    /// Tags of the image that are set at the end of the run.
    TagsDeferred {
        /// The tags, with what they name until then.
        tags: Vec<DeferredTag>,
    },
    /// A deferred tag names the image now.
    TagSet {
        /// The tag's name.
        tag: String,
    },
    /// The registry's scan of the image has an answer.
    ScanAnswered {
        /// The answer.
        result: Box<ScanResult>,
    },
    /// The revision that is deployed.
    Revision(DeployedRevision),
    /// The one-off task was started.
    TaskStarted {
        /// The tasks' ARNs.
        arns: Vec<TaskArn>,
    },
    /// This run uses the one-off task that an earlier attempt of the workflow run started.
    TaskFound {
        /// The tasks' ARNs.
        arns: Vec<TaskArn>,
    },
    /// A container of the one-off task ran. It is not undone, even if the run fails.
    TaskRan {
        /// The container, and how it ended.
        task: OneOffTask,
    },
    /// The one-off task succeeded.
    TaskDone {
        /// The evaluated containers, with their exit codes.
        containers: Vec<Text>,
    },
    /// A line of the log of the migration, or of a command around it.
    MigrationLine {
        /// The line.
        line: Text,
    },
    /// What became of the migration, so far.
    Migrated {
        /// The migration.
        migration: Migration,
    },
    /// The rollout was started.
    RolloutStarted(StartedRollout),
    /// A read of the rollout showed something new.
    RolloutSeen {
        /// What it showed.
        progress: Progress,
    },
    /// This run opened a gate.
    GateOpened {
        /// The gate.
        #[serde(default)]
        gate: Gate,
        /// What was checked before.
        #[serde(default)]
        seen: StepSeen,
    },
    /// Whether test-url leads to green, as far as that is known.
    TestUrlSeen {
        /// What is known.
        seen: TestUrl,
    },
    /// One smoke test's result.
    SmokeTested {
        /// The result.
        result: TestResult,
    },
    /// One measurement of a check.
    Checked {
        /// The measurement.
        measurement: Box<Measurement>,
    },
    /// The warm-up of green ended.
    WarmedUp {
        /// Its result.
        result: WarmUpResult,
    },
    /// A load probe ended.
    Loaded {
        /// Its result.
        result: Box<LoadResult>,
    },
    /// A tester was started.
    TesterStarted(StartedTester),
    /// A line of a tester's log.
    TesterLine {
        /// The tester's name.
        name: String,
        /// The line, without secrets.
        line: Text,
    },
    /// A tester ended.
    Tested {
        /// Its result.
        result: Box<TesterResult>,
    },
    /// Green was found.
    GreenFound {
        /// Its target group or task set.
        place: String,
        /// The number of healthy targets, of all targets.
        health: Text,
    },
    /// Blue is gone: from here, going back needs a new rollout of the old revision.
    PointOfNoReturn,
    /// Production traffic, confirmed by a read.
    TrafficObserved(ObservedTraffic),
    /// A signal asked the process to stop.
    Signalled,
    /// A sink could not show everything. This does not change the outcome.
    SinkFailed {
        /// The sink's name.
        sink: String,
        /// The sink's error.
        why: Text,
    },
    /// The post step ended.
    PostEnded {
        /// Its result.
        result: Text,
    },
    /// An effect was undone.
    Undone {
        /// The effect.
        what: Text,
    },
    /// An effect could not be undone.
    UndoFailed {
        /// The effect.
        what: Text,
        /// The reason, and what to do.
        failure: Failure,
    },
    /// The run failed; undoing begins.
    Failed {
        /// The reason.
        failure: Failure,
    },
    /// Numbers for the report.
    Measured {
        /// Reads of AWS so far.
        reads: u64,
    },
    /// The run's end.
    Ended(RunEnd),
}
