//! Starting a rolling deployment: one UpdateService, adopted when its answer is lost.

use serde_json::json;

use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs::{ServiceLookup, update_request};
use crate::aws::ecs_remedies::remedy;
use crate::aws::ecs_shapes::{RollingDeployment, Service};
use crate::choices::Follow;
use crate::error::{Explain, Failure};
use crate::event::fact::{AwsFact, SoughtEffect};
use crate::identity::{RevisionArn, RollingDeploymentId};
use crate::observe::outage::Outage;
use crate::outcome::Reason;
use crate::plan::{RollingPlan, RolloutPlan};
use crate::poll_interval::Backoff;
use crate::run::{ArmedUndo, Run};
use crate::steps::revision::Revision;
use crate::steps::rollout::RolloutOrigin;
use crate::undo::{RollingUndo, Undo};

use super::RollingRollout;

/// How many reads a new deployment may take to be shown.
const SHOWN_LOOKS: u32 = 14;

#[derive(Debug, thiserror::Error)]
#[error("ECS did not start the deployment")]
pub(in crate::steps::rollout) struct RollingError(#[from] AwsError);

impl Explain for RollingError {
    fn reason(&self) -> Reason {
        self.0.reason()
    }

    fn hint(&self) -> Option<String> {
        self.0
            .hint()
            .or_else(|| remedy(&self.0.message).map(str::to_owned))
    }
}

impl<'a> RollingRollout<'a> {
    /// Updates the service; armed before, adopted when the answer is lost.
    pub(in crate::steps::rollout) async fn start(
        run: &'a Run,
        plan: &'a RolloutPlan,
        own_plan: &'a RollingPlan,
        revision: &'a Revision,
    ) -> Result<Self, Failure> {
        let undo = RollingUndo {
            place: plan.place.clone(),
            previous: plan.blue.revision.clone(),
            ours: revision.arn.clone(),
            before: own_plan.deployments_before.clone(),
            deployment: None,
            desired: plan
                .update
                .desired_count
                .filter(|count| *count != own_plan.desired_count)
                .map(|_| own_plan.desired_count),
        };
        let armed = run.arm(Undo::Rolling(undo.clone()));
        let service = send_update(run, armed, plan, own_plan, revision).await?;
        let id = match find_started(plan, own_plan, revision, &service) {
            Some(id) => id,
            // The rollout is not followed: it is enough that the service shows the revision.
            None if plan.follow == Follow::LeaveToAws
                && service.task_definition == revision.arn =>
            {
                service
                    .primary_deployment()
                    .map(|primary| primary.id.clone())
                    .unwrap_or_default()
            }
            None => wait_until_shown(run, plan, own_plan, revision).await?,
        };
        armed.refine(Undo::Rolling(RollingUndo {
            deployment: Some(id.clone()),
            ..undo
        }));
        Ok(Self::attach(
            run,
            plan,
            &own_plan.deployments_before,
            revision,
            id,
            RolloutOrigin::Started,
        ))
    }
}

async fn send_update(
    run: &Run,
    armed: ArmedUndo<'_>,
    plan: &RolloutPlan,
    own_plan: &RollingPlan,
    revision: &Revision,
) -> Result<Service, Failure> {
    let request = base_request(plan, revision);
    let error = match run.aws.update_service(&request).await {
        Ok(service) => return Ok(service),
        Err(error) => error,
    };
    if !error.may_have_landed() {
        armed.disarm();
        return Err(RollingError(error).into());
    }
    run.emit(AwsFact::AnswerLost {
        error: error.to_string().into(),
        effect: SoughtEffect::DeploymentStarted,
    });
    if let ServiceLookup::Service(service) = run
        .aws
        .describe_service(&plan.place.cluster, &plan.place.service)
        .await
        .map_err(RollingError)?
        && find_ours(&service, &own_plan.deployments_before, &revision.arn).is_some()
    {
        return Ok(*service);
    }
    Ok(run
        .aws
        .update_service(&request)
        .await
        .map_err(RollingError)?)
}

/// The request with everything but the deployment's configuration.
pub(in crate::steps::rollout) fn base_request(
    plan: &RolloutPlan,
    revision: &Revision,
) -> serde_json::Value {
    let update = &plan.update;
    let mut request = update_request(&plan.place.cluster, &plan.place.service, &revision.arn);
    let optional = [
        (
            "forceNewDeployment",
            update.force_new_deployment.then(|| json!(true)),
        ),
        (
            "desiredCount",
            update.desired_count.map(|count| json!(count)),
        ),
        (
            "enableECSManagedTags",
            update.enable_ecs_managed_tags.map(|tags| json!(tags)),
        ),
        (
            "propagateTags",
            update.propagate_tags.as_ref().map(|tags| json!(tags)),
        ),
        (
            "volumeConfigurations",
            update.volume.as_ref().map(|volume| json!([volume])),
        ),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            request[key] = value;
        }
    }
    request
}

/// Whether an UpdateService with this revision starts a deployment. A service that has it already,
/// also from another run whose rollout is in progress, only takes over the other settings.
fn starts_deployment(plan: &RolloutPlan, own_plan: &RollingPlan, revision: &Revision) -> bool {
    revision.arn != own_plan.target_revision
        || plan.update.force_new_deployment
        || plan.update.volume.is_some()
}

/// Finds the deployment to follow: the new one of our revision, or the one that runs it already
/// where none is started.
fn find_started(
    plan: &RolloutPlan,
    own_plan: &RollingPlan,
    revision: &Revision,
    service: &Service,
) -> Option<RollingDeploymentId> {
    let runs = || {
        service
            .primary_deployment()
            .filter(|primary| primary.task_definition == revision.arn)
    };
    let found = find_ours(service, &own_plan.deployments_before, &revision.arn);
    let found = if starts_deployment(plan, own_plan, revision) {
        found
    } else {
        found.or_else(runs)
    };
    found.map(|deployment| deployment.id.clone())
}

/// Reads the service until it shows the deployment, where AWS's answer did not.
async fn wait_until_shown(
    run: &Run,
    plan: &RolloutPlan,
    own_plan: &RollingPlan,
    revision: &Revision,
) -> Result<RollingDeploymentId, Failure> {
    let mut backoff = Backoff::default();
    let mut outage = Outage::default();
    for _ in 0..SHOWN_LOOKS {
        let read = outage
            .tolerate(
                run.aws
                    .describe_service(&plan.place.cluster, &plan.place.service)
                    .await,
            )
            .map_err(RollingError)?;
        if let Some(ServiceLookup::Service(service)) = read
            && let Some(id) = find_started(plan, own_plan, revision, &service)
        {
            return Ok(id);
        }
        backoff.wait().await;
    }
    let sentence = format!(
        "ECS took the update, but no deployment of {} appeared",
        short_name(&revision.arn)
    );
    Err(Failure::new(Reason::AwsFailed, sentence)
        .with_hint("look at the service's deployments and events in the AWS console"))
}

/// The deployment of our revision that was not there before.
fn find_ours<'s>(
    service: &'s Service,
    existing: &[RollingDeploymentId],
    revision: &RevisionArn,
) -> Option<&'s RollingDeployment> {
    service.deployments.iter().find(|deployment| {
        deployment.task_definition == *revision && !existing.contains(&deployment.id)
    })
}
