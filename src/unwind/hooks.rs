//! Our PAUSE hooks are taken off the service; where nothing of the rollout stays, the strategy is as it was.
//!
//! A hook that is left behind would stop the next deployment that anyone starts. Those of another run are its own gates.

use super::Undone;
use crate::aws::AwsError;
use crate::aws::ecs;
use crate::aws::ecs_shapes::Service;
use crate::documents::deployment_configuration::{as_before, without_ours};
use crate::error::{Explain, Failure};
use crate::outcome::Reason;
use crate::pace::Easing;
use crate::run::Run;
use crate::steps::rollout::native::configuration_request;
use crate::undo::HooksUndo;

/// An update that was not seen to take is sent this often in all.
const TRIES: u32 = 4;

pub(super) async fn take_back(run: &Run, undo: &HooksUndo) -> Result<Undone, Failure> {
    let mut easing = Easing::default();
    let mut last = None;
    for attempt in 0..TRIES {
        match once(run, undo).await {
            Ok(Found::There) if attempt == 0 => return Ok(Undone::Absent),
            Ok(Found::There | Found::Made) => return Ok(Undone::Nothing),
            Ok(Found::Not) => {}
            Err(error) if error.may_have_landed() => last = Some(error),
            Err(error) => return Err(stuck(undo, Some(&error))),
        }
        easing.rest().await;
    }
    Err(stuck(undo, last.as_ref()))
}

/// How the service's configuration was found.
enum Found {
    /// As it should be.
    There,
    /// Otherwise; it was made so.
    Made,
    /// Otherwise, and AWS did not make it so.
    Not,
}

async fn once(run: &Run, undo: &HooksUndo) -> Result<Found, AwsError> {
    let ecs::Found::Service(service) = run.aws.describe_service(&undo.place.cluster, &undo.place.service).await? else {
        return Ok(Found::There);
    };
    let Some(changed) = wanted(&service, undo) else { return Ok(Found::There) };
    let answered = run.aws.update_service(&configuration_request(&undo.place, &changed)).await?;
    Ok(if wanted(&answered, undo).is_none() { Found::Made } else { Found::Not })
}

fn wanted(service: &Service, undo: &HooksUndo) -> Option<serde_json::Value> {
    let present = service.deployment_configuration.as_ref().filter(|_| service.is_active())?;
    match &undo.strategy {
        Some(before) => as_before(present, before, undo.run.as_deref()),
        None => without_ours(present, undo.run.as_deref()),
    }
}

fn stuck(undo: &HooksUndo, error: Option<&AwsError>) -> Failure {
    let failure =
        Failure::new(Reason::AwsFailed, "the PAUSE hooks of this run are still on the service, and would stop the next deployment");
    let failure = match error {
        Some(error) => error.hint().into_iter().fold(failure.caused_by(error.to_string()), Failure::hint),
        None => failure,
    };
    failure.hint(format!(
        "by hand: aws ecs update-service --cluster {} --service {} --deployment-configuration with the lifecycleHooks that carry no ecsBluegreenAction (docs/stuck.md)",
        undo.place.cluster, undo.place.service
    ))
}
