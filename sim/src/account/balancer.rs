//! The load balancer's side of the account: listeners with weights, and target groups.

use std::net::SocketAddr;

use crate::options::LoadBalancerKind;

/// A listener with a weighted forward as its default action.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    pub(crate) name: String,
    /// Whose listener it is; Service Connect's is no load balancer's.
    pub(crate) kind: LoadBalancerKind,
    pub(crate) address: SocketAddr,
    /// Target groups by name, with their weights.
    pub(crate) forward: Vec<(String, u32)>,
}

impl Listener {
    /// The weight of a target group; 0 for one it does not forward to.
    pub(crate) fn weight(&self, target_group: &str) -> u32 {
        self.forward
            .iter()
            .find(|(name, _)| name == target_group)
            .map_or(0, |(_, weight)| *weight)
    }
}

/// A target group, and the listeners it was made for.
#[derive(Debug, Clone)]
pub(crate) struct TargetGroup {
    pub(crate) name: String,
    /// Who sends traffic to it. Target groups of Service Connect are never visible to AWS calls.
    pub(crate) kind: LoadBalancerKind,
    pub(crate) port: u16,
    /// The addresses registered last.
    pub(crate) targets: Vec<SocketAddr>,
}

/// All listeners and target groups.
#[derive(Debug, Default)]
pub(crate) struct Balancer {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) target_groups: Vec<TargetGroup>,
}

impl Balancer {
    pub(crate) fn listener(&self, name: &str) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.name == name)
    }

    /// Changes what a listener forwards to.
    pub(crate) fn forward(&mut self, name: &str, weights: &[(String, u32)]) {
        if let Some(listener) = self
            .listeners
            .iter_mut()
            .find(|listener| listener.name == name)
        {
            listener.forward = weights.to_vec();
        }
    }

    /// Whether any listener forwards to a target group.
    pub(crate) fn is_used(&self, target_group: &str) -> bool {
        self.listeners.iter().any(|listener| {
            listener
                .forward
                .iter()
                .any(|(name, _)| name == target_group)
        })
    }
}
