//! What can be chosen about a service whose traffic ECS itself shifts. Plain data, the same in Rust
//! and in a JSON file.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Breaker;

/// A service under the ECS controller with blue/green, canary or linear deployments.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EcsStrategyOptions {
    /// How traffic moves.
    pub strategy: Strategy,
    /// How long both sides stay after the last shift.
    pub bake_minutes: u32,
    /// `lifecycleHooks`, as ECS has them.
    pub hooks: Vec<Value>,
    /// Alarms that fail a deployment and roll it back.
    pub alarms: Vec<String>,
    /// The circuit breaker.
    pub breaker: Breaker,
    /// What carries the traffic.
    pub kind: LoadBalancerKind,
    /// Lambda hooks that report failure: by ARN, by the function's name, or by a lifecycle stage.
    pub failing_hooks: Vec<String>,
    /// ECS manages the service's resources (an Express service): its configuration and load
    /// balancers cannot be changed.
    pub express: bool,
    /// Nothing was ever completed on this service: it has no history, and a rollback finds nothing
    /// to return to.
    pub first_deployment: bool,
}

impl Default for EcsStrategyOptions {
    fn default() -> Self {
        Self {
            strategy: Strategy::BlueGreen,
            bake_minutes: 5,
            hooks: Vec::new(),
            alarms: Vec::new(),
            breaker: Breaker::Off,
            kind: LoadBalancerKind::Alb,
            failing_hooks: Vec::new(),
            express: false,
            first_deployment: false,
        }
    }
}

/// How ECS moves traffic to green.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Strategy {
    /// All traffic in one step.
    BlueGreen,
    /// A share first, the rest after some minutes.
    Canary {
        /// The share of the first step, in percent.
        percent: f64,
        /// Minutes before the second step.
        bake_minutes: u32,
    },
    /// Equal shares, one after the other.
    Linear {
        /// The share of each step, in percent.
        percent: f64,
        /// The wait after each but the last.
        bake_minutes: u32,
    },
}

/// What carries a service's traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadBalancerKind {
    /// An Application Load Balancer's listener rules.
    Alb,
    /// A Network Load Balancer's listeners.
    Nlb,
    /// VPC Lattice's rules.
    Lattice,
    /// A gateway that ECS manages.
    Gateway,
    /// Service Connect: test traffic is recognized by a header.
    ServiceConnect,
    /// Nothing that ECS knows of: tasks are swapped.
    Headless,
}
