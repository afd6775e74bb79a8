//! Whether so much traffic can show anything: "no difference was seen" is worth nothing where none
//! could have been seen.

use super::ComparePolicy;
use crate::statistics::{Counts, Direction, two_proportion};

/// In 19 of 20 runs the errors are at most so many deviations fewer than expected.
const Z_95_ONE_SIDED: f64 = 1.645;

/// The rate of a green that must not go unseen; nothing where nothing must be seen.
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

/// Whether a green of that rate would be called worse now, in 19 of 20 runs.
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

/// About how many requests on green would show it, with as many more on blue; nothing where that is
/// beyond all traffic.
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
    clippy::cast_precision_loss,
    reason = "requests are far fewer than 2^53"
)]
fn to_float(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the requests; below zero is zero"
)]
fn to_count(count: f64) -> u64 {
    count as u64
}
