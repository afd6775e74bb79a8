//! Every fact of a run, once. Whatever anyone reads (log, summary, outputs, journal) is rendered
//! from these.
//!
//! Events carry data, no sentences for people, except where AWS or an error spoke. Times are
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

pub mod fact;
mod image;
mod one_off;
mod planned;
mod rollout;
mod run;
mod step;
mod tester;
mod traffic;

pub use fact::{Fact, FactLevel};
pub use image::{DeferredTag, Parts, PinnedImage, Transfer};
pub use one_off::{OneOffTask, TaskEnd};
pub use planned::{
    PlannedDeployment, PlannedImage, PlannedRevision, PlannedStep, VERSION as PLAN_VERSION,
};
pub use rollout::{
    DeployedRevision, Gate, Progress, StartedRollout, StepSeen, SurveyedService, Tasks,
};
pub use run::{FilePlace, RefusedInputs, ReportedProblem, RunEnd, RunStart};
pub use step::{Step, StepEnd};
pub use tester::StartedTester;
pub use traffic::{ObservedBy, ObservedTraffic, Serving, TestUrl, Traffic, describe_target};

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
    /// The run begins.
    Started(RunStart),
    /// The inputs were refused.
    Refused(RefusedInputs),
    /// A step begins.
    StepStarted {
        /// Which.
        step: Step,
    },
    /// A step ends.
    StepEnded {
        /// Which.
        step: Step,
        /// How.
        end: StepEnd,
        /// One line about what it came to.
        result: Text,
    },
    /// What runs now, as it was read.
    Surveyed(SurveyedService),
    /// What a deployment would do, for a run that only plans it.
    Planned(Box<PlannedDeployment>),
    /// A read was denied or failed; a check is limited for it.
    Narrowed {
        /// What is not checked now.
        check: Text,
        /// What to allow.
        allow: String,
        /// Why, in AWS's words.
        why: Text,
    },
    /// Something that needs no more than a sentence.
    Fact(Fact),
    /// Something the user should know, in the words of AWS or of a person.
    Warned {
        /// In a sentence.
        sentence: Text,
    },
    /// Something the log shows for the record, in the words of AWS or of a person.
    Noted {
        /// In a sentence.
        sentence: Text,
    },
    /// A repository was made for the image; it stays.
    RepositoryCreated {
        /// `registry/name`.
        repository: String,
        /// What was asked for, line by line; what was not is ECR's default.
        with: Vec<Text>,
    },
    /// The image is in its registry.
    ImagePinned(PinnedImage),
    /// Tags of the image are left for the end of the run.
    TagsDeferred {
        /// Which.
        tags: Vec<DeferredTag>,
    },
    /// A tag that was left for the end names the image now.
    TagSet {
        /// Which.
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
        /// Task ARNs.
        arns: Vec<TaskArn>,
    },
    /// The one-off task that an earlier attempt of the workflow run started is taken for this
    /// run's.
    TaskFound {
        /// Task ARNs.
        arns: Vec<TaskArn>,
    },
    /// A container of the one-off task ran. What it did stays, whatever becomes of the run.
    TaskRan {
        /// What ran.
        task: OneOffTask,
    },
    /// The one-off task ended well.
    TaskDone {
        /// The containers that were judged, with exit codes.
        containers: Vec<Text>,
    },
    /// The rollout was started.
    RolloutStarted(StartedRollout),
    /// A look at the rollout that showed something new.
    RolloutSeen {
        /// What.
        progress: Progress,
    },
    /// A gate was opened by us.
    GateOpened {
        /// Which one.
        #[serde(default)]
        gate: Gate,
        /// What was looked at before.
        #[serde(default)]
        seen: StepSeen,
    },
    /// Where test-url leads, as far as that is known.
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
    /// Green was warmed up.
    WarmedUp {
        /// What it came to.
        result: WarmUpResult,
    },
    /// A load probe ended.
    Loaded {
        /// What it came to.
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
        /// What it came to.
        result: Box<TesterResult>,
    },
    /// Green was found.
    GreenFound {
        /// Its target group or task set.
        place: String,
        /// Healthy targets of all.
        health: Text,
    },
    /// Blue is gone: a new rollout of the old revision is the way back from here.
    PointOfNoReturn,
    /// Production traffic, confirmed.
    TrafficObserved(ObservedTraffic),
    /// A signal asked us to stop.
    Signalled,
    /// A sink could not show everything. It changes nothing but what is shown.
    SinkFailed {
        /// Its name.
        sink: String,
        /// Why.
        why: Text,
    },
    /// The post step's end.
    PostEnded {
        /// What it came to.
        result: Text,
    },
    /// An effect was undone.
    Undone {
        /// What.
        what: Text,
    },
    /// An effect could not be undone.
    UndoFailed {
        /// What.
        what: Text,
        /// Why, and what to do.
        failure: Failure,
    },
    /// The run failed; undoing begins.
    Failed {
        /// Why.
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
