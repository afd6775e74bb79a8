//! Returns the service to the revision it ran; done when ECS has completed that deployment.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Trigger, UndoOutcome, UnwindOutcome};
use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs::{ServiceLookup, update_request};
use crate::aws::ecs_shapes::Service;
use crate::error::Failure;
use crate::event::ObservedBy;
use crate::event::Serving;
use crate::event::fact::UndoFact;
use crate::observe::outage::Outage;
use crate::observe::serving;
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::run::Run;
use crate::scrub::mask;
use crate::undo::{Blue, RollingUndo};

/// Old tasks still run as a rule; new ones of the old revision start as fast as they did before.
const TIMEOUT: Duration = Duration::from_mins(30);
/// How long the circuit breaker takes to start its own rollback after it gave up our deployment.
const BREAKER_DELAY: Duration = Duration::from_secs(20);

/// A read may be older than our update, or an update that was not answered may still arrive: only
/// this many equal reads in a row count.
const SURE_LOOKS: u32 = 4;

/// Which revision the service is deploying, seen from the undo.
enum ServiceGoal {
    /// The revision it ran; completed or not.
    Previous { is_completed: bool },
    /// The same, but ECS gave up that deployment; `why` is AWS's reason.
    PreviousGivenUp { why: Option<String> },
    /// The revision it ran, by a deployment that ECS had given up before ours started.
    Untouched,
    /// Ours, and ECS will roll back by itself.
    OursGivenUp,
    /// Our revision.
    Ours,
    /// Somebody else's.
    Other(String),
}

pub(super) async fn undo(
    run: &Run,
    undo: &RollingUndo,
    trigger: Trigger,
) -> Result<UndoOutcome, Failure> {
    if undo.previous == undo.ours {
        return undo_forced_redeploy(run, undo).await;
    }
    let began = Instant::now();
    let (mut sent, mut is_repeated) = (false, false);
    let mut settled = 0;
    let mut given_up: Option<Instant> = None;
    let mut outage = Outage::default();
    let mut backoff = Backoff::default();
    while began.elapsed() < TIMEOUT {
        let Some(goal) = outage
            .tolerate(read_goal(run, undo).await)
            .map_err(|error| Failure::from(error).with_hint(manual_hint(undo)))?
        else {
            backoff.wait().await;
            continue;
        };
        let is_settled = matches!(
            goal,
            ServiceGoal::Previous { is_completed: true } | ServiceGoal::Untouched
        );
        settled = if is_settled { settled + 1 } else { 0 };
        match goal {
            ServiceGoal::Previous { is_completed: true } | ServiceGoal::Untouched
                if settled < SURE_LOOKS =>
            {
                if settled == 1 {
                    backoff = Backoff::default();
                }
            }
            ServiceGoal::Previous { is_completed: true } => {
                run.confirm_traffic(&undo.previous, Serving::Blue, ObservedBy::Deployment);
                return Ok(UndoOutcome::Traffic(UnwindOutcome::OnBlue {
                    revision: undo.previous.clone(),
                    observed_by: ObservedBy::Deployment,
                }));
            }
            ServiceGoal::Untouched => return Ok(UndoOutcome::Done),
            ServiceGoal::Previous {
                is_completed: false,
            } => given_up = None,
            // ECS may roll back by itself once more.
            ServiceGoal::PreviousGivenUp { .. }
                if given_up.get_or_insert_with(Instant::now).elapsed() < BREAKER_DELAY => {}
            // ECS does not watch an alarm that is in ALARM when a deployment begins.
            ServiceGoal::PreviousGivenUp { why }
                if trigger == Trigger::Stop && !is_repeated && mentions_alarm(why.as_deref()) =>
            {
                // The count is set only where our rollback request has set it before; else it may
                // be somebody else's by now.
                let request = if sent {
                    rollback_request(undo)
                } else {
                    update_request(&undo.place.cluster, &undo.place.service, &undo.previous)
                };
                is_repeated = send_rollback(run, undo, &force_deployment(request)).await?;
                given_up = None;
            }
            ServiceGoal::PreviousGivenUp { why } => return Err(given_up_failure(undo, why)),
            ServiceGoal::OursGivenUp if began.elapsed() < BREAKER_DELAY => {}
            ServiceGoal::Ours | ServiceGoal::OursGivenUp if sent => {}
            ServiceGoal::Ours | ServiceGoal::OursGivenUp if trigger == Trigger::Watch => {
                return Err(half_way_failure(undo));
            }
            ServiceGoal::Ours | ServiceGoal::OursGivenUp => {
                sent = send_rollback(run, undo, &rollback_request(undo)).await?;
            }
            ServiceGoal::Other(by) => {
                return Ok(superseded(run, undo, by).await);
            }
        }
        backoff.wait().await;
    }
    Err(Failure::new(
        Reason::Timeout,
        format!(
            "{} was not back after {} minutes",
            short_name(&undo.previous),
            TIMEOUT.as_secs() / 60
        ),
    )
    .with_hint(manual_hint(undo)))
}

/// Without force ECS starts no new deployment of the revision that the service already has.
fn force_deployment(mut request: Value) -> Value {
    request["forceNewDeployment"] = json!(true);
    request
}

/// Somebody else's deployment took over.
async fn superseded(run: &Run, undo: &RollingUndo, by: String) -> UndoOutcome {
    let blue = Blue {
        revision: undo.previous.clone(),
        ..Blue::default()
    };
    let serves = Box::pin(serving::describe(run, &undo.place, &blue)).await;
    UndoOutcome::Traffic(UnwindOutcome::Superseded { by, serves })
}

fn mentions_alarm(why: Option<&str>) -> bool {
    why.is_some_and(|why| why.to_lowercase().contains("alarm"))
}

fn given_up_failure(undo: &RollingUndo, why: Option<String>) -> Failure {
    let failure = Failure::new(
        Reason::RolloutFailed,
        format!("ECS gave up the rollback to {}", short_name(&undo.previous)),
    );
    why.into_iter()
        .fold(failure, Failure::with_cause)
        .with_hint(manual_hint(undo))
}

/// ECS gave it up and does not roll back by itself, and this run may not change it.
fn half_way_failure(undo: &RollingUndo) -> Failure {
    Failure::new(
        Reason::RolloutFailed,
        format!(
            "ECS gave up {}, and leaves its tasks and the old ones as they are",
            short_name(&undo.ours)
        ),
    )
    .with_hint(manual_hint(undo))
}

/// The same revision was deployed again by force: it serves, however that deployment ended.
async fn undo_forced_redeploy(run: &Run, undo: &RollingUndo) -> Result<UndoOutcome, Failure> {
    let Ok(ServiceLookup::Service(service)) = run
        .aws
        .describe_service(&undo.place.cluster, &undo.place.service)
        .await
    else {
        return Err(
            Failure::new(Reason::RolloutFailed, "the service could not be read")
                .with_hint(manual_hint(undo)),
        );
    };
    if service
        .deployments
        .iter()
        .all(|deployment| undo.before.contains(&deployment.id))
    {
        return Ok(UndoOutcome::Done);
    }
    Err(Failure::new(
        Reason::RolloutFailed,
        format!(
            "{} was deployed again; there is no other revision to go back to",
            short_name(&undo.ours)
        ),
    )
    .with_hint(manual_hint(undo)))
}

async fn read_goal(run: &Run, undo: &RollingUndo) -> Result<ServiceGoal, AwsError> {
    match run
        .aws
        .describe_service(&undo.place.cluster, &undo.place.service)
        .await?
    {
        ServiceLookup::Service(service) => Ok(goal_of(&service, undo)),
        ServiceLookup::Missing(word) => {
            Ok(ServiceGoal::Other(format!("the service is {word} now")))
        }
    }
}

fn goal_of(service: &Service, undo: &RollingUndo) -> ServiceGoal {
    let Some(primary) = service.primary_deployment() else {
        return ServiceGoal::Other("the service has no deployment".into());
    };
    if primary.task_definition == undo.previous {
        let settled = primary.rollout_state.is_none()
            && service.deployments.len() == 1
            && primary.running_count == primary.desired_count;
        // The tasks that had not been replaced yet are of that revision, too.
        let is_all = service
            .deployments
            .iter()
            .all(|other| other.task_definition == undo.previous || other.running_count == 0);
        let never_left = primary.is_failed()
            && is_all
            && service.running_count >= service.desired_count
            && service.running_count > 0;
        if primary.is_failed() && !never_left {
            if undo.before.contains(&primary.id) {
                return ServiceGoal::Untouched;
            }
            return ServiceGoal::PreviousGivenUp {
                why: primary.rollout_state_reason.as_deref().map(mask),
            };
        }
        return ServiceGoal::Previous {
            is_completed: primary.is_completed() || settled || never_left,
        };
    }
    // The same revision may have been deployed again since, by somebody else: that is not ours to
    // undo.
    if primary.task_definition == undo.ours
        && undo
            .deployment
            .as_ref()
            .is_none_or(|ours| *ours == primary.id)
    {
        return if primary.is_failed() && service.circuit_breaker().rollback {
            ServiceGoal::OursGivenUp
        } else {
            ServiceGoal::Ours
        };
    }
    ServiceGoal::Other(format!(
        "deployment {} of {} took over",
        primary.id,
        short_name(&primary.task_definition)
    ))
}

/// The request that restores the revision and the count that the service had.
fn rollback_request(undo: &RollingUndo) -> Value {
    let mut request = update_request(&undo.place.cluster, &undo.place.service, &undo.previous);
    if let Some(desired) = undo.desired {
        request["desiredCount"] = json!(desired);
    }
    request
}

/// Whether AWS accepted it; when its answer was lost, the next read shows whether it did.
async fn send_rollback(run: &Run, undo: &RollingUndo, request: &Value) -> Result<bool, Failure> {
    match run.aws.update_service(request).await {
        Ok(_) => {
            run.emit(UndoFact::ServiceGoesBack {
                revision: undo.previous.clone(),
            });
            Ok(true)
        }
        Err(error) if error.may_have_landed() => Ok(false),
        Err(error) => Err(Failure::from(error).with_hint(manual_hint(undo))),
    }
}

fn manual_hint(undo: &RollingUndo) -> String {
    format!(
        "by hand: aws ecs update-service --cluster {} --service {} --task-definition {} (docs/stuck.md)",
        undo.place.cluster, undo.place.service, undo.previous
    )
}
