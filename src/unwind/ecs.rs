//! Our service deployment is stopped with rollback, by its own ARN; followed to its end; blue is
//! observed to serve.
//!
//! One file, because it is one sequence: find the deployment, stop it, follow it, confirm what
//! serves.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Trigger, UndoOutcome, UnwindOutcome, weights_changed_failure};
use crate::aws::arn::short_name;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_rollout_shapes::{
    DeploymentStatus, ServiceDeployment, ServiceDeploymentSummary,
};
use crate::aws::ecs_rollouts::PauseAnswer;
use crate::aws::{AwsError, AwsErrorKind};
use crate::error::{Explain, Failure};
use crate::event::fact::{ScalingFact, UndoFact, UndoneDeployment};
use crate::event::{Event, ObservedBy, Serving};
use crate::identity::ServiceDeploymentArn;
use crate::observe::outage::Outage;
use crate::observe::own_deployments::{self, DeploymentCriteria, DeploymentSearch};
use crate::observe::serving;
use crate::observe::traffic::{self, ProductionTraffic};
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::run::Run;
use crate::scrub::mask;
use crate::undo::{EcsUndo, RolloutUndo};

/// A rollback changes the weights and stops green's tasks.
const TIMEOUT: Duration = Duration::from_mins(15);
/// Without a revision to roll back to ECS stalls; this is long enough to see that it does.
const STALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How many reads look for a deployment whose start was never answered.
const UNANSWERED_LOOKS: u32 = 5;

pub(super) async fn undo(
    run: &Run,
    undo: &EcsUndo,
    trigger: Trigger,
) -> Result<UndoOutcome, Failure> {
    let Some(arn) = find_deployment(run, undo).await? else {
        return Ok(UndoOutcome::Done);
    };
    if trigger == Trigger::Stop {
        stop_deployment(run, &arn).await?;
    }
    let ended = wait_for_end(run, undo, &arn).await?;
    match ended.status() {
        DeploymentStatus::Successful => confirm_green(run, undo, &ended)
            .await
            .map(UndoOutcome::Traffic),
        DeploymentStatus::RollbackFailed => Err(rollback_failure(undo, &ended)),
        DeploymentStatus::RolledBack
        | DeploymentStatus::Stopped
        | DeploymentStatus::InProgress
        | DeploymentStatus::RollingBack => confirm_blue(run, undo, &ended).await,
    }
}

/// A request that was cut off may still be on its way: it is looked for more than once.
async fn find_deployment(
    run: &Run,
    undo: &EcsUndo,
) -> Result<Option<ServiceDeploymentArn>, Failure> {
    if undo.deployment.is_some() {
        return Ok(undo.deployment.clone());
    }
    let mut backoff = Backoff::default();
    let mut unread = None;
    for _ in 0..UNANSWERED_LOOKS {
        let wanted = DeploymentCriteria {
            place: &undo.place,
            existing_deployments: &undo.before,
            revision: &undo.ours,
            run: undo.run.as_deref(),
        };
        match own_deployments::find_deployment(run, wanted)
            .await
            .map(DeploymentSearch::into_arn)
        {
            Ok(Some(arn)) => return Ok(Some(arn)),
            Ok(None) => unread = None,
            Err(error) => unread = Some(error),
        }
        backoff.wait().await;
    }
    match unread {
        Some(error) => Err(stuck_failure(
            "whether a deployment was started could not be read",
            &error,
            undo,
        )),
        None => Ok(None),
    }
}

/// A deployment that is over, or rolling back, cannot be stopped, and need not be.
async fn stop_deployment(run: &Run, arn: &ServiceDeploymentArn) -> Result<(), Failure> {
    match run.aws.stop_service_deployment(arn).await {
        Ok(()) => run.emit(UndoFact::StoppedWithRollback {
            deployment: UndoneDeployment::Ecs {
                id: short_name(arn).to_owned(),
            },
        }),
        Err(error) if error.kind == AwsErrorKind::Refused => run.emit(Event::Noted {
            sentence: error.to_string().into(),
        }),
        Err(error) if error.kind == AwsErrorKind::Denied && reject_at_gate(run, arn).await => {}
        Err(error) => {
            let hints = error.hint();
            let failure = Failure::new(
                Reason::AwsFailed,
                "the service deployment could not be stopped",
            )
            .with_cause(error.to_string());
            return Err(hints
                .into_iter()
                .fold(failure, Failure::with_hint)
                .with_hint(manual_hint(arn)));
        }
    }
    Ok(())
}

/// A role that may not stop the deployment may still answer its pause with a rollback, where it
/// waits at one.
async fn reject_at_gate(run: &Run, arn: &ServiceDeploymentArn) -> bool {
    let Ok(Some(deployment)) = run.aws.describe_service_deployment(arn).await else {
        return false;
    };
    for hook in deployment.awaiting_pauses() {
        if run
            .aws
            .continue_service_deployment(arn, &hook.hook_id, PauseAnswer::Rollback)
            .await
            .is_ok()
        {
            run.emit(UndoFact::GateAnswered {
                deployment: UndoneDeployment::Ecs {
                    id: short_name(arn).to_owned(),
                },
            });
            return true;
        }
    }
    false
}

async fn wait_for_end(
    run: &Run,
    undo: &EcsUndo,
    arn: &ServiceDeploymentArn,
) -> Result<ServiceDeployment, Failure> {
    let began = Instant::now();
    let mut backoff = Backoff::default();
    let mut outage = Outage::default();
    let mut last_status = String::new();
    while began.elapsed() < TIMEOUT {
        let read = outage.tolerate(run.aws.describe_service_deployment(arn).await);
        match read
            .map_err(|error| stuck_failure("the rollback could not be followed", &error, undo))?
        {
            Some(Some(deployment)) if deployment.is_over() => return Ok(deployment),
            Some(Some(deployment))
                if began.elapsed() > STALL_TIMEOUT
                    && (undo.is_first || deployment.rolls_back_to_nothing()) =>
            {
                return Err(no_target_failure(undo, arn));
            }
            Some(Some(deployment)) if deployment.raw_status != last_status => {
                run.emit(UndoFact::Status {
                    deployment: UndoneDeployment::Ecs {
                        id: deployment.id().to_owned(),
                    },
                    status: deployment.raw_status.clone().into(),
                });
                last_status.clone_from(&deployment.raw_status);
            }
            Some(None) => {
                return Err(Failure::new(
                    Reason::AwsFailed,
                    format!("service deployment {arn} is gone"),
                )
                .with_hint(manual_hint(arn)));
            }
            Some(Some(_)) | None => {}
        }
        backoff.wait().await;
    }
    let sentence = format!(
        "service deployment {} was not over after {} minutes",
        short_name(arn),
        TIMEOUT.as_secs() / 60
    );
    Err(Failure::new(Reason::Timeout, sentence).with_hint(manual_hint(arn)))
}

/// Nothing is believed before it was observed; a read that is older than the rollback gets a few
/// more looks.
async fn confirm_blue(
    run: &Run,
    undo: &EcsUndo,
    ended: &ServiceDeployment,
) -> Result<UndoOutcome, Failure> {
    let began = Instant::now();
    let mut backoff = Backoff::default();
    loop {
        if let Some(newer) = find_other(run, undo, ended, DeploymentOrder::After).await {
            return Ok(UndoOutcome::Traffic(superseded_by(run, undo, newer).await));
        }
        let observed_by = observe_blue(run, undo, ended).await;
        // Where no weights show it, ECS has rolled back to what somebody else deployed between our
        // read of the service and our deployment.
        if observed_by.is_none_or(|observed_by| observed_by == ObservedBy::Deployment)
            && let Some(former) = find_other(run, undo, ended, DeploymentOrder::Before).await
        {
            return Ok(UndoOutcome::Traffic(superseded_by(run, undo, former).await));
        }
        if let Some(observed_by) = observed_by {
            restore_desired_count(run, undo).await;
            run.confirm_traffic(&undo.blue.revision, Serving::Blue, observed_by);
            return Ok(UndoOutcome::Traffic(UnwindOutcome::OnBlue {
                revision: undo.blue.revision.clone(),
                observed_by,
            }));
        }
        if began.elapsed() > observation_timeout(ended) {
            let sentence = format!(
                "service deployment {} is {}, but production is not all on blue",
                ended.id(),
                ended.raw_status
            );
            let failure = Failure::new(Reason::RolloutFailed, sentence);
            let rules = traffic::rules_to_green(run, &undo.blue).await;
            return Err(rules
                .into_iter()
                .fold(failure, Failure::with_cause)
                .with_hint(redeploy_hint(undo)));
        }
        backoff.wait().await;
    }
}

async fn superseded_by(run: &Run, undo: &EcsUndo, by: String) -> UnwindOutcome {
    UnwindOutcome::Superseded {
        by,
        serves: Box::pin(serving::describe(run, &undo.place, &undo.blue)).await,
    }
}

/// One that was stopped where it was moves no traffic any more; a rollback's last weights may take
/// a while to be read.
fn observation_timeout(ended: &ServiceDeployment) -> Duration {
    match ended.status() {
        DeploymentStatus::Stopped => Duration::from_secs(5),
        DeploymentStatus::InProgress
        | DeploymentStatus::RollingBack
        | DeploymentStatus::Successful
        | DeploymentStatus::RolledBack
        | DeploymentStatus::RollbackFailed => Duration::from_mins(1),
    }
}

/// What shows that blue serves: the listeners, else ECS's own status of the rollback.
async fn observe_blue(run: &Run, undo: &EcsUndo, ended: &ServiceDeployment) -> Option<ObservedBy> {
    if let Some(observed) = observe_traffic(run, undo).await {
        return (observed.sole_side() == Some(Serving::Blue)).then_some(observed.observed_by);
    }
    if ended.status() == DeploymentStatus::RolledBack {
        return Some(ObservedBy::Deployment);
    }
    // Without weights the service's own revision is all there is.
    let Ok(ServiceLookup::Service(service)) = run
        .aws
        .describe_service(&undo.place.cluster, &undo.place.service)
        .await
    else {
        return None;
    };
    let is_back = if undo.in_place {
        service.runs_only(&undo.blue.revision)
    } else {
        service.task_definition == undo.blue.revision
    };
    is_back.then_some(ObservedBy::Deployment)
}

/// Where production goes, as far as weights show it.
async fn observe_traffic(run: &Run, undo: &EcsUndo) -> Option<ProductionTraffic> {
    let (place, blue) = undo.traffic_query()?;
    traffic::observe(run, place, blue).await
}

/// When somebody else's deployment was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeploymentOrder {
    After,
    /// Before ours, and after our read of the service.
    Before,
}

/// Somebody else's deployment that was not there when we read the service.
async fn find_other(
    run: &Run,
    undo: &EcsUndo,
    ended: &ServiceDeployment,
    order: DeploymentOrder,
) -> Option<String> {
    let history = run
        .aws
        .list_service_deployments(&undo.place.cluster, &undo.place.service)
        .await
        .ok()?;
    let ours = history.iter().position(|brief| brief.arn == ended.arn)?;
    let among = match order {
        DeploymentOrder::After => &history[..ours],
        DeploymentOrder::Before => &history[ours + 1..],
    };
    // An earlier one that did not succeed never served.
    let has_served = |brief: &ServiceDeploymentSummary| {
        order == DeploymentOrder::After || brief.status() == DeploymentStatus::Successful
    };
    let other = among
        .iter()
        .find(|brief| !undo.before.contains(&brief.arn) && has_served(brief))?;
    Some(format!(
        "service deployment {} ({}) took over",
        short_name(&other.arn),
        other.raw_status
    ))
}

/// The number of tasks is the service's, not the deployment's: a rollback leaves it.
async fn restore_desired_count(run: &Run, undo: &EcsUndo) {
    let Some(desired) = undo.desired else { return };
    let request = json!({ "cluster": undo.place.cluster, "service": undo.place.service, "desiredCount": desired });
    if let Err(error) = run.aws.update_service(&request).await {
        run.emit(ScalingFact::DesiredNotRestored {
            desired,
            error: error.to_string().into(),
        });
    }
}

/// It succeeded before it could be stopped: green serves, and blue is terminated.
async fn confirm_green(
    run: &Run,
    undo: &EcsUndo,
    ended: &ServiceDeployment,
) -> Result<UnwindOutcome, Failure> {
    let id = ended.id();
    if observe_traffic(run, undo)
        .await
        .is_some_and(|observed| observed.sole_side() != Some(Serving::Green))
    {
        if let Some(newer) = find_other(run, undo, ended, DeploymentOrder::After).await {
            return Ok(superseded_by(run, undo, newer).await);
        }
        let sentence = format!(
            "service deployment {id} is over, and production is not all on green: somebody has changed the weights"
        );
        return Err(weights_changed_failure(run, &undo.blue, sentence)
            .await
            .with_hint(redeploy_hint(undo)));
    }
    run.emit(UndoFact::TooLate {
        deployment: UndoneDeployment::Ecs { id: id.to_owned() },
        revision: undo.blue.revision.clone(),
    });
    Ok(UnwindOutcome::TooLate {
        revision: undo.ours.to_string(),
    })
}

fn rollback_failure(undo: &EcsUndo, ended: &ServiceDeployment) -> Failure {
    let cause = ended
        .status_reason
        .as_deref()
        .map_or_else(|| "ECS gives no reason".into(), mask);
    Failure::new(
        Reason::RolloutFailed,
        format!("the rollback of service deployment {} failed", ended.id()),
    )
    .with_cause(cause)
    .with_hint(redeploy_hint(undo))
}

fn no_target_failure(undo: &EcsUndo, arn: &ServiceDeploymentArn) -> Failure {
    let sentence = format!(
        "no deployment of the service ever succeeded: ECS has nothing to go back to, and service deployment {} stalls",
        short_name(arn)
    );
    Failure::new(Reason::NothingToReturnTo, sentence).with_hint(format!(
        "deploy a version that works: a newer deployment ends the stall; where nothing serves that must stay, aws ecs update-service --cluster {} --service {} --desired-count 0 ends it too (docs/stuck.md)",
        undo.place.cluster, undo.place.service
    ))
}

fn stuck_failure(what: &str, error: &AwsError, undo: &EcsUndo) -> Failure {
    let failure = Failure::new(Reason::AwsFailed, what).with_cause(error.to_string());
    let manual = undo
        .deployment
        .as_ref()
        .map_or_else(|| redeploy_hint(undo), manual_hint);
    error
        .hint()
        .into_iter()
        .fold(failure, Failure::with_hint)
        .with_hint(manual)
}

fn manual_hint(arn: &ServiceDeploymentArn) -> String {
    format!(
        "by hand: aws ecs stop-service-deployment --service-deployment-arn {arn} --stop-type ROLLBACK (docs/stuck.md)"
    )
}

fn redeploy_hint(undo: &EcsUndo) -> String {
    format!(
        "bring the old revision back: mode: rollback with rollback-to: {}, or aws ecs update-service --cluster {} --service {} --task-definition {} (docs/stuck.md)",
        short_name(&undo.blue.revision),
        undo.place.cluster,
        undo.place.service,
        undo.blue.revision
    )
}
