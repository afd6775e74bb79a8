//! PURE: at which gate a paused service deployment waits.
//!
//! A pause has an id and no name, stages recur, and ECS may show an earlier stage, or none, while
//! it pauses. So the position of traffic decides first, then the stage, and where both are unknown
//! the number of pauses that were passed.

use std::collections::BTreeSet;

use crate::decide::GateKind;
use crate::documents::deployment_configuration::{GREEN, PRODUCTION, STEP};

/// What is known when a pause is seen.
pub(super) struct PauseFacts<'f> {
    /// AWS's word for the stage; empty where it shows none.
    pub(super) stage: &'f str,
    /// Percent of production traffic on green, where it is known.
    pub(super) green_percent: Option<f64>,
    /// Percent of test traffic on green, where it is known.
    pub(super) green_test_percent: Option<f64>,
    pub(super) passed_pauses: usize,
    /// How many pauses come before green is up.
    pub(super) early_pauses: usize,
    /// In how many shares traffic shifts.
    pub(super) traffic_steps: usize,
    pub(super) is_green_passed: bool,
    /// The stages at which this deployment pauses.
    pub(super) paused_stages: &'f BTreeSet<String>,
}

pub(super) fn identify(facts: &PauseFacts<'_>) -> GateKind {
    if matches!(
        facts.stage,
        "RECONCILE_SERVICE" | "PRE_SCALE_UP" | "SCALE_UP" | "POST_SCALE_UP"
    ) || is_early(facts)
    {
        return GateKind::External;
    }
    let gate = match facts.green_percent {
        Some(percent) if percent <= 0.0 => gate_before_traffic(facts),
        Some(percent) if percent >= 100.0 => GateKind::Production,
        Some(_) => GateKind::Step,
        None if facts.stage.is_empty() => gate_by_order(facts),
        None => gate_by_stage(facts),
    };
    let stage = match gate {
        GateKind::Green => GREEN,
        GateKind::Step => STEP,
        GateKind::Production => PRODUCTION,
        GateKind::External => return GateKind::External,
    };
    if facts.paused_stages.contains(stage) {
        gate
    } else {
        GateKind::External
    }
}

/// No user is on green: this is green's own gate, or, once that is passed, the one before the first
/// step.
fn gate_before_traffic(facts: &PauseFacts<'_>) -> GateKind {
    let has_green = facts.paused_stages.contains(GREEN);
    if has_green && !facts.is_green_passed {
        GateKind::Green
    } else {
        GateKind::Step
    }
}

/// Whether it is a pause from before green is up. Without a stage a pause counts as one of these
/// until traffic on green, or a passed gate, shows otherwise.
fn is_early(facts: &PauseFacts<'_>) -> bool {
    let has_traffic = |percent: Option<f64>| percent.is_some_and(|percent| percent > 0.0);
    let is_past_early = facts.is_green_passed
        || has_traffic(facts.green_percent)
        || has_traffic(facts.green_test_percent);
    facts.stage.is_empty() && !is_past_early && facts.passed_pauses < facts.early_pauses
}

/// Neither stage nor traffic is known: the pauses come in the order of their stages.
fn gate_by_order(facts: &PauseFacts<'_>) -> GateKind {
    let passed = facts.passed_pauses.saturating_sub(facts.early_pauses);
    let green = usize::from(facts.paused_stages.contains(GREEN));
    let steps = if facts.paused_stages.contains(STEP) {
        facts.traffic_steps
    } else {
        0
    };
    if passed < green {
        GateKind::Green
    } else if passed < green + steps {
        GateKind::Step
    } else {
        GateKind::Production
    }
}

fn gate_by_stage(facts: &PauseFacts<'_>) -> GateKind {
    match facts.stage {
        "POST_TEST_TRAFFIC_SHIFT" | "TEST_TRAFFIC_SHIFT" | "PRE_PRODUCTION_TRAFFIC_SHIFT" => {
            gate_before_traffic(facts)
        }
        "PRODUCTION_TRAFFIC_SHIFT" => GateKind::Step,
        "POST_PRODUCTION_TRAFFIC_SHIFT" => GateKind::Production,
        _ => GateKind::External,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identify_at(stage: &str, on_green: Option<f64>, is_green_passed: bool) -> GateKind {
        let pauses = [GREEN, STEP, PRODUCTION].map(str::to_owned).into();
        identify(&PauseFacts {
            stage,
            green_percent: on_green,
            is_green_passed,
            ..empty_facts(&pauses)
        })
    }

    fn empty_facts(pauses: &BTreeSet<String>) -> PauseFacts<'_> {
        PauseFacts {
            stage: "",
            green_percent: None,
            green_test_percent: None,
            passed_pauses: 0,
            early_pauses: 0,
            traffic_steps: 1,
            is_green_passed: false,
            paused_stages: pauses,
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
            assert_eq!(identify_at(stage, Some(0.0), false), GateKind::Green);
            assert_eq!(identify_at(stage, Some(0.0), true), GateKind::Step);
            assert_eq!(identify_at(stage, Some(10.0), true), GateKind::Step);
            assert_eq!(identify_at(stage, Some(100.0), true), GateKind::Production);
        }
    }

    #[test]
    fn an_unknown_stage_is_nobody_s_progress_when_traffic_cannot_be_read() {
        assert_eq!(
            identify_at("BRAND_NEW_STAGE", None, true),
            GateKind::External
        );
        assert_eq!(
            identify_at("POST_TEST_TRAFFIC_SHIFT", None, false),
            GateKind::Green
        );
        assert_eq!(
            identify_at("POST_TEST_TRAFFIC_SHIFT", None, true),
            GateKind::Step
        );
        assert_eq!(
            identify_at("POST_PRODUCTION_TRAFFIC_SHIFT", None, true),
            GateKind::Production
        );
    }

    #[test]
    fn a_pause_before_green_is_up_or_at_a_stage_we_do_not_use_is_somebody_else_s() {
        assert_eq!(
            identify_at("POST_SCALE_UP", Some(0.0), false),
            GateKind::External
        );
        let pauses = [PRODUCTION.to_owned()].into();
        assert_eq!(
            identify(&PauseFacts {
                stage: "PRE_PRODUCTION_TRAFFIC_SHIFT",
                green_percent: Some(0.0),
                ..empty_facts(&pauses)
            }),
            GateKind::External
        );
    }

    #[test]
    fn without_a_stage_traffic_decides_and_somebody_else_s_early_pause_stays_theirs() {
        assert_eq!(
            [
                identify_at("", Some(0.0), false),
                identify_at("", Some(0.0), true)
            ],
            [GateKind::Green, GateKind::Step]
        );
        assert_eq!(
            [
                identify_at("", Some(10.0), true),
                identify_at("", Some(100.0), true)
            ],
            [GateKind::Step, GateKind::Production]
        );
        let pauses = [GREEN, STEP, PRODUCTION, "POST_SCALE_UP"]
            .map(str::to_owned)
            .into();
        let early = |passed, on_test| {
            identify(&PauseFacts {
                green_percent: Some(0.0),
                green_test_percent: on_test,
                passed_pauses: passed,
                early_pauses: 1,
                ..empty_facts(&pauses)
            })
        };
        assert_eq!(
            early(0, None),
            GateKind::External,
            "it may be the one after the tasks are up"
        );
        assert_eq!(early(0, Some(0.0)), GateKind::External);
        assert_eq!(
            early(0, Some(100.0)),
            GateKind::Green,
            "test traffic is past it"
        );
        assert_eq!(early(1, None), GateKind::Green, "that one was passed");
    }

    #[test]
    fn without_a_stage_and_without_traffic_the_pauses_are_counted() {
        let all = [GREEN, STEP, PRODUCTION].map(str::to_owned).into();
        let canary = |passed| {
            identify(&PauseFacts {
                passed_pauses: passed,
                traffic_steps: 2,
                ..empty_facts(&all)
            })
        };
        assert_eq!(
            [0, 1, 2, 3].map(canary),
            [
                GateKind::Green,
                GateKind::Step,
                GateKind::Step,
                GateKind::Production
            ]
        );
        let at_once = [GREEN, PRODUCTION].map(str::to_owned).into();
        assert_eq!(
            [0, 1].map(|passed| identify(&PauseFacts {
                passed_pauses: passed,
                ..empty_facts(&at_once)
            })),
            [GateKind::Green, GateKind::Production]
        );
        let production = [PRODUCTION, "POST_SCALE_UP"].map(str::to_owned).into();
        assert_eq!(
            [0, 1].map(|passed| identify(&PauseFacts {
                passed_pauses: passed,
                early_pauses: 1,
                ..empty_facts(&production)
            })),
            [GateKind::External, GateKind::Production]
        );
    }
}
