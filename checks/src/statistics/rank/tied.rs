//! How many arrangements of values with ties give each U, counted exactly.
//!
//! The groups of same values are gone through in their order; of each, every number of values may
//! be green's.

use super::Tails;
use super::exact::{binomial, quotient};
use super::order::Order;

/// The limit of counting steps: some 20 ms.
const WORK: usize = 20_000_000;

/// The number of arrangements, by the number of green's values so far and twice U.
type ArrangementCounts = Vec<Vec<u128>>;

/// `None` if there are too many arrangements for 128 bits, or too much work.
pub(super) fn count_tails(order: &Order) -> Option<Tails> {
    let all = binomial(order.blue + order.green, order.green)?;
    let most = order.blue.checked_mul(order.green)?.checked_mul(2)?;
    let steps: usize = order
        .groups
        .iter()
        .map(|group| group.size().min(order.green))
        .sum();
    (most.checked_mul(order.green)?.checked_mul(steps)? <= WORK).then_some(())?;
    let counts = count_arrangements(order, most)?;
    let sum = |counts: &[u128]| quotient(counts.iter().sum(), all);
    Some(Tails {
        as_small: sum(&counts[..=order.twice_u]),
        as_great: sum(&counts[order.twice_u..]),
    })
}

fn count_arrangements(order: &Order, most: usize) -> Option<Vec<u128>> {
    let mut table: ArrangementCounts = vec![vec![0; most + 1]; order.green + 1];
    table[0][0] = 1;
    let mut before = 0;
    for group in &order.groups {
        let chosen: Option<Vec<u128>> = (0..=group.size().min(order.green))
            .map(|green| binomial(group.size(), green))
            .collect();
        distribute_group(
            &mut table,
            GroupPosition {
                before,
                size: group.size(),
                blue: order.blue,
            },
            &chosen?,
        );
        before += group.size();
    }
    table.pop()
}

/// Lets a group be shared between the sides. The greatest number of green's comes first, so that no
/// group is counted twice. What would leave blue with more values than it has is not counted: it
/// leads nowhere, and there can be more of it than 128 bits hold.
fn distribute_group(table: &mut ArrangementCounts, place: GroupPosition, chosen: &[u128]) {
    let after = place.before + place.size;
    for total in (after.saturating_sub(place.blue).max(1)..table.len().min(after + 1)).rev() {
        let (fewer, rest) = table.split_at_mut(total);
        for (green, ways) in chosen
            .iter()
            .enumerate()
            .take(total + 1)
            .skip(total.saturating_sub(place.before).max(1))
        {
            let earlier = total - green;
            let gain = green * (2 * (place.before - earlier) + place.size - green);
            add_shifted(&mut rest[0], &fewer[earlier], gain, *ways);
        }
    }
}

/// The position of a group in the order of values.
#[derive(Clone, Copy)]
struct GroupPosition {
    before: usize,
    size: usize,
    /// How many values blue has in all.
    blue: usize,
}

fn add_shifted(to: &mut [u128], from: &[u128], gain: usize, ways: u128) {
    for (to, from) in to.iter_mut().skip(gain).zip(from) {
        *to += from * ways;
    }
}
