//! The Mann–Whitney U test: do green's values tend to be greater than blue's? Only their order
//! counts, so that one wild value changes nothing.
//!
//! Every arrangement is counted as long as that is cheap (64 values on either side without ties,
//! some 45 with them), ties and all; beyond, the normal distribution with the corrections for ties
//! and continuity, as SciPy's `mannwhitneyu` has them.

mod exact;
mod order;
mod shift;
mod tied;

use super::{Direction, Method, StatisticalResult, StatisticsError, normal};
use crate::analysis::question::Side;
use order::Order;

/// How much greater green's values are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShiftEffect {
    /// How often a value of green is greater than one of blue, ties counted by half: 0 to 1, and
    /// 0.5 where there is no difference (the common-language effect size).
    pub probability: f64,
    /// By how much: the median of all differences between a value of green and one of blue (Hodges
    /// and Lehmann).
    pub shift: f64,
}

/// Tests whether green's values tend to be other ones than blue's.
pub fn mann_whitney(
    blue: &[f64],
    green: &[f64],
    direction: Direction,
) -> Result<StatisticalResult<ShiftEffect>, StatisticsError> {
    let (blue, green) = (
        sort_finite(blue, Side::Blue)?,
        sort_finite(green, Side::Green)?,
    );
    let order = Order::from_sorted(&blue, &green);
    let effect = ShiftEffect {
        probability: order.probability(),
        shift: shift::median_difference(&blue, &green),
    };
    let (p, method) = match exact_tails(&order) {
        Some(tails) => (tails.p_value(direction), Method::MannWhitneyExact),
        None => (approximate_p(&order, direction), Method::MannWhitneyNormal),
    };
    Ok(StatisticalResult { p, method, effect })
}

/// The smallest p that these numbers of values can give.
pub fn lowest_p(blue: usize, green: usize, direction: Direction) -> f64 {
    let smaller = blue.min(green);
    let arrangements = (1..=smaller).fold(1.0, |ways, step| {
        ways * order::to_float(blue.max(green) + step) / order::to_float(step)
    });
    match direction {
        Direction::Increase | Direction::Decrease => 1.0 / arrangements,
        Direction::Either => (2.0 / arrangements).min(1.0),
    }
}

fn sort_finite(values: &[f64], side: Side) -> Result<Vec<f64>, StatisticsError> {
    if values.is_empty() {
        return Err(StatisticsError::Empty { side });
    }
    if !values.iter().all(|value| value.is_finite()) {
        return Err(StatisticsError::NotFinite { side });
    }
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    Ok(values)
}

fn exact_tails(order: &Order) -> Option<Tails> {
    if order.has_no_ties() {
        exact::count_tails(order)
    } else {
        tied::count_tails(order)
    }
}

/// How probable a U as great, and one as small, is where both sides are the same.
struct Tails {
    as_great: f64,
    as_small: f64,
}

impl Tails {
    fn p_value(&self, direction: Direction) -> f64 {
        match direction {
            Direction::Increase => self.as_great,
            Direction::Decrease => self.as_small,
            Direction::Either => (2.0 * self.as_great.min(self.as_small)).min(1.0),
        }
    }
}

fn approximate_p(order: &Order, direction: Direction) -> f64 {
    let (above, deviation) = (order.u() - order.mean_u(), order.deviation_of_u());
    if deviation == 0.0 {
        return 1.0;
    }
    // U goes in steps: half of one belongs to what was seen.
    let tail = |above: f64| normal::upper_tail((above - 0.5) / deviation);
    match direction {
        Direction::Increase => tail(above),
        Direction::Decrease => tail(-above),
        Direction::Either => (2.0 * tail(above.abs())).min(1.0),
    }
}

#[cfg(test)]
mod tests;
