//! Small cases known from tables, and what holds for all.

use super::*;

fn p_value(blue: &[f64], green: &[f64], direction: Direction) -> f64 {
    mann_whitney(blue, green, direction).unwrap().p
}

fn range_values(values: std::ops::Range<u32>) -> Vec<f64> {
    values.map(f64::from).collect()
}

#[test]
fn sides_that_do_not_overlap_have_one_arrangement_of_all() {
    let (blue, green) = (range_values(0..5), range_values(5..10));
    assert!((p_value(&blue, &green, Direction::Increase) - 1.0 / 252.0).abs() < 1e-16);
    assert!((p_value(&blue, &green, Direction::Decrease) - 1.0).abs() < 1e-16);
    assert!((p_value(&blue, &green, Direction::Either) - 2.0 / 252.0).abs() < 1e-16);
    assert!((lowest_p(5, 5, Direction::Increase) - 1.0 / 252.0).abs() < 1e-16);
    assert!((lowest_p(5, 5, Direction::Either) - 2.0 / 252.0).abs() < 1e-16);
    assert!((lowest_p(1, 1, Direction::Either) - 1.0).abs() < 1e-16);
}

#[test]
fn all_values_equal_are_no_evidence() {
    for size in [1, 3, 40, 500] {
        let same = vec![0.25; size];
        for direction in [Direction::Increase, Direction::Decrease, Direction::Either] {
            let tested = mann_whitney(&same, &same, direction).unwrap();
            assert_eq!(
                (tested.p, tested.effect.probability, tested.effect.shift),
                (1.0, 0.5, 0.0),
                "{size} {direction:?}"
            );
        }
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "what is exact is to be exact")]
fn zero_and_minus_zero_are_a_tie() {
    assert_eq!(
        mann_whitney(&[-0.0], &[0.0], Direction::Increase)
            .unwrap()
            .effect
            .probability,
        0.5
    );
}

#[test]
fn a_side_without_values_gives_no_verdict_and_neither_do_values_that_are_none() {
    let refused =
        |blue: &[f64], green: &[f64]| mann_whitney(blue, green, Direction::Increase).unwrap_err();
    assert_eq!(
        refused(&[], &[1.0]),
        StatisticsError::Empty { side: Side::Blue }
    );
    assert_eq!(
        refused(&[1.0], &[]),
        StatisticsError::Empty { side: Side::Green }
    );
    assert_eq!(
        refused(&[1.0], &[f64::NAN]),
        StatisticsError::NotFinite { side: Side::Green }
    );
    assert_eq!(
        refused(&[f64::NEG_INFINITY], &[1.0]),
        StatisticsError::NotFinite { side: Side::Blue }
    );
    assert_eq!(refused(&[], &[1.0]).to_string(), "blue has no data");
    assert_eq!(
        refused(&[1.0], &[f64::NAN]).to_string(),
        "green has a value that is not a finite number"
    );
}

/// What SciPy's `mannwhitneyu(green, blue, method="asymptotic")` says.
#[test]
fn many_values_are_judged_by_the_normal_distribution_with_both_corrections() {
    let tied = |count: u32, more: u32| -> Vec<f64> {
        (0..count)
            .map(|at| f64::from(at % 10 + more * (at % 3)))
            .collect()
    };
    let shifted: Vec<f64> = range_values(0..80)
        .iter()
        .map(|value| value + 10.5)
        .collect();
    let mut but_one = vec![0.0; 70];
    but_one[69] = 1.0;
    let table = [
        (
            tied(70, 0),
            tied(90, 1),
            [
                0.023_106_730_435_417_184,
                0.977_081_609_573_524_6,
                0.046_213_460_870_834_37,
            ],
        ),
        (
            range_values(0..70),
            shifted,
            [
                5.260_782_230_862_334e-5,
                0.999_948_200_705_783_4,
                0.000_105_215_644_617_246_68,
            ],
        ),
        (
            but_one,
            vec![0.0; 70],
            [
                0.844_776_780_651_683_3,
                0.162_136_668_615_493_47,
                0.324_273_337_230_986_95,
            ],
        ),
    ];
    for (blue, green, expected) in table {
        let directions = [Direction::Increase, Direction::Decrease, Direction::Either];
        for (direction, expected) in directions.into_iter().zip(expected) {
            let tested = mann_whitney(&blue, &green, direction).unwrap();
            assert_eq!(tested.method, Method::MannWhitneyNormal);
            assert!(
                (tested.p / expected - 1.0).abs() < 1e-12,
                "{direction:?}: {} instead of {expected}",
                tested.p
            );
        }
    }
}

#[test]
fn counting_with_ties_and_without_come_to_the_same_where_there_are_none() {
    let (blue, green) = ([1.0, 4.0, 2.5, 7.0, 9.0], [3.0, 8.0, 11.0]);
    let order = Order::from_sorted(
        &sort_finite(&blue, Side::Blue).unwrap(),
        &sort_finite(&green, Side::Green).unwrap(),
    );
    let (plain, tied) = (
        exact::count_tails(&order).unwrap(),
        tied::count_tails(&order).unwrap(),
    );
    assert_eq!(
        (plain.as_great, plain.as_small),
        (tied.as_great, tied.as_small)
    );
}

#[test]
fn arrangements_are_counted_up_to_sixty_four_on_a_side_and_some_forty_with_ties() {
    let method = |blue: &[f64], green: &[f64]| {
        mann_whitney(blue, green, Direction::Increase)
            .unwrap()
            .method
    };
    assert_eq!(
        method(&range_values(0..64), &range_values(64..128)),
        Method::MannWhitneyExact
    );
    assert_eq!(
        method(&range_values(0..70), &range_values(70..140)),
        Method::MannWhitneyNormal
    );
    assert_eq!(
        method(&range_values(0..45), &range_values(20..65)),
        Method::MannWhitneyExact
    );
    assert_eq!(
        method(&range_values(0..60), &range_values(20..80)),
        Method::MannWhitneyNormal
    );
    assert_eq!(
        method(&range_values(0..4), &range_values(4..3000)),
        Method::MannWhitneyExact
    );
}

#[test]
#[expect(clippy::float_cmp, reason = "what is exact is to be exact")]
fn the_shift_is_what_was_added() {
    let blue = range_values(0..2500);
    let green: Vec<f64> = blue.iter().map(|value| value + 7.5).collect();
    assert_eq!(
        mann_whitney(&blue, &green, Direction::Increase)
            .unwrap()
            .effect
            .shift,
        7.5
    );
    assert_eq!(
        mann_whitney(&[1.0], &[1.0, 4.0], Direction::Increase)
            .unwrap()
            .effect
            .shift,
        1.5
    );
    assert_eq!(
        mann_whitney(&[0.0], &range_values(0..5000), Direction::Increase)
            .unwrap()
            .effect
            .shift,
        2499.5,
        "a side that is thinned out keeps its median"
    );
}
