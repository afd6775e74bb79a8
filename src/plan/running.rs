//! PURE: how a rollout that is in progress would be rolled back, whoever started it.

use super::blue;
use crate::aws::ecs_shapes::Service;
use crate::settings::Settings;
use crate::survey::{Running, Snapshot, Thing};
use crate::undo::{CodeDeployUndo, EcsUndo, RevisionUndo, RollingUndo, ServiceKey, Undo};

/// The undo of what is in progress; none when nothing is.
pub fn undo_of(settings: &Settings, snapshot: &Snapshot) -> Option<Undo> {
    let (service, running) = (snapshot.service.as_ref()?, snapshot.running.as_ref()?);
    let place = ServiceKey {
        cluster: settings.cluster.clone(),
        service: settings.service.clone().unwrap_or_default(),
    };
    Some(match &running.thing {
        Thing::CodeDeploy(_) => Undo::CodeDeploy(CodeDeployUndo {
            place,
            application: settings.rollout.application.clone(),
            group: settings.rollout.group.clone(),
            run: running.run.clone().unwrap_or_default(),
            deployment: Some(running.id.clone()),
            blue: blue(snapshot, service),
            is_restored: false,
        }),
        Thing::Ecs(deployment) => Undo::Ecs(EcsUndo {
            place,
            ours: running.revision.clone().unwrap_or_default(),
            before: others(snapshot, running),
            deployment: Some(running.id.clone()),
            run: running.run.clone(),
            blue: blue(snapshot, service),
            is_first: deployment.source_service_revisions.is_empty(),
            in_place: crate::documents::deployment_configuration::is_in_place(
                &deployment.deployment_configuration,
            ),
            desired: None,
        }),
        Thing::Rolling => Undo::Rolling(rolling(place, snapshot, service, running)),
    })
}

/// The undo of the revision that the run which started it has registered for it; none when that is
/// not known, or it serves.
pub fn undo_of_its_revision(settings: &Settings, snapshot: &Snapshot) -> Option<Undo> {
    let (service, running) = (
        snapshot.service.as_ref()?,
        snapshot
            .running
            .as_ref()
            .filter(|running| running.is_registered)?,
    );
    let arn = running
        .revision
        .clone()
        .filter(|revision| *revision != blue(snapshot, service).revision)?;
    let place = ServiceKey {
        cluster: settings.cluster.clone(),
        service: settings.service.clone().unwrap_or_default(),
    };
    Some(Undo::Revision(RevisionUndo {
        arn,
        service: Some(place),
    }))
}

/// Every service deployment but the running one.
fn others(snapshot: &Snapshot, running: &Running) -> Vec<String> {
    let history = snapshot
        .service_deployments
        .iter()
        .flat_map(|service_deployments| &service_deployments.history);
    history
        .map(|brief| brief.arn.clone())
        .filter(|arn| *arn != running.id)
        .collect()
}

fn rolling(
    place: ServiceKey,
    snapshot: &Snapshot,
    service: &Service,
    running: &Running,
) -> RollingUndo {
    let before = service
        .deployments
        .iter()
        .map(|deployment| deployment.id.clone())
        .filter(|id| *id != running.id)
        .collect();
    RollingUndo {
        place,
        previous: blue(snapshot, service).revision,
        ours: running.revision.clone().unwrap_or_default(),
        before,
        deployment: Some(running.id.clone()),
        desired: None,
    }
}
