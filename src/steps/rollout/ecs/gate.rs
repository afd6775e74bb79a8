//! PURE: at which gate a paused service deployment waits.
//!
//! A pause has an id and no name, stages recur, and ECS may go on showing a former stage, or none
//! while it pauses: so where traffic is decides, then the stage, and where neither can tell, how
//! many pauses were passed before.

use std::collections::BTreeSet;

use crate::decide::At;
use crate::documents::deployment_configuration::{GREEN, PRODUCTION, STEP};

/// What is known when a pause is seen.
pub(super) struct Facts<'f> {
    /// AWS's word for the stage; empty where it shows none.
    pub(super) stage: &'f str,
    /// Percent of production traffic on green, where it is known.
    pub(super) on_green: Option<f64>,
    /// Percent of test traffic on green, where it is known.
    pub(super) on_test: Option<f64>,
    /// How many pauses were passed.
    pub(super) passed: usize,
    /// How many pauses come before green is up.
    pub(super) early: usize,
    /// In how many shares traffic goes over.
    pub(super) shares: usize,
    /// Whether green's gate was passed.
    pub(super) is_green_passed: bool,
    /// The stages at which this deployment pauses.
    pub(super) pauses: &'f BTreeSet<String>,
}

/// Which gate it is.
pub(super) fn at(facts: &Facts<'_>) -> At {
    if matches!(
        facts.stage,
        "RECONCILE_SERVICE" | "PRE_SCALE_UP" | "SCALE_UP" | "POST_SCALE_UP"
    ) || is_early(facts)
    {
        return At::Foreign;
    }
    let at = match facts.on_green {
        Some(percent) if percent <= 0.0 => before_traffic(facts),
        Some(percent) if percent >= 100.0 => At::Production,
        Some(_) => At::Step,
        None if facts.stage.is_empty() => by_order(facts),
        None => by_stage(facts),
    };
    let stage = match at {
        At::Green => GREEN,
        At::Step => STEP,
        At::Production => PRODUCTION,
        At::Foreign => return At::Foreign,
    };
    if facts.pauses.contains(stage) {
        at
    } else {
        At::Foreign
    }
}

/// No user is on green: it is green's own gate, or, once that is passed, the one before the first
/// step.
fn before_traffic(facts: &Facts<'_>) -> At {
    let has_green = facts.pauses.contains(GREEN);
    if has_green && !facts.is_green_passed {
        At::Green
    } else {
        At::Step
    }
}

/// Without a stage, a pause that nothing shows to be past those before green is up is taken for one
/// of them.
fn is_early(facts: &Facts<'_>) -> bool {
    let has_traffic = |percent: Option<f64>| percent.is_some_and(|percent| percent > 0.0);
    let is_behind =
        facts.is_green_passed || has_traffic(facts.on_green) || has_traffic(facts.on_test);
    facts.stage.is_empty() && !is_behind && facts.passed < facts.early
}

/// Neither stage nor traffic is known: the pauses come in the order of their stages.
fn by_order(facts: &Facts<'_>) -> At {
    let passed = facts.passed.saturating_sub(facts.early);
    let green = usize::from(facts.pauses.contains(GREEN));
    let steps = if facts.pauses.contains(STEP) {
        facts.shares
    } else {
        0
    };
    if passed < green {
        At::Green
    } else if passed < green + steps {
        At::Step
    } else {
        At::Production
    }
}

fn by_stage(facts: &Facts<'_>) -> At {
    match facts.stage {
        "POST_TEST_TRAFFIC_SHIFT" | "TEST_TRAFFIC_SHIFT" | "PRE_PRODUCTION_TRAFFIC_SHIFT" => {
            before_traffic(facts)
        }
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
        at(&Facts {
            stage,
            on_green,
            is_green_passed,
            ..nothing(&pauses)
        })
    }

    fn nothing(pauses: &BTreeSet<String>) -> Facts<'_> {
        Facts {
            stage: "",
            on_green: None,
            on_test: None,
            passed: 0,
            early: 0,
            shares: 1,
            is_green_passed: false,
            pauses,
        }
    }

    #[test]
    fn traffic_decides_whatever_stage_is_shown() {
        for stage in [
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "BRAND_NEW_STAGE",
        ] {
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
        assert_eq!(
            seen("POST_PRODUCTION_TRAFFIC_SHIFT", None, true),
            At::Production
        );
    }

    #[test]
    fn a_pause_before_green_is_up_or_at_a_stage_we_do_not_use_is_somebody_else_s() {
        assert_eq!(seen("POST_SCALE_UP", Some(0.0), false), At::Foreign);
        let pauses = [PRODUCTION.to_owned()].into();
        assert_eq!(
            at(&Facts {
                stage: "PRE_PRODUCTION_TRAFFIC_SHIFT",
                on_green: Some(0.0),
                ..nothing(&pauses)
            }),
            At::Foreign
        );
    }

    #[test]
    fn without_a_stage_traffic_decides_and_somebody_else_s_early_pause_stays_theirs() {
        assert_eq!(
            [seen("", Some(0.0), false), seen("", Some(0.0), true)],
            [At::Green, At::Step]
        );
        assert_eq!(
            [seen("", Some(10.0), true), seen("", Some(100.0), true)],
            [At::Step, At::Production]
        );
        let pauses = [GREEN, STEP, PRODUCTION, "POST_SCALE_UP"]
            .map(str::to_owned)
            .into();
        let early = |passed, on_test| {
            at(&Facts {
                on_green: Some(0.0),
                on_test,
                passed,
                early: 1,
                ..nothing(&pauses)
            })
        };
        assert_eq!(
            early(0, None),
            At::Foreign,
            "it may be the one after the tasks are up"
        );
        assert_eq!(early(0, Some(0.0)), At::Foreign);
        assert_eq!(early(0, Some(100.0)), At::Green, "test traffic is past it");
        assert_eq!(early(1, None), At::Green, "that one was passed");
    }

    #[test]
    fn without_a_stage_and_without_traffic_the_pauses_are_counted() {
        let all = [GREEN, STEP, PRODUCTION].map(str::to_owned).into();
        let canary = |passed| {
            at(&Facts {
                passed,
                shares: 2,
                ..nothing(&all)
            })
        };
        assert_eq!(
            [0, 1, 2, 3].map(canary),
            [At::Green, At::Step, At::Step, At::Production]
        );
        let at_once = [GREEN, PRODUCTION].map(str::to_owned).into();
        assert_eq!(
            [0, 1].map(|passed| at(&Facts {
                passed,
                ..nothing(&at_once)
            })),
            [At::Green, At::Production]
        );
        let production = [PRODUCTION, "POST_SCALE_UP"].map(str::to_owned).into();
        assert_eq!(
            [0, 1].map(|passed| at(&Facts {
                passed,
                early: 1,
                ..nothing(&production)
            })),
            [At::Foreign, At::Production]
        );
    }
}
