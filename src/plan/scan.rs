//! PURE: how long the run waits for the registry's scan of the image, and which findings are
//! allowed.

use std::time::Duration;

use crate::scan::Policy;
use crate::settings::Settings;

/// The gate on scan findings.
#[derive(Debug)]
pub struct ScanPlan {
    /// Which findings are allowed.
    pub policy: Policy,
    /// A fixed time between reads, if the user gave one.
    pub fixed_interval: Option<Duration>,
    /// The deadline of the whole run, if given; the wait for the scan ends with it, too.
    pub deadline: Option<Duration>,
}

pub(super) fn plan(settings: &Settings) -> Option<ScanPlan> {
    Some(ScanPlan {
        policy: settings.scan.clone()?,
        fixed_interval: settings.rollout.poll.fixed_interval,
        deadline: settings.rollout.deadline,
    })
}
