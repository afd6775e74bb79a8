//! The rollback deployment that `CodeDeploy` creates: it has its own id, is linked to the failed
//! one in both directions, moves production back to blue and then ends green.

use std::sync::Arc;

use super::close_events;
use super::cycle::Cycle;
use super::traffic::{make_primary, point_listener};
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
        let id = account.ids.next_deployment();
        let former = account.deployment_mut(failed.id())?;
        let message = format!("Rollback of deployment {}.", former.id);
        former.rollback = RollbackLink {
            rollback: Some(id.clone()),
            triggering: None,
            message: Some(message.clone()),
        };
        former.mark_changed();
        let rollback = build_rollback(former, id, message);
        account.deployments.push(rollback.clone());
        Some(rollback)
    }) else {
        return;
    };
    let cycle = Cycle::new(&cloud, &rollback.id);
    cycle.mark("Created");
    cloud.spawn(async move { run(&cycle, rollback).await });
}

fn build_rollback(former: &Deployment, id: String, message: String) -> Deployment {
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

async fn run(cycle: &Cycle, rollback: Deployment) {
    cycle.dwell_uninterrupted(cycle.clock().seconds(1.0)).await;
    cycle.change(|deployment| deployment.started_ms = Some(now_ms()));
    cycle.set_status(Status::InProgress);
    cycle.change(|deployment| {
        for event in deployment
            .events
            .iter_mut()
            .filter(|event| event.name != REROUTE)
        {
            event.set_status(EventStatus::Skipped);
        }
    });
    cycle.set_event_status(REROUTE, EventStatus::InProgress);
    cycle.dwell_uninterrupted(cycle.clock().seconds(5.0)).await;
    if cycle.cloud().switches().rollback_ending == RollbackEnding::Fails {
        return fail(cycle);
    }
    reroute(cycle, &rollback);
    cycle.set_event_status(REROUTE, EventStatus::Succeeded);
    cycle.dwell_uninterrupted(cycle.clock().seconds(5.0)).await;
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
    cycle.set_status(Status::Failed);
}

/// All listeners go to blue, and blue is the service's own again.
fn reroute(cycle: &Cycle, rollback: &Deployment) {
    let (Some(blue), Some(green)) = (&rollback.blue, &rollback.green) else {
        return;
    };
    for listener in rollback.group.exposure.listeners() {
        point_listener(cycle, &listener, blue, green, 0);
    }
    cycle
        .cloud()
        .change(|account| make_primary(account, &blue.fleet));
}
