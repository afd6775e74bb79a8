//! Fisher's exact test: of all ways to spread the same errors over the same requests, the share
//! that is as bad as what was seen.
//!
//! Nothing is computed by logarithms of factorials, which lose nine digits at a million requests.
//! One way follows from the next by a multiplication; the most probable one has weight 1, so that
//! nothing overflows, and the far tails run into 0.

use super::{Counts, to_float};
use crate::statistics::Direction;

/// Ways of equal weight differ only by rounding: up to this relative difference they count as equal
/// (as in R).
const SAME_WEIGHT: f64 = 1.0 + 1e-7;

pub(super) fn p_value(blue: Counts, green: Counts, direction: Direction) -> f64 {
    let table = ContingencyTable::from_counts(blue, green);
    let seen = green.errors;
    let share = match direction {
        Direction::Increase => table.sum_weights(|errors, _| errors >= seen),
        Direction::Decrease => table.sum_weights(|errors, _| errors <= seen),
        Direction::Either => {
            let limit = table.weight(seen) * SAME_WEIGHT;
            table.sum_weights(|_, weight| weight <= limit)
        }
    };
    (share / table.sum_weights(|_, _| true)).min(1.0)
}

/// What stays the same in all ways: the sums of rows and columns.
struct ContingencyTable {
    green: u64,
    blue: u64,
    errors: u64,
    /// Green's errors in the most probable way.
    mode: u64,
}

impl ContingencyTable {
    fn from_counts(blue: Counts, green: Counts) -> Self {
        let errors = blue.errors + green.errors;
        let all = u128::from(green.requests) + u128::from(blue.requests) + 2;
        let mode = (u128::from(errors) + 1) * (u128::from(green.requests) + 1) / all;
        let mode = u64::try_from(mode).unwrap_or(u64::MAX);
        let least = errors.saturating_sub(blue.requests);
        let most = errors.min(green.requests);
        Self {
            green: green.requests,
            blue: blue.requests,
            errors,
            mode: mode.clamp(least, most),
        }
    }

    /// The weight of the way with one more error on green, over that with `errors`.
    fn weight_ratio(&self, errors: u64) -> f64 {
        let more = to_float(self.errors - errors) * to_float(self.green - errors);
        more / (to_float(errors + 1) * to_float(self.blue + errors + 1 - self.errors))
    }

    fn weight(&self, seen: u64) -> f64 {
        self.ways()
            .find(|(errors, _)| *errors == seen)
            .map_or(0.0, |(_, weight)| weight)
    }

    /// The ways that count, the small weights before the great ones, so that none is lost by
    /// rounding.
    fn sum_weights(&self, counts: impl Fn(u64, f64) -> bool) -> f64 {
        let weights: Vec<f64> = self
            .ways()
            .filter(|(errors, weight)| counts(*errors, *weight))
            .map(|(_, weight)| weight)
            .collect();
        weights.iter().rev().fold(0.0, |sum, weight| sum + weight)
    }

    /// Every way with a weight above 0: green's errors and the weight, from the mode upwards, then
    /// from below the mode downwards.
    fn ways(&self) -> impl Iterator<Item = (u64, f64)> + '_ {
        let up = std::iter::successors(Some((self.mode, 1.0)), |(errors, weight)| {
            let next = (*errors < self.errors.min(self.green))
                .then(|| (errors + 1, weight * self.weight_ratio(*errors)));
            next.filter(|(_, weight)| *weight > 0.0)
        });
        let down = std::iter::successors(Some((self.mode, 1.0)), |(errors, weight)| {
            let next = (*errors > self.errors.saturating_sub(self.blue))
                .then(|| (errors - 1, weight / self.weight_ratio(errors - 1)));
            next.filter(|(_, weight)| *weight > 0.0)
        });
        up.chain(down.skip(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lady_tasting_tea() {
        let (blue, green) = (Counts::new(1, 4), Counts::new(3, 4));
        let table = [
            (Direction::Increase, 17.0 / 70.0),
            (Direction::Decrease, 69.0 / 70.0),
            (Direction::Either, 34.0 / 70.0),
        ];
        for (direction, expected) in table {
            assert!(
                (p_value(blue, green, direction) - expected).abs() < 1e-15,
                "{direction:?}"
            );
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "what is exact is to be exact")]
    fn the_farthest_tail_runs_into_zero_and_nowhere_else() {
        let (blue, green) = (Counts::new(0, 1_000_000), Counts::new(900, 1000));
        assert_eq!(p_value(blue, green, Direction::Increase), 0.0);
        assert!((p_value(blue, green, Direction::Decrease) - 1.0).abs() < 1e-12);
        assert_eq!(p_value(blue, green, Direction::Either), 0.0);
    }

    #[test]
    fn every_way_is_counted_where_the_rows_are_full() {
        let (blue, green) = (Counts::new(8, 10), Counts::new(10, 10));
        assert!((p_value(blue, green, Direction::Increase) - 45.0 / 190.0).abs() < 1e-15);
    }

    /// What SciPy's `hypergeom` says.
    #[test]
    fn millions_of_errors_overflow_nothing() {
        let (blue, green) = (Counts::new(760, 2000), Counts::new(2_001_000, 5_000_000));
        let table = [
            (Direction::Increase, 0.034_047_229_625_156_46),
            (Direction::Decrease, 0.969_279_343_753_621_9),
        ];
        for (direction, expected) in table {
            let p = p_value(blue, green, direction);
            assert!((p / expected - 1.0).abs() < 1e-9, "{direction:?}: {p}");
        }
    }
}
