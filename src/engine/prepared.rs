//! What a deployment is started from, and how that is kept current: somebody else may deploy while
//! an image is pushed or a task runs.

use super::Halt;
use super::planning::survey_and_plan;
use crate::error::Failure;
use crate::event::fact::{QueueFact, RevisionFact};
use crate::outcome::Reason;
use crate::plan::{Plan, QueuePlan, RolloutPlan};
use crate::planner::Planner;
use crate::poll_interval::PollInterval;
use crate::run::Run;
use crate::steps::image::ResolvedImage;
use crate::steps::revision::{self, Revision};
use crate::steps::rollout::{self, Interrupted, Rollout};
use crate::survey::{RunningRollout, Snapshot};
use crate::undo::Undo;
use crate::unwind;

/// The service as it was read, the plan that was made of it, and the revision that is to be
/// deployed.
pub(super) struct Prepared {
    pub(super) snapshot: Snapshot,
    pub(super) plan: Plan,
    pub(super) revision: Revision,
}

impl Prepared {
    /// The rollout that an earlier attempt of this run has started.
    pub(super) fn adopted_rollout(&self) -> Option<&RunningRollout> {
        self.snapshot
            .running
            .as_ref()
            .filter(|running| running.is_ours)
    }

    /// Starts the rollout, or continues the one that an earlier attempt has started; none where
    /// nothing is to be deployed.
    pub(super) async fn start<'a>(
        &'a self,
        run: &'a Run,
    ) -> Result<Option<Box<Rollout<'a>>>, Interrupted> {
        let Some(planned) = self
            .plan
            .rollout
            .as_ref()
            .filter(|planned| !self.is_unchanged(planned))
        else {
            return Ok(None);
        };
        Box::pin(rollout::start(
            run,
            planned,
            &self.revision,
            self.adopted_rollout(),
        ))
        .await
        .map(Some)
    }

    pub(super) fn poll_interval(&self) -> PollInterval {
        PollInterval::new(self.plan.poll)
    }

    /// Whether the service runs already what is asked for.
    pub(super) fn is_unchanged(&self, planned: &RolloutPlan) -> bool {
        self.adopted_rollout().is_none() && rollout::is_unchanged(planned, &self.revision)
    }

    /// Reads the service again; where its deployments are not those that were read, `if-running`
    /// decides, and everything is planned anew.
    pub(super) async fn replan_if_changed(
        &mut self,
        run: &Run,
        planner: &Planner,
        image: Option<&ResolvedImage>,
    ) -> Result<(), Halt> {
        if self.plan.rollout.is_none() || self.adopted_rollout().is_some() {
            return Ok(());
        }
        if self.has_undecided_rollout(planner) {
            run.emit(QueueFact::BringsAnother);
        } else if planner.has_changed(run, &self.snapshot).await {
            run.emit(QueueFact::PlansAgain);
        } else {
            return Ok(());
        }
        let (snapshot, plan) = Box::pin(survey_and_plan(run, planner, Some(&self.revision)))
            .await
            .map_err(into_failure)?;
        let is_same = plan.definition == self.plan.definition
            && plan.image_containers == self.plan.image_containers;
        (self.snapshot, self.plan) = (snapshot, plan);
        if !is_same {
            self.register_again(run, image).await?;
        }
        Ok(())
    }

    /// Something is in progress that was taken for this run's own, so that `if-running` has not
    /// decided about it yet.
    fn has_undecided_rollout(&self, planner: &Planner) -> bool {
        match planner.clearance(&self.snapshot).queue {
            QueuePlan::Free | QueuePlan::Replaced => false,
            QueuePlan::Refused | QueuePlan::Wait(_) | QueuePlan::Supersede(_) => true,
        }
    }

    /// Registers the revision again: the definition that it was made from serves no more.
    async fn register_again(
        &mut self,
        run: &Run,
        image: Option<&ResolvedImage>,
    ) -> Result<(), Halt> {
        let former = std::mem::replace(
            &mut self.revision,
            revision::ensure_registered(run, &self.plan, image).await?,
        );
        run.emit(RevisionFact::Replaced {
            revision: self.revision.arn.clone(),
            former: former.arn.clone(),
        });
        let is_former = |undo: &Undo| matches!(undo, Undo::Revision(undo) if undo.arn == former.arn && undo.arn != self.revision.arn);
        let is_needed =
            |undo: &Undo| matches!(undo, Undo::Migration(undo) if undo.revision == former.arn);
        if run.armed_undos().iter().any(is_needed) {
            // The migration is undone by the revision that has made it.
            return Ok(());
        }
        let unused: Vec<Undo> = run.armed_undos().into_iter().filter(is_former).collect();
        unwind::undo_all(run, &unused).await;
        Ok(())
    }
}

/// Something was changed by now: a refusal is a failure, and the effects are undone.
fn into_failure(halt: Halt) -> Halt {
    let (problems, reason) = match halt {
        Halt::Refused(problems) => (problems, Reason::InvalidInputs),
        Halt::NoCredentials(problems) => (problems, Reason::Credentials),
        halt => return halt,
    };
    let mut failure = Failure::new(
        reason,
        "the service is not as it was when this run began, and cannot be deployed to",
    );
    failure
        .chain
        .extend(problems.iter().map(|problem| problem.to_string().into()));
    failure
        .hints
        .extend(problems.into_iter().map(|problem| problem.remedy.into()));
    Halt::Failed(failure)
}
