//! Scalable targets: what Application Auto Scaling knows about a service.

use std::collections::BTreeMap;

use crate::clock::now_ms;
use crate::options::{ScalingOptions, Suspension};

/// A service's desired count as a scalable target.
#[derive(Debug, Clone)]
pub(crate) struct ScalableTarget {
    pub(crate) service: String,
    pub(crate) minimum: u32,
    pub(crate) maximum: u32,
    pub(crate) suspended: Suspension,
    pub(crate) tags: BTreeMap<String, String>,
    /// How long after a rollout began load is low enough to scale in by one.
    pub(crate) scale_in_after_ms: Option<u64>,
    /// Since when a rollout is under way.
    pub(crate) rollout_since_ms: Option<i64>,
    /// It was scaled in during this rollout.
    pub(crate) scaled_in: bool,
    pub(crate) created_ms: i64,
}

impl ScalableTarget {
    /// A target as the options of its service have it.
    pub(crate) fn new(service: &str, options: &ScalingOptions) -> Self {
        Self {
            service: service.to_owned(),
            minimum: options.min,
            maximum: options.max,
            suspended: options.suspended,
            tags: BTreeMap::new(),
            scale_in_after_ms: options.scale_in_after_ms,
            rollout_since_ms: None,
            scaled_in: false,
            created_ms: now_ms(),
        }
    }
}
