//! Our service deployment is stopped with rollback, inside its own ARN; followed to its end; blue
//! is observed to serve.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Trigger, Undone, Unwound, weights_changed};
use crate::aws::arn::short_name;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_rollout_shapes::{Brief, DeploymentStatus, ServiceDeployment};
use crate::aws::ecs_rollouts::Answered;
use crate::aws::{AwsError, AwsErrorKind};
use crate::error::{Explain, Failure};
use crate::event::fact::{ScalingFact, UndoFact, UndoneDeployment};
use crate::event::{Event, ObservedBy, Serving};
use crate::observe::outage::Outage;
use crate::observe::own_deployments::{DeploymentSearch, Wanted, find_wanted};
use crate::observe::serving;
use crate::observe::traffic::{self, Observed};
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::run::Run;
use crate::scrub::masked;
use crate::undo::{EcsUndo, RolloutUndo};

/// A rollback is a flip of weights and the end of green's tasks.
const PATIENCE: Duration = Duration::from_mins(15);
/// With nothing to go back to ECS stalls; this is long enough to see that it does.
const STALLED: Duration = Duration::from_secs(20);
/// Looks for a deployment whose start was never answered.
const UNANSWERED_LOOKS: u32 = 5;

pub(super) async fn undo(run: &Run, undo: &EcsUndo, hand: Trigger) -> Result<Undone, Failure> {
    let Some(arn) = deployment(run, undo).await? else {
        return Ok(Undone::Nothing);
    };
    if hand == Trigger::Stop {
        stop(run, &arn).await?;
    }
    let ended = ended(run, undo, &arn).await?;
    match ended.status() {
        DeploymentStatus::Successful => too_late(run, undo, &ended).await.map(Undone::Traffic),
        DeploymentStatus::RollbackFailed => Err(rollback_failed(undo, &ended)),
        DeploymentStatus::RolledBack
        | DeploymentStatus::Stopped
        | DeploymentStatus::Going
        | DeploymentStatus::Returning => on_blue(run, undo, &ended).await,
    }
}

/// A request that was cut off may still be on its way: it is looked for more than once.
async fn deployment(run: &Run, undo: &EcsUndo) -> Result<Option<String>, Failure> {
    if undo.deployment.is_some() {
        return Ok(undo.deployment.clone());
    }
    let mut easing = Backoff::default();
    let mut unread = None;
    for _ in 0..UNANSWERED_LOOKS {
        let wanted = Wanted {
            place: &undo.place,
            known: &undo.before,
            revision: &undo.ours,
            run: undo.run.as_deref(),
        };
        match find_wanted(run, wanted)
            .await
            .map(DeploymentSearch::into_arn)
        {
            Ok(Some(arn)) => return Ok(Some(arn)),
            Ok(None) => unread = None,
            Err(error) => unread = Some(error),
        }
        easing.rest().await;
    }
    match unread {
        Some(error) => Err(stuck(
            "whether a deployment was started could not be read",
            &error,
            undo,
        )),
        None => Ok(None),
    }
}

/// A deployment that is over, or on its way back, cannot be stopped, and need not be.
async fn stop(run: &Run, arn: &str) -> Result<(), Failure> {
    match run.aws.stop_service_deployment(arn).await {
        Ok(()) => run.tell(UndoFact::StoppedWithRollback {
            deployment: UndoneDeployment::Ecs {
                id: short_name(arn).to_owned(),
            },
        }),
        Err(error) if error.kind == AwsErrorKind::Refused => run.tell(Event::Noted {
            sentence: error.to_string().into(),
        }),
        Err(error) if error.kind == AwsErrorKind::Denied && rejected(run, arn).await => {}
        Err(error) => {
            let hints = error.hint();
            let failure = Failure::new(
                Reason::AwsFailed,
                "the service deployment could not be stopped",
            )
            .caused_by(error.to_string());
            return Err(hints
                .into_iter()
                .fold(failure, Failure::hint)
                .hint(by_hand(arn)));
        }
    }
    Ok(())
}

/// Who may not stop the deployment may still answer its pause with a rollback, where it waits at
/// one.
async fn rejected(run: &Run, arn: &str) -> bool {
    let Ok(Some(deployment)) = run.aws.describe_service_deployment(arn).await else {
        return false;
    };
    for hook in deployment.awaiting() {
        if run
            .aws
            .continue_service_deployment(arn, &hook.hook_id, Answered::Rollback)
            .await
            .is_ok()
        {
            run.tell(UndoFact::GateAnswered {
                deployment: UndoneDeployment::Ecs {
                    id: short_name(arn).to_owned(),
                },
            });
            return true;
        }
    }
    false
}

async fn ended(run: &Run, undo: &EcsUndo, arn: &str) -> Result<ServiceDeployment, Failure> {
    let began = Instant::now();
    let mut easing = Backoff::default();
    let mut blind = Outage::default();
    let mut shown = String::new();
    while began.elapsed() < PATIENCE {
        let read = blind.keep(run.aws.describe_service_deployment(arn).await);
        match read.map_err(|error| stuck("the rollback could not be followed", &error, undo))? {
            Some(Some(deployment)) if deployment.is_over() => return Ok(deployment),
            Some(Some(deployment))
                if began.elapsed() > STALLED
                    && (undo.is_first || deployment.returns_to_nothing()) =>
            {
                return Err(nothing_to_return_to(undo, arn));
            }
            Some(Some(deployment)) if deployment.word != shown => {
                run.tell(UndoFact::Status {
                    deployment: UndoneDeployment::Ecs {
                        id: deployment.id().to_owned(),
                    },
                    status: deployment.word.clone().into(),
                });
                shown.clone_from(&deployment.word);
            }
            Some(None) => {
                return Err(Failure::new(
                    Reason::AwsFailed,
                    format!("service deployment {arn} is gone"),
                )
                .hint(by_hand(arn)));
            }
            Some(Some(_)) | None => {}
        }
        easing.rest().await;
    }
    let sentence = format!(
        "service deployment {} was not over after {} minutes",
        short_name(arn),
        PATIENCE.as_secs() / 60
    );
    Err(Failure::new(Reason::Timeout, sentence).hint(by_hand(arn)))
}

/// Nothing is believed before it was observed; a read that is older than the rollback gets a few
/// more looks.
async fn on_blue(run: &Run, undo: &EcsUndo, ended: &ServiceDeployment) -> Result<Undone, Failure> {
    let began = Instant::now();
    let mut easing = Backoff::default();
    loop {
        if let Some(newer) = other(run, undo, ended, DeploymentOrder::After).await {
            return Ok(Undone::Traffic(superseded(run, undo, newer).await));
        }
        let observed_by = observed_by(run, undo, ended).await;
        // Where weights do not tell, ECS has gone back to what somebody else deployed between our
        // look and ours.
        if observed_by.is_none_or(|observed_by| observed_by == ObservedBy::Deployment)
            && let Some(former) = other(run, undo, ended, DeploymentOrder::Before).await
        {
            return Ok(Undone::Traffic(superseded(run, undo, former).await));
        }
        if let Some(observed_by) = observed_by {
            put_count_back(run, undo).await;
            run.confirm_traffic(&undo.blue.revision, Serving::Blue, observed_by);
            return Ok(Undone::Traffic(Unwound::OnBlue {
                revision: undo.blue.revision.clone(),
                observed_by,
            }));
        }
        if began.elapsed() > patience(ended) {
            let sentence = format!(
                "service deployment {} is {}, but production is not all on blue",
                ended.id(),
                ended.word
            );
            let failure = Failure::new(Reason::RolloutFailed, sentence);
            let rules = traffic::rules_to_green(run, &undo.blue).await;
            return Err(rules
                .into_iter()
                .fold(failure, Failure::caused_by)
                .hint(new_rollout(undo)));
        }
        easing.rest().await;
    }
}

async fn superseded(run: &Run, undo: &EcsUndo, by: String) -> Unwound {
    Unwound::Superseded {
        by,
        serves: Box::pin(serving::now(run, &undo.place, &undo.blue)).await,
    }
}

/// One that was stopped where it was moves no traffic any more; a rollback's last weights may take
/// a while to be read.
fn patience(ended: &ServiceDeployment) -> Duration {
    match ended.status() {
        DeploymentStatus::Stopped => Duration::from_secs(5),
        DeploymentStatus::Going
        | DeploymentStatus::Returning
        | DeploymentStatus::Successful
        | DeploymentStatus::RolledBack
        | DeploymentStatus::RollbackFailed => Duration::from_mins(1),
    }
}

/// Who says that blue serves: the listeners, else ECS's own word for a rollback.
async fn observed_by(run: &Run, undo: &EcsUndo, ended: &ServiceDeployment) -> Option<ObservedBy> {
    if let Some(observed) = observe(run, undo).await {
        return (observed.whole() == Some(Serving::Blue)).then_some(observed.observed_by);
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

/// Where production goes, where weights say it.
async fn observe(run: &Run, undo: &EcsUndo) -> Option<Observed> {
    let (place, blue) = undo.weights()?;
    traffic::observe(run, place, blue).await
}

/// When somebody else's deployment was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeploymentOrder {
    /// After ours.
    After,
    /// Before ours, and after our look at the service.
    Before,
}

/// Somebody else's deployment that was not there when we looked.
async fn other(
    run: &Run,
    undo: &EcsUndo,
    ended: &ServiceDeployment,
    order: DeploymentOrder,
) -> Option<String> {
    let history = run
        .aws
        .service_deployments(&undo.place.cluster, &undo.place.service)
        .await
        .ok()?;
    let ours = history.iter().position(|brief| brief.arn == ended.arn)?;
    let among = match order {
        DeploymentOrder::After => &history[..ours],
        DeploymentOrder::Before => &history[ours + 1..],
    };
    // One of before that did not succeed never served.
    let has_served = |brief: &Brief| {
        order == DeploymentOrder::After || brief.status() == DeploymentStatus::Successful
    };
    let other = among
        .iter()
        .find(|brief| !undo.before.contains(&brief.arn) && has_served(brief))?;
    Some(format!(
        "service deployment {} ({}) took over",
        short_name(&other.arn),
        other.word
    ))
}

/// The number of tasks is the service's, not the deployment's: a rollback leaves it.
async fn put_count_back(run: &Run, undo: &EcsUndo) {
    let Some(desired) = undo.desired else { return };
    let request = json!({ "cluster": undo.place.cluster, "service": undo.place.service, "desiredCount": desired });
    if let Err(error) = run.aws.update_service(&request).await {
        run.tell(ScalingFact::DesiredNotRestored {
            desired,
            error: error.to_string().into(),
        });
    }
}

/// It succeeded before it could be stopped: green serves, and blue is gone.
async fn too_late(
    run: &Run,
    undo: &EcsUndo,
    ended: &ServiceDeployment,
) -> Result<Unwound, Failure> {
    let id = ended.id();
    if observe(run, undo)
        .await
        .is_some_and(|observed| observed.whole() != Some(Serving::Green))
    {
        if let Some(newer) = other(run, undo, ended, DeploymentOrder::After).await {
            return Ok(superseded(run, undo, newer).await);
        }
        let sentence = format!(
            "service deployment {id} is over, and production is not all on green: somebody has changed the weights"
        );
        return Err(weights_changed(run, &undo.blue, sentence)
            .await
            .hint(new_rollout(undo)));
    }
    run.tell(UndoFact::TooLate {
        deployment: UndoneDeployment::Ecs { id: id.to_owned() },
        revision: undo.blue.revision.clone(),
    });
    Ok(Unwound::TooLate {
        revision: undo.ours.clone(),
    })
}

fn rollback_failed(undo: &EcsUndo, ended: &ServiceDeployment) -> Failure {
    let cause = ended
        .status_reason
        .as_deref()
        .map_or_else(|| "ECS gives no reason".into(), masked);
    Failure::new(
        Reason::RolloutFailed,
        format!("the rollback of service deployment {} failed", ended.id()),
    )
    .caused_by(cause)
    .hint(new_rollout(undo))
}

fn nothing_to_return_to(undo: &EcsUndo, arn: &str) -> Failure {
    let sentence = format!(
        "no deployment of the service ever succeeded: ECS has nothing to go back to, and service deployment {} stalls",
        short_name(arn)
    );
    Failure::new(Reason::NothingToReturnTo, sentence).hint(format!(
        "deploy a version that works: a newer deployment ends the stall; where nothing serves that must stay, aws ecs update-service --cluster {} --service {} --desired-count 0 ends it too (docs/stuck.md)",
        undo.place.cluster, undo.place.service
    ))
}

fn stuck(what: &str, error: &AwsError, undo: &EcsUndo) -> Failure {
    let failure = Failure::new(Reason::AwsFailed, what).caused_by(error.to_string());
    let hand = undo
        .deployment
        .as_deref()
        .map_or_else(|| new_rollout(undo), by_hand);
    error
        .hint()
        .into_iter()
        .fold(failure, Failure::hint)
        .hint(hand)
}

fn by_hand(arn: &str) -> String {
    format!(
        "by hand: aws ecs stop-service-deployment --service-deployment-arn {arn} --stop-type ROLLBACK (docs/stuck.md)"
    )
}

fn new_rollout(undo: &EcsUndo) -> String {
    format!(
        "bring the old revision back: mode: rollback with rollback-to: {}, or aws ecs update-service --cluster {} --service {} --task-definition {} (docs/stuck.md)",
        short_name(&undo.blue.revision),
        undo.place.cluster,
        undo.place.service,
        undo.blue.revision
    )
}
