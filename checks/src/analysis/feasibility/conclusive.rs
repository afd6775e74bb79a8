//! Whether a check can conclude, after a number of looks, that a green as good as blue is good.

use std::time::Duration;

use crate::analysis::compare::{self, ComparePolicy, Looks, min_values};
use crate::analysis::expression::ExpressionValues;
use crate::analysis::form::{Check, Conditions, Judgement, Measure, Source, Volume};
use crate::analysis::judge::expected_looks;
use crate::analysis::refuse::is_counted_by_load_balancer;
use crate::measurement::Phase;
use crate::statistics::Counts;

use super::{Traffic, TrafficSchedule};

/// Traffic may be somewhat lower than before the start.
const TRAFFIC_MARGIN: f64 = 0.9;

/// The required probability that enough minutes have enough requests.
const REQUIRED_CERTAINTY: f64 = 0.99;

/// Whether the check is conclusive with these shares of green, one per look.
pub(super) fn is_conclusive(
    check: &Check,
    schedule: &TrafficSchedule,
    shares: &[f64],
    step: Duration,
    traffic: Traffic,
) -> bool {
    let minutes = step.as_secs_f64() / 60.0;
    let looks = LookTraffic {
        shares,
        requests: TRAFFIC_MARGIN * traffic.requests * minutes,
    };
    match (&check.judgement, &check.measure) {
        (
            Judgement::Comparison(policy),
            Measure::Share {
                errors, requests, ..
            },
        ) if are_counted(errors, requests) => {
            let policy = policy_with_looks(policy, check, schedule);
            looks.errors_are_conclusive(&policy, traffic.errors)
        }
        (Judgement::Comparison(policy), Measure::Value { .. }) => {
            match check
                .volume
                .as_ref()
                .filter(|volume| counts_per_point(volume))
            {
                Some(volume) => {
                    looks.values_are_conclusive(volume, &policy_with_looks(policy, check, schedule))
                }
                None => true,
            }
        }
        (Judgement::Conditions(conditions), measure) => {
            looks.has_min_volume(check, step)
                && (check.needs_blue() || looks.meets_request_condition(conditions, measure))
                && !shares.is_empty()
        }
        (Judgement::Comparison(_) | Judgement::AtMost(_) | Judgement::Lines { .. }, _) => true,
    }
}

fn are_counted(errors: &Source, requests: &Source) -> bool {
    is_counted_by_load_balancer(&errors.query) && is_counted_by_load_balancer(&requests.query)
}

fn counts_per_point(volume: &Volume) -> bool {
    volume.min_requests_per_point > 0.0 && is_counted_by_load_balancer(&volume.source.query)
}

/// The policy with the looks that the rollout will have.
fn policy_with_looks(
    policy: &ComparePolicy,
    check: &Check,
    schedule: &TrafficSchedule,
) -> ComparePolicy {
    let duration = schedule.shift_duration() + schedule.bake;
    ComparePolicy {
        looks: expected_looks(
            policy.looks,
            check.schedule.interval,
            schedule.shift_duration(),
            duration,
        ),
        ..*policy
    }
}

/// The requests of both sides at each look.
struct LookTraffic<'s> {
    shares: &'s [f64],
    requests: f64,
}

impl LookTraffic<'_> {
    fn has_min_volume(&self, check: &Check, step: Duration) -> bool {
        let Some(volume) = check
            .volume
            .as_ref()
            .filter(|volume| is_counted_by_load_balancer(&volume.source.query))
        else {
            return true;
        };
        let looks = check.schedule.window.map_or(usize::MAX, |window| {
            to_count(window.as_secs_f64() / step.as_secs_f64()).max(1)
        });
        self.green_requests(looks) >= volume.min_requests
    }

    /// Green's requests in the newest `looks` looks.
    fn green_requests(&self, looks: usize) -> f64 {
        self.shares.iter().rev().take(looks).sum::<f64>() * self.requests
    }

    /// Requests themselves, counted from the beginning.
    fn meets_request_condition(&self, conditions: &Conditions, measure: &Measure) -> bool {
        let Measure::Value { source, .. } = measure else {
            return true;
        };
        let counts = is_counted_by_load_balancer(&source.query) && is_request_count(source);
        let scope = ExpressionValues {
            result: self.green_requests(usize::MAX),
            blue: f64::NAN,
        };
        !counts
            || conditions
                .success
                .as_ref()
                .is_none_or(|success| success.holds(scope).unwrap_or(true))
    }

    fn errors_are_conclusive(&self, policy: &ComparePolicy, rate: f64) -> bool {
        let counts =
            |requests: f64| Counts::new(round_to_count(requests * rate), round_to_count(requests));
        let green = self.shares.iter().sum::<f64>() * self.requests;
        let blue = self.shares.iter().map(|share| 1.0 - share).sum::<f64>() * self.requests;
        let look = match policy.looks {
            Looks::Planned(_) => 1,
            Looks::Unplanned | Looks::Values(_) => {
                u32::try_from(self.shares.len()).unwrap_or(u32::MAX)
            }
        };
        compare::rates(counts(blue), counts(green), look, policy).phase == Phase::Successful
    }

    /// Enough of the looks have a value on both sides.
    fn values_are_conclusive(&self, volume: &Volume, policy: &ComparePolicy) -> bool {
        let probability_of_both = |share: &f64| {
            poisson_at_least(share * self.requests, volume.min_requests_per_point)
                * poisson_at_least((1.0 - share) * self.requests, volume.min_requests_per_point)
        };
        // The probability of each number of looks with a value.
        let mut count_probabilities = vec![1.0];
        for probable in self.shares.iter().map(probability_of_both) {
            let mut next = vec![0.0; count_probabilities.len() + 1];
            for (count, chance) in count_probabilities.iter().enumerate() {
                next[count] += chance * (1.0 - probable);
                next[count + 1] += chance * probable;
            }
            count_probabilities = next;
        }
        count_probabilities
            .iter()
            .skip(min_values(policy))
            .sum::<f64>()
            >= REQUIRED_CERTAINTY
    }
}

fn is_request_count(source: &Source) -> bool {
    matches!(&source.query, crate::analysis::form::QueryTemplate::CloudWatch { metrics, .. } if metrics.iter().all(|(_, metric)| metric.name == "RequestCount"))
}

/// The probability of at least `wanted` requests where `expected` are expected (Poisson).
fn poisson_at_least(expected: f64, wanted: f64) -> f64 {
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

fn to_count(count: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` keeps what is out of range at the nearest bound"
    )]
    let whole = count as usize;
    whole
}

fn round_to_count(requests: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` keeps what is out of range at the nearest bound"
    )]
    let count = requests.round() as u64;
    count
}
