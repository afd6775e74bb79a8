//! PURE: at which gate a paused service deployment waits.
//!
//! A pause has an id and no name, stages recur, and ECS may go on showing a former stage: so where traffic is decides,
//! and the stage only where traffic cannot tell.

use std::collections::BTreeSet;

use crate::decide::At;
use crate::documents::deployment_configuration::{GREEN, PRODUCTION, STEP};

/// What is known when a pause is seen.
pub(super) struct Facts<'f> {
    /// AWS's word for the stage.
    pub(super) stage: &'f str,
    /// Percent of production traffic on green, where it is known.
    pub(super) on_green: Option<f64>,
    /// Whether green's gate was passed.
    pub(super) is_green_passed: bool,
    /// The stages at which this deployment pauses.
    pub(super) pauses: &'f BTreeSet<String>,
}

/// Which gate it is.
pub(super) fn at(facts: &Facts<'_>) -> At {
    if matches!(facts.stage, "RECONCILE_SERVICE" | "PRE_SCALE_UP" | "SCALE_UP" | "POST_SCALE_UP") {
        return At::Foreign;
    }
    let at = match facts.on_green {
        Some(percent) if percent <= 0.0 => before_traffic(facts),
        Some(percent) if percent >= 100.0 => At::Production,
        Some(_) => At::Step,
        None => by_stage(facts),
    };
    let stage = match at {
        At::Green => GREEN,
        At::Step => STEP,
        At::Production => PRODUCTION,
        At::Foreign => return At::Foreign,
    };
    if facts.pauses.contains(stage) { at } else { At::Foreign }
}

/// No user is on green: it is green's own gate, or, once that is passed, the one before the first step.
fn before_traffic(facts: &Facts<'_>) -> At {
    let has_green = facts.pauses.contains(GREEN);
    if has_green && !facts.is_green_passed { At::Green } else { At::Step }
}

fn by_stage(facts: &Facts<'_>) -> At {
    match facts.stage {
        "POST_TEST_TRAFFIC_SHIFT" | "TEST_TRAFFIC_SHIFT" | "PRE_PRODUCTION_TRAFFIC_SHIFT" => before_traffic(facts),
        "PRODUCTION_TRAFFIC_SHIFT" => At::Step,
        "POST_PRODUCTION_TRAFFIC_SHIFT" => At::Production,
        _ => At::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(stage: &str, on_green: Option<f64>, is_green_passed: bool) -> At {
        let pauses = [GREEN, STEP, PRODUCTION].map(str::to_owned).into();
        at(&Facts { stage, on_green, is_green_passed, pauses: &pauses })
    }

    #[test]
    fn traffic_decides_whatever_stage_is_shown() {
        for stage in ["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "BRAND_NEW_STAGE"] {
            assert_eq!(seen(stage, Some(0.0), false), At::Green);
            assert_eq!(seen(stage, Some(0.0), true), At::Step);
            assert_eq!(seen(stage, Some(10.0), true), At::Step);
            assert_eq!(seen(stage, Some(100.0), true), At::Production);
        }
    }

    #[test]
    fn an_unknown_stage_is_nobody_s_progress_when_traffic_cannot_be_read() {
        assert_eq!(seen("BRAND_NEW_STAGE", None, true), At::Foreign);
        assert_eq!(seen("POST_TEST_TRAFFIC_SHIFT", None, false), At::Green);
        assert_eq!(seen("POST_TEST_TRAFFIC_SHIFT", None, true), At::Step);
        assert_eq!(seen("POST_PRODUCTION_TRAFFIC_SHIFT", None, true), At::Production);
    }

    #[test]
    fn a_pause_before_green_is_up_or_at_a_stage_we_do_not_use_is_somebody_else_s() {
        assert_eq!(seen("POST_SCALE_UP", Some(0.0), false), At::Foreign);
        let pauses = [PRODUCTION.to_owned()].into();
        assert_eq!(
            at(&Facts { stage: "PRE_PRODUCTION_TRAFFIC_SHIFT", on_green: Some(0.0), is_green_passed: false, pauses: &pauses }),
            At::Foreign
        );
    }
}
