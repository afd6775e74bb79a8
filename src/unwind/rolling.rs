//! The service goes back to the revision it ran; done when ECS has completed that deployment.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Trigger, Undone, Unwound};
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
use crate::scrub::masked;
use crate::undo::{Blue, RollingUndo};

/// Old tasks still run as a rule; new ones of the old revision start as fast as they did before.
const PATIENCE: Duration = Duration::from_mins(30);
/// What the circuit breaker needs to begin its own rollback after it gave our deployment up.
const BREAKER: Duration = Duration::from_secs(20);

/// A read may be older than our update, or an update that was not answered may still land: so many
/// looks in a row are believed.
const SURE: u32 = 4;

/// What the service works towards, seen from the undo.
enum Towards {
    /// The revision it ran; completed or not.
    Previous { is_completed: bool },
    /// The same, and ECS gave that deployment up, for AWS's reason.
    PreviousGivenUp { why: Option<String> },
    /// The revision it ran, by a deployment that ECS had given up before ours came.
    Untouched,
    /// Ours, and ECS itself will go back.
    OursGivenUp,
    /// Ours.
    Ours,
    /// Somebody else's.
    Other(String),
}

pub(super) async fn undo(run: &Run, undo: &RollingUndo, hand: Trigger) -> Result<Undone, Failure> {
    if undo.previous == undo.ours {
        return same(run, undo).await;
    }
    let began = Instant::now();
    let (mut sent, mut is_repeated) = (false, false);
    let mut settled = 0;
    let mut given_up: Option<Instant> = None;
    let mut blind = Outage::default();
    let mut easing = Backoff::default();
    while began.elapsed() < PATIENCE {
        let Some(towards) = blind
            .keep(look(run, undo).await)
            .map_err(|error| Failure::from(error).hint(command(undo)))?
        else {
            easing.rest().await;
            continue;
        };
        let is_settled = matches!(
            towards,
            Towards::Previous { is_completed: true } | Towards::Untouched
        );
        settled = if is_settled { settled + 1 } else { 0 };
        match towards {
            Towards::Previous { is_completed: true } | Towards::Untouched if settled < SURE => {
                if settled == 1 {
                    easing = Backoff::default();
                }
            }
            Towards::Previous { is_completed: true } => {
                run.confirm_traffic(&undo.previous, Serving::Blue, ObservedBy::Deployment);
                return Ok(Undone::Traffic(Unwound::OnBlue {
                    revision: undo.previous.clone(),
                    observed_by: ObservedBy::Deployment,
                }));
            }
            Towards::Untouched => return Ok(Undone::Nothing),
            Towards::Previous {
                is_completed: false,
            } => given_up = None,
            // ECS may go back by itself once more.
            Towards::PreviousGivenUp { .. }
                if given_up.get_or_insert_with(Instant::now).elapsed() < BREAKER => {}
            // An alarm that rings as a deployment begins is not watched by it.
            Towards::PreviousGivenUp { why }
                if hand == Trigger::Stop && !is_repeated && is_of_alarms(why.as_deref()) =>
            {
                // Without force ECS makes no new deployment of the revision that the service is
                // given already. The count is set with the way back; by now it may be somebody
                // else's.
                let mut request = if sent {
                    way_back(undo)
                } else {
                    update_request(&undo.place.cluster, &undo.place.service, &undo.previous)
                };
                request["forceNewDeployment"] = json!(true);
                is_repeated = put_back(run, undo, &request).await?;
                given_up = None;
            }
            Towards::PreviousGivenUp { why } => return Err(previous_given_up(undo, why)),
            Towards::OursGivenUp if began.elapsed() < BREAKER => {}
            Towards::Ours | Towards::OursGivenUp if sent => {}
            Towards::Ours | Towards::OursGivenUp if hand == Trigger::Watch => {
                return Err(left_in_between(undo));
            }
            Towards::Ours | Towards::OursGivenUp => {
                sent = put_back(run, undo, &way_back(undo)).await?;
            }
            Towards::Other(by) => {
                let blue = Blue {
                    revision: undo.previous.clone(),
                    ..Blue::default()
                };
                let serves = Box::pin(serving::now(run, &undo.place, &blue)).await;
                return Ok(Undone::Traffic(Unwound::Superseded { by, serves }));
            }
        }
        easing.rest().await;
    }
    Err(Failure::new(
        Reason::Timeout,
        format!(
            "{} was not back after {} minutes",
            short_name(&undo.previous),
            PATIENCE.as_secs() / 60
        ),
    )
    .hint(command(undo)))
}

fn is_of_alarms(why: Option<&str>) -> bool {
    why.is_some_and(|why| why.to_lowercase().contains("alarm"))
}

fn previous_given_up(undo: &RollingUndo, why: Option<String>) -> Failure {
    let failure = Failure::new(
        Reason::RolloutFailed,
        format!("ECS gave the way back to {} up", short_name(&undo.previous)),
    );
    why.into_iter()
        .fold(failure, Failure::caused_by)
        .hint(command(undo))
}

/// ECS gave it up and does not go back by itself, and it is not ours to touch.
fn left_in_between(undo: &RollingUndo) -> Failure {
    Failure::new(
        Reason::RolloutFailed,
        format!(
            "ECS gave {} up and leaves its tasks and the old ones as they are",
            short_name(&undo.ours)
        ),
    )
    .hint(command(undo))
}

/// The same revision was deployed again by force: it serves, whatever came of it.
async fn same(run: &Run, undo: &RollingUndo) -> Result<Undone, Failure> {
    let Ok(ServiceLookup::Service(service)) = run
        .aws
        .describe_service(&undo.place.cluster, &undo.place.service)
        .await
    else {
        return Err(
            Failure::new(Reason::RolloutFailed, "the service could not be read")
                .hint(command(undo)),
        );
    };
    if service
        .deployments
        .iter()
        .all(|deployment| undo.before.contains(&deployment.id))
    {
        return Ok(Undone::Nothing);
    }
    Err(Failure::new(
        Reason::RolloutFailed,
        format!(
            "{} was deployed again; there is no other revision to go back to",
            short_name(&undo.ours)
        ),
    )
    .hint(command(undo)))
}

async fn look(run: &Run, undo: &RollingUndo) -> Result<Towards, AwsError> {
    match run
        .aws
        .describe_service(&undo.place.cluster, &undo.place.service)
        .await?
    {
        ServiceLookup::Service(service) => Ok(towards(&service, undo)),
        ServiceLookup::Missing(word) => Ok(Towards::Other(format!("the service is {word} now"))),
    }
}

fn towards(service: &Service, undo: &RollingUndo) -> Towards {
    let Some(primary) = service.primary_deployment() else {
        return Towards::Other("the service has no deployment".into());
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
                return Towards::Untouched;
            }
            return Towards::PreviousGivenUp {
                why: primary.rollout_state_reason.as_deref().map(masked),
            };
        }
        return Towards::Previous {
            is_completed: primary.is_completed() || settled || never_left,
        };
    }
    // The same revision may have been deployed again since, by somebody else: that is not ours to
    // take back.
    if primary.task_definition == undo.ours
        && undo
            .deployment
            .as_ref()
            .is_none_or(|ours| *ours == primary.id)
    {
        return if primary.is_failed() && service.circuit_breaker().rollback {
            Towards::OursGivenUp
        } else {
            Towards::Ours
        };
    }
    Towards::Other(format!(
        "deployment {} of {} took over",
        primary.id,
        short_name(&primary.task_definition)
    ))
}

/// The revision and the count that the service had.
fn way_back(undo: &RollingUndo) -> Value {
    let mut request = update_request(&undo.place.cluster, &undo.place.service, &undo.previous);
    if let Some(desired) = undo.desired {
        request["desiredCount"] = json!(desired);
    }
    request
}

/// Whether AWS took it; when its answer was lost, the next look shows.
async fn put_back(run: &Run, undo: &RollingUndo, request: &Value) -> Result<bool, Failure> {
    match run.aws.update_service(request).await {
        Ok(_) => {
            run.tell(UndoFact::ServiceGoesBack {
                revision: undo.previous.clone(),
            });
            Ok(true)
        }
        Err(error) if error.may_have_landed() => Ok(false),
        Err(error) => Err(Failure::from(error).hint(command(undo))),
    }
}

fn command(undo: &RollingUndo) -> String {
    format!(
        "by hand: aws ecs update-service --cluster {} --service {} --task-definition {} (docs/stuck.md)",
        undo.place.cluster, undo.place.service, undo.previous
    )
}
