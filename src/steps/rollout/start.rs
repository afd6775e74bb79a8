//! How a rollout comes to be followed: it is started, or it was there already.

use super::{CodeDeploy, Controller, EcsRollout, Interrupted, Rolling, Rollout};
use crate::aws::arn::short_name;
use crate::error::Failure;
use crate::event::fact::QueueFact;
use crate::outcome::Reason;
use crate::plan::{RolloutKind, RolloutPlan};
use crate::run::Run;
use crate::steps::revision::Revision;
use crate::survey::{Running, Thing};

/// Starts the rollout, unless an earlier attempt of this run has started it.
pub async fn start<'a>(
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    running: Option<&Running>,
) -> Result<Box<Rollout<'a>>, Interrupted> {
    if let Some(running) = running {
        return Ok(adopt(run, plan, revision, running)?);
    }
    let controller = match &plan.way {
        RolloutKind::CodeDeploy(way) => {
            Controller::CodeDeploy(Box::pin(CodeDeploy::start(run, plan, way, revision)).await?)
        }
        RolloutKind::Rolling(way) => {
            Controller::Rolling(Rolling::start(run, plan, way, revision).await?)
        }
        RolloutKind::Ecs(way) => Controller::Ecs(Box::new(
            Box::pin(EcsRollout::start(run, plan, way, revision)).await?,
        )),
    };
    Ok(Box::new(Rollout::new(run, plan, revision, controller)))
}

/// Goes on with what an earlier attempt of this run has started: nothing is started twice.
fn adopt<'a>(
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    running: &Running,
) -> Result<Box<Rollout<'a>>, Failure> {
    if running.revision.as_deref() != Some(revision.arn.as_str()) {
        let sentence = format!(
            "{}, started by this workflow run, and brings another revision than {}",
            running.words(),
            short_name(&revision.arn)
        );
        return Err(Failure::new(Reason::AlreadyRunning, sentence).hint(running.stop_command()));
    }
    run.tell(QueueFact::Follows {
        running: running.words().into(),
    });
    Ok(Box::new(attach(run, plan, revision, running)))
}

/// Follows a rollout that is there already. What is to be rolled back of it is the caller's to arm.
pub fn attach<'a>(
    run: &'a Run,
    plan: &'a RolloutPlan,
    revision: &'a Revision,
    running: &Running,
) -> Rollout<'a> {
    let controller =
        match (&plan.way, &running.thing) {
            (RolloutKind::Ecs(way), Thing::Ecs(deployment)) => Controller::Ecs(Box::new(
                EcsRollout::attach(run, plan, way, revision, deployment, true),
            )),
            (RolloutKind::CodeDeploy(way), _) => Controller::CodeDeploy(CodeDeploy::attach(
                run,
                plan,
                way,
                revision,
                running.id.clone(),
                true,
            )),
            (RolloutKind::Rolling(_) | RolloutKind::Ecs(_), _) => Controller::Rolling(
                Rolling::attach(run, plan, revision, running.id.clone(), true),
            ),
        };
    Rollout::new(run, plan, revision, controller)
}
