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

use super::{Direction, Method, StatisticsError, Tested, normal};
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
) -> Result<Tested<ShiftEffect>, StatisticsError> {
    let (blue, green) = (sorted(blue, Side::Blue)?, sorted(green, Side::Green)?);
    let order = Order::of(&blue, &green);
    let effect = ShiftEffect {
        probability: order.share(),
        shift: shift::median_difference(&blue, &green),
    };
    let (p, method) = match arrangements(&order) {
        Some(tails) => (tails.p(direction), Method::MannWhitneyExact),
        None => (approximately(&order, direction), Method::MannWhitneyNormal),
    };
    Ok(Tested { p, method, effect })
}

/// The smallest p that so many values can give, by the best of all arrangements.
pub fn lowest_p(blue: usize, green: usize, direction: Direction) -> f64 {
    let few = blue.min(green);
    let all = (1..=few).fold(1.0, |ways, step| {
        ways * order::number(blue.max(green) + step) / order::number(step)
    });
    match direction {
        Direction::Increase | Direction::Decrease => 1.0 / all,
        Direction::Either => (2.0 / all).min(1.0),
    }
}

fn sorted(values: &[f64], side: Side) -> Result<Vec<f64>, StatisticsError> {
    if values.is_empty() {
        return Err(StatisticsError::Empty { side });
    }
    if !values.iter().all(|value| value.is_finite()) {
        return Err(StatisticsError::NotFinite { side });
    }
    // −0 is 0: their order says nothing.
    let mut values: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    values.sort_by(f64::total_cmp);
    Ok(values)
}

fn arrangements(order: &Order) -> Option<Tails> {
    if order.is_without_ties() {
        exact::tails(order)
    } else {
        tied::tails(order)
    }
}

/// How probable a U as great, and one as small, is where both sides are the same.
struct Tails {
    as_great: f64,
    as_small: f64,
}

impl Tails {
    fn p(&self, direction: Direction) -> f64 {
        match direction {
            Direction::Increase => self.as_great,
            Direction::Decrease => self.as_small,
            Direction::Either => (2.0 * self.as_great.min(self.as_small)).min(1.0),
        }
    }
}

fn approximately(order: &Order, direction: Direction) -> f64 {
    let (above, deviation) = (order.u() - order.mean_u(), order.deviation_of_u());
    if deviation == 0.0 {
        return 1.0;
    }
    // U goes in steps: half of one belongs to what was seen.
    let tail = |above: f64| normal::above((above - 0.5) / deviation);
    match direction {
        Direction::Increase => tail(above),
        Direction::Decrease => tail(-above),
        Direction::Either => (2.0 * tail(above.abs())).min(1.0),
    }
}

#[cfg(test)]
mod tests;
