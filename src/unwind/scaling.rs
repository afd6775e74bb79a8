//! Restores scale-in that a run of ours suspended; done when that is observed and our tag is
//! removed.
//!
//! Only a target with our tag is changed, and only its scale-in: whatever else a user suspended
//! meanwhile stays suspended.

use std::time::Duration;

use tokio::time::Instant;

use super::UndoOutcome;
use crate::aws::scaling::{DIMENSION, ScalableTarget, SuspendedState, TAG, resource_id};
use crate::aws::{AwsError, AwsErrorKind};
use crate::choices::ScaleIn;
use crate::error::{Explain, Failure};
use crate::event::fact::ScalingFact;
use crate::identity::ScalableTargetArn;
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::run::Run;
use crate::undo::{ScalingUndo, ServiceKey};

/// One request and the read that shows its effect; a read may be a few seconds old.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many reads wait for a request that was cut off and may still arrive.
const UNANSWERED_LOOKS: u32 = 3;

/// What is left of our effect.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Leftover {
    /// Nothing: the target is gone, or does not carry our tag.
    Nothing,
    /// Another run has taken it over, and restores it.
    OtherRun,
    /// Only the tag; scale-in works.
    Tag {
        /// The target's ARN.
        arn: ScalableTargetArn,
    },
    /// Scale-in is suspended by us.
    Suspended {
        /// What is suspended on the target now.
        now: SuspendedState,
    },
}

pub(super) async fn undo(run: &Run, undo: &ScalingUndo) -> Result<UndoOutcome, Failure> {
    let began = Instant::now();
    let mut backoff = Backoff::default();
    let (mut sent, mut looks) = (false, 0);
    while began.elapsed() < TIMEOUT {
        looks += 1;
        let is_final = sent || looks >= UNANSWERED_LOOKS;
        match read_leftover(run, undo).await {
            Ok(Leftover::OtherRun) => return Ok(UndoOutcome::Done),
            Ok(Leftover::Nothing) if is_final => return Ok(UndoOutcome::Done),
            Ok(Leftover::Tag { arn }) if is_final && untag(run, undo, &arn).await? => {
                return Ok(UndoOutcome::Done);
            }
            Ok(Leftover::Suspended { now }) if !sent => sent = restore(run, undo, now).await?,
            Ok(Leftover::Nothing | Leftover::Tag { .. } | Leftover::Suspended { .. }) => {}
            Err(error) => tolerate(undo, &error)?,
        }
        backoff.wait().await;
    }
    let sentence = format!(
        "scale-in of {} was not observed to be restored, with our tag removed, after {} s",
        undo.resource,
        TIMEOUT.as_secs()
    );
    Err(Failure::new(Reason::Timeout, sentence).with_hint(manual_hint(undo)))
}

/// What an earlier run of this action left suspended, because it could not restore it. Call this
/// only when nothing is in progress: a run that is alive still needs it.
pub async fn find_leftover(run: &Run, ours: ScaleIn, names: &ServiceKey) -> Option<ScalingUndo> {
    let resource = resource_id(&names.cluster, &names.service);
    let target = read_or_skip(run, ours, run.aws.describe_scalable_target(&resource).await)?
        .filter(|target| target.suspended.scale_in)?;
    let other = read_or_skip(run, ours, run.aws.read_suspending_run(&target.arn).await)?
        .filter(|other| *other != run.id)?;
    Some(ScalingUndo {
        place: names.clone(),
        resource,
        run: other,
        was: SuspendedState {
            scale_in: false,
            ..target.suspended
        },
    })
}

/// Roles of users who do not use `suspend-autoscaling` need not allow these reads: then a failure
/// is not reported.
fn read_or_skip<T>(run: &Run, ours: ScaleIn, read: Result<T, AwsError>) -> Option<T> {
    if ours == ScaleIn::Suspended {
        return run.optional_read(
            "scale-in that an earlier run left suspended is not noticed",
            read,
        );
    }
    read.ok()
}

async fn read_leftover(run: &Run, undo: &ScalingUndo) -> Result<Leftover, AwsError> {
    let Some(target) = run.aws.describe_scalable_target(&undo.resource).await? else {
        return Ok(Leftover::Nothing);
    };
    match run.aws.read_suspending_run(&target.arn).await {
        Ok(tag) => Ok(leftover_of(undo, target, tag.as_deref())),
        Err(error) if is_gone(&error) => Ok(Leftover::Nothing),
        Err(error) => Err(error),
    }
}

fn leftover_of(undo: &ScalingUndo, target: ScalableTarget, tag: Option<&str>) -> Leftover {
    match tag {
        None => Leftover::Nothing,
        Some(other) if other != undo.run => Leftover::OtherRun,
        Some(_) if target.suspended.scale_in == undo.was.scale_in => {
            Leftover::Tag { arn: target.arn }
        }
        Some(_) => Leftover::Suspended {
            now: target.suspended,
        },
    }
}

/// Whether AWS accepted it; when its answer was lost, the next read shows whether it did.
async fn restore(run: &Run, undo: &ScalingUndo, now: SuspendedState) -> Result<bool, Failure> {
    let wanted = SuspendedState {
        scale_in: undo.was.scale_in,
        ..now
    };
    match run.aws.set_suspended(&undo.resource, wanted).await {
        Ok(()) => Ok(true),
        Err(error) => tolerate(undo, &error).map(|()| false),
    }
}

/// Whether that was the last step; when the answer was lost, the next read shows it. A tag that
/// stays does no harm while scale-in works.
async fn untag(run: &Run, undo: &ScalingUndo, arn: &ScalableTargetArn) -> Result<bool, Failure> {
    match run.aws.untag_target(arn).await {
        Ok(()) => Ok(true),
        Err(error) if is_gone(&error) => Ok(true),
        Err(error) if matches!(error.kind, AwsErrorKind::Denied | AwsErrorKind::Refused) => {
            let by_hand = format!(
                "aws application-autoscaling untag-resource --resource-arn {arn} --tag-keys {TAG}"
            );
            run.emit(ScalingFact::TagStays {
                resource: undo.resource.clone(),
                error: error.to_string().into(),
                command: by_hand.into(),
            });
            Ok(true)
        }
        Err(error) => tolerate(undo, &error).map(|()| false),
    }
}

fn is_gone(error: &AwsError) -> bool {
    error.has_code("ResourceNotFound") || error.has_code("ObjectNotFound")
}

/// Reads that fail temporarily are repeated until the timeout; final errors end the undo.
fn tolerate(undo: &ScalingUndo, error: &AwsError) -> Result<(), Failure> {
    match error.kind {
        AwsErrorKind::Throttled | AwsErrorKind::Failed | AwsErrorKind::Unanswered => Ok(()),
        AwsErrorKind::Denied | AwsErrorKind::Credentials | AwsErrorKind::Refused => {
            Err(restore_failure(undo, error))
        }
    }
}

fn restore_failure(undo: &ScalingUndo, error: &AwsError) -> Failure {
    let failure = Failure::new(
        error.reason(),
        format!("scale-in of {} could not be restored", undo.resource),
    )
    .with_cause(error.to_string());
    error
        .hint()
        .into_iter()
        .fold(failure, Failure::with_hint)
        .with_hint(manual_hint(undo))
}

fn manual_hint(undo: &ScalingUndo) -> String {
    let SuspendedState {
        scale_in,
        scale_out,
        scheduled,
    } = undo.was;
    let state = format!(
        "DynamicScalingInSuspended={scale_in},DynamicScalingOutSuspended={scale_out},ScheduledScalingSuspended={scheduled}"
    );
    format!(
        "by hand: aws application-autoscaling register-scalable-target --service-namespace ecs --resource-id {} \
         --scalable-dimension {DIMENSION} --suspended-state {state} (docs/stuck.md)",
        undo.resource
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUSPENDED: SuspendedState = SuspendedState {
        scale_in: true,
        scale_out: true,
        scheduled: false,
    };
    const ACTIVE: SuspendedState = SuspendedState {
        scale_in: false,
        scale_out: true,
        scheduled: false,
    };

    fn undo() -> ScalingUndo {
        let place = ServiceKey {
            cluster: "prod".into(),
            service: "api".into(),
        };
        ScalingUndo {
            place,
            resource: "service/prod/api".into(),
            run: "4711-1-0a".into(),
            was: ACTIVE,
        }
    }

    #[test]
    fn only_a_suspension_with_our_tag_is_ours_to_end() {
        let tag = Leftover::Tag { arn: "arn".into() };
        let table = [
            (SUSPENDED, None, Leftover::Nothing),
            (ACTIVE, None, Leftover::Nothing),
            (SUSPENDED, Some("4712-1-0b"), Leftover::OtherRun),
            (ACTIVE, Some("4711-1-0a"), tag),
            (
                SUSPENDED,
                Some("4711-1-0a"),
                Leftover::Suspended { now: SUSPENDED },
            ),
        ];
        for (suspended, run, expected) in table {
            let target = ScalableTarget {
                arn: "arn".into(),
                min: 2,
                max: 10,
                suspended,
            };
            assert_eq!(
                leftover_of(&undo(), target, run),
                expected,
                "{suspended:?} with {run:?}"
            );
        }
    }

    #[test]
    fn what_may_pass_is_waited_for_and_what_may_not_comes_with_the_command() {
        let error = |kind| AwsError {
            action: "application-autoscaling:RegisterScalableTarget",
            kind,
            code: String::new(),
            message: "no".into(),
        };
        for kind in [
            AwsErrorKind::Throttled,
            AwsErrorKind::Failed,
            AwsErrorKind::Unanswered,
        ] {
            assert_eq!(tolerate(&undo(), &error(kind)), Ok(()));
        }
        let failure = tolerate(&undo(), &error(AwsErrorKind::Denied)).unwrap_err();
        assert_eq!(
            failure.sentence(),
            "scale-in of service/prod/api could not be restored"
        );
        assert_eq!(
            failure.hints,
            [
                "allow application-autoscaling:RegisterScalableTarget on * for the role that the job uses (docs/iam.md)",
                "by hand: aws application-autoscaling register-scalable-target --service-namespace ecs --resource-id service/prod/api \
                 --scalable-dimension ecs:service:DesiredCount --suspended-state \
                 DynamicScalingInSuspended=false,DynamicScalingOutSuspended=true,ScheduledScalingSuspended=false (docs/stuck.md)",
            ]
        );
    }
}
