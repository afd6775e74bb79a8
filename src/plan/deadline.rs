//! PURE: how long a rollout is followed.

use std::time::Duration;

use super::RolloutKind;
use crate::settings::Settings;

/// The longest job GitHub runs.
const MAX_DEADLINE: Duration = Duration::from_hours(6);

/// What an analysis usually needs for a verdict, rounded up.
const VERDICT_TIME: Duration = Duration::from_mins(5);

/// The time that the user allows, plus the waits of the rollout itself. An analysis holds the
/// rollout for a verdict before every share but the first, and once more when green has all of the
/// traffic.
pub(super) fn deadline(settings: &Settings, kind: &RolloutKind) -> Duration {
    let verdicts = settings
        .checks
        .analysis
        .as_ref()
        .map_or(Duration::ZERO, |_| VERDICT_TIME * kind.verdict_count());
    let waits = kind.gate_timeout() + kind.expected_duration(settings) + verdicts;
    settings
        .rollout
        .deadline
        .unwrap_or_else(|| (settings.rollout.wait + waits).min(MAX_DEADLINE))
}
