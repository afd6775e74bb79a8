//! PURE: the definition that is registered, except for its image, and what it is compared with.

use serde_json::Value;

use crate::documents::task_definition::TaskDefinition;
use crate::documents::{clean, described, patch, render};
use crate::outcome::Mode;
use crate::problem::Problem;
use crate::settings::{DefinitionSource, Settings};
use crate::survey::{RegisteredRevision, Snapshot};

/// The service's live revision first. The family's newest one may have been registered by a run
/// that was cut short. A rollback deploys the given revision itself, unless it is no longer
/// registered.
pub(super) fn comparable_revisions(
    settings: &Settings,
    snapshot: &Snapshot,
) -> Vec<RegisteredRevision> {
    let is_active = |registered: &&RegisteredRevision| {
        registered.answer["taskDefinition"]["status"] != "INACTIVE"
    };
    let target = snapshot
        .base_revision
        .iter()
        .filter(|_| settings.mode == Mode::Rollback);
    target
        .chain(&snapshot.live_revision)
        .chain(&snapshot.newest_revision)
        .filter(is_active)
        .cloned()
        .collect()
}

/// The definition with every change but the image, cleaned; with notes for the log.
pub(super) fn build_definition(
    settings: &Settings,
    snapshot: &Snapshot,
) -> Result<(Value, Vec<String>), Vec<Problem>> {
    let source = match &settings.definition.source {
        DefinitionSource::File(value) => value.clone(),
        DefinitionSource::Registered(_) => {
            described::from_described(&require_registered(snapshot.base_revision.as_ref())?.answer)
        }
        DefinitionSource::Live => {
            described::from_described(&require_registered(snapshot.live_revision.as_ref())?.answer)
        }
    };
    let cleaned = clean::clean(&source, &settings.definition.kept_keys);
    let patched = patch::apply(&cleaned.definition, &settings.definition.patch)?;
    let rendered = render::render(&patched, &settings.definition.changes)?;
    let ignored = cleaned
        .ignored
        .iter()
        .map(|property| clean::ignored_warning(property));
    let notes = ignored
        .chain(cleaned.notes.iter().map(ToString::to_string))
        .collect();
    Ok((rendered, notes))
}

/// If it could not be read, the survey has already reported why.
fn require_registered(
    registered: Option<&RegisteredRevision>,
) -> Result<&RegisteredRevision, Vec<Problem>> {
    registered.ok_or_else(|| {
        vec![Problem::new(
            "task-definition",
            "there is none to start from",
            "set task-definition, or service",
        )]
    })
}

pub(super) fn find_image_containers(
    settings: &Settings,
    definition: &Value,
) -> Result<Vec<String>, Vec<Problem>> {
    match settings.image {
        Some(_) => render::choose_containers(
            TaskDefinition(definition),
            &settings.definition.changes.containers,
            settings.definition.changes.container_input,
        ),
        None => Ok(Vec::new()),
    }
}
