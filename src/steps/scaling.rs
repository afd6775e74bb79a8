//! Scale-in rests during the rollout: a policy that takes tasks away in between would take them
//! from either side.
//!
//! The scalable target is tagged with the run before it is told to rest, so that whoever finds it
//! at rest knows whose rest it is. What a user suspended is not ours and is left alone.

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

/// Who made scale-in rest, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SuspendedBy {
    /// Nobody: it does not rest.
    Nobody,
    /// Somebody who is no run of this action.
    User,
    /// A run of this action that has not given it back.
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

/// A rest that an earlier run left was none of the user's, so scale-in is what comes back at the
/// end.
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

/// The tag is read in any case: whoever may not read it could not give scale-in back, and must not
/// take it.
async fn read_suspension(run: &Run, target: &ScalableTarget) -> Result<SuspendedBy, ScalingError> {
    let tag = run.aws.read_suspending_run(&target.arn).await?;
    if !target.suspended.scale_in {
        return Ok(SuspendedBy::Nobody);
    }
    Ok(tag.map_or(SuspendedBy::User, SuspendedBy::Run))
}

/// The tag first: scale-in that rests without one would rest for ever, because nobody could tell it
/// from a user's rest.
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

/// When the answer is lost, the tag is looked for; sent again, it only replaces itself.
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

/// When the answer is lost, the target is looked at; sent again, it only says the same.
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
