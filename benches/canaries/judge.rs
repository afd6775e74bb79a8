//! Judges a canary minute by minute, as the preset `green no worse than blue` does: errors and p95,
//! each with half of alpha.

use ecs_bluegreen_checks::analysis::compare::{
    ComparePolicy, Looks, MORE_ERRORS, SLOWER, VALUES, rates, requests_for, samples,
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
    least: f64,
    blue: Seen,
    green: Seen,
}

#[derive(Default)]
struct Seen {
    sum: Minute,
    p95: Vec<f64>,
}

impl Seen {
    fn counts(&self) -> Counts {
        Counts::new(self.sum.errors, self.sum.requests)
    }
}

impl Canary {
    pub(super) fn new(minutes: u32) -> Self {
        let policy = ComparePolicy {
            alpha: ALPHA / 2.0,
            looks: Looks::Planned(minutes),
            must_see_difference: MORE_ERRORS,
            ..ComparePolicy::default()
        };
        let slower = ComparePolicy {
            looks: Looks::Values(minutes.max(VALUES)),
            allowed_increase: SLOWER,
            ..policy
        };
        Self {
            policy,
            slower,
            look: 0,
            least: requests_for(95.0),
            blue: Seen::default(),
            green: Seen::default(),
        }
    }

    /// One minute more; the worse of the two verdicts.
    pub(super) fn judge(&mut self, minute: Minutes) -> Phase {
        self.look += 1;
        self.take(minute);
        let errors = rates(
            self.blue.counts(),
            self.green.counts(),
            self.look,
            &self.policy,
        );
        let p95 = samples(&self.blue.p95, &self.green.p95, self.look, &self.slower);
        errors.phase.max(p95.phase)
    }

    fn take(&mut self, minute: Minutes) {
        self.blue.sum += minute.blue;
        self.green.sum += minute.green;
        if minute.requests_of_the_smaller() >= self.least {
            self.blue.p95.extend(minute.blue.p95);
            self.green.p95.extend(minute.green.p95);
        }
    }
}
