//! PURE: what a service deployment shows of traffic and tasks.

use crate::aws::ecs_rollout_shapes::ServiceDeployment;
use crate::decide::GateKind;
use crate::event::{ObservedBy, Progress, Tasks, Traffic};
use crate::observe::traffic::ProductionTraffic;
use crate::rollout_kind::BLUE_SERVES;

/// Percent of production traffic that ECS asked for on green; it may lag behind the listeners.
pub(super) fn green_percent(deployment: &ServiceDeployment) -> Option<f64> {
    deployment
        .target_service_revision
        .as_ref()?
        .requested_production_traffic_weight
}

fn traffic_split(deployment: &ServiceDeployment) -> Option<Traffic> {
    green_percent(deployment).map(|green| Traffic {
        blue: 100.0 - green,
        green,
    })
}

/// Where ECS directed traffic, used where no read shows where it goes.
pub(super) fn requested_traffic(deployment: &ServiceDeployment) -> Option<ProductionTraffic> {
    traffic_split(deployment).map(|traffic| ProductionTraffic {
        traffic,
        observed_by: ObservedBy::Controller,
    })
}

/// What a gate implies about traffic, where traffic was not observed.
pub(super) fn describe_unobserved(gate: GateKind) -> &'static str {
    match gate {
        GateKind::Green => BLUE_SERVES,
        GateKind::Production => "green serves production",
        GateKind::Step | GateKind::External => "what serves production was not observed",
    }
}

pub(super) fn to_progress(deployment: &ServiceDeployment) -> Progress {
    let target = deployment.target_service_revision.as_ref();
    let stage = if deployment.raw_status == "IN_PROGRESS" && !deployment.stage().is_empty() {
        deployment.stage()
    } else {
        &deployment.raw_status
    };
    Progress {
        stage: stage.into(),
        traffic: traffic_split(deployment),
        tasks: target.map(|side| Tasks {
            running: side.running_task_count,
            desired: side.requested_task_count,
            failed: 0,
        }),
    }
}
