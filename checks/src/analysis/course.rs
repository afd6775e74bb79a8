//! Whether a rollout gives an analysis what it needs to know good from bad: time in which blue is
//! kept, and requests on green. PURE.
//!
//! It is played through beforehand, with a green that is as good as blue: which traffic green gets
//! when follows from the strategy, how much there is from what blue had before. Where even that
//! green would end without a verdict, the rollout could only ever go back.

mod known;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::measurement::Weight;
use crate::moment::Moment;
use crate::problem::Position;

use super::form::{Analysis, Check, Grain, GrainKind, OnInconclusive, Source};
use super::judge::Filling;
use super::preset;
use super::question::{CloudWatchQuery, Query, Side};
use super::refuse::{counted_by_load_balancer, sources};
use super::sides::Sides;
use crate::template::Values;
use known::knows;

/// That traffic has moved is seen some seconds late, and an answer takes its time.
const LAG: Duration = Duration::from_secs(15);

/// So long at 100 % is looked ahead.
const AHEAD: usize = 120;

/// More requests a minute than any service has.
const ALL: f64 = 1e7;

/// How a rollout gives traffic to green.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficSchedule {
    /// The shares of green before it has everything, in percent, each with the time for which it
    /// has it.
    pub shares: Vec<(f64, Duration)>,
    /// How long green has everything while blue can still be brought back.
    pub kept: Duration,
    /// Whether every share waits for a verdict on the one before.
    pub is_held: bool,
}

impl TrafficSchedule {
    /// How long both sides serve.
    pub fn shift(&self) -> Duration {
        self.shares.iter().map(|(_, length)| *length).sum()
    }
}

/// What blue had before the start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    /// Requests a minute.
    pub requests: f64,
    /// The share of them that were errors: 0 to 1.
    pub errors: f64,
}

/// A check that would not know good from bad in the time that it has, although there were requests
/// enough.
#[derive(Debug, Clone, PartialEq)]
pub struct Short<'a> {
    /// Its name.
    pub check: &'a str,
    /// Where it stands in the document.
    pub at: &'a Position,
    /// How long blue must be kept at 100 %.
    pub needed: Duration,
}

/// A check that would not know good from bad with the requests that there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Quiet<'a> {
    /// Its name.
    pub check: &'a str,
    /// Where it stands in the document.
    pub at: &'a Position,
    /// How many requests a minute the service needs, on both sides together; nothing where no
    /// number would do.
    pub needed: Option<f64>,
    /// How long blue must be kept at 100 % with the requests that there are; nothing where no time
    /// would do.
    pub kept: Option<Duration>,
}

impl Analysis {
    /// The check for which blue must be kept longest, where it is not kept so long.
    pub fn too_short(&self, course: &TrafficSchedule) -> Option<Short<'_>> {
        let plenty = Traffic {
            requests: ALL,
            errors: 0.0,
        };
        let short = self.deciding(course).filter_map(|check| {
            let needed =
                time_to_know(check, course, plenty).unwrap_or_else(|| time_of(check, 1, false));
            (needed > course.kept).then_some(Short {
                check: &check.name,
                at: &check.at,
                needed,
            })
        });
        short.max_by_key(|short| short.needed)
    }

    /// The checks for which there are too few requests.
    pub fn too_quiet(&self, course: &TrafficSchedule, traffic: Traffic) -> Vec<Quiet<'_>> {
        let quiet = self.deciding(course).filter_map(|check| {
            let kept = time_to_know(check, course, traffic);
            if kept.is_some_and(|kept| kept <= course.kept) {
                return None;
            }
            let enough = |requests: f64| {
                time_to_know(
                    check,
                    course,
                    Traffic {
                        requests,
                        ..traffic
                    },
                )
                .is_some_and(|kept| kept <= course.kept)
            };
            Some(Quiet {
                check: &check.name,
                at: &check.at,
                needed: least_requests(traffic.requests, enough),
                kept,
            })
        });
        quiet.collect()
    }

    /// What is asked about blue before the start: its requests, and its errors. Nothing where no
    /// check depends on requests that a load balancer counts.
    pub fn traffic_queries(&self, sides: &Sides) -> Option<[CloudWatchQuery; 2]> {
        let checks = self.checks.iter().filter(|check| is_deciding(check));
        let counted = |source: &&Source| counted_by_load_balancer(&source.asks);
        let grain = checks.flat_map(sources).find(counted)?.grain;
        let filling = Filling {
            sides: sides.clone(),
            values: Values::default(),
        };
        let query = |source: &Source| match filling.query(source, Side::Blue) {
            Query::CloudWatch(query) => Some(query),
            Query::Prometheus(_) | Query::Datadog(_) | Query::Http(_) | Query::Logs(_) => None,
        };
        Some([
            query(&preset::requests(grain))?,
            query(&preset::errors(grain))?,
        ])
    }

    /// The checks that could take the rollout back because they do not know.
    fn deciding<'a>(&'a self, course: &TrafficSchedule) -> impl Iterator<Item = &'a Check> {
        let is_held = course.is_held;
        // A person decides at a gate, and only where there is one.
        let asks = move |check: &&Check| check.on_inconclusive == OnInconclusive::Pause && is_held;
        self.checks
            .iter()
            .filter(|check| is_deciding(check))
            .filter(move |check| !asks(check))
    }
}

fn is_deciding(check: &Check) -> bool {
    let is_watched = check.on.contains(&Moment::Step) || check.on.contains(&Moment::Bake);
    check.weight == Weight::Counts && is_watched && check.on_inconclusive != OnInconclusive::Proceed
}

/// The least number of requests that is enough, between those that there are and more than any
/// service has.
fn least_requests(from: f64, enough: impl Fn(f64) -> bool) -> Option<f64> {
    let mut high = from.max(1.0);
    while !enough(high) {
        high *= 2.0;
        if high > ALL {
            return None;
        }
    }
    let mut low = high / 2.0;
    for _ in 0..12 {
        let middle = f64::midpoint(low, high);
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// How long green must have everything before the check knows; nothing where it never would.
fn time_to_know(check: &Check, course: &TrafficSchedule, traffic: Traffic) -> Option<Duration> {
    let pace = CheckTiming::of(check);
    let mut shares = pace.shift(course, check);
    let (shift, patience) = (shares.len(), check.limits.inconclusives as usize);
    shares.extend(std::iter::repeat_n(1.0, AHEAD));
    let known = (1..=shares.len())
        .find(|looks| knows(check, course, &shares[..*looks], pace.step, traffic))?;
    let is_in_time =
        known <= patience + 1 && (!course.is_held || course.shares.is_empty() || known <= shift);
    let after = known
        .saturating_sub(shift)
        .max(usize::from(judges_everything(check, shift)));
    is_in_time.then(|| time_of(check, after, shift > 0))
}

/// Whether a time in which green had everything must be judged.
fn judges_everything(check: &Check, shift: usize) -> bool {
    check.on.contains(&Moment::Bake) || shift == 0
}

/// How long it takes until so many looks were taken at a green that has everything, however the
/// time falls. After a shift the looks go on in their rhythm; without one the first is taken as
/// soon as there is something to look at.
fn time_of(check: &Check, looks: usize, follows_shift: bool) -> Duration {
    let pace = CheckTiming::of(check);
    let looks = u32::try_from(looks).unwrap_or(u32::MAX);
    if looks == 0 {
        return Duration::ZERO;
    }
    let first = if follows_shift {
        pace.step
    } else {
        pace.period
    };
    first + pace.step * (looks - 1) + pace.period * u32::from(pace.is_whole) + pace.delay + LAG
}

/// When a check looks, and of which time its data are.
struct CheckTiming {
    /// From one look that has something new to the next.
    step: Duration,
    /// The time that a look's data cover.
    period: Duration,
    /// What is younger is not known yet.
    delay: Duration,
    /// Whether the time in which traffic changes is lost, because it is not a whole period.
    is_whole: bool,
}

impl CheckTiming {
    fn of(check: &Check) -> Self {
        let grains: Vec<Grain> = sources(check).iter().map(|source| source.grain).collect();
        let longest = |of: fn(&Grain) -> Duration| grains.iter().map(of).max().unwrap_or_default();
        let period = longest(|grain| grain.period);
        Self {
            step: period.max(check.rhythm.interval),
            period,
            delay: longest(|grain| grain.delay),
            is_whole: grains.iter().any(|grain| grain.kind == GrainKind::Whole),
        }
    }

    /// Green's share at every look of the shift, 0 to 1.
    fn shift(&self, course: &TrafficSchedule, check: &Check) -> Vec<f64> {
        let step = self.step.as_secs_f64();
        let all = course.shift().as_secs_f64() / step;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "hours, and never below zero"
        )]
        let whole = |count: f64| count.max(0.0) as usize;
        let looks = if self.is_whole {
            whole(all.ceil()).saturating_sub(1)
        } else {
            whole(all.floor())
        };
        let left_out = whole((check.rhythm.initial_delay.as_secs_f64() / step).ceil());
        let mut shares: Vec<f64> = (left_out..looks)
            .map(|look| share_at(course, self.step * u32::try_from(look).unwrap_or(u32::MAX)))
            .collect();
        if let (true, Some((first, _))) = (course.is_held, course.shares.first()) {
            // The first share is kept until it is known, or until patience is at its end.
            shares = vec![first / 100.0; check.limits.inconclusives as usize + 1];
        }
        shares
    }
}

/// Green's share so long after the first traffic.
fn share_at(course: &TrafficSchedule, at: Duration) -> f64 {
    let mut passed = Duration::ZERO;
    for (percent, length) in &course.shares {
        passed += *length;
        if at < passed {
            return percent / 100.0;
        }
    }
    1.0
}
