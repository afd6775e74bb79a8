//! PURE: blue: what serves now, with every id by which it can be recognized.

use crate::aws::ecs_shapes::{Service, TaskSet};
use crate::identity::{DeploymentId, RevisionArn};
use crate::survey::Snapshot;
use crate::undo::Blue;

/// What serves now; none without a service.
pub(super) fn find_blue(snapshot: &Snapshot) -> Option<Blue> {
    snapshot
        .service
        .as_ref()
        .map(|service| identify_blue(snapshot, service))
}

pub(super) fn identify_blue(snapshot: &Snapshot, service: &Service) -> Blue {
    if let Some(revision) = snapshot
        .service_deployments
        .as_ref()
        .and_then(|service_deployments| service_deployments.blue.as_ref())
    {
        return Blue {
            revision: revision.task_definition.clone(),
            task_set: None,
            target_groups: revision.target_groups(),
            listeners: Some(revision.production_rules())
                .filter(|rules| !rules.is_empty())
                .unwrap_or_else(|| service.production_rules()),
        };
    }
    let primary = blue_task_set(snapshot, service);
    Blue {
        revision: primary
            .map_or_else(|| completed_revision(service), |set| &set.task_definition)
            .clone(),
        task_set: primary.map(|set| set.id.clone()),
        target_groups: primary.map(TaskSet::target_groups).unwrap_or_default(),
        listeners: snapshot
            .group
            .as_ref()
            .map(|group| group.production_listeners.clone())
            .unwrap_or_default(),
    }
}

/// The primary task set; if a deployment in progress created that one, the other task set.
fn blue_task_set<'s>(snapshot: &Snapshot, service: &'s Service) -> Option<&'s TaskSet> {
    let is_from_running = |set: &TaskSet| {
        snapshot.running.as_ref().is_some_and(|running| {
            set.external_id.as_ref().map(DeploymentId::as_str) == Some(running.id.as_str())
        })
    };
    let other_set = service
        .task_sets
        .iter()
        .find(|set| !is_from_running(set) && set.status != "DRAINING");
    service
        .primary_task_set()
        .filter(|set| !is_from_running(set))
        .or(other_set)
}

/// The revision that a rolling service would go back to: that of a completed deployment, not of one
/// in progress or one that failed.
fn completed_revision(service: &Service) -> &RevisionArn {
    let completed = service
        .deployments
        .iter()
        .find(|deployment| deployment.is_completed());
    completed.map_or(service.revision(), |deployment| &deployment.task_definition)
}
