//! Every fact of a run, once. Whatever anyone reads (log, summary, outputs, journal) is rendered
//! from these.
//!
//! Events carry data, no sentences for people, except where AWS or an error spoke. Times are
//! milliseconds since the start.

use serde::{Deserialize, Serialize};

use crate::checks::load::{LoadResult, WarmedUp};
use crate::checks::measurement::Measurement;
use crate::checks::moment::Moment;
use crate::checks::smoke::TestResult;
use crate::checks::tester::TesterResult;
use crate::error::Failure;
use crate::outcome::{Mode, Outcome, Reason};
use crate::scan::ScanResult;

mod prose;

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Milliseconds since the process started.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// The parts of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// AWS is read, the plan made.
    Survey,
    /// The image is pushed and pinned.
    Image,
    /// What the registry's scanner found is judged.
    Scan,
    /// The task definition is registered.
    Revision,
    /// The one-off task runs.
    Task,
    /// The rollout starts and green comes up.
    Green,
    /// Green is tested at the gate.
    Gate,
    /// Traffic moves to green.
    Shift,
    /// What is measured of green, or of production, while nothing moves.
    Analysis,
    /// Production is tested.
    Production,
    /// Blue is kept for a while, then taken away.
    Bake,
    /// Tags that named another image are set.
    Tags,
    /// What was done is rolled back.
    Unwind,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 13] = [
        Self::Survey,
        Self::Image,
        Self::Scan,
        Self::Revision,
        Self::Task,
        Self::Green,
        Self::Gate,
        Self::Shift,
        Self::Analysis,
        Self::Production,
        Self::Bake,
        Self::Tags,
        Self::Unwind,
    ];

    /// The heading people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Survey => "Survey",
            Self::Image => "Image",
            Self::Scan => "Scan findings",
            Self::Revision => "Task definition",
            Self::Task => "One-off task",
            Self::Green => "Green",
            Self::Gate => "Smoke tests on green",
            Self::Shift => "Traffic",
            Self::Analysis => "Analysis",
            Self::Production => "Smoke tests on production",
            Self::Bake => "Bake",
            Self::Tags => "Image tags",
            Self::Unwind => "Rollback",
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    /// It did what it was for.
    Done,
    /// It failed, or was cut short.
    Failed,
}

/// Percent of production traffic on each side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// On blue, in percent.
    pub blue: f64,
    /// On green, in percent.
    pub green: f64,
}

/// Task counts of the side that comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// Running tasks.
    pub running: i64,
    /// Wanted tasks.
    pub desired: i64,
    /// Tasks that failed to start, where AWS counts them.
    pub failed: i64,
}

/// What one look at a rollout showed, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The controller's own word for where it is.
    pub stage: String,
    /// Production traffic, where it is known.
    pub traffic: Option<Traffic>,
    /// Green's tasks, where they are known.
    pub tasks: Option<Tasks>,
}

/// Who answers for a statement about traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObservedBy {
    /// The weights of the load balancer's listener rules.
    Listener,
    /// The task sets of the ECS service.
    TaskSets,
    /// The ECS deployment, for services that move no weights.
    Deployment,
    /// The controller's own word, where nothing else could be read.
    Controller,
}

impl ObservedBy {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Listener => "observed at the load balancer's listeners",
            Self::TaskSets => "observed at the service's task sets",
            Self::Deployment => "observed at the service's deployments",
            Self::Controller => "as the controller says; nothing else could be read",
        }
    }
}

/// Everything that can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins.
    Started {
        /// The run's id, which AWS sees too.
        run: String,
        /// Wall clock, RFC 3339.
        time: String,
        /// The region.
        region: String,
        /// The cluster's name.
        cluster: String,
        /// The service's name, if one is deployed to.
        service: Option<String>,
        /// The version users see.
        version: Option<String>,
        /// What the run does.
        #[serde(default)]
        mode: Mode,
    },
    /// The inputs were refused.
    Refused {
        /// `input: what is wrong`, with its remedy.
        problems: Vec<ReportedProblem>,
        /// Whether something was changed in AWS before they were found.
        #[serde(default)]
        after_changes: bool,
        /// Why.
        #[serde(default = "invalid_inputs")]
        reason: Reason,
    },
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
        result: String,
    },
    /// What runs now, as it was read.
    Surveyed {
        /// The controller: `codedeploy`, `ecs rolling`.
        controller: String,
        /// The revision that serves: blue.
        blue: String,
        /// Tasks running and wanted.
        tasks: Tasks,
        /// The plan, line by line.
        plan: Vec<String>,
    },
    /// A read was denied or failed; a check is limited for it.
    Narrowed {
        /// What is not checked now.
        check: String,
        /// What to allow.
        allow: String,
        /// Why, in AWS's words.
        why: String,
    },
    /// Something the user should know.
    Warned {
        /// In a sentence.
        sentence: String,
    },
    /// Something the log shows for the record.
    Noted {
        /// In a sentence.
        sentence: String,
    },
    /// A repository was made for the image; it stays.
    RepositoryCreated {
        /// `registry/name`.
        repository: String,
        /// What was asked for, line by line; what was not is ECR's default.
        with: Vec<String>,
    },
    /// The image is in its registry.
    ImagePinned {
        /// `repository@sha256:…`.
        image: String,
        /// The digest.
        digest: String,
        /// The registry's host.
        registry: String,
        /// Tags it was given.
        tags: Vec<String>,
        /// Bytes that moved.
        moved: u64,
        /// What became of its parts, when it was pushed.
        #[serde(default)]
        transfer: Option<Transfer>,
    },
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
    Revision {
        /// Its ARN.
        arn: String,
        /// Whether it was registered by this run.
        registered: bool,
        /// What it replaces.
        previous: Option<String>,
        /// What changed, line by line.
        changes: Vec<String>,
    },
    /// The one-off task was started.
    TaskStarted {
        /// Task ARNs.
        arns: Vec<String>,
    },
    /// The one-off task that an earlier attempt of the workflow run started is taken for this
    /// run's.
    TaskFound {
        /// Task ARNs.
        arns: Vec<String>,
    },
    /// A container of the one-off task ran. What it did stays, whatever becomes of the run.
    TaskRan {
        /// What ran.
        task: OneOffTask,
    },
    /// The one-off task ended well.
    TaskDone {
        /// The containers that were judged, with exit codes.
        containers: Vec<String>,
    },
    /// The rollout was started.
    RolloutStarted {
        /// The deployment's id.
        deployment: String,
        /// The ECS service deployment's ARN, where there is one.
        service_deployment: Option<String>,
        /// Where to watch it.
        console: String,
        /// Whether the controller is CodeDeploy.
        codedeploy: bool,
        /// Whether it was there before this run.
        #[serde(default)]
        found: bool,
    },
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
        result: WarmedUp,
    },
    /// A load probe ended.
    Loaded {
        /// What it came to.
        result: Box<LoadResult>,
    },
    /// A tester was started.
    TesterStarted {
        /// Its name.
        name: String,
        /// When it runs, in the rollout.
        moment: Moment,
        /// Where it runs, in words.
        place: String,
    },
    /// A line of a tester's log.
    TesterLine {
        /// The tester's name.
        name: String,
        /// The line, without secrets.
        line: String,
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
        health: String,
    },
    /// Blue is gone: a new rollout of the old revision is the way back from here.
    PointOfNoReturn,
    /// Production traffic, confirmed.
    TrafficObserved {
        /// Which revision serves.
        revision: String,
        /// `blue` or `green`.
        side: Serving,
        /// Who says so.
        witness: ObservedBy,
    },
    /// A signal asked us to stop.
    Signalled,
    /// An effect was undone.
    Undone {
        /// What.
        what: String,
    },
    /// An effect could not be undone.
    UndoFailed {
        /// What.
        what: String,
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
    Ended {
        /// What serves traffic.
        outcome: Outcome,
        /// Why.
        reason: Reason,
        /// In a sentence: what serves traffic now.
        sentence: String,
    },
}

/// A container of a one-off task that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OneOffTask {
    /// The command that the overrides give it; none where it is the definition's own.
    pub command: Option<String>,
    /// The task's ARN.
    pub task: String,
    /// The container.
    pub container: String,
    /// How it ended.
    #[serde(flatten)]
    pub end: TaskEnd,
}

/// How a container of a one-off task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum TaskEnd {
    /// By itself.
    Exited {
        /// With this code.
        code: i32,
    },
    /// This run stopped it.
    Stopped,
    /// Its end was not waited for.
    NotWaitedFor,
}

impl OneOffTask {
    /// Command and end.
    pub fn words(&self) -> String {
        let end = match self.end {
            TaskEnd::Exited { code } => format!("exit {code}"),
            TaskEnd::Stopped => "stopped before its end".to_owned(),
            TaskEnd::NotWaitedFor => "not waited for".to_owned(),
        };
        match &self.command {
            Some(command) => format!("command \"{command}\", {end}"),
            None if self.container.is_empty() => end,
            None => format!("container {}, {end}", self.container),
        }
    }
}

/// What became of an image's layers and configs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Transfer {
    /// They were sent.
    pub sent: Parts,
    /// The registry took them from another of its repositories.
    pub mounted: Parts,
    /// They were there already.
    pub skipped: Parts,
}

/// Some of an image's layers and configs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// How many.
    pub count: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Transfer {
    /// Whether the registry had everything.
    pub fn is_nothing(&self) -> bool {
        self.sent.count == 0 && self.mounted.count == 0
    }
}

/// A tag that is set at the end of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeferredTag {
    /// The tag.
    pub tag: String,
    /// The digest of the image that it names until then, where that is known.
    pub names: Option<String>,
}

/// A gate of a rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Before users reach green.
    #[default]
    Green,
    /// Before the next share of traffic.
    Step,
    /// After the shift.
    Production,
}

/// Whether what answers at test-url is green.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "proof", rename_all = "kebab-case")]
pub enum TestUrl {
    /// The rules of the listener behind it forward to green alone.
    LeadsToGreen,
    /// The new version was told there, where another one was told before.
    TellsNewVersion,
    /// That is not known.
    Unproven {
        /// Why.
        why: String,
    },
}

impl TestUrl {
    /// Whether nothing shows that green answers there.
    pub fn is_unproven(&self) -> bool {
        matches!(self, Self::Unproven { .. })
    }
}

/// Where a check of a moment was sent, in words: only what is known to be green is called so.
pub fn on(moment: Moment, test_url: Option<&TestUrl>) -> String {
    match (moment, test_url) {
        (Moment::Green, Some(TestUrl::Unproven { .. })) => "at test-url".to_owned(),
        _ => format!("on {moment}"),
    }
}

/// What was seen of green before it gets the next share of traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSeen {
    /// It has a healthy target.
    pub healthy: bool,
    /// There are alarms, and none of them has begun to ring.
    pub quiet: bool,
}

/// Which side serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serving {
    /// What served before.
    Blue,
    /// What was brought in.
    Green,
}

/// A problem with an input, as the report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedProblem {
    /// Input, place and what is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
    /// Where in a file of the repository it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<FilePlace>,
}

/// A place in a file of the repository; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlace {
    /// The file as the user wrote it.
    pub file: String,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Of a journal that was written before refusals had a reason.
const fn invalid_inputs() -> Reason {
    Reason::InvalidInputs
}
