//! Judges a canary minute by minute, as the preset `green no worse than blue` does: errors and p95,
//! each with half of alpha.

use ecs_bluegreen_checks::analysis::compare::{
    ALLOWED_SLOWDOWN, ComparePolicy, DETECTABLE_ERROR_SHARE, Looks, MIN_VALUES, min_requests_for,
    rates, samples,
};
use ecs_bluegreen_checks::measurement::Phase;
use ecs_bluegreen_checks::statistics::Counts;

use super::traffic::{Minute, Minutes};

/// How often an equal green may be called worse over a whole rollout.
pub(super) const ALPHA: f64 = 0.05;

/// What is known of a canary so far.
pub(super) struct Canary {
    policy: ComparePolicy,
    slower: ComparePolicy,
    look: u32,
    /// Requests that a side needs in a minute for its p95 to be compared.
    min_requests: f64,
    blue: SideSamples,
    green: SideSamples,
}

#[derive(Default)]
struct SideSamples {
    sum: Minute,
    p95: Vec<f64>,
}

impl SideSamples {
    fn counts(&self) -> Counts {
        Counts::new(self.sum.errors, self.sum.requests)
    }
}

impl Canary {
    pub(super) fn new(minutes: u32) -> Self {
        let policy = ComparePolicy {
            alpha: ALPHA / 2.0,
            looks: Looks::Planned(minutes),
            must_detect_difference: DETECTABLE_ERROR_SHARE,
            ..ComparePolicy::default()
        };
        let slower = ComparePolicy {
            looks: Looks::Values(minutes.max(MIN_VALUES)),
            allowed_increase: ALLOWED_SLOWDOWN,
            ..policy
        };
        Self {
            policy,
            slower,
            look: 0,
            min_requests: min_requests_for(95.0),
            blue: SideSamples::default(),
            green: SideSamples::default(),
        }
    }

    /// One minute more; the worse of the two verdicts.
    pub(super) fn evaluate(&mut self, minute: Minutes) -> Phase {
        self.look += 1;
        self.add_minute(minute);
        let errors = rates(
            self.blue.counts(),
            self.green.counts(),
            self.look,
            &self.policy,
        );
        let p95 = samples(&self.blue.p95, &self.green.p95, self.look, &self.slower);
        errors.phase.max(p95.phase)
    }

    fn add_minute(&mut self, minute: Minutes) {
        self.blue.sum += minute.blue;
        self.green.sum += minute.green;
        if minute.min_side_requests() >= self.min_requests {
            self.blue.p95.extend(minute.blue.p95);
            self.green.p95.extend(minute.green.p95);
        }
    }
}
