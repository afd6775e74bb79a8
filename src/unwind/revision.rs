//! Deregisters our revision, unless something uses it. A revision that stays registered does no
//! harm: a warning, not stuck.

use super::UndoOutcome;
use crate::aws::AwsErrorKind;
use crate::aws::ecs::ServiceLookup;
use crate::aws::ecs_shapes::{RollingDeployment, Service};
use crate::error::Failure;
use crate::event::fact::RevisionFact;
use crate::identity::RevisionArn;
use crate::run::Run;
use crate::undo::RevisionUndo;

pub(super) async fn undo(run: &Run, undo: &RevisionUndo) -> Result<UndoOutcome, Failure> {
    if is_in_use(run, undo).await {
        run.emit(RevisionFact::StaysInUse {
            revision: undo.arn.clone(),
        });
        return Ok(UndoOutcome::NothingToUndo);
    }
    match run.aws.deregister_task_definition(&undo.arn).await {
        Ok(()) => return Ok(UndoOutcome::Done),
        // It is deregistered already.
        Err(error) if error.has_code("ClientException") || error.has_code("InvalidParameter") => {
            return Ok(UndoOutcome::Done);
        }
        Err(error) if error.kind == AwsErrorKind::Denied => {
            run.limit_check("the revision of this run stays registered", &error);
        }
        Err(error) => run.emit(RevisionFact::NotDeregistered {
            revision: undo.arn.clone(),
            error: error.to_string().into(),
        }),
    }
    Ok(UndoOutcome::NothingToUndo)
}

async fn is_in_use(run: &Run, undo: &RevisionUndo) -> bool {
    let Some(place) = &undo.service else {
        return false;
    };
    match run
        .aws
        .describe_service(&place.cluster, &place.service)
        .await
    {
        Ok(ServiceLookup::Service(service)) => is_serving(&service, &undo.arn),
        Ok(ServiceLookup::Missing(_)) => false,
        Err(_) => true, // what cannot be read is not touched
    }
}

/// Tasks that are still going away do not need their revision to be registered. A newer deployment
/// that is not complete may roll back to the one that was complete before it.
pub(super) fn is_serving(service: &Service, revision: &RevisionArn) -> bool {
    let is_of_revision = |deployment: &&RollingDeployment| deployment.task_definition == *revision;
    let primary = service.primary_deployment();
    let may_return = primary.is_some_and(|primary| !primary.is_completed())
        && service
            .deployments
            .iter()
            .filter(is_of_revision)
            .any(|deployment| deployment.is_completed() && deployment.running_count > 0);
    primary.as_ref().is_some_and(is_of_revision)
        || may_return
        || service.task_definition == *revision
        || service
            .primary_task_set()
            .is_some_and(|set| set.task_definition == *revision)
}
