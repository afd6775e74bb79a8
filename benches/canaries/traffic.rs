//! Draws the traffic of a canary: what CloudWatch would say of each minute and side, with a truth
//! that is known.

use std::ops::AddAssign;

use rand_distr::{Binomial, Distribution, Poisson, StandardNormal};
use rand_pcg::Pcg64;

/// The median latency of blue in seconds, and how far latencies scatter (the deviation of their
/// logarithm): p95 is 0.37 s.
const LATENCY: (f64, f64) = (0.1, 0.8);

/// Blue's share of errors.
const ERRORS: f64 = 0.01;

/// What green is in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// The same as blue.
    Equal,
    /// Three times the errors, twice the latency.
    Worse,
    /// Three times the errors.
    MoreErrors,
    /// Twice the latency.
    Slower,
}

impl Truth {
    fn errors(self) -> f64 {
        match self {
            Self::Equal | Self::Slower => ERRORS,
            Self::Worse | Self::MoreErrors => 3.0 * ERRORS,
        }
    }

    fn latency(self) -> f64 {
        match self {
            Self::Equal | Self::MoreErrors => 1.0,
            Self::Worse | Self::Slower => 2.0,
        }
    }
}

/// How much traffic there is, and green's part of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Traffic {
    /// Requests a minute, on both sides together.
    pub(super) requests: u32,
    /// Per cent of them that go to green.
    pub(super) share: u32,
}

/// One side in one minute, as its target group's metrics have it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Minute {
    pub(super) requests: u64,
    pub(super) errors: u64,
    /// Of the latencies, in seconds; no metric where there was no request.
    pub(super) p95: Option<f64>,
}

/// Both sides in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Minutes {
    pub(super) blue: Minute,
    pub(super) green: Minute,
}

impl Minutes {
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    pub(super) fn min_side_requests(self) -> f64 {
        self.blue.requests.min(self.green.requests) as f64
    }
}

impl AddAssign<Minute> for Minute {
    /// Counts add up; the percentile of several minutes cannot be computed from their percentiles.
    fn add_assign(&mut self, minute: Minute) {
        self.requests += minute.requests;
        self.errors += minute.errors;
        self.p95 = None;
    }
}

pub(super) fn draw_minute(traffic: Traffic, truth: Truth, random: &mut Pcg64) -> Minutes {
    let part = |percent: u32| f64::from(traffic.requests) * f64::from(percent) / 100.0;
    let blue = draw_side(part(100 - traffic.share), Truth::Equal, random);
    Minutes {
        blue,
        green: draw_side(part(traffic.share), truth, random),
    }
}

fn draw_side(expected: f64, truth: Truth, random: &mut Pcg64) -> Minute {
    let requests = Poisson::new(expected).map_or(0.0, |poisson| poisson.sample(random));
    let requests = to_count(requests);
    let errors =
        Binomial::new(requests, truth.errors()).map_or(0, |binomial| binomial.sample(random));
    Minute {
        requests,
        errors,
        p95: draw_p95(requests, truth.latency(), random),
    }
}

/// The value at rank 95 % of so many lognormal ones. Ranks are the same before and after the
/// exponential, so only one value needs it.
fn draw_p95(requests: u64, times: f64, random: &mut Pcg64) -> Option<f64> {
    let mut logarithms: Vec<f64> = (0..requests)
        .map(|_| StandardNormal.sample(random))
        .collect();
    let rank = (logarithms.len() * 95).div_ceil(100).checked_sub(1)?;
    let (_, at, _) = logarithms.select_nth_unstable_by(rank, f64::total_cmp);
    Some(LATENCY.0 * times * (LATENCY.1 * *at).exp())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "thousands"
)]
fn to_count(count: f64) -> u64 {
    count as u64
}
