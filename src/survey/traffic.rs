//! How many requests blue had before the start, from which follows how many requests an analysis of
//! green will have.

use std::time::Duration;

use crate::aws::metrics::MetricQuestion;
use crate::checks::analysis::Traffic;
use crate::checks::analysis::question::{Answer, CloudWatchQuery, Point};
use crate::clock;
use crate::run::Run;

/// The time span that is read.
const HOUR: Duration = Duration::from_hours(1);

/// The newest points may still change.
const SETTLING_SECONDS: f64 = 60.0;

/// After so long without a request, the target group was not production's.
const IDLE_SECONDS: f64 = 300.0;

const CHECK: &str =
    "whether there are requests enough for the analysis is not known before the start";

/// Blue's traffic in the last hour, or since its first request in it, by the queries for its
/// requests and its errors; none if it could not be read.
pub async fn read_traffic(run: &Run, queries: &[CloudWatchQuery; 2]) -> Option<Traffic> {
    let [requests, errors] = queries;
    let period = requests.period.as_secs_f64().max(1.0);
    let until = ((clock::epoch_seconds() - SETTLING_SECONDS.min(period)) / period).floor() * period;
    let since = until - HOUR.as_secs_f64();
    let question = |id: usize, query| MetricQuestion {
        id,
        query,
        since,
        until,
    };
    let answers = run.optional_read(
        CHECK,
        run.aws
            .get_metric_data(&[question(0, requests), question(1, errors)])
            .await,
    )?;
    let points = |id: usize| {
        answers
            .iter()
            .find(|(of, _)| *of == id)
            .and_then(|(_, told)| match &told.answer {
                Answer::Points(points) => Some(points.as_slice()),
                Answer::Lines { .. } | Answer::Failed(_) => None,
            })
    };
    Some(summarize_traffic(points(0)?, points(1)?, until))
}

fn summarize_traffic(requests: &[Point], errors: &[Point], until: f64) -> Traffic {
    let sum = |points: &[Point]| points.iter().map(|point| point.value).sum::<f64>();
    let first = traffic_start(requests);
    let since = |points: &[Point]| {
        points
            .iter()
            .filter(|point| point.at >= first)
            .copied()
            .collect::<Vec<_>>()
    };
    let (requests, errors) = (&since(requests), &since(errors));
    let all = sum(requests);
    if all <= 0.0 {
        return Traffic {
            requests: 0.0,
            errors: 0.0,
        };
    }
    Traffic {
        requests: all / ((until - first).max(1.0) / 60.0),
        errors: (sum(errors) / all).clamp(0.0, 1.0),
    }
}

/// Since when blue's target group has served its present traffic: from its first request, or from
/// the first one after a gap, because the two groups alternate.
fn traffic_start(requests: &[Point]) -> f64 {
    let mut times: Vec<f64> = requests
        .iter()
        .filter(|point| point.value > 0.0)
        .map(|point| point.at)
        .collect();
    times.sort_by(f64::total_cmp);
    let after_gap = times
        .windows(2)
        .rev()
        .find(|pair| pair[1] - pair[0] >= IDLE_SECONDS)
        .map(|pair| pair[1]);
    after_gap
        .or(times.first().copied())
        .unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_from_the_first_on_and_minutes_without_any_count_too() {
        let points = |values: &[(f64, f64)]| {
            values
                .iter()
                .map(|(at, value)| Point {
                    at: *at,
                    value: *value,
                })
                .collect::<Vec<_>>()
        };
        let table = [
            (
                vec![(0.0, 600.0), (60.0, 600.0)],
                vec![],
                Traffic {
                    requests: 600.0,
                    errors: 0.0,
                },
            ),
            (
                vec![(0.0, 600.0)],
                vec![(0.0, 6.0)],
                Traffic {
                    requests: 300.0,
                    errors: 0.01,
                },
            ),
            (
                vec![(60.0, 100.0)],
                vec![],
                Traffic {
                    requests: 100.0,
                    errors: 0.0,
                },
            ),
            (
                vec![(-1800.0, 9.0), (-600.0, 600.0), (0.0, 600.0), (60.0, 600.0)],
                vec![(-1800.0, 9.0)],
                Traffic {
                    requests: 600.0,
                    errors: 0.0,
                },
            ),
            (
                vec![],
                vec![],
                Traffic {
                    requests: 0.0,
                    errors: 0.0,
                },
            ),
        ];
        for (requests, errors, expected) in table {
            assert_eq!(
                summarize_traffic(&points(&requests), &points(&errors), 120.0),
                expected
            );
        }
    }
}
