//! PURE: how long the registry's scan of the image is waited for, and what it may find.

use std::time::Duration;

use crate::scan::Policy;
use crate::settings::Settings;

/// The gate on scan findings.
#[derive(Debug)]
pub struct ScanPlan {
    /// What may be found.
    pub policy: Policy,
    /// A fixed time between looks, where given.
    pub fixed_interval: Option<Duration>,
    /// The time that the whole run may take, where given: it bounds the wait as well.
    pub deadline: Option<Duration>,
}

pub(super) fn plan(settings: &Settings) -> Option<ScanPlan> {
    Some(ScanPlan {
        policy: settings.scan.clone()?,
        fixed_interval: settings.rollout.poll.fixed_interval,
        deadline: settings.rollout.deadline,
    })
}
