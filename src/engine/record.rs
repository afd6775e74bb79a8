//! The last thing a deployment does: it writes what it left into a tag of the service, with which
//! later runs find what was changed by hand.
//!
//! It changes no outcome: what keeps it from being written is said, and nothing else happens.

use std::time::Duration;

use super::Ending;
use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::Service;
use crate::documents::deployment_configuration::HookIdentity;
use crate::documents::service_fields::{canonical_fields, desired_count};
use crate::drift::{DeployedState, DeploymentRecord, RECORD_TAG, RecordedRun};
use crate::error::Explain as _;
use crate::event::fact::DriftFact;
use crate::outcome::{Outcome, Reason};
use crate::own_deployment::{OwnDeployment, SeenEnd, epoch_now};
use crate::run::Run;

/// AWS has so long to take the record.
const TIMEOUT: Duration = Duration::from_secs(3);
/// And so long in a run that was cancelled, which has spent most of its grace period.
const TIMEOUT_ON_CANCEL: Duration = Duration::from_secs(1);

/// Writes the record of this run's deployment, where it has one to tell about.
pub(super) async fn write(run: &Run, ending: &Ending) {
    let Some(own) = run.own_deployment() else {
        return;
    };
    let timeout = if ending.reason == Reason::Cancelled {
        TIMEOUT_ON_CANCEL
    } else {
        TIMEOUT
    };
    let written = match (own.end, ending.outcome) {
        (SeenEnd::Seen, _) => tokio::time::timeout(timeout, write_deployed(run, &own)).await,
        (SeenEnd::NotSeen, _) if ending.reason == Reason::Superseded => return,
        (
            SeenEnd::NotSeen,
            Outcome::Started | Outcome::StillRunning | Outcome::Stuck | Outcome::Deployed,
        ) => tokio::time::timeout(timeout, write_unfinished(run, &own)).await,
        // What was deployed before serves, or a gate waits for an answer.
        (SeenEnd::NotSeen, _) => return,
    };
    let why = match written {
        Ok(Ok(())) => return,
        Ok(Err(error)) => explain(&error),
        Err(_) => format!("AWS did not take it within {} s", timeout.as_secs()),
    };
    run.emit(DriftFact::NotRecorded { why: why.into() });
}

fn explain(error: &AwsError) -> String {
    match error.hint() {
        Some(hint) => format!("{}; {hint}", error.summary()),
        None => error.summary(),
    }
}

/// Reads the service once more, as the deployment left it, and writes that down.
async fn write_deployed(run: &Run, own: &OwnDeployment) -> Result<(), AwsError> {
    let (service, definition) = tokio::join!(
        describe(run, own),
        run.aws.describe_task_definition(own.revision.as_str())
    );
    let Some(service) = service? else {
        return Ok(());
    };
    if *service.revision() != own.revision {
        run.emit(DriftFact::Overtaken {
            revision: short_name(service.revision()).to_owned(),
        });
        return Ok(());
    }
    let pause = service.tagged_pause();
    let state = DeployedState::new(
        recorded_run(run),
        &own.revision,
        &definition?,
        &canonical_fields(&service.answer, HookIdentity::from_pause(pause.as_ref())),
        desired_count(&service.answer),
    );
    set(run, &service, &DeploymentRecord::Deployed(state)).await
}

/// Whoever compares later must not take what this deployment changes for a change by hand.
async fn write_unfinished(run: &Run, own: &OwnDeployment) -> Result<(), AwsError> {
    let Some(service) = describe(run, own).await? else {
        return Ok(());
    };
    let there = service.tag(RECORD_TAG).and_then(DeploymentRecord::from_tag);
    if there.is_some_and(|record| record.by().at > own.began_at) {
        return Ok(()); // a later deployment has written its own
    }
    set(
        run,
        &service,
        &DeploymentRecord::Unfinished(recorded_run(run)),
    )
    .await
}

async fn describe(run: &Run, own: &OwnDeployment) -> Result<Option<Service>, AwsError> {
    let place = &own.place;
    let found = run.aws.describe_service(&place.cluster, &place.service);
    Ok(match found.await? {
        ServiceLookup::Service(service) => Some(*service),
        ServiceLookup::Missing(_) => None,
    })
}

async fn set(run: &Run, service: &Service, record: &DeploymentRecord) -> Result<(), AwsError> {
    run.aws
        .set_service_tag(&service.service_arn, RECORD_TAG, &record.to_tag())
        .await
}

fn recorded_run(run: &Run) -> RecordedRun {
    RecordedRun {
        run: run.id.clone(),
        at: epoch_now(),
    }
}
