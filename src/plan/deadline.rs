//! PURE: how long a rollout takes by itself, and how long it is followed.

use std::time::Duration;

use super::{RolloutKind, codedeploy, ecs};
use crate::settings::Settings;
use crate::survey::Snapshot;

/// The longest job GitHub runs.
const LONGEST: Duration = Duration::from_hours(6);

/// The usual time that an analysis takes for one verdict, with some of it in reserve.
const A_VERDICT: Duration = Duration::from_mins(5);

/// What the user allows, and what the rollout itself waits on top.
pub(super) fn deadline(settings: &Settings, snapshot: &Snapshot, way: &RolloutKind) -> Duration {
    let ready = match way {
        RolloutKind::Rolling(_) | RolloutKind::Ecs(_) => Duration::ZERO,
        RolloutKind::CodeDeploy(way) => in_minutes(codedeploy::ready_minutes(way)),
    };
    let waits = ready + lasts(settings, snapshot, way) + verdicts(settings, way);
    settings
        .rollout
        .deadline
        .unwrap_or_else(|| (settings.rollout.wait + waits).min(LONGEST))
}

/// How long traffic shifts and blue is kept by itself, as far as that is followed.
pub(super) fn lasts(settings: &Settings, snapshot: &Snapshot, way: &RolloutKind) -> Duration {
    in_minutes(match way {
        RolloutKind::Rolling(_) => 0,
        RolloutKind::Ecs(way) => ecs::minutes(settings, way),
        RolloutKind::CodeDeploy(way) => codedeploy::minutes(settings, snapshot, way),
    })
}

/// A rollout is held for a verdict before every share but the first, and once more when green has
/// all of the traffic.
fn verdicts(settings: &Settings, way: &RolloutKind) -> Duration {
    let shares = match way {
        RolloutKind::Ecs(way) => ecs::shares(way),
        RolloutKind::CodeDeploy(_) | RolloutKind::Rolling(_) => 1,
    };
    settings
        .checks
        .analysis
        .as_ref()
        .map_or(Duration::ZERO, |_| A_VERDICT * shares)
}

fn in_minutes(minutes: i64) -> Duration {
    Duration::from_mins(u64::try_from(minutes).unwrap_or(0))
}
