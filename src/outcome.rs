//! The answer to "what serves traffic now?", its reason and its exit code: the contract of
//! docs/outcomes.md.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the run does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The whole deployment.
    #[default]
    Deploy,
    /// Shows what a deployment would do, and changes nothing.
    Plan,
    /// What can be known to be wrong before the first write is looked for.
    Verify,
    /// The smoke tests run against what serves.
    Smoke,
    /// The migration of the database runs, and nothing is rolled out.
    Migrate,
    /// Goes back to the last good revision, or to a given one.
    Rollback,
    /// Opens the gate at which another job left the rollout.
    Continue,
    /// Rolls back the rollout that waits at its gate.
    Abort,
    /// Follows the rollout in progress.
    Status,
    /// What was changed on the service since the last deployment is looked for.
    Drift,
    /// Revisions and images that nothing needs any more go.
    Cleanup,
}

impl Mode {
    /// The modes, by their words in the input.
    pub const WORDS: [(&str, Self); 11] = [
        ("deploy", Self::Deploy),
        ("plan", Self::Plan),
        ("verify", Self::Verify),
        ("smoke", Self::Smoke),
        ("migrate", Self::Migrate),
        ("rollback", Self::Rollback),
        ("continue", Self::Continue),
        ("abort", Self::Abort),
        ("status", Self::Status),
        ("drift", Self::Drift),
        ("cleanup", Self::Cleanup),
    ];

    /// The mode of an input, the default where it is absent; none for a word that is no mode.
    pub fn from_input(word: Option<&str>) -> Option<Self> {
        let Some(word) = word else {
            return Some(Self::default());
        };
        let mut modes = Self::WORDS.iter();
        modes
            .find(|(known, _)| known.eq_ignore_ascii_case(word))
            .map(|(_, mode)| *mode)
    }

    /// Whether the mode plans a deployment. A migration needs all that comes before the rollout.
    pub fn plans_deployment(self) -> bool {
        matches!(
            self,
            Self::Deploy | Self::Plan | Self::Verify | Self::Migrate
        )
    }
}

/// What serves traffic when the run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Green serves 100 %, as observed.
    Deployed,
    /// There was nothing to deploy: what was asked for serves already.
    AlreadyDeployed,
    /// No service was given: the task definition is registered.
    Registered,
    /// The plan was shown; nothing was changed.
    Planned,
    /// Nothing that was looked at keeps a deployment from starting; nothing was done.
    Verified,
    /// The smoke tests passed on what serves; nothing was deployed.
    Tested,
    /// A smoke test failed on what serves; nothing was deployed or rolled back.
    TestsFailed,
    /// The service is as the last deployment of this action left it.
    NoDrift,
    /// The service differs from what the last deployment of this action left.
    Drifted,
    /// Whether the service was changed is not known; nothing was done.
    DriftUnknown,
    /// The database is migrated, or nothing was pending; nothing was rolled out.
    Migrated,
    /// What nothing needed any more is gone; nothing was rolled out.
    Cleaned,
    /// Green waits at its gate, tested; another job answers with `mode: continue` or `abort`.
    Waiting,
    /// The rollout was started and left to AWS, as the user asked; nothing is known about traffic.
    Started,
    /// It failed before any traffic moved. What served before still does, and the run's changes are
    /// undone.
    NotDeployed,
    /// Green was up, or traffic had moved; blue serves 100 % again, as observed.
    RolledBack,
    /// The run stopped following; the deployment continues in AWS.
    StillRunning,
    /// Something could not be undone; a person is needed.
    Stuck,
    /// The inputs cannot be deployed, or there are no credentials; no deployment was started.
    Refused,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 19] = [
        Self::Deployed,
        Self::AlreadyDeployed,
        Self::Registered,
        Self::Planned,
        Self::Verified,
        Self::Tested,
        Self::TestsFailed,
        Self::NoDrift,
        Self::Drifted,
        Self::DriftUnknown,
        Self::Migrated,
        Self::Cleaned,
        Self::Waiting,
        Self::Started,
        Self::NotDeployed,
        Self::RolledBack,
        Self::StillRunning,
        Self::Stuck,
        Self::Refused,
    ];

    /// The value of the output `outcome`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::AlreadyDeployed => "already-deployed",
            Self::Registered => "registered",
            Self::Planned => "planned",
            Self::Verified => "verified",
            Self::Tested => "tested",
            Self::TestsFailed => "tests-failed",
            Self::NoDrift => "no-drift",
            Self::Drifted => "drifted",
            Self::DriftUnknown => "drift-unknown",
            Self::Migrated => "migrated",
            Self::Cleaned => "cleaned",
            Self::Waiting => "waiting",
            Self::Started => "started",
            Self::NotDeployed => "not-deployed",
            Self::RolledBack => "rolled-back",
            Self::StillRunning => "still-running",
            Self::Stuck => "stuck",
            Self::Refused => "refused",
        }
    }

    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Deployed
            | Self::AlreadyDeployed
            | Self::Registered
            | Self::Planned
            | Self::Verified
            | Self::Tested
            | Self::NoDrift
            | Self::DriftUnknown
            | Self::Migrated
            | Self::Cleaned
            | Self::Waiting
            | Self::Started => 0,
            Self::NotDeployed | Self::Drifted => 10,
            Self::RolledBack | Self::TestsFailed => 20,
            Self::StillRunning => 30,
            Self::Stuck => 40,
            Self::Refused => REFUSED,
        }
    }

    /// Whether the job should succeed.
    pub fn is_success(self) -> bool {
        self.exit_code() == 0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// The exit code of refused inputs.
pub const REFUSED: u8 = 2;

/// The exit code of a run that ended without an outcome, which is a defect of ours.
pub const DEFECT: u8 = 1;

/// Shown for a run that ended without an outcome.
pub const NO_OUTCOME: &str = "this run ended without an outcome, because it was killed or because of a defect: what serves traffic was not determined";
/// The hint that goes with it.
pub const NO_OUTCOME_HINT: &str =
    "the post step undoes what this run left unfinished; `mode: status` says what serves";

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why a run ended as it did: the output `reason`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The value of the output `reason`.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

reasons! {
    /// Nothing went wrong, and there is nothing to add.
    AsPlanned = "as-planned",
    /// No service was given: the revision was registered, no traffic was touched.
    NoService = "no-service",
    /// `mode: plan` with `fail-on-changes: true`: a deployment would change something.
    Changes = "changes",
    /// `mode: drift`: the service differs from what the last deployment left.
    Drift = "drift",
    /// `mode: drift`: no deployment of this action is recorded on the service.
    NotRecorded = "not-recorded",
    /// `wait-for-service-stability: false`.
    NotWaited = "not-waited",
    /// The service runs this revision already.
    AlreadyRuns = "already-runs",
    /// `approval: before-traffic`: a person decides.
    Approval = "approval",
    /// `mode: rollback` went back to a good revision.
    RollbackAsked = "rollback-asked",
    /// `mode: abort` rolled the deployment back.
    Aborted = "aborted",
    /// Nothing is in progress, or nothing waits at a gate.
    NothingRunning = "nothing-running",
    /// The gate was answered before: the rollout is over already.
    AlreadyAnswered = "already-answered",
    /// The gate was not answered in time.
    Expired = "expired",
    /// A newer run has deployed this branch, or its rollout is in progress.
    StaleRun = "stale-run",
    /// There is no good deployment to go back to.
    NothingToReturnTo = "nothing-to-return-to",
    /// The deployment did not take the PAUSE hooks that it was started with.
    HooksMissing = "hooks-missing",
    /// The inputs, or what they name in AWS, were refused.
    InvalidInputs = "invalid-inputs",
    /// A gate of `gates` is closed.
    GateClosed = "gate-closed",
    /// IAM denied a call.
    Denied = "denied",
    /// There are no usable AWS credentials.
    Credentials = "credentials",
    /// AWS could not be reached or failed.
    AwsFailed = "aws-failed",
    /// AWS refused a request as it is.
    AwsRefused = "aws-refused",
    /// AWS did not keep a field of the task definition.
    FieldsDropped = "fields-dropped",
    /// Another rollout of the service is in progress.
    AlreadyRunning = "already-running",
    /// The image could not be read or pushed.
    ImageFailed = "image-failed",
    /// The image's scan found what `scan` forbids, or its findings are not known.
    ScanFailed = "scan-failed",
    /// The one-off task failed.
    TaskFailed = "task-failed",
    /// The migration of the database, or its check or verification, failed.
    MigrationFailed = "migration-failed",
    /// The backup before the migration was not made.
    BackupFailed = "backup-failed",
    /// A smoke test failed.
    SmokeFailed = "smoke-failed",
    /// What was measured of green is not good enough, or could not be measured.
    AnalysisFailed = "analysis-failed",
    /// What was measured of green is neither good nor bad.
    Inconclusive = "inconclusive",
    /// An alarm went into ALARM.
    Alarm = "alarm",
    /// Green's tasks did not become healthy.
    TasksUnhealthy = "tasks-unhealthy",
    /// The rollout was stopped by somebody else.
    Stopped = "stopped",
    /// The rollout failed in AWS.
    RolloutFailed = "rollout-failed",
    /// Somebody else's deployment replaced it.
    Superseded = "superseded",
    /// Somebody else opened the gate before the tests were done.
    GateBypassed = "gate-bypassed",
    /// The desired count is zero, so nothing serves and nothing was tested.
    ZeroTasks = "zero-tasks",
    /// The workflow was cancelled.
    Cancelled = "cancelled",
    /// The run's deadline passed.
    Timeout = "timeout",
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}
