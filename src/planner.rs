//! The one place that has the Settings once a run has begun: it looks at AWS for them, and makes the
//! plans that the engine walks.
//!
//! When the service has changed since it was read, a new plan is made. Who executes a plan sees only
//! the plan.

use crate::choices::{Approval, OnCancel};
use crate::event::PlannedDeployment;
use crate::identity::RevisionArn;
use crate::outcome::Mode;
use crate::plan::{
    self, ChecksPlan, Clearance, InProgressPlan, Plan, PlanRefusal, RollbackChecks, RollbackPlan,
};
use crate::problem::Problem;
use crate::registry::PushEstimate;
use crate::run::Run;
use crate::settings::{CheckSettings, DefinitionSource, Settings};
use crate::survey::{self, IncompleteSurvey, Snapshot};

/// Makes the plans of one run.
#[derive(Debug, Clone)]
pub struct Planner {
    settings: Settings,
    run: String,
}

impl Planner {
    /// A planner for a run, by its id.
    pub fn new(settings: Settings, run: &str) -> Self {
        Self {
            settings,
            run: run.to_owned(),
        }
    }

    /// What is done.
    pub fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// What becomes of the rollout when the job is cancelled. Who only looks has nothing to undo.
    pub fn on_cancel(&self) -> OnCancel {
        if matches!(self.settings.mode, Mode::Status | Mode::Plan | Mode::Smoke) {
            OnCancel::Leave
        } else {
            self.settings.control.on_cancel
        }
    }

    /// One look at AWS.
    ///
    /// # Errors
    /// All problems that were found, or that AWS could not be asked.
    pub async fn survey(&self, run: &Run) -> Result<Snapshot, IncompleteSurvey> {
        let snapshot = survey::survey(run, &self.settings).await?;
        let traffic = match plan::traffic_queries(&self.settings, &snapshot) {
            Some(queries) => survey::read_traffic(run, &queries).await,
            None => None,
        };
        Ok(Snapshot {
            traffic,
            ..snapshot
        })
    }

    /// A second, cheap look: whether somebody else has begun or finished a deployment since.
    pub async fn has_changed(&self, run: &Run, before: &Snapshot) -> bool {
        survey::has_changed(run, &self.settings, before).await
    }

    /// What comes before a deployment is planned.
    pub fn clearance(&self, snapshot: &Snapshot) -> Clearance {
        plan::clearance(&self.settings, snapshot)
    }

    /// The plan of a deployment.
    ///
    /// # Errors
    /// Every reason why it cannot start.
    pub fn deployment(&self, snapshot: &Snapshot) -> Result<Plan, PlanRefusal> {
        plan::plan(&self.settings, snapshot, &self.run)
    }

    /// The plan for what is in progress.
    ///
    /// # Errors
    /// Another deployment is meant, or what is in progress cannot be followed.
    pub fn in_progress(&self, snapshot: &Snapshot) -> Result<InProgressPlan, PlanRefusal> {
        plan::in_progress(&self.settings, snapshot, &self.run)
    }

    /// The plan of a rollback, as far as one look tells.
    pub fn rollback(&self, snapshot: &Snapshot) -> RollbackPlan {
        plan::rollback(&self.settings, snapshot)
    }

    /// What the smoke tests, load probes and testers of the inputs ask for.
    pub fn checks(&self) -> ChecksPlan {
        ChecksPlan::new(&self.settings)
    }

    /// What a deployment by this plan would do.
    pub fn preview(
        &self,
        snapshot: &Snapshot,
        plan: &Plan,
        estimate: Option<&PushEstimate>,
    ) -> PlannedDeployment {
        plan::preview(plan, snapshot, &self.clearance(snapshot).queue, estimate)
    }

    /// The digest of the plan that was reviewed, where a deployment is held to one.
    pub fn reviewed_plan(&self) -> Option<&str> {
        self.settings.control.reviewed_plan.as_deref()
    }

    /// Whether a plan that would change something fails the run.
    pub fn fails_on_changes(&self) -> bool {
        self.settings.control.fail_on_changes
    }

    /// Whether production's traffic is not all on blue, as far as it was read.
    pub fn is_traffic_split(&self, snapshot: &Snapshot) -> bool {
        plan::is_traffic_split(&self.settings, snapshot)
    }

    /// What is wrong with what was read, where reading the rest has failed already.
    pub fn partial_survey_problems(&self, seen: &Snapshot) -> Vec<Problem> {
        plan::partial_survey_problems(&self.settings, seen)
    }

    /// The same where inputs are wrong: only what does not depend on what they may have meant.
    pub fn input_independent_problems(&self, seen: &Snapshot) -> Vec<Problem> {
        plan::input_independent_problems(&self.settings, seen)
    }

    /// The planner of the deployment that a rollback comes to. It deploys a revision that is
    /// registered already, without approval and without a one-off task.
    #[must_use]
    pub fn for_rollback_to(&self, restored: RevisionToRestore) -> Self {
        let mut planner = self.clone();
        planner.settings.definition.source = DefinitionSource::Registered(restored.revision.into());
        planner.settings.control.approval = Approval::None;
        planner.settings.task = None;
        planner.settings.rollout.force_new_deployment |= restored.forces_new_deployment;
        match restored.checks {
            RollbackChecks::Skipped => planner.settings.checks = CheckSettings::default(),
            RollbackChecks::WithItsVersion => planner.settings.version = restored.version,
            RollbackChecks::AsGiven => {}
        }
        planner
    }
}

/// What a rollback brings back by a new rollout.
#[derive(Debug)]
pub struct RevisionToRestore {
    /// The revision.
    pub revision: RevisionArn,
    /// The version that it tells of itself, where it was asked for.
    pub version: Option<String>,
    /// What becomes of its tests.
    pub checks: RollbackChecks,
    /// Whether a rollout is needed although the service calls the revision its own.
    pub forces_new_deployment: bool,
}
