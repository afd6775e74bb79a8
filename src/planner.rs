//! The one place that has the Settings once a run has begun: it surveys AWS for them, and makes the
//! plans that the engine executes.
//!
//! When the service has changed since it was read, a new plan is made. The code that executes a
//! plan sees only the plan.

use crate::choices::{Approval, OnCancel};
use crate::documents::compare::ShownField;
use crate::event::PlannedDeployment;
use crate::identity::RevisionArn;
use crate::outcome::Mode;
use crate::plan::{
    self, ChecksPlan, CleanupPlan, Clearance, InProgressPlan, Obstacles, Plan, PlanRefusal,
    PreviewReads, RollbackChecks, RollbackPlan, StartGatesPlan, Verification,
};
use crate::problem::Problem;
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

    /// The input `mode`.
    pub fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// What becomes of the rollout when the job is cancelled. A mode that only reads has nothing to
    /// undo.
    pub fn on_cancel(&self) -> OnCancel {
        if matches!(
            self.settings.mode,
            Mode::Status | Mode::Plan | Mode::Verify | Mode::Smoke | Mode::Drift | Mode::Cleanup
        ) {
            OnCancel::Leave
        } else {
            self.settings.control.on_cancel
        }
    }

    /// Reads everything in AWS that the plans depend on.
    ///
    /// # Errors
    /// All problems that were found, or why AWS could not be read.
    pub async fn survey(&self, run: &Run) -> Result<Snapshot, IncompleteSurvey> {
        let snapshot = survey::survey(run, &self.settings, plan::needs).await?;
        let traffic = match plan::traffic_queries(&self.settings, &snapshot) {
            Some(queries) => survey::read_traffic(run, &queries).await,
            None => None,
        };
        Ok(Snapshot {
            traffic,
            ..snapshot
        })
    }

    /// Whether somebody else has started or finished a deployment since; one cheap read.
    pub async fn has_changed(&self, run: &Run, before: &Snapshot) -> bool {
        survey::has_changed(run, &self.settings, before).await
    }

    /// What has to happen to a rollout in progress before a deployment is planned.
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
    /// The inputs name another deployment, or what is in progress cannot be followed.
    pub fn in_progress(&self, snapshot: &Snapshot) -> Result<InProgressPlan, PlanRefusal> {
        plan::in_progress(&self.settings, snapshot, &self.run)
    }

    /// The plan of a rollback, as far as the snapshot determines it.
    pub fn rollback(&self, snapshot: &Snapshot) -> RollbackPlan {
        plan::rollback(&self.settings, snapshot)
    }

    /// What the smoke tests, load probes and testers of the inputs ask for.
    pub fn checks(&self) -> ChecksPlan {
        ChecksPlan::new(&self.settings)
    }

    /// Whether the inputs have gates before the start that this mode reads.
    pub fn has_start_gates(&self) -> bool {
        self.settings.checks.gates.is_some() && self.settings.mode.plans_deployment()
    }

    /// The gates before the start; none where there are none, or where this run continues what an
    /// earlier attempt has started.
    pub fn start_gates(&self, snapshot: &Snapshot) -> Option<StartGatesPlan> {
        plan::start_gates(&self.settings, snapshot)
    }

    /// What is cleaned, and how much is kept.
    pub fn cleanup(&self) -> CleanupPlan {
        CleanupPlan::new(&self.settings)
    }

    /// What was looked at before a deployment, line by line.
    pub fn verification(
        &self,
        snapshot: &Snapshot,
        obstacles: Obstacles,
        plan: Option<&Plan>,
    ) -> Verification {
        plan::verification(&self.settings, snapshot, obstacles, plan)
    }

    /// What a deployment by this plan would do.
    pub fn preview(
        &self,
        snapshot: &Snapshot,
        plan: &Plan,
        seen: PreviewReads,
    ) -> PlannedDeployment {
        plan::preview(plan, snapshot, &self.clearance(snapshot).queue, seen)
    }

    /// The digest of a deployment by this plan.
    pub fn plan_digest(&self, snapshot: &Snapshot, plan: &Plan) -> String {
        plan::digest(plan, snapshot)
    }

    /// The digest of the plan that was reviewed, where a deployment is held to one.
    pub fn reviewed_plan(&self) -> Option<&str> {
        self.settings.control.reviewed_plan.as_deref()
    }

    /// The fields of a task definition whose values are shown, besides those that always are.
    pub fn shown_values(&self) -> &[ShownField] {
        &self.settings.definition.shown_values
    }

    /// Whether a plan that would change something fails the run.
    pub fn fails_on_changes(&self) -> bool {
        self.settings.control.fail_on_changes
    }

    /// Whether production's traffic is not all on blue, as far as it was read.
    pub fn is_traffic_split(&self, snapshot: &Snapshot) -> bool {
        plan::is_traffic_split(&self.settings, snapshot)
    }

    /// The problems of what was read, where the rest of the survey has failed.
    pub fn partial_survey_problems(&self, seen: &Snapshot) -> Vec<Problem> {
        plan::partial_survey_problems(&self.settings, seen)
    }

    /// The problems that do not depend on the inputs that were refused.
    pub fn input_independent_problems(&self, seen: &Snapshot) -> Vec<Problem> {
        plan::input_independent_problems(&self.settings, seen)
    }

    /// The planner of the deployment that a rollback starts. It deploys a revision that is
    /// registered already, without approval and without a one-off task.
    #[must_use]
    pub fn for_rollback_to(&self, restored: RevisionToRestore) -> Self {
        let mut planner = self.clone();
        planner.settings.definition.source = DefinitionSource::Registered(restored.revision.into());
        planner.settings.control.approval = Approval::None;
        planner.settings.task = None;
        planner.settings.migration = None;
        planner.settings.checks.gates = None;
        planner.settings.rollout.force_new_deployment |= restored.forces_new_deployment;
        match restored.checks {
            RollbackChecks::Skipped => planner.settings.checks = CheckSettings::default(),
            RollbackChecks::WithItsVersion => planner.settings.version = restored.version,
            RollbackChecks::AsGiven => {}
        }
        planner
    }
}

/// What a rollback deploys by a new rollout.
#[derive(Debug)]
pub struct RevisionToRestore {
    /// The revision to deploy; it is registered already.
    pub revision: RevisionArn,
    /// The version that the revision reports of itself, where the tests ask for it.
    pub version: Option<String>,
    /// Whether its tests run.
    pub checks: RollbackChecks,
    /// Whether a rollout is needed although the service calls the revision its own.
    pub forces_new_deployment: bool,
}
