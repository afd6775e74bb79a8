//! Whether a rollout can give the analysis enough time and requests for a verdict. PURE.
//!
//! Before the start, the rollout is simulated with a green that is as good as blue: green's share
//! over time follows from the strategy, the number of requests from blue's recent traffic. If even
//! that green would end without a verdict, the rollout could only be rolled back.

mod conclusive;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::measurement::Weight;
use crate::moment::Moment;
use crate::problem::Position;

use super::form::{Analysis, Check, OnInconclusive, Sampling, SamplingKind, Source};
use super::judge::QueryFiller;
use super::preset;
use super::question::{CloudWatchQuery, Query, Side};
use super::refuse::{is_counted_by_load_balancer, required_sources};
use super::sides::Sides;
use crate::template::Values;
use conclusive::is_conclusive;

/// A shift of traffic is noticed some seconds late, and queries take time.
const VERDICT_LAG: Duration = Duration::from_secs(15);

/// How many looks at 100 % the simulation covers.
const LOOKS_AHEAD: usize = 120;

/// More requests a minute than any service has.
const MAX_REQUESTS: f64 = 1e7;

/// How a rollout shifts traffic to green.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficSchedule {
    /// Green's share in percent before it has all traffic, each with its duration.
    pub steps: Vec<(f64, Duration)>,
    /// How long green has all traffic while a rollback to blue is still possible.
    pub bake: Duration,
    /// Whether each traffic step waits for a verdict on the previous one.
    pub is_gated: bool,
}

impl TrafficSchedule {
    /// How long both sides serve.
    pub fn shift_duration(&self) -> Duration {
        self.steps.iter().map(|(_, length)| *length).sum()
    }
}

/// Blue's traffic before the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// Requests a minute.
    pub requests: f64,
    /// The share of them that were errors: 0 to 1.
    pub errors: f64,
}

/// A check that could not reach a verdict in the available time, even with unlimited requests.
#[derive(Debug, Clone, PartialEq)]
pub struct TooLittleTime<'a> {
    /// The name of the check.
    pub check: &'a str,
    /// Its position in the document.
    pub at: &'a Position,
    /// How long blue must be kept at 100 %.
    pub needed_bake: Duration,
}

/// A check that could not reach a verdict with the available requests.
#[derive(Debug, Clone, PartialEq)]
pub struct TooLittleTraffic<'a> {
    /// The name of the check.
    pub check: &'a str,
    /// Its position in the document.
    pub at: &'a Position,
    /// Requests per minute that the service needs, both sides together; `None` if no number is
    /// enough.
    pub needed_requests: Option<f64>,
    /// How long blue must be kept at 100 % with the available requests; `None` if no time is
    /// enough.
    pub needed_bake: Option<Duration>,
}

impl Analysis {
    /// The check that needs blue to be kept longest, if blue is not kept that long.
    pub fn find_time_shortage(&self, schedule: &TrafficSchedule) -> Option<TooLittleTime<'_>> {
        let ample_traffic = Traffic {
            requests: MAX_REQUESTS,
            errors: 0.0,
        };
        let shortages = self.deciding_checks(schedule).filter_map(|check| {
            let needed_bake = time_to_conclude(check, schedule, ample_traffic)
                .unwrap_or_else(|| time_for_looks(check, 1, FirstLook::AfterAPeriod));
            (needed_bake > schedule.bake).then_some(TooLittleTime {
                check: &check.name,
                at: &check.at,
                needed_bake,
            })
        });
        shortages.max_by_key(|short| short.needed_bake)
    }

    /// The checks for which there are too few requests.
    pub fn find_traffic_shortages(
        &self,
        schedule: &TrafficSchedule,
        traffic: Traffic,
    ) -> Vec<TooLittleTraffic<'_>> {
        let shortages = self.deciding_checks(schedule).filter_map(|check| {
            let needed_bake = time_to_conclude(check, schedule, traffic);
            if needed_bake.is_some_and(|kept| kept <= schedule.bake) {
                return None;
            }
            let is_enough = |requests: f64| {
                time_to_conclude(
                    check,
                    schedule,
                    Traffic {
                        requests,
                        ..traffic
                    },
                )
                .is_some_and(|needed| needed <= schedule.bake)
            };
            Some(TooLittleTraffic {
                check: &check.name,
                at: &check.at,
                needed_requests: find_least_requests(traffic.requests, is_enough),
                needed_bake,
            })
        });
        shortages.collect()
    }

    /// The queries for blue's requests and errors before the start; `None` where no check depends
    /// on requests that a load balancer counts.
    pub fn traffic_queries(&self, sides: &Sides) -> Option<[CloudWatchQuery; 2]> {
        let checks = self.checks.iter().filter(|check| is_deciding(check));
        let counted = |source: &&Source| is_counted_by_load_balancer(&source.query);
        let grain = checks.flat_map(required_sources).find(counted)?.sampling;
        let filling = QueryFiller {
            sides: sides.clone(),
            values: Values::default(),
        };
        let query = |source: &Source| match filling.fill(source, Side::Blue) {
            Query::CloudWatch(query) => Some(query),
            Query::Prometheus(_) | Query::Datadog(_) | Query::Http(_) | Query::Logs(_) => None,
        };
        Some([
            query(&preset::request_source(grain))?,
            query(&preset::error_source(grain))?,
        ])
    }

    /// The checks that can roll back by being inconclusive.
    fn deciding_checks<'a>(
        &'a self,
        schedule: &TrafficSchedule,
    ) -> impl Iterator<Item = &'a Check> {
        let is_gated = schedule.is_gated;
        // A person can only decide at a gate, so there must be one.
        let waits_for_person =
            move |check: &&Check| check.on_inconclusive == OnInconclusive::Pause && is_gated;
        self.checks
            .iter()
            .filter(|check| is_deciding(check))
            .filter(move |check| !waits_for_person(check))
    }
}

fn is_deciding(check: &Check) -> bool {
    let is_watched = check.on.contains(&Moment::Step) || check.on.contains(&Moment::Bake);
    check.weight == Weight::Counts && is_watched && check.on_inconclusive != OnInconclusive::Proceed
}

/// The smallest number of requests that is enough, between the present one and `MAX_REQUESTS`.
fn find_least_requests(from: f64, is_enough: impl Fn(f64) -> bool) -> Option<f64> {
    let mut high = from.max(1.0);
    while !is_enough(high) {
        high *= 2.0;
        if high > MAX_REQUESTS {
            return None;
        }
    }
    let mut low = high / 2.0;
    for _ in 0..12 {
        let middle = f64::midpoint(low, high);
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// How long green must have all traffic before the check is conclusive; `None` if it never is.
fn time_to_conclude(
    check: &Check,
    schedule: &TrafficSchedule,
    traffic: Traffic,
) -> Option<Duration> {
    let timing = CheckTiming::from_check(check);
    let mut shares = timing.shares_at_looks(schedule, check);
    let (shift, allowed_inconclusives) = (shares.len(), check.limits.inconclusives as usize);
    shares.extend(std::iter::repeat_n(1.0, LOOKS_AHEAD));
    let looks_needed = (1..=shares.len())
        .find(|looks| is_conclusive(check, schedule, &shares[..*looks], timing.step, traffic))?;
    let is_in_time = looks_needed <= allowed_inconclusives + 1
        && (!schedule.is_gated || schedule.steps.is_empty() || looks_needed <= shift);
    let after = looks_needed
        .saturating_sub(shift)
        .max(usize::from(must_judge_full_traffic(check, shift)));
    let first = if shift > 0 {
        FirstLook::AtTheNextStep
    } else {
        FirstLook::AfterAPeriod
    };
    is_in_time.then(|| time_for_looks(check, after, first))
}

/// Whether a period in which green had all traffic must be evaluated.
fn must_judge_full_traffic(check: &Check, shift: usize) -> bool {
    check.on.contains(&Moment::Bake) || shift == 0
}

/// When the first look is taken at a green that has all traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstLook {
    /// Looks were taken during a shift, and continue at the same interval.
    AtTheNextStep,
    /// There was no shift: as soon as there are data of one period.
    AfterAPeriod,
}

/// The longest time until this many looks were taken at a green that has all traffic. After a
/// shift, looks continue at their interval; without one, the first is taken as soon as there is
/// data.
fn time_for_looks(check: &Check, looks: usize, first: FirstLook) -> Duration {
    let timing = CheckTiming::from_check(check);
    let looks = u32::try_from(looks).unwrap_or(u32::MAX);
    if looks == 0 {
        return Duration::ZERO;
    }
    let first = match first {
        FirstLook::AtTheNextStep => timing.step,
        FirstLook::AfterAPeriod => timing.period,
    };
    first
        + timing.step * (looks - 1)
        + timing.period * u32::from(timing.is_whole)
        + timing.delay
        + VERDICT_LAG
}

/// When a check measures, and which time its data cover.
struct CheckTiming {
    /// From one look that has something new to the next.
    step: Duration,
    period: Duration,
    /// Younger data are not available yet.
    delay: Duration,
    /// Whether a period in which traffic shifts is lost, because only whole periods count.
    is_whole: bool,
}

impl CheckTiming {
    fn from_check(check: &Check) -> Self {
        let grains: Vec<Sampling> = required_sources(check)
            .iter()
            .map(|source| source.sampling)
            .collect();
        let longest = |duration_of: fn(&Sampling) -> Duration| {
            grains.iter().map(duration_of).max().unwrap_or_default()
        };
        let period = longest(|grain| grain.period);
        Self {
            step: period.max(check.schedule.interval),
            period,
            delay: longest(|grain| grain.delay),
            is_whole: grains
                .iter()
                .any(|grain| grain.kind == SamplingKind::Aligned),
        }
    }

    /// Green's share at every look of the shift, 0 to 1.
    fn shares_at_looks(&self, schedule: &TrafficSchedule, check: &Check) -> Vec<f64> {
        let step = self.step.as_secs_f64();
        let looks_in_shift = schedule.shift_duration().as_secs_f64() / step;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "hours, and never below zero"
        )]
        let whole = |count: f64| count.max(0.0) as usize;
        let looks = if self.is_whole {
            whole(looks_in_shift.ceil()).saturating_sub(1)
        } else {
            whole(looks_in_shift.floor())
        };
        let left_out = whole((check.schedule.initial_delay.as_secs_f64() / step).ceil());
        let mut shares: Vec<f64> = (left_out..looks)
            .map(|look| {
                green_share_at(
                    schedule,
                    self.step * u32::try_from(look).unwrap_or(u32::MAX),
                )
            })
            .collect();
        if let (true, Some((first, _))) = (schedule.is_gated, schedule.steps.first()) {
            // The first share is kept until the check is conclusive, or until its inconclusive
            // limit is reached.
            shares = vec![first / 100.0; check.limits.inconclusives as usize + 1];
        }
        shares
    }
}

/// Green's share this long after its first traffic.
fn green_share_at(schedule: &TrafficSchedule, at: Duration) -> f64 {
    let mut passed = Duration::ZERO;
    for (percent, length) in &schedule.steps {
        passed += *length;
        if at < passed {
            return percent / 100.0;
        }
    }
    1.0
}
