//! Suspends scale-in during the rollout: a policy that removes tasks then would remove them from
//! either side.
//!
//! The scalable target is tagged with the run first, so that `post` and later runs know who
//! suspended it. What a user suspended is left alone.

use crate::aws::AwsError;
use crate::aws::scaling::{ScalableTarget, SuspendedState, resource_id};
use crate::choices::ScaleIn;
use crate::error::{Explain, Failure};
use crate::event::fact::{AwsFact, ScalingFact, SoughtEffect};
use crate::identity::{ClusterName, ServiceName};
use crate::outcome::Reason;
use crate::plan::RolloutPlan;
use crate::run::Run;
use crate::undo::{ScalingUndo, ServiceKey, Undo};

/// Scale-in could not be suspended although it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("scale-in of the service could not be suspended")]
pub struct ScalingError(#[from] AwsError);

impl Explain for ScalingError {
    fn reason(&self) -> Reason {
        self.0.reason()
    }

    fn hint(&self) -> Option<String> {
        let without = "leave suspend-autoscaling out to deploy without it";
        Some(self.0.hint().map_or_else(
            || without.to_owned(),
            |hint| format!("{hint}, or {without}"),
        ))
    }
}

/// Who has suspended scale-in, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SuspendedBy {
    /// Nobody: it is not suspended.
    Nobody,
    /// Somebody else than a run of this action.
    User,
    /// A run of this action that has not restored it.
    Run(String),
}

/// Suspends scale-in where that is planned; armed before.
///
/// # Errors
/// AWS did not let us. When it denied the first request, nothing was changed.
pub async fn suspend(run: &Run, plan: &RolloutPlan) -> Result<(), Failure> {
    if plan.scale_in == ScaleIn::Allowed {
        return Ok(());
    }
    let (cluster, service) = (&plan.cluster, &plan.service);
    let resource = resource_id(cluster, service);
    let Some(target) = run
        .aws
        .describe_scalable_target(&resource)
        .await
        .map_err(ScalingError)?
    else {
        run.emit(ScalingFact::NoTarget { resource });
        return Ok(());
    };
    match read_suspension(run, &target).await? {
        SuspendedBy::User => run.emit(ScalingFact::SuspendedByUser { resource }),
        SuspendedBy::Nobody => {
            suspend_with_tag(
                run,
                &target,
                build_undo(run, cluster, service, resource, &target),
            )
            .await?;
        }
        SuspendedBy::Run(other) => {
            run.emit(ScalingFact::TakenOver {
                resource: resource.clone(),
                run: other,
            });
            suspend_with_tag(
                run,
                &target,
                build_undo(run, cluster, service, resource, &target),
            )
            .await?;
        }
    }
    Ok(())
}

/// A suspension that an earlier run left is not the user's, so scale-in works again in the end.
fn build_undo(
    run: &Run,
    cluster: &ClusterName,
    service: &ServiceName,
    resource: String,
    target: &ScalableTarget,
) -> ScalingUndo {
    let place = ServiceKey {
        cluster: cluster.to_owned(),
        service: service.to_owned(),
    };
    ScalingUndo {
        place,
        resource,
        run: run.id.clone(),
        was: SuspendedState {
            scale_in: false,
            ..target.suspended
        },
    }
}

/// The tag is read in any case: a role that may not read it could not restore scale-in, and must
/// not suspend it.
async fn read_suspension(run: &Run, target: &ScalableTarget) -> Result<SuspendedBy, ScalingError> {
    let tag = run.aws.read_suspending_run(&target.arn).await?;
    if !target.suspended.scale_in {
        return Ok(SuspendedBy::Nobody);
    }
    Ok(tag.map_or(SuspendedBy::User, SuspendedBy::Run))
}

/// The tag is set first: without it a suspension could not be told from a user's, and nobody would
/// ever restore it.
async fn suspend_with_tag(
    run: &Run,
    target: &ScalableTarget,
    undo: ScalingUndo,
) -> Result<(), ScalingError> {
    let resource = undo.resource.clone();
    let armed = run.arm(Undo::Scaling(undo));
    if let Err(error) = tag_target(run, target).await {
        if !error.may_have_landed() {
            armed.disarm();
        }
        return Err(error.into());
    }
    if !target.suspended.scale_in {
        set_suspended(
            run,
            &resource,
            SuspendedState {
                scale_in: true,
                ..target.suspended
            },
        )
        .await?;
    }
    run.emit(ScalingFact::Suspended {
        resource,
        min: target.min,
        max: target.max,
    });
    Ok(())
}

/// When the answer is lost, the tag is read; sending it again only replaces it.
async fn tag_target(run: &Run, target: &ScalableTarget) -> Result<(), AwsError> {
    let lost = match run.aws.tag_target(&target.arn, &run.id).await {
        Err(error) if error.may_have_landed() => error,
        answered => return answered,
    };
    run.emit(AwsFact::AnswerLost {
        error: lost.to_string().into(),
        effect: SoughtEffect::ScalingTag,
    });
    let found = run.aws.read_suspending_run(&target.arn).await;
    if found.is_ok_and(|found| found.as_deref() == Some(&run.id)) {
        return Ok(());
    }
    // Whatever the second answer is, the first request may still land: the undo stays armed for it.
    run.aws
        .tag_target(&target.arn, &run.id)
        .await
        .map_err(|_| lost)
}

/// When the answer is lost, the target is read; sending the request again changes nothing more.
async fn set_suspended(run: &Run, resource: &str, wanted: SuspendedState) -> Result<(), AwsError> {
    let lost = match run.aws.set_suspended(resource, wanted).await {
        Err(error) if error.may_have_landed() => error,
        answered => return answered,
    };
    run.emit(AwsFact::AnswerLost {
        error: lost.to_string().into(),
        effect: SoughtEffect::ScaleInSuspended,
    });
    let found = run.aws.describe_scalable_target(resource).await;
    if found.is_ok_and(|found| found.is_some_and(|target| target.suspended.scale_in)) {
        return Ok(());
    }
    run.aws.set_suspended(resource, wanted).await
}
