//! How many arrangements of values without ties give each U, counted exactly.
//!
//! They are the coefficients of a Gaussian binomial, computed factor by factor modulo 2^128.
//! Intermediate values may wrap around; final ones are right because none reaches 2^127.

use super::Tails;
use super::order::Order;

/// The limit of counting steps.
const WORK: usize = 20_000_000;

/// `None` if there are too many arrangements for 128 bits, or too much work.
pub(super) fn count_tails(order: &Order) -> Option<Tails> {
    let (few, many) = (order.blue.min(order.green), order.blue.max(order.green));
    let all = binomial(few + many, few)?;
    let (seen, most) = (order.twice_u / 2, few * many);
    // U and its mirror image are equally probable: the shorter way to either end is counted.
    let near = seen.min(most - seen);
    (near.checked_mul(few)? <= WORK).then_some(())?;
    let counts = count_arrangements(few, many, near);
    let beyond = counts[..near]
        .iter()
        .fold(0, |sum: u128, ways| sum.wrapping_add(*ways));
    let tail = quotient(beyond.wrapping_add(counts[near]), all);
    let rest = quotient(all.wrapping_sub(beyond), all);
    Some(if seen == near {
        Tails {
            as_small: tail,
            as_great: rest,
        }
    } else {
        Tails {
            as_small: rest,
            as_great: tail,
        }
    })
}

/// How many arrangements give U = 0, 1, … up to `last`.
fn count_arrangements(few: usize, many: usize, last: usize) -> Vec<u128> {
    let mut counts = vec![0_u128; last + 1];
    counts[0] = 1;
    for step in 1..=few {
        for at in (many + step..=last).rev() {
            counts[at] = counts[at].wrapping_sub(counts[at - many - step]);
        }
        for at in step..=last {
            counts[at] = counts[at].wrapping_add(counts[at - step]);
        }
    }
    counts
}

/// How many ways there are to choose `few` of `all`; `None` from 2^127 on.
pub(super) fn binomial(all: usize, few: usize) -> Option<u128> {
    let mut ways = 1_u128;
    for step in 1..=few.min(all - few) {
        let (up, down) = (
            u128::try_from(all + 1 - step).ok()?,
            u128::try_from(step).ok()?,
        );
        // The product can be too great where the quotient is not: what both have in common goes
        // first.
        let common = greatest_common_divisor(ways, down);
        ways = (ways / common).checked_mul(up / (down / common))?;
    }
    (ways < 1 << 127).then_some(ways)
}

fn greatest_common_divisor(left: u128, right: u128) -> u128 {
    if right == 0 {
        left
    } else {
        greatest_common_divisor(right, left % right)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "each is rounded once; their quotient is exact to 1e-15"
)]
pub(super) fn quotient(part: u128, all: u128) -> f64 {
    part as f64 / all as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_five_are_arranged_in_ten_ways() {
        assert_eq!(count_arrangements(2, 3, 6), [1, 1, 2, 2, 2, 1, 1]);
        assert_eq!(binomial(5, 2), Some(10));
    }

    #[test]
    fn the_counts_of_the_greatest_size_add_up() {
        let all = binomial(128, 64).unwrap();
        let sum = count_arrangements(64, 64, 64 * 64)
            .iter()
            .fold(0, |sum: u128, ways| sum.wrapping_add(*ways));
        assert_eq!(sum, all);
        assert_eq!(all, 23_951_146_041_928_082_866_135_587_776_380_551_750);
    }

    #[test]
    fn what_cannot_be_counted_is_not() {
        assert_eq!(
            (binomial(140, 70), binomial(10, 0), binomial(1_000_000, 1)),
            (None, Some(1), Some(1_000_000))
        );
        assert_eq!(
            binomial(1_000_000, 999_999),
            Some(1_000_000),
            "all but one are chosen in as many ways as one"
        );
    }
}
