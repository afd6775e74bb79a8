//! Who serves production on the stage, and whether anything is still under way.

use std::collections::BTreeSet;
use std::time::Duration;

use ecs_bluegreen_sim::{Controller, Stage};

use super::SERVICE;

/// `ecs:…task-definition/api:2` → `api:2`.
pub(super) fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The one revision that has all of production; in words what there is instead.
pub(super) fn serves(stage: &Stage, controller: &Controller) -> Result<String, String> {
    let weights = stage.weights("prod");
    let groups: BTreeSet<&String> = weights
        .iter()
        .filter(|(_, weight)| *weight > 0)
        .map(|(group, _)| group)
        .collect();
    let Some(view) = stage.service_view(SERVICE) else {
        return Err("no service".into());
    };
    let is_in_place = matches!(controller, Controller::Rolling(_));
    let serving = view.fleets.iter().filter(|fleet| {
        fleet.running > 0
            && (is_in_place
                || fleet
                    .target_group
                    .as_ref()
                    .is_some_and(|group| groups.contains(group)))
    });
    let revisions: BTreeSet<&str> = serving.map(|fleet| short(&fleet.revision)).collect();
    match (groups.len(), revisions.len()) {
        (1, 1) => Ok(revisions.into_iter().collect()),
        _ => Err(format!("{weights:?}, {:?}", view.fleets)),
    }
}

/// Waits until AWS does nothing by itself any more.
pub(super) async fn settled(stage: &Stage, controller: &Controller, limit: Duration) -> bool {
    stage
        .wait_until(limit, |stage| is_settled(stage, controller))
        .await
}

fn is_settled(stage: &Stage, controller: &Controller) -> bool {
    let over = |id: &String| {
        matches!(
            stage.deployment_status(id).as_deref(),
            Some("Succeeded" | "Failed" | "Stopped")
        )
    };
    let ended = [
        "SUCCESSFUL",
        "STOPPED",
        "ROLLBACK_SUCCESSFUL",
        "ROLLBACK_FAILED",
    ];
    match controller {
        Controller::CodeDeploy(_) => stage.deployments().iter().all(over),
        Controller::Ecs(_) => stage
            .service_deployments()
            .iter()
            .all(|deployment| ended.contains(&deployment.status.as_str())),
        Controller::Rolling(_) | Controller::External => {
            let view = stage.service_view(SERVICE);
            view.is_some_and(|view| {
                let primary = view
                    .primary()
                    .is_some_and(|fleet| fleet.rollout == "COMPLETED" || fleet.rollout == "FAILED");
                primary && view.fleets.iter().filter(|fleet| fleet.running > 0).count() == 1
            })
        }
    }
}
