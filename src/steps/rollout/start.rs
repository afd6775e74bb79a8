//! Starts a rollout, or attaches to one that is there already; and says when none is needed.

use super::codedeploy::CodeDeployRollout;
use super::ecs::EcsRollout;
use super::rolling::RollingRollout;
use super::{Interrupted, Rollout, RolloutOrigin};
use crate::aws::arn::short_name;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::outcome::Reason;
use crate::plan::{RolloutKind, RolloutPlan};
use crate::rollout_kind::FollowedRollout;
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::survey::{DeploymentInProgress, RunningRollout};

/// Whether the service already runs this revision, so that no rollout is needed.
pub fn is_unchanged(plan: &RolloutPlan, revision: &Revision) -> bool {
    !revision.registered && plan.runs_already(&revision.arn)
}

/// Starts the rollout, unless an earlier attempt of this run has started it.
pub async fn start<'a>(
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    running: Option<&RunningRollout>,
) -> Result<Box<Rollout<'a>>, Interrupted> {
    if let Some(running) = running {
        return Ok(adopt(run, plan, revision, running)?);
    }
    let followed: Box<dyn FollowedRollout> = match &plan.kind {
        RolloutKind::CodeDeploy(own_plan) => {
            Box::new(CodeDeployRollout::start(run, plan, own_plan, revision).await?)
        }
        RolloutKind::Ecs(own_plan) => {
            Box::new(EcsRollout::start(run, plan, own_plan, revision).await?)
        }
        RolloutKind::Rolling(own_plan) => {
            Box::new(RollingRollout::start(run, plan, own_plan, revision).await?)
        }
    };
    Ok(Box::new(Rollout::new(run, plan, revision, followed)))
}

/// Continues the rollout that an earlier attempt of this run has started: nothing is started twice.
fn adopt<'a>(
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    running: &RunningRollout,
) -> Result<Box<Rollout<'a>>, Failure> {
    if running.revision.as_ref() != Some(&revision.arn) {
        let sentence = format!(
            "{}, started by this workflow run, and brings another revision than {}",
            running.describe(),
            short_name(&revision.arn)
        );
        return Err(
            Failure::new(Reason::AlreadyRunning, sentence).with_hint(running.stop_command())
        );
    }
    run.emit(QueueFact::Follows {
        running: running.describe().into(),
    });
    Ok(Box::new(attach(run, plan, revision, running)))
}

/// Follows a rollout that is there already. The caller arms its undo.
pub fn attach<'a>(
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    running: &RunningRollout,
) -> Rollout<'a> {
    let (id, origin) = (running.id.as_str(), RolloutOrigin::Found);
    let followed: Box<dyn FollowedRollout> = match (&plan.kind, &running.deployment) {
        (RolloutKind::Ecs(own_plan), DeploymentInProgress::Ecs(found)) => Box::new(
            EcsRollout::attach(run, plan, own_plan, revision, found, origin),
        ),
        (
            RolloutKind::CodeDeploy(own_plan),
            DeploymentInProgress::CodeDeploy(_)
            | DeploymentInProgress::Ecs(_)
            | DeploymentInProgress::Rolling(_),
        ) => Box::new(CodeDeployRollout::attach(
            run,
            plan,
            own_plan,
            revision,
            id.into(),
            origin,
        )),
        (
            RolloutKind::Rolling(own_plan),
            DeploymentInProgress::CodeDeploy(_)
            | DeploymentInProgress::Ecs(_)
            | DeploymentInProgress::Rolling(_),
        ) => Box::new(RollingRollout::attach(
            run,
            plan,
            &own_plan.deployments_before,
            revision,
            id.into(),
            origin,
        )),
        // A rolling deployment is followed as what it is, though the plan's strategy is one of ECS.
        (
            RolloutKind::Ecs(_),
            DeploymentInProgress::CodeDeploy(_) | DeploymentInProgress::Rolling(_),
        ) => Box::new(RollingRollout::attach(
            run,
            plan,
            &[],
            revision,
            id.into(),
            origin,
        )),
    };
    Rollout::new(run, plan, revision, followed)
}
