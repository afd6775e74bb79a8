//! The deployment that `CodeDeploy` makes to go back: its own id, linked both ways, production
//! first, then green's end.

use std::sync::Arc;

use super::close_events;
use super::cycle::Cycle;
use super::traffic::{make_primary, point};
use crate::account::{
    AutoRollback, Creator, Deployment, ErrorInformation, EventStatus, RollbackLink, Status,
};
use crate::clock::now_ms;
use crate::cycles::retire::retire;
use crate::switches::RollbackEnding;

/// The events of a rollback that do anything; the others are skipped.
const REROUTE: &str = "AllowTraffic";

/// Creates the rollback deployment and plays it in the background.
pub(super) fn begin(failed: &Cycle) {
    let cloud = Arc::clone(failed.cloud());
    let Some(rollback) = cloud.change(|account| {
        let id = account.ids.deployment();
        let former = account.deployment_mut(failed.id())?;
        let message = format!("Rollback of deployment {}.", former.id);
        former.rollback = RollbackLink {
            rollback: Some(id.clone()),
            triggering: None,
            message: Some(message.clone()),
        };
        former.changed();
        let rollback = deployment_back(former, id, message);
        account.deployments.push(rollback.clone());
        Some(rollback)
    }) else {
        return;
    };
    let cycle = Cycle::new(&cloud, &rollback.id);
    cycle.mark("Created");
    cloud.spawn(async move { play(&cycle, rollback).await });
}

fn deployment_back(former: &Deployment, id: String, message: String) -> Deployment {
    let mut rollback = Deployment::new(
        id,
        former.group.clone(),
        former.app_spec.clone(),
        former.revision.clone(),
    );
    rollback.config.clone_from(&former.config);
    rollback.creator = Creator::Rollback(former.id.clone());
    rollback.rollback = RollbackLink {
        rollback: None,
        triggering: Some(former.id.clone()),
        message: Some(message),
    };
    rollback.auto_rollback = AutoRollback::default();
    rollback.alarms = Vec::new();
    rollback.blue.clone_from(&former.blue);
    rollback.green.clone_from(&former.green);
    rollback
}

async fn play(cycle: &Cycle, rollback: Deployment) {
    cycle.rest(cycle.clock().seconds(1.0)).await;
    cycle.change(|deployment| deployment.started_ms = Some(now_ms()));
    cycle.turn(Status::InProgress);
    cycle.change(|deployment| {
        for event in deployment
            .events
            .iter_mut()
            .filter(|event| event.name != REROUTE)
        {
            event.turn(EventStatus::Skipped);
        }
    });
    cycle.turn_event(REROUTE, EventStatus::InProgress);
    cycle.rest(cycle.clock().seconds(5.0)).await;
    if cycle.cloud().switches().rollback_ending == RollbackEnding::Fails {
        return fail(cycle);
    }
    reroute(cycle, &rollback);
    cycle.turn_event(REROUTE, EventStatus::Succeeded);
    cycle.rest(cycle.clock().seconds(5.0)).await;
    if let Some(green) = &rollback.green {
        retire(cycle.cloud(), &green.fleet).await;
    }
    super::ending::succeed(cycle);
}

fn fail(cycle: &Cycle) {
    let message = "The rollback could not modify the listener. (Error code: AccessDenied)";
    cycle.change(|deployment| {
        close_events(deployment, EventStatus::Failed, Some(message));
        deployment.completed_ms = Some(now_ms());
        deployment.error = Some(ErrorInformation {
            code: "ELASTIC_LOAD_BALANCING_INVALID",
            message: message.to_owned(),
        });
    });
    cycle.turn(Status::Failed);
}

/// All listeners go to blue, and blue is the service's own again.
fn reroute(cycle: &Cycle, rollback: &Deployment) {
    let (Some(blue), Some(green)) = (&rollback.blue, &rollback.green) else {
        return;
    };
    for listener in rollback.group.exposure.listeners() {
        point(cycle, &listener, blue, green, 0);
    }
    cycle
        .cloud()
        .change(|account| make_primary(account, &blue.fleet));
}
