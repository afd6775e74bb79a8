//! PURE: how long a rollout is followed.

use std::time::Duration;

use super::RolloutKind;
use crate::settings::Settings;

/// The longest job GitHub runs.
const LONGEST: Duration = Duration::from_hours(6);

/// The usual time that an analysis takes for one verdict, with some of it in reserve.
const A_VERDICT: Duration = Duration::from_mins(5);

/// What the user allows, and what the rollout itself waits on top. An analysis holds it for a
/// verdict before every share but the first, and once more when green has all of the traffic.
pub(super) fn deadline(settings: &Settings, kind: &RolloutKind) -> Duration {
    let verdicts = settings
        .checks
        .analysis
        .as_ref()
        .map_or(Duration::ZERO, |_| A_VERDICT * kind.verdicts());
    let waits = kind.gate_lasts() + kind.lasts(settings) + verdicts;
    settings
        .rollout
        .deadline
        .unwrap_or_else(|| (settings.rollout.wait + waits).min(LONGEST))
}
