//! Statistical comparison of green with blue: is green worse by more than chance, and by enough to
//! matter? PURE.
//!
//! The comparison is repeated while data accumulate, and every repetition (a "look") is another
//! chance of a false alarm: `alpha_spending` divides one false-alarm rate among all looks. The
//! policy decides; p, effect size and n are reported in the note.

mod alpha_spending;
mod describe;
mod detection;
#[cfg(test)]
mod tests;

pub use alpha_spending::Looks;

use crate::measurement::Phase;
use crate::statistics::{
    Counts, Direction, StatisticsError, lowest_p, mann_whitney, two_proportion,
};
use alpha_spending::{allowance, allowance_for_values};

/// The smallest number of values per side with which a comparison can fail at an alpha of 2.5 %:
/// every value of green above every value of blue.
pub const MIN_VALUES: u32 = 4;

/// The preset fails only when green's latency is at least this multiple of blue's. At 60 requests a
/// minute, p95 itself varies by about 20 %.
pub const ALLOWED_SLOWDOWN: f64 = 1.4;

/// The preset passes on errors only if it would have detected a green whose error rate is higher by
/// this much (absolute), or three times blue's.
pub const DETECTABLE_ERROR_SHARE: f64 = 0.04;

/// When green counts as worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparePolicy {
    /// The probability that an equal green may count as worse, over all looks of a rollout: 0 to 1.
    pub alpha: f64,
    /// Which direction counts as worse.
    pub direction: Direction,
    /// How often the comparison will be repeated.
    pub looks: Looks,
    /// A ratio of green to blue below this does not matter (1.25). For a decrease, the ratio of
    /// blue to green.
    pub allowed_increase: f64,
    /// A difference of rates below this does not matter, whatever the ratio (0.001 is 0.1
    /// percentage points).
    pub least_difference: f64,
    /// Rates: a pass requires that a green with this multiple of blue's error rate (or with
    /// `must_detect_difference` more) would have been detected in at least 19 of 20 runs. With too
    /// little traffic for that, the result is inconclusive. Infinity switches the requirement off.
    pub must_detect_ratio: f64,
    /// Where blue has almost no errors, a multiple of them is still tiny; then green must be
    /// detected at blue's rate plus this (0.02 is 2 percentage points).
    pub must_detect_difference: f64,
    /// Rates are compared from this many requests per side.
    pub min_request_volume: u64,
}

impl Default for ComparePolicy {
    /// alpha 0.05; an increase by 25 % and 0.1 percentage points matters; three times blue's error
    /// rate must be detectable; at least 100 requests.
    fn default() -> Self {
        Self {
            alpha: 0.05,
            direction: Direction::Increase,
            looks: Looks::Unplanned,
            allowed_increase: 1.25,
            least_difference: 0.001,
            must_detect_ratio: 3.0,
            must_detect_difference: 0.02,
            min_request_volume: 100,
        }
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonResult {
    /// Failed: green is worse. Successful: no evidence so far that it is. Inconclusive: not enough
    /// data to say either. Error: the data are no numbers.
    pub phase: Phase,
    /// Both sides: `green 3.1 % (93 of 3,001), blue 1.0 % (30 of 3,000)`.
    pub value: String,
    /// Why: p, effect and n in words.
    pub note: String,
    /// The p-value; absent where no test was possible.
    pub p: Option<f64>,
    /// The ratio of green to blue; absent if undefined.
    pub effect: Option<f64>,
}

/// Compares error rates. `look` is the number of this comparison in the rollout, from 1; the counts
/// are cumulative.
pub fn rates(blue: Counts, green: Counts, look: u32, policy: &ComparePolicy) -> ComparisonResult {
    let value = describe::rates(blue, green);
    let least = blue.requests().min(green.requests());
    if least < policy.min_request_volume {
        return inconclusive(
            value,
            describe::too_few_requests(blue, green, policy.min_request_volume),
        );
    }
    let tested = match two_proportion(blue, green, policy.direction) {
        Ok(tested) => tested,
        Err(error) => return from_statistics_error(value, error),
    };
    let found = Significance {
        p: tested.p,
        ratio: tested.effect.ratio,
        allowance: allowance(policy.alpha, policy.looks, look),
    };
    let size = if tested.effect.difference.abs() < policy.least_difference {
        EffectSize::Negligible
    } else {
        effect_size(found.ratio, policy)
    };
    let basis = describe::ComparisonBasis {
        method: tested.method,
        look,
        blue: blue.requests(),
        green: green.requests(),
        unit: "requests",
    };
    let undetectable = detection::rate_to_detect(blue, policy)
        .filter(|rate| !detection::is_detectable(*rate, blue, green, policy, found.allowance));
    match undetectable.filter(|_| found.p >= found.allowance) {
        Some(rate) => {
            let needed = detection::requests_to_detect(rate, blue, green, policy, found.allowance);
            inconclusive_with(
                value,
                &found,
                describe::undetectable(rate, &found, &basis, needed),
            )
        }
        None => conclude(value, &found, size, &basis),
    }
}

/// Compares measured values, such as one latency per minute and side. `look` is the number of this
/// comparison in the rollout, from 1; the values are cumulative.
pub fn samples(blue: &[f64], green: &[f64], look: u32, policy: &ComparePolicy) -> ComparisonResult {
    let value = describe::samples(blue, green);
    let tested = match mann_whitney(blue, green, policy.direction) {
        Ok(tested) => tested,
        Err(error) => return from_statistics_error(value, error),
    };
    let per_side = blue.len().min(green.len());
    let (allowance, look) = match policy.looks {
        Looks::Values(planned) => {
            match allowance_for_values(policy.alpha, planned, per_side, policy.direction) {
                Some(look) => look,
                None => {
                    return inconclusive(
                        value,
                        describe::too_few_values_per_side(
                            blue.len(),
                            green.len(),
                            min_values(policy),
                        ),
                    );
                }
            }
        }
        Looks::Planned(_) | Looks::Unplanned => (allowance(policy.alpha, policy.looks, look), look),
    };
    let found = Significance {
        p: tested.p,
        ratio: shift_ratio(describe::median(blue), tested.effect.shift),
        allowance,
    };
    let basis = describe::ComparisonBasis {
        method: tested.method,
        look,
        blue: value_count(blue),
        green: value_count(green),
        unit: "values",
    };
    if lowest_p(blue.len(), green.len(), policy.direction) >= allowance {
        return inconclusive_with(value, &found, describe::too_few_to_decide(&found, &basis));
    }
    conclude(value, &found, effect_size(found.ratio, policy), &basis)
}

/// The smallest number of values per side with which `Looks::Values` can decide anything.
pub fn min_values(policy: &ComparePolicy) -> usize {
    const MOST: usize = 100;
    let Looks::Values(planned) = policy.looks else {
        return 1;
    };
    (1..MOST)
        .find(|values| {
            allowance_for_values(policy.alpha, planned, *values, policy.direction).is_some()
        })
        .unwrap_or(MOST)
}

/// How many requests each side needs in a minute before that minute's percentile is compared: 100
/// for p99. With fewer, the percentile is just the maximum, which is smaller on the side with fewer
/// requests: a small blue would make an equal green look slow.
pub fn min_requests_for(percentile: f64) -> f64 {
    // Half a request of tolerance: 100 − 99.9 is not quite 0.1.
    (100.0 / (100.0 - percentile.clamp(0.0, 99.999)) - 0.5).ceil()
}

/// The statistics that decide: p, the ratio of green to blue, and the alpha that this look may use.
struct Significance {
    p: f64,
    ratio: f64,
    allowance: f64,
}

fn conclude(
    value: String,
    found: &Significance,
    size: EffectSize,
    basis: &describe::ComparisonBasis,
) -> ComparisonResult {
    let phase = if found.p < found.allowance && size == EffectSize::Relevant {
        Phase::Failed
    } else {
        Phase::Successful
    };
    ComparisonResult {
        phase,
        value,
        note: describe::note(found, size, basis),
        p: Some(found.p),
        effect: Some(found.ratio),
    }
}

/// Inconclusive, with the p-value and the effect all the same.
fn inconclusive_with(value: String, found: &Significance, note: String) -> ComparisonResult {
    ComparisonResult {
        p: Some(found.p),
        effect: Some(found.ratio),
        ..inconclusive(value, note)
    }
}

fn inconclusive(value: String, note: String) -> ComparisonResult {
    ComparisonResult {
        phase: Phase::Inconclusive,
        value,
        note,
        p: None,
        effect: None,
    }
}

fn from_statistics_error(value: String, error: StatisticsError) -> ComparisonResult {
    let phase = match error {
        StatisticsError::Empty { .. } => Phase::Inconclusive,
        StatisticsError::NotFinite { .. } => Phase::Error,
    };
    ComparisonResult {
        phase,
        ..inconclusive(value, error.to_string())
    }
}

/// The ratio of green's typical value to blue's. If blue's is zero or below, there is no ratio: any
/// increase counts as infinite, any decrease as 0.
fn shift_ratio(blue: f64, shift: f64) -> f64 {
    match shift {
        0.0 => 1.0,
        _ if blue > 0.0 => ((blue + shift) / blue).max(0.0),
        shift if shift > 0.0 => f64::INFINITY,
        _ => 0.0,
    }
}

/// Whether a difference is large enough to matter, independent of its significance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EffectSize {
    /// As large as the policy's smallest difference, or larger.
    Relevant,
    /// Smaller than that.
    Negligible,
}

fn effect_size(ratio: f64, policy: &ComparePolicy) -> EffectSize {
    if exceeds_allowed(ratio, policy) {
        EffectSize::Relevant
    } else {
        EffectSize::Negligible
    }
}

fn exceeds_allowed(ratio: f64, policy: &ComparePolicy) -> bool {
    let (more, fewer) = (
        ratio >= policy.allowed_increase,
        ratio * policy.allowed_increase <= 1.0,
    );
    match policy.direction {
        Direction::Increase => more,
        Direction::Decrease => fewer,
        Direction::Either => more || fewer,
    }
}

fn value_count(values: &[f64]) -> u64 {
    u64::try_from(values.len()).unwrap_or(u64::MAX)
}
