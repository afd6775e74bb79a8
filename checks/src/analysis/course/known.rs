//! Whether a check knows, after so many looks, that a green which is as good as blue is good.

use std::time::Duration;

use crate::analysis::compare::{self, ComparePolicy, Looks, values_for};
use crate::analysis::expression::ExpressionValues;
use crate::analysis::form::{Check, Conditions, Judgement, Measure, Source, Volume};
use crate::analysis::judge::looks_to_expect;
use crate::analysis::refuse::counted_by_load_balancer;
use crate::measurement::Phase;
use crate::statistics::Counts;

use super::{Traffic, TrafficSchedule};

/// There may be somewhat less than there was.
const CAUTION: f64 = 0.9;

/// How sure it must be that enough minutes have enough requests.
const SURE: f64 = 0.99;

/// Whether it knows with these shares of green, one for each look.
pub(super) fn knows(
    check: &Check,
    course: &TrafficSchedule,
    shares: &[f64],
    step: Duration,
    traffic: Traffic,
) -> bool {
    let minutes = step.as_secs_f64() / 60.0;
    let each = Each {
        shares,
        requests: CAUTION * traffic.requests * minutes,
    };
    match (&check.judgement, &check.measure) {
        (
            Judgement::Comparison(policy),
            Measure::Share {
                errors, requests, ..
            },
        ) if both(errors, requests) => {
            let policy = policy_with_looks(policy, check, course);
            each.errors_are_known(&policy, traffic.errors)
        }
        (Judgement::Comparison(policy), Measure::Value { .. }) => {
            match check.volume.as_ref().filter(|volume| counts_values(volume)) {
                Some(volume) => {
                    each.values_are_known(volume, &policy_with_looks(policy, check, course))
                }
                None => true,
            }
        }
        (Judgement::Conditions(conditions), measure) => {
            each.has_volume(check, step)
                && (check.asks_blue() || each.has_counted(conditions, measure))
                && !shares.is_empty()
        }
        (Judgement::Comparison(_) | Judgement::AtMost(_) | Judgement::Lines { .. }, _) => true,
    }
}

fn both(errors: &Source, requests: &Source) -> bool {
    counted_by_load_balancer(&errors.asks) && counted_by_load_balancer(&requests.asks)
}

fn counts_values(volume: &Volume) -> bool {
    volume.in_each > 0.0 && counted_by_load_balancer(&volume.source.asks)
}

/// The policy with the looks that the rollout will have.
fn policy_with_looks(
    policy: &ComparePolicy,
    check: &Check,
    course: &TrafficSchedule,
) -> ComparePolicy {
    let watched = course.shift() + course.kept;
    ComparePolicy {
        looks: looks_to_expect(policy.looks, check.rhythm.interval, course.shift(), watched),
        ..*policy
    }
}

/// The requests of both sides at each look.
struct Each<'s> {
    shares: &'s [f64],
    requests: f64,
}

impl Each<'_> {
    fn has_volume(&self, check: &Check, step: Duration) -> bool {
        let Some(volume) = check
            .volume
            .as_ref()
            .filter(|volume| counted_by_load_balancer(&volume.source.asks))
        else {
            return true;
        };
        let looks = check.rhythm.window.map_or(usize::MAX, |window| {
            whole(window.as_secs_f64() / step.as_secs_f64()).max(1)
        });
        self.green(looks) >= volume.at_least
    }

    /// The newest so many looks.
    fn green(&self, looks: usize) -> f64 {
        self.shares.iter().rev().take(looks).sum::<f64>() * self.requests
    }

    /// Requests themselves, counted from the beginning.
    fn has_counted(&self, conditions: &Conditions, measure: &Measure) -> bool {
        let Measure::Value { source, .. } = measure else {
            return true;
        };
        let counts = counted_by_load_balancer(&source.asks) && is_of_requests(source);
        let scope = ExpressionValues {
            result: self.green(usize::MAX),
            blue: f64::NAN,
        };
        !counts
            || conditions
                .success
                .as_ref()
                .is_none_or(|success| success.holds(scope).unwrap_or(true))
    }

    fn errors_are_known(&self, policy: &ComparePolicy, rate: f64) -> bool {
        let counts = |requests: f64| Counts::new(count(requests * rate), count(requests));
        let green = self.shares.iter().sum::<f64>() * self.requests;
        let blue = self.shares.iter().map(|share| 1.0 - share).sum::<f64>() * self.requests;
        let look = match policy.looks {
            Looks::Planned(_) => 1,
            Looks::Open | Looks::Values(_) => u32::try_from(self.shares.len()).unwrap_or(u32::MAX),
        };
        compare::rates(counts(blue), counts(green), look, policy).phase == Phase::Successful
    }

    /// Enough of the looks have a value on both sides.
    fn values_are_known(&self, volume: &Volume, policy: &ComparePolicy) -> bool {
        let has_both = |share: &f64| {
            at_least(share * self.requests, volume.in_each)
                * at_least((1.0 - share) * self.requests, volume.in_each)
        };
        // How probable it is that so many looks had one.
        let mut so_many = vec![1.0];
        for probable in self.shares.iter().map(has_both) {
            let mut next = vec![0.0; so_many.len() + 1];
            for (count, chance) in so_many.iter().enumerate() {
                next[count] += chance * (1.0 - probable);
                next[count + 1] += chance * probable;
            }
            so_many = next;
        }
        so_many.iter().skip(values_for(policy)).sum::<f64>() >= SURE
    }
}

fn is_of_requests(source: &Source) -> bool {
    matches!(&source.asks, crate::analysis::form::Asks::CloudWatch { metrics, .. } if metrics.iter().all(|(_, metric)| metric.name == "RequestCount"))
}

/// How probable at least so many requests are where so many are expected (Poisson's distribution).
fn at_least(expected: f64, wanted: f64) -> f64 {
    if expected > 4.0 * wanted + 40.0 {
        return 1.0;
    }
    let (mut term, mut below, mut count) = ((-expected).exp(), 0.0, 0.0);
    while count < wanted {
        below += term;
        count += 1.0;
        term *= expected / count;
    }
    (1.0 - below).clamp(0.0, 1.0)
}

fn whole(count: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` keeps what is out of range at the nearest bound"
    )]
    let whole = count as usize;
    whole
}

fn count(requests: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` keeps what is out of range at the nearest bound"
    )]
    let count = requests.round() as u64;
    count
}
