//! Verdicts on counts and on values.

use super::*;

fn policy() -> ComparePolicy {
    ComparePolicy::default()
}

fn compare_counts(blue: (u64, u64), green: (u64, u64), look: u32) -> ComparisonResult {
    rates(
        Counts::new(blue.0, blue.1),
        Counts::new(green.0, green.1),
        look,
        &policy(),
    )
}

fn evenly_spaced(from: f64, step: f64, count: u32) -> Vec<f64> {
    (0..count)
        .map(|place| from + step * f64::from(place))
        .collect()
}

#[test]
fn three_times_the_errors_fail_and_the_note_says_p_effect_and_n() {
    let compared = compare_counts((30, 3000), (93, 3001), 3);
    assert_eq!(compared.phase, Phase::Failed);
    assert_eq!(
        compared.value,
        "green 3.1 % (93 of 3,001), blue 1.0 % (30 of 3,000)"
    );
    let note = "not by chance: p < 0.000001 (Fisher's exact test) against 0.00417 at look 3, green is 3.1 times blue; n = 3,001 and 3,000 requests";
    assert_eq!(compared.note, note);
}

#[test]
fn rates_are_judged_by_chance_and_by_what_matters() {
    let table = [
        ("equal", (100, 10_000), (100, 10_000), Phase::Successful),
        (
            "a little more, by chance",
            (100, 10_000),
            (115, 10_000),
            Phase::Successful,
        ),
        (
            "a fifth more of very many is not chance and does not matter",
            (100_000, 10_000_000),
            (120_000, 10_000_000),
            Phase::Successful,
        ),
        (
            "twice a very small rate does not matter",
            (1000, 10_000_000),
            (2000, 10_000_000),
            Phase::Successful,
        ),
        (
            "half more of very many matters",
            (100_000, 10_000_000),
            (150_000, 10_000_000),
            Phase::Failed,
        ),
        (
            "fewer errors are welcome",
            (900, 10_000),
            (10, 10_000),
            Phase::Successful,
        ),
        (
            "errors where blue has none",
            (0, 10_000),
            (30, 1000),
            Phase::Failed,
        ),
        (
            "no errors anywhere",
            (0, 10_000),
            (0, 1000),
            Phase::Successful,
        ),
        (
            "too little traffic on green",
            (30, 3000),
            (99, 99),
            Phase::Inconclusive,
        ),
        (
            "too little traffic on blue",
            (0, 99),
            (990, 1000),
            Phase::Inconclusive,
        ),
        (
            "three times the errors would have gone unseen",
            (10, 1000),
            (1, 120),
            Phase::Inconclusive,
        ),
        (
            "without an error, where even 2 % would have gone unseen",
            (0, 1000),
            (0, 120),
            Phase::Inconclusive,
        ),
        ("no traffic", (0, 0), (0, 0), Phase::Inconclusive),
    ];
    for (case, blue, green, phase) in table {
        assert_eq!(compare_counts(blue, green, 1).phase, phase, "{case}");
    }
}

#[test]
fn no_volume_asked_for_makes_an_empty_side_no_pass() {
    let policy = ComparePolicy {
        min_request_volume: 0,
        ..policy()
    };
    let compared = rates(Counts::new(3, 100), Counts::new(0, 0), 1, &policy);
    assert_eq!(
        (compared.phase, compared.note.as_str()),
        (Phase::Inconclusive, "green has no data")
    );
    let small = rates(Counts::new(0, 40), Counts::new(1, 30), 1, &policy);
    assert!(
        small
            .note
            .contains("n = 30 and 40 requests, which is small; about "),
        "{}",
        small.note
    );
}

#[test]
fn a_pass_says_that_three_times_the_errors_would_have_been_seen() {
    let unseen = compare_counts((10, 1000), (1, 120), 1);
    assert!(
        unseen
            .note
            .starts_with("too little traffic to tell: a green at 3.0 % could go unseen; p = "),
        "{}",
        unseen.note
    );
    let asks_for_nothing = ComparePolicy {
        must_detect_ratio: f64::INFINITY,
        ..policy()
    };
    assert_eq!(
        rates(
            Counts::new(10, 1000),
            Counts::new(1, 120),
            1,
            &asks_for_nothing
        )
        .phase,
        Phase::Successful
    );
}

#[test]
fn what_fails_at_the_first_look_may_be_chance_at_the_tenth() {
    let (blue, green) = ((30, 3000), (53, 3000));
    assert_eq!(compare_counts(blue, green, 1).phase, Phase::Failed);
    assert_eq!(compare_counts(blue, green, 10).phase, Phase::Successful);
}

#[test]
fn twice_the_latency_fails_once_there_are_enough_values_to_say_so() {
    let fails = |count: u32| {
        samples(
            &evenly_spaced(0.2, 0.01, count),
            &evenly_spaced(0.4, 0.01, count),
            count,
            &policy(),
        )
        .phase
    };
    assert_eq!(
        [3, 5, 6, 7, 20].map(fails),
        [
            Phase::Inconclusive,
            Phase::Inconclusive,
            Phase::Failed,
            Phase::Failed,
            Phase::Failed
        ]
    );
}

#[test]
fn values_are_told_by_their_medians_and_small_n_is_said() {
    let compared = samples(
        &evenly_spaced(0.2, 0.01, 7),
        &evenly_spaced(0.4, 0.01, 7),
        7,
        &policy(),
    );
    assert_eq!(
        compared.value,
        "green 0.43 (median of 7), blue 0.23 (median of 7)"
    );
    let note = "not by chance: p = 0.000291 (Mann–Whitney, exact) against 0.000893 at look 7, green is 1.87 times blue; n = 7 and 7 values, which is small";
    assert_eq!(compared.note, note);
}

#[test]
fn values_are_judged_by_chance_and_by_what_matters() {
    let (count, blue) = (60, evenly_spaced(1.0, 0.001, 60));
    let table = [
        ("equal", blue.clone(), Phase::Successful),
        (
            "a tenth slower is not chance and does not matter",
            evenly_spaced(1.1, 0.001, count),
            Phase::Successful,
        ),
        (
            "half slower matters",
            evenly_spaced(1.5, 0.001, count),
            Phase::Failed,
        ),
        (
            "faster is welcome",
            evenly_spaced(0.1, 0.001, count),
            Phase::Successful,
        ),
        ("no values", vec![], Phase::Inconclusive),
        ("no numbers", vec![f64::NAN], Phase::Error),
    ];
    for (case, green, phase) in table {
        assert_eq!(samples(&blue, &green, 1, &policy()).phase, phase, "{case}");
    }
}

#[test]
fn the_same_constant_on_both_sides_is_no_evidence() {
    let compared = samples(&[0.0; 20], &[0.0; 20], 5, &policy());
    assert_eq!(
        (compared.phase, compared.p, compared.effect),
        (Phase::Successful, Some(1.0), Some(1.0))
    );
}

#[test]
fn a_decrease_is_looked_for_where_it_is_asked_for() {
    let policy = |direction| ComparePolicy {
        direction,
        ..policy()
    };
    let phase = |direction| {
        samples(
            &evenly_spaced(100.0, 0.1, 30),
            &evenly_spaced(50.0, 0.1, 30),
            1,
            &policy(direction),
        )
        .phase
    };
    let all = [Direction::Increase, Direction::Decrease, Direction::Either].map(phase);
    assert_eq!(all, [Phase::Successful, Phase::Failed, Phase::Failed]);
}

#[test]
#[expect(clippy::float_cmp, reason = "what is exact is to be exact")]
fn a_percentile_needs_a_value_beyond_it() {
    assert_eq!(
        [50.0, 90.0, 95.0, 99.0, 99.9, 100.0].map(min_requests_for),
        [2.0, 10.0, 20.0, 100.0, 1000.0, 100_000.0]
    );
}

#[test]
fn a_p_that_is_the_allowance_itself_may_be_chance() {
    // Of 70 arrangements of four and four one is greater, and none than four after four.
    let second = samples(
        &[0.0, 1.0, 2.0, 4.0],
        &[3.0, 5.0, 6.0, 7.0],
        1,
        &ComparePolicy {
            alpha: 4.0 / 70.0,
            ..policy()
        },
    );
    assert_eq!(second.p, Some(2.0 / 70.0));
    assert_eq!(second.phase, Phase::Successful);
    assert!(
        second.note.starts_with("may be chance: "),
        "{}",
        second.note
    );
    let greatest = samples(
        &evenly_spaced(0.0, 1.0, 4),
        &evenly_spaced(4.0, 1.0, 4),
        1,
        &ComparePolicy {
            alpha: 2.0 / 70.0,
            ..policy()
        },
    );
    assert_eq!(
        (greatest.phase, greatest.p),
        (Phase::Inconclusive, Some(1.0 / 70.0))
    );
    assert!(
        greatest.note.starts_with(
            "too few values to tell at look 1: even the greatest difference would be chance; p = 0.0143"
        ),
        "{}",
        greatest.note
    );
}

#[test]
fn what_is_not_enough_to_tell_says_how_much_would_be() {
    let few = compare_counts((0, 3000), (0, 99), 1);
    assert_eq!(
        few.note,
        "too little traffic to tell: 99 requests on green and 3,000 on blue, 100 on each are needed"
    );
    let unseen = compare_counts((10, 1000), (1, 120), 1);
    assert!(
        unseen.note.ends_with("; about 807 on green are needed"),
        "{}",
        unseen.note
    );
    assert!(unseen.p.is_some() && unseen.effect.is_some());
    let policy = |looks| ComparePolicy { looks, ..policy() };
    for (looks, values) in [
        (Looks::Values(4), 4),
        (Looks::Values(27), 5),
        (Looks::Planned(9), 1),
        (Looks::Unplanned, 1),
    ] {
        assert_eq!(min_values(&policy(looks)), values, "{looks:?}");
    }
    let three = evenly_spaced(1.0, 1.0, 3);
    assert_eq!(
        samples(&three, &three, 1, &policy(Looks::Values(4))).note,
        "too few values to tell: 3 of green and 3 of blue, 4 on each are needed"
    );
}

#[test]
fn errors_where_blue_has_none_are_no_multiple() {
    let note = compare_counts((0, 10_000), (30, 1000), 1).note;
    assert!(
        note.contains(", green has what blue has none of; "),
        "{note}"
    );
}

#[test]
#[expect(clippy::float_cmp, reason = "what is exact is to be exact")]
fn a_multiple_of_nothing_counts_in_full() {
    let table = [
        (2.0, 1.0, 1.5),
        (2.0, 0.0, 1.0),
        (2.0, -3.0, 0.0),
        (0.0, 1.0, f64::INFINITY),
        (0.0, -1.0, 0.0),
        (-1.0, 1.0, f64::INFINITY),
        (-1.0, -1.0, 0.0),
    ];
    for (blue, shift, expected) in table {
        assert_eq!(shift_ratio(blue, shift), expected, "{blue} {shift}");
    }
}

#[test]
fn a_decrease_matters_where_blue_is_so_many_times_green() {
    let fewer = ComparePolicy {
        direction: Direction::Decrease,
        ..policy()
    };
    let matters = [0.5, 0.8, 0.81, 1.0, 1.25].map(|ratio| exceeds_allowed(ratio, &fewer));
    assert_eq!(matters, [true, true, false, false, false]);
}
