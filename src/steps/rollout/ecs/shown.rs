//! PURE: what a service deployment shows of traffic and tasks.

use crate::aws::ecs_rollout_shapes::ServiceDeployment;
use crate::decide::At;
use crate::event::{ObservedBy, Progress, Tasks, Traffic};
use crate::observe::traffic::Observed;
use crate::rollout_kind::BEFORE_TRAFFIC;

/// Percent of production traffic that ECS asked for on green; it may lag behind the listeners.
pub(super) fn on_green(deployment: &ServiceDeployment) -> Option<f64> {
    deployment
        .target_service_revision
        .as_ref()?
        .requested_production_traffic_weight
}

fn shares(deployment: &ServiceDeployment) -> Option<Traffic> {
    on_green(deployment).map(|green| Traffic {
        blue: 100.0 - green,
        green,
    })
}

/// What ECS asked for, where nothing shows what there is.
pub(super) fn asked_for(deployment: &ServiceDeployment) -> Option<Observed> {
    shares(deployment).map(|traffic| Observed {
        traffic,
        observed_by: ObservedBy::Controller,
    })
}

/// What a gate says about traffic by itself.
pub(super) fn unobserved(at: At) -> &'static str {
    match at {
        At::Green => BEFORE_TRAFFIC,
        At::Production => "green serves production",
        At::Step | At::Foreign => "what serves production was not observed",
    }
}

pub(super) fn progress(deployment: &ServiceDeployment) -> Progress {
    let target = deployment.target_service_revision.as_ref();
    let stage = if deployment.word == "IN_PROGRESS" && !deployment.stage().is_empty() {
        deployment.stage()
    } else {
        &deployment.word
    };
    Progress {
        stage: stage.into(),
        traffic: shares(deployment),
        tasks: target.map(|side| Tasks {
            running: side.running_task_count,
            desired: side.requested_task_count,
            failed: 0,
        }),
    }
}
