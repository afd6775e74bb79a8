//! What a test sees of services and deployments: copies, as they were when it looked.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::options::Suspension;

/// A fleet (ECS deployment or task set) as a test wants to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FleetView {
    /// `ecs-svc/…`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub status: String,
    /// The revision's ARN.
    pub revision: String,
    /// Its target group.
    pub target_group: Option<String>,
    /// Tasks that run.
    pub running: usize,
    /// Tasks that run and pass their health checks.
    pub healthy: usize,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout: String,
}

/// A service as a test wants to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceView {
    /// `desiredCount`.
    pub desired: u32,
    /// Its fleets.
    pub fleets: Vec<FleetView>,
    /// Its newest events first.
    pub events: Vec<String>,
}

/// A service's scalable target as a test wants to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScalingView {
    /// `minCapacity`.
    pub min: u32,
    /// `maxCapacity`.
    pub max: u32,
    /// The scaling activities that are suspended.
    pub suspended: Suspension,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A service deployment as a test wants to see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceDeploymentView {
    /// Its ARN.
    pub arn: String,
    /// The service's name.
    pub service: String,
    /// As ECS names it: `IN_PROGRESS`, `ROLLBACK_SUCCESSFUL`.
    pub status: String,
    /// Where it is, as ECS would show it.
    pub stage: Option<String>,
    /// The task definition that it brings.
    pub revision: String,
    /// Green's target group.
    pub target_group: Option<String>,
    /// Green's share of production traffic, in percent.
    pub production: f64,
    /// The hooks that wait for an answer.
    pub waiting: Vec<String>,
    /// `statusReason`.
    pub reason: Option<String>,
}

impl ServiceView {
    /// Its primary fleet.
    pub fn primary(&self) -> Option<&FleetView> {
        self.fleets.iter().find(|fleet| fleet.status == "PRIMARY")
    }
}
