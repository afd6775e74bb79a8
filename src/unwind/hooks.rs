//! Removes our PAUSE hooks from the service; where nothing of the rollout stays, restores its
//! strategy.
//!
//! A hook that is left behind would stop the next deployment that anyone starts. Those of another
//! run are its own gates.

use super::UndoOutcome;
use crate::aws::AwsError;
use crate::aws::ecs::{PAUSE_TAG, ServiceLookup, configuration_request};
use crate::aws::ecs_shapes::Service;
use crate::documents::deployment_configuration::{
    HookIdentity, restored_configuration, without_own_hooks,
};
use crate::error::{Explain, Failure};
use crate::event::fact::{HooksFact, TagValue};
use crate::outcome::Reason;
use crate::poll_interval::Backoff;
use crate::run::Run;
use crate::undo::HooksUndo;

/// The value of a tag that names no hook.
const EMPTY_TAG: &str = "-";

/// An update that was not seen to take is sent again; this many looks in all.
const TRIES: u32 = 8;
/// A read may be older than the update that set the hooks: that they are gone is only believed when
/// it was read so often.
const SURE_LOOKS: u32 = 4;

/// What one read of the service showed.
enum HooksState {
    /// The service shows no such hook.
    Gone,
    /// The update's answer shows that they are removed.
    Removed,
    /// They are still there.
    Present,
}

pub(super) async fn undo(run: &Run, undo: &HooksUndo) -> Result<UndoOutcome, Failure> {
    let mut backoff = Backoff::default();
    let (mut last, mut gone) = (None, 0);
    for _ in 0..TRIES {
        match remove_once(run, undo).await {
            Ok(HooksState::Removed) => return Ok(UndoOutcome::Done),
            Ok(HooksState::Gone) => gone += 1,
            Ok(HooksState::Present) => gone = 0,
            Err(error) if error.may_have_landed() => last = Some(error),
            Err(error) => return Err(stuck_failure(undo, Some(&error))),
        }
        if gone == SURE_LOOKS {
            return Ok(UndoOutcome::NothingToUndo);
        }
        backoff.wait().await;
    }
    Err(stuck_failure(undo, last.as_ref()))
}

/// Reads the service, and updates it while our hooks are there.
async fn remove_once(run: &Run, undo: &HooksUndo) -> Result<HooksState, AwsError> {
    let ServiceLookup::Service(service) = run
        .aws
        .describe_service(&undo.place.cluster, &undo.place.service)
        .await?
    else {
        return Ok(HooksState::Gone);
    };
    // Where ECS keeps no marks, the tag says whose a hook is: one of the same form may be another
    // run's by now.
    let (tag, other) = match service.tagged_pause() {
        Some(tag) if is_target_run(undo, &tag.run) => (Some(tag), None),
        theirs => (None, theirs),
    };
    let own = undo.pause.as_ref().filter(|_| other.is_none());
    let own_hooks = HookIdentity {
        pause: own.or(tag.as_ref()),
        before: &undo.before,
    };
    let Some(changed) = wanted_configuration(&service, undo, own_hooks) else {
        untag(run, undo, &service).await;
        return Ok(HooksState::Gone);
    };
    let answered = run
        .aws
        .update_service(&configuration_request(
            &undo.place.cluster,
            &undo.place.service,
            &changed,
        ))
        .await?;
    if wanted_configuration(&answered, undo, own_hooks).is_some() {
        return Ok(HooksState::Present);
    }
    untag(run, undo, &service).await;
    Ok(HooksState::Removed)
}

/// Whether the hooks of this run are to be removed.
fn is_target_run(undo: &HooksUndo, run: &str) -> bool {
    undo.run.as_deref().is_none_or(|meant| meant == run)
}

fn wanted_configuration(
    service: &Service,
    undo: &HooksUndo,
    own_hooks: HookIdentity<'_>,
) -> Option<serde_json::Value> {
    let present = service
        .deployment_configuration
        .as_ref()
        .filter(|_| service.is_active())?;
    match &undo.strategy {
        Some(before) => restored_configuration(present, before, undo.run.as_deref(), own_hooks),
        None => without_own_hooks(present, undo.run.as_deref(), own_hooks),
    }
}

/// The tag is removed last: until then a later run recognises the hooks by it. One that cannot be
/// removed is emptied, so that no hook of the user's is taken for ours; that it stays is no
/// failure.
async fn untag(run: &Run, undo: &HooksUndo, service: &Service) {
    let is_ours = service.tagged_pause().map_or_else(
        || undo.run.is_none() && service.has_pause_tag(),
        |tag| is_target_run(undo, &tag.run),
    );
    if !is_ours {
        return;
    }
    let Err(error) = run.aws.untag_service(&service.service_arn).await else {
        return;
    };
    let emptied = match run.aws.tag_service(&service.service_arn, EMPTY_TAG).await {
        Ok(()) => TagValue::Empty,
        Err(_) => TagValue::Form,
    };
    run.emit(HooksFact::TagStays {
        tag: PAUSE_TAG.to_owned(),
        emptied,
        error: error.to_string().into(),
    });
}

fn stuck_failure(undo: &HooksUndo, error: Option<&AwsError>) -> Failure {
    let failure = Failure::new(
        Reason::AwsFailed,
        "the PAUSE hooks of this run are still on the service, and would stop the next deployment",
    );
    let failure = match error {
        Some(error) => error
            .hint()
            .into_iter()
            .fold(failure.with_cause(error.to_string()), Failure::with_hint),
        None => failure,
    };
    let stages = undo
        .pause
        .as_ref()
        .map(|pause| format!(", which pause at {}", pause.stages.join(", ")))
        .unwrap_or_default();
    failure.with_hint(format!(
        "by hand: aws ecs update-service --cluster {} --service {} --deployment-configuration with the lifecycleHooks but those of this run{stages} (docs/stuck.md)",
        undo.place.cluster, undo.place.service
    ))
}
