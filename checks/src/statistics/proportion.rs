//! Errors of all requests, on both sides: is green's rate another one than blue's?
//!
//! Fisher's exact test up to an expected count of 1,000 in the emptiest cell, the pooled z test
//! above.

mod fisher;

use super::{Direction, Method, StatisticalResult, StatisticsError, normal};
use crate::analysis::question::Side;

/// The normal distribution is used once every cell's expected count reaches this. The textbook
/// value of 5 is meant for p near 0.05; repeated looks need p near 0.0005. There, with a tenth of
/// the traffic, the z test understates p by a factor of 15 at 5 expected errors, and of 1.2 at
/// 1,000 (exp(z³γ/6), first term of the Edgeworth series). The exact test stays cheap up to there:
/// some thousand additions.
const MIN_EXPECTED_FOR_NORMAL: f64 = 1000.0;

/// How many requests there were on one side, and how many of them were errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    errors: u64,
    requests: u64,
}

impl Counts {
    /// An error is a request: where more errors than requests were counted (metrics are stamped at
    /// the end of an answer, so that a cut between two minutes can separate them), there were at
    /// least as many requests.
    pub fn new(errors: u64, requests: u64) -> Self {
        Self {
            errors,
            requests: requests.max(errors),
        }
    }

    /// How many were errors.
    pub fn errors(self) -> u64 {
        self.errors
    }

    /// How many there were.
    pub fn requests(self) -> u64 {
        self.requests
    }

    /// The share of errors: 0 to 1; 0 of none.
    pub fn rate(self) -> f64 {
        if self.requests == 0 {
            0.0
        } else {
            to_float(self.errors) / to_float(self.requests)
        }
    }

    fn successes(self) -> u64 {
        self.requests - self.errors
    }
}

/// How much more often green fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskEffect {
    /// Green's rate less blue's: −1 to 1.
    pub difference: f64,
    /// Green's rate as a multiple of blue's; 1 where both are 0, infinite where only blue's is.
    pub ratio: f64,
}

/// Tests whether green's rate is another one than blue's.
pub fn two_proportion(
    blue: Counts,
    green: Counts,
    direction: Direction,
) -> Result<StatisticalResult<RiskEffect>, StatisticsError> {
    for (side, counts) in [(Side::Blue, blue), (Side::Green, green)] {
        if counts.requests == 0 {
            return Err(StatisticsError::Empty { side });
        }
    }
    let method = if least_expected(blue, green) < MIN_EXPECTED_FOR_NORMAL {
        Method::Fisher
    } else {
        Method::PooledZ
    };
    let p = match method {
        Method::Fisher => fisher::p_value(blue, green, direction),
        Method::PooledZ | Method::MannWhitneyExact | Method::MannWhitneyNormal => {
            pooled_z_p(blue, green, direction)
        }
    };
    Ok(StatisticalResult {
        p,
        method,
        effect: risk_effect(blue, green),
    })
}

fn risk_effect(blue: Counts, green: Counts) -> RiskEffect {
    let ratio = green.rate() / blue.rate();
    RiskEffect {
        difference: green.rate() - blue.rate(),
        ratio: if ratio.is_nan() { 1.0 } else { ratio },
    }
}

/// What the emptiest of the four cells would hold if both sides were the same.
fn least_expected(blue: Counts, green: Counts) -> f64 {
    let all = to_float(blue.requests) + to_float(green.requests);
    let kind = to_float(blue.errors + green.errors)
        .min(to_float(blue.successes()) + to_float(green.successes()));
    kind * to_float(blue.requests.min(green.requests)) / all
}

fn pooled_z_p(blue: Counts, green: Counts, direction: Direction) -> f64 {
    let (in_blue, in_green) = (to_float(blue.requests), to_float(green.requests));
    let pooled = (to_float(blue.errors) + to_float(green.errors)) / (in_blue + in_green);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / in_blue + 1.0 / in_green)).sqrt();
    let z = (green.rate() - blue.rate()) / deviation;
    match direction {
        Direction::Increase => normal::upper_tail(z),
        Direction::Decrease => normal::upper_tail(-z),
        Direction::Either => 2.0 * normal::upper_tail(z.abs()),
    }
}

/// A count of requests, for a computation.
#[expect(
    clippy::cast_precision_loss,
    reason = "requests are far fewer than 2^53"
)]
pub(crate) fn to_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_test(
        blue: (u64, u64),
        green: (u64, u64),
        direction: Direction,
    ) -> StatisticalResult<RiskEffect> {
        two_proportion(
            Counts::new(blue.0, blue.1),
            Counts::new(green.0, green.1),
            direction,
        )
        .unwrap()
    }

    #[test]
    fn three_times_the_errors_are_no_chance() {
        let tested = run_test((30, 3000), (93, 3001), Direction::Increase);
        assert!(
            (tested.p / 3.911_506_269_815_511e-9 - 1.0).abs() < 1e-12,
            "{}",
            tested.p
        );
        assert!(
            (tested.effect.ratio - 3.099).abs() < 0.001
                && (tested.effect.difference - 0.021).abs() < 0.001
        );
        assert_eq!(tested.method, Method::Fisher);
    }

    #[test]
    fn the_same_counts_are_no_evidence_in_any_direction() {
        for counts in [(0, 1), (0, 1_000_000), (7, 7), (50_000, 1_000_000)] {
            let tested = run_test(counts, counts, Direction::Either);
            assert!((tested.p - 1.0).abs() < 1e-12, "{counts:?}: {}", tested.p);
            assert_eq!(
                (tested.effect.difference, tested.effect.ratio),
                (0.0, 1.0),
                "{counts:?}"
            );
        }
    }

    #[test]
    fn increase_and_decrease_mirror_each_other() {
        for (blue, green) in [
            ((3, 50), (9, 40)),
            ((30_000, 1_000_000), (30_500, 1_000_000)),
        ] {
            let (up, down) = (
                run_test(blue, green, Direction::Increase),
                run_test(green, blue, Direction::Decrease),
            );
            assert!(
                (up.p / down.p - 1.0).abs() < 1e-12,
                "{} and {}",
                up.p,
                down.p
            );
        }
    }

    #[test]
    fn the_normal_distribution_is_used_only_where_every_cell_is_full() {
        assert_eq!(
            run_test((900, 100_000), (900, 100_000), Direction::Increase).method,
            Method::Fisher
        );
        assert_eq!(
            run_test((1000, 100_000), (1000, 100_000), Direction::Increase).method,
            Method::PooledZ
        );
        assert_eq!(
            run_test((99_950, 100_000), (99_950, 100_000), Direction::Increase).method,
            Method::Fisher
        );
    }

    #[test]
    fn the_pooled_rate_gives_the_deviation() {
        // z = 2.434: from the pooled rate 0.3025, as in the textbooks.
        let table = [
            (Direction::Increase, 0.007_466_539_493_576_491),
            (Direction::Decrease, 0.992_533_460_506_423_5),
            (Direction::Either, 0.014_933_078_987_152_982),
        ];
        for (direction, expected) in table {
            let p = run_test((30_000, 100_000), (30_500, 100_000), direction).p;
            assert!((p / expected - 1.0).abs() < 1e-12, "{direction:?}: {p}");
        }
    }

    #[test]
    fn where_both_tests_could_be_used_they_nearly_agree() {
        let (blue, green) = (Counts::new(1000, 100_000), Counts::new(1100, 100_000));
        let (exact, normal) = (
            fisher::p_value(blue, green, Direction::Either),
            pooled_z_p(blue, green, Direction::Either),
        );
        assert!((exact / normal - 1.0).abs() < 0.06, "{exact} and {normal}");
    }

    #[test]
    fn a_side_without_requests_gives_no_verdict() {
        let (some, none) = (Counts::new(1, 10), Counts::new(0, 0));
        assert_eq!(
            two_proportion(none, some, Direction::Increase),
            Err(StatisticsError::Empty { side: Side::Blue })
        );
        assert_eq!(
            two_proportion(some, none, Direction::Increase),
            Err(StatisticsError::Empty { side: Side::Green })
        );
    }

    #[test]
    fn an_error_is_a_request_even_where_it_was_counted_first() {
        let counts = Counts::new(101, 100);
        assert_eq!((counts.errors(), counts.requests()), (101, 101));
    }
}
