//! Green held against blue, with numbers: is it worse by more than chance, and by so much that it
//! matters? PURE.
//!
//! It is asked again and again while data accumulate, and each time is a chance to be fooled:
//! `spending` shares one rate of false alarms among all looks. What is found is judged by the
//! policy; p, effect and n are told in words.

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

/// The fewest values on each side of which a comparison can say anything with half of 5 % of false
/// alarms: all of green's above all of blue's.
pub const MIN_VALUES: u32 = 4;

/// The preset: green must be so many times as slow before it fails. With 60 requests a minute a p95
/// scatters by a fifth.
pub const ALLOWED_SLOWDOWN: f64 = 1.4;

/// The preset: a pass on errors says that a green with so great a share of errors more, or three
/// times blue's, would have been seen.
pub const DETECTABLE_ERROR_SHARE: f64 = 0.04;

/// When green is called worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparePolicy {
    /// How often an equal green may be called worse, over all looks of a rollout: 0 to 1.
    pub alpha: f64,
    /// What "worse" is.
    pub direction: Direction,
    /// How often it will be asked.
    pub looks: Looks,
    /// Green may be so many times blue before it matters (1.25); for a decrease, blue so many times
    /// green.
    pub allowed_increase: f64,
    /// A difference of rates below this does not matter, however many times it is (0.001: a tenth
    /// of a percentage point).
    pub least_difference: f64,
    /// Rates: no pass where a green with so many times blue's errors (or `must_see_difference`
    /// more) would have gone unseen in more than one of twenty runs, for want of traffic: that is
    /// inconclusive. Infinite asks for nothing.
    pub must_detect_ratio: f64,
    /// Where blue has next to no errors, many times as many are still few: green must be seen at so
    /// much above blue (0.02: 2 percentage points).
    pub must_detect_difference: f64,
    /// Rates are judged from so many requests on each side.
    pub min_request_volume: u64,
}

impl Default for ComparePolicy {
    /// One false alarm in twenty rollouts; a quarter more, and a tenth of a percentage point; three
    /// times as bad must be seen; a hundred requests.
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

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonResult {
    /// Failed: green is worse. Successful: nothing so far says that it is. Inconclusive: not enough
    /// data to say either. Error: the data are no numbers.
    pub phase: Phase,
    /// Both sides: `green 3.1 % (93 of 3,001), blue 1.0 % (30 of 3,000)`.
    pub value: String,
    /// Why: p, effect and n in words.
    pub note: String,
    /// How probable it is where both sides are the same; nothing where it could not be said.
    pub p: Option<f64>,
    /// Green as a multiple of blue; nothing where it could not be said.
    pub effect: Option<f64>,
}

/// Compares the shares of errors. `look` counts from 1 over the rollout; the counts are all that
/// came in since they began.
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

/// Compares values that are no counts: latencies, one a minute and side. `look` counts from 1 over
/// the rollout; the values are all that came in since they began.
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

/// How many values each side must have before anything can be said of them, where looks are taken
/// by their number.
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

/// How many requests each side must have had in a minute for that minute's percentile to be
/// compared: 100 for p99. Of fewer the percentile is their greatest value, and that is smaller on
/// the side with fewer requests, however alike the sides are: a small blue would make green look
/// slow.
pub fn min_requests_for(percentile: f64) -> f64 {
    // Half a request of tolerance: 100 − 99.9 is not quite 0.1.
    (100.0 / (100.0 - percentile.clamp(0.0, 99.999)) - 0.5).ceil()
}

/// What decides.
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

/// Undecided, with what was found all the same.
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

/// Green's typical value as a multiple of blue's. Where blue's is not above zero, no multiple says
/// anything: any shift counts in full.
fn shift_ratio(blue: f64, shift: f64) -> f64 {
    match shift {
        0.0 => 1.0,
        _ if blue > 0.0 => ((blue + shift) / blue).max(0.0),
        shift if shift > 0.0 => f64::INFINITY,
        _ => 0.0,
    }
}

/// Whether a difference matters, however certain it is.
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
