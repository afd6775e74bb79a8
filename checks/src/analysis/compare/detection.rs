//! Statistical power: whether this much traffic could have shown a difference at all. "No
//! difference" means nothing where none could have been detected.

use super::ComparePolicy;
use crate::statistics::{Counts, Direction, to_float, two_proportion};

/// The one-sided 95 % quantile of the normal distribution.
const Z_95_ONE_SIDED: f64 = 1.645;

/// The error rate of green that must be detectable; `None` where the policy requires none.
pub(super) fn rate_to_detect(blue: Counts, policy: &ComparePolicy) -> Option<f64> {
    let (rate, times, more) = (
        blue.rate(),
        policy.must_detect_ratio,
        policy.must_detect_difference,
    );
    if !times.is_finite() {
        return None;
    }
    Some(match policy.direction {
        Direction::Increase | Direction::Either => (times * rate).max(rate + more).min(1.0),
        Direction::Decrease => (rate / times).min(rate - more).max(0.0),
    })
}

/// Whether a green with this error rate would be found worse now with 95 % probability.
pub(super) fn is_detectable(
    rate: f64,
    blue: Counts,
    green: Counts,
    policy: &ComparePolicy,
    allowance: f64,
) -> bool {
    let requests = to_float(green.requests());
    let margin = Z_95_ONE_SIDED * (requests * rate * (1.0 - rate)).sqrt();
    let errors = match policy.direction {
        Direction::Increase | Direction::Either => (requests * rate - margin).floor(),
        Direction::Decrease => (requests * rate + margin).ceil(),
    };
    let at_margin = Counts::new(to_count(errors.min(requests)), green.requests());
    two_proportion(blue, at_margin, policy.direction).is_ok_and(|tested| tested.p < allowance)
}

/// About how many requests on green would make this rate detectable, if blue's grow in proportion;
/// `None` if more than any service has.
pub(super) fn requests_to_detect(
    rate: f64,
    blue: Counts,
    green: Counts,
    policy: &ComparePolicy,
    allowance: f64,
) -> Option<u64> {
    const STEPS: i32 = 80;
    let scale = |counts: Counts, times: f64| {
        Counts::new(
            to_count(to_float(counts.errors()) * times),
            to_count(to_float(counts.requests()) * times),
        )
    };
    let scaled = (1..=STEPS)
        .map(|step| 1.1_f64.powi(step))
        .map(|times| (scale(blue, times), scale(green, times)));
    let mut scaled = scaled;
    scaled
        .find(|(blue, green)| is_detectable(rate, *blue, *green, policy, allowance))
        .map(|(_, green)| green.requests())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the requests; below zero is zero"
)]
fn to_count(count: f64) -> u64 {
    count as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(direction: Direction) -> ComparePolicy {
        ComparePolicy {
            direction,
            ..ComparePolicy::default()
        }
    }

    #[test]
    fn what_must_be_seen_is_three_times_blue_or_two_points_beside_it() {
        let table = [
            (Direction::Increase, 10, 0.03),
            (Direction::Increase, 5, 0.025),
            (Direction::Either, 500, 1.0),
            (Direction::Decrease, 900, 0.3),
            (Direction::Decrease, 25, 0.005),
            (Direction::Decrease, 10, 0.0),
        ];
        for (direction, errors, expected) in table {
            let rate = rate_to_detect(Counts::new(errors, 1000), &policy(direction)).unwrap();
            assert!(
                (rate - expected).abs() < 1e-12,
                "{direction:?} {errors}: {rate}"
            );
        }
    }

    /// By SciPy's `hypergeom` of the errors that 19 of 20 runs have.
    #[test]
    fn a_green_is_seen_from_so_many_requests_on() {
        let table = [
            (
                Direction::Increase,
                (100, 10_000),
                0.03,
                [955, 956, 1034, 1035],
            ),
            (
                Direction::Decrease,
                (9000, 10_000),
                0.85,
                [868, 869, 897, 898],
            ),
        ];
        for (direction, blue, rate, requests) in table {
            let seen = requests.map(|requests| {
                is_detectable(
                    rate,
                    Counts::new(blue.0, blue.1),
                    Counts::new(0, requests),
                    &policy(direction),
                    0.004,
                )
            });
            assert_eq!(seen, [false, true, false, true], "{direction:?}");
        }
    }

    #[test]
    fn a_p_that_is_the_allowance_itself_is_not_seen() {
        let (blue, green) = (Counts::new(0, 100), Counts::new(0, 100));
        let policy = policy(Direction::Increase);
        let p = two_proportion(blue, Counts::new(100, 100), policy.direction)
            .unwrap()
            .p;
        assert!(!is_detectable(1.0, blue, green, &policy, p));
        assert!(is_detectable(1.0, blue, green, &policy, p * 1.01));
    }

    #[test]
    fn the_requests_that_are_needed_grow_on_both_sides() {
        let table = [
            (Direction::Increase, (10, 1000), (1, 120), 0.03, Some(807)),
            (
                Direction::Decrease,
                (900, 1000),
                (110, 120),
                0.85,
                Some(667),
            ),
            (Direction::Increase, (10, 1000), (1, 120), 0.01, None),
        ];
        for (direction, blue, green, rate, expected) in table {
            let (blue, green) = (Counts::new(blue.0, blue.1), Counts::new(green.0, green.1));
            assert_eq!(
                requests_to_detect(rate, blue, green, &policy(direction), 0.025),
                expected,
                "{direction:?} {rate}"
            );
        }
    }
}
