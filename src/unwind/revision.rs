//! Our revision is deregistered, unless something uses it. A revision that is left hurts nobody: a warning, not stuck.

use super::Undone;
use crate::aws::Kind;
use crate::aws::ecs::Found;
use crate::aws::ecs_shapes::Service;
use crate::error::Failure;
use crate::event::Event;
use crate::run::Run;
use crate::undo::{RevisionUndo, short};

pub(super) async fn take_back(run: &Run, undo: &RevisionUndo) -> Result<Undone, Failure> {
    if is_in_use(run, undo).await {
        run.tell(Event::Noted { sentence: format!("{} stays registered: the service still uses it", short(&undo.arn)) });
        return Ok(Undone::Nothing);
    }
    match run.aws.deregister_task_definition(&undo.arn).await {
        Ok(()) => {}
        Err(error) if error.kind == Kind::Denied => run.narrow_check("the revision of this run stays registered", &error),
        Err(error) if error.is("ClientException") || error.is("InvalidParameter") => {}
        Err(error) => run.tell(Event::Warned { sentence: format!("{} stays registered: {error}", short(&undo.arn)) }),
    }
    Ok(Undone::Nothing)
}

async fn is_in_use(run: &Run, undo: &RevisionUndo) -> bool {
    let Some(place) = &undo.service else { return false };
    match run.aws.describe_service(&place.cluster, &place.service).await {
        Ok(Found::Service(service)) => serves(&service, &undo.arn),
        Ok(Found::Missing(_)) => false,
        Err(_) => true, // what cannot be seen is not touched
    }
}

/// Tasks that are still going away do not need their revision to be registered.
fn serves(service: &Service, revision: &str) -> bool {
    let primary = service.primary_deployment().is_some_and(|deployment| deployment.task_definition == revision);
    primary || service.task_definition == revision || service.primary_task_set().is_some_and(|set| set.task_definition == revision)
}
