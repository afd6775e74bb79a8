//! An ECS service: its settings, its fleets, its events, and how far its state was read.

use serde_json::{Value, json};

use super::{Configuration, Fleet, Role};
use crate::clock::now_ms;
use crate::options::{Controller, Exposure, LoadBalancerKind};

/// ECS keeps the 100 newest events of a service.
const EVENTS_KEPT: usize = 100;

#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) controller: Controller,
    /// What ECS's own rollouts obey; none under another controller.
    pub(crate) configuration: Option<Configuration>,
    /// What carries its traffic.
    pub(crate) kind: LoadBalancerKind,
    pub(crate) status: String,
    pub(crate) desired: u32,
    pub(crate) exposure: Option<Exposure>,
    /// Where its tasks are registered: two groups under `CodeDeploy` and for ECS blue/green, one
    /// when rolling, none without a load balancer.
    pub(crate) target_groups: Vec<String>,
    pub(crate) fleets: Vec<Fleet>,
    /// Newest first, as `{id, createdAt, message}`.
    pub(crate) events: Vec<Value>,
    /// Members of the answer that an `UpdateService` set.
    pub(crate) settings: serde_json::Map<String, Value>,
    pub(crate) tags: std::collections::BTreeMap<String, String>,
    pub(crate) created_ms: i64,
    /// Grows with every change of state.
    pub(crate) version: u64,
    /// The version that was last read.
    pub(crate) read_version: u64,
    /// When the present version became visible.
    pub(crate) changed_ms: i64,
    /// The fleet for which `has reached a steady state` was added to the events.
    pub(crate) steady_fleet: Option<String>,
}

impl Service {
    /// The fleet that the service counts as its own.
    pub(crate) fn primary(&self) -> Option<&Fleet> {
        self.fleets.iter().find(|fleet| fleet.role == Role::Primary)
    }

    /// The same, to change it.
    pub(crate) fn primary_mut(&mut self) -> Option<&mut Fleet> {
        self.fleets
            .iter_mut()
            .find(|fleet| fleet.role == Role::Primary)
    }

    pub(crate) fn fleet(&self, id: &str) -> Option<&Fleet> {
        self.fleets.iter().find(|fleet| fleet.id == id)
    }

    /// It is behind a load balancer, as far as ELB knows.
    pub(crate) const fn has_elb(&self) -> bool {
        !matches!(
            self.kind,
            LoadBalancerKind::ServiceConnect
                | LoadBalancerKind::Lattice
                | LoadBalancerKind::Gateway
        )
    }

    /// ECS itself performs its rollouts.
    pub(crate) const fn is_ecs_controlled(&self) -> bool {
        matches!(self.controller, Controller::Rolling(_) | Controller::Ecs(_))
    }

    /// A change that a reader could notice.
    pub(crate) fn mark_changed(&mut self) {
        self.version += 1;
        self.changed_ms = now_ms();
    }

    /// Sets the desired count, in all fleets that are not draining.
    pub(crate) fn scale(&mut self, desired: u32) {
        self.desired = desired;
        self.steady_fleet = None;
        for fleet in self
            .fleets
            .iter_mut()
            .filter(|fleet| fleet.role != Role::Draining)
        {
            fleet.desired = desired;
        }
        self.mark_changed();
    }

    /// Says something about the whole service, in ECS's words after `(service NAME)`.
    pub(crate) fn add_event(&mut self, id: &str, message: &str) {
        let message = format!("(service {}) {message}", self.name);
        self.push_event(id, &message);
    }

    /// Says something about one of its fleets. Task sets are named.
    pub(crate) fn add_fleet_event(&mut self, fleet: &str, id: &str, message: &str) {
        let about = match self.controller {
            Controller::Rolling(_) | Controller::Ecs(_) => format!("(service {})", self.name),
            Controller::CodeDeploy(_) | Controller::External => {
                format!("(service {}, taskSet {fleet})", self.name)
            }
        };
        self.push_event(id, &format!("{about} {message}"));
    }

    fn push_event(&mut self, id: &str, message: &str) {
        self.events.insert(
            0,
            json!({ "id": id, "createdAt": epoch_seconds(now_ms()), "message": message }),
        );
        self.events.truncate(EVENTS_KEPT);
    }
}

/// A time as AWS's JSON has it: seconds with fractions.
pub(crate) fn epoch_seconds(milliseconds: i64) -> Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since the epoch fit in a double for a long time"
    )]
    let seconds = milliseconds as f64 / 1000.0;
    json!(seconds)
}
