//! Every limit by itself, and all of them against a straightforward reading of Argo's rules.

use proptest::prelude::*;

use super::*;

const USUAL: MeasurementLimits = MeasurementLimits {
    failures: Some(0),
    inconclusives: 0,
    consecutive_errors: 4,
    consecutive_successes: 0,
};

/// `s`uccessful, `f`ailed, `i`nconclusive, `e`rror.
fn assess_phases(
    phases: &str,
    limits: MeasurementLimits,
    end_condition: EndCondition,
) -> Option<Phase> {
    let mut tally = MeasurementCounts::default();
    for phase in phases.chars() {
        tally.add(parse_phase(phase));
    }
    tally.assess(&limits, end_condition)
}

fn parse_phase(letter: char) -> Phase {
    match letter {
        's' => Phase::Successful,
        'f' => Phase::Failed,
        'i' => Phase::Inconclusive,
        _ => Phase::Error,
    }
}

#[test]
fn every_limit_is_passed_by_one_more_than_it_allows() {
    let three = MeasurementLimits {
        failures: Some(3),
        inconclusives: 2,
        consecutive_errors: 1,
        ..USUAL
    };
    let never = MeasurementLimits {
        failures: None,
        ..USUAL
    };
    let table = [
        (USUAL, "ssss", None),
        (USUAL, "sf", Some(Phase::Failed)),
        (USUAL, "si", Some(Phase::Inconclusive)),
        (USUAL, "eeee", None),
        (USUAL, "eeeee", Some(Phase::Error)),
        (USUAL, "eeeeseeee", None),
        (three, "fff", None),
        (three, "fsffsf", Some(Phase::Failed)),
        (three, "isis", None),
        (three, "isiis", Some(Phase::Inconclusive)),
        (three, "esesese", None),
        (three, "see", Some(Phase::Error)),
        (three, "iiiffffee", Some(Phase::Error)),
        (three, "iiiffff", Some(Phase::Inconclusive)),
        (never, "ffffffff", None),
    ];
    for (limits, phases, expected) in table {
        assert_eq!(
            assess_phases(phases, limits, EndCondition::OnRequest),
            expected,
            "{phases} with {limits:?}"
        );
    }
}

#[test]
fn a_count_is_of_measurements_and_errors_are_none() {
    let patient = MeasurementLimits {
        failures: Some(9),
        inconclusives: 9,
        ..USUAL
    };
    let table = [
        (patient, "ss", EndCondition::Count(3), None),
        (
            patient,
            "sess",
            EndCondition::Count(3),
            Some(Phase::Successful),
        ),
        (
            patient,
            "sfi",
            EndCondition::Count(3),
            Some(Phase::Successful),
        ),
        (
            patient,
            "iii",
            EndCondition::Count(3),
            Some(Phase::Inconclusive),
        ),
        (
            patient,
            "eeeff",
            EndCondition::Count(2),
            Some(Phase::Inconclusive),
        ),
        (patient, "f", EndCondition::Conclusive, None),
        (
            patient,
            "fs",
            EndCondition::Conclusive,
            Some(Phase::Successful),
        ),
        (patient, "ii", EndCondition::Conclusive, None),
        (
            patient,
            "iis",
            EndCondition::Conclusive,
            Some(Phase::Successful),
        ),
    ];
    for (limits, phases, until, expected) in table {
        assert_eq!(assess_phases(phases, limits, until), expected, "{phases}");
    }
}

#[test]
fn successes_in_a_row_end_a_check_early() {
    let rows = |failures| MeasurementLimits {
        failures,
        inconclusives: 9,
        consecutive_successes: 3,
        ..USUAL
    };
    let table = [
        (rows(Some(9)), "ssfss", None),
        (rows(Some(9)), "ssfsss", Some(Phase::Successful)),
        (rows(Some(9)), "ssessi", None),
        (rows(Some(9)), "ssfssfss", Some(Phase::Inconclusive)),
        (rows(None), "ssfssfss", Some(Phase::Failed)),
    ];
    for (limits, phases, expected) in table {
        assert_eq!(
            assess_phases(phases, limits, EndCondition::Count(8)),
            expected,
            "{phases}"
        );
    }
}

#[test]
fn the_reason_is_told_in_words() {
    let mut tally = MeasurementCounts::default();
    tally.add(Phase::Successful);
    tally.add(Phase::Failed);
    assert_eq!(
        tally.explain(Phase::Failed, &USUAL),
        "1 of 2 measurements failed, and at most 0 may"
    );
    assert_eq!(
        MeasurementCounts::default().explain(Phase::Inconclusive, &USUAL),
        "no measurement could tell good from bad"
    );
    let bad = MeasurementCounts {
        failed: 2,
        ..MeasurementCounts::default()
    };
    assert_eq!(
        bad.explain(Phase::Inconclusive, &USUAL),
        "not one of 2 measurements was good"
    );
    let rows = MeasurementLimits {
        consecutive_successes: 3,
        ..USUAL
    };
    assert_eq!(
        [bad, MeasurementCounts::default()].map(|tally| tally.explain(Phase::Inconclusive, &rows)),
        [
            "there never were 3 successes in a row",
            "no measurement could tell good from bad"
        ]
    );
}

/// Argo's rules, read straight: counts over the whole history, and assignments of which the last
/// one counts.
fn assess_by_argo(
    history: &[Phase],
    limits: &MeasurementLimits,
    end_condition: EndCondition,
) -> Option<Phase> {
    let times = |phase: Phase| {
        u32::try_from(history.iter().filter(|each| **each == phase).count()).unwrap()
    };
    let row = |phase: Phase| {
        u32::try_from(
            history
                .iter()
                .rev()
                .take_while(|each| **each == phase)
                .count(),
        )
        .unwrap()
    };
    let mut phase = None;
    if limits
        .failures
        .is_some_and(|limit| times(Phase::Failed) > limit)
    {
        phase = Some(Phase::Failed);
    }
    if times(Phase::Inconclusive) > limits.inconclusives {
        phase = Some(Phase::Inconclusive);
    }
    if row(Phase::Error) > limits.consecutive_errors {
        phase = Some(Phase::Error);
    }
    if phase.is_some() {
        return phase;
    }
    let wanted = limits.consecutive_successes;
    if wanted > 0 && row(Phase::Successful) >= wanted {
        return Some(Phase::Successful);
    }
    let measurements = u32::try_from(history.len()).unwrap() - times(Phase::Error);
    if !matches!(end_condition, EndCondition::Count(count) if measurements >= count) {
        return None;
    }
    match (wanted, limits.failures) {
        (0, _) => Some(if times(Phase::Successful) > 0 {
            Phase::Successful
        } else {
            Phase::Inconclusive
        }),
        (_, Some(_)) => Some(Phase::Inconclusive),
        (_, None) => Some(Phase::Failed),
    }
}

proptest! {
    #[test]
    fn limits_agree_with_a_straightforward_reading_of_argos_rules(
        history in prop::collection::vec(prop::sample::select(vec!['s', 's', 's', 'f', 'i', 'e']), 0..30),
        failures in prop::option::of(0u32..5),
        inconclusives in 0u32..5,
        consecutive_errors in 0u32..5,
        consecutive_successes in 0u32..4,
        count in prop::option::of(1u32..20),
    ) {
        let limits = MeasurementLimits { failures, inconclusives, consecutive_errors, consecutive_successes };
        let until = count.map_or(EndCondition::OnRequest, EndCondition::Count);
        let mut tally = MeasurementCounts::default();
        let mut told = Vec::new();
        for letter in history {
            tally.add(parse_phase(letter));
            told.push(parse_phase(letter));
            prop_assert_eq!(tally.assess(&limits, until), assess_by_argo(&told, &limits, until), "{:?}", told);
        }
    }
}
