//! Sends requests as scheduled, and counts the answers. Dropping the future closes every open
//! connection.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::schedule::{Next, Schedule};
use super::tally::LoadStatistics;
use super::target::{FinishedRequest, RequestOutcome, Target};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoadRunEnd {
    Completed,
    /// The error limit could no longer be met.
    Early,
}

/// Runs the schedule to its end, or until so many requests have failed that `allowed_error_rate`
/// can no longer be met.
pub(super) async fn run_load(
    target: &Target<'_>,
    schedule: &mut Schedule,
    tally: &mut LoadStatistics,
    allowed_error_rate: f64,
) -> LoadRunEnd {
    let planned = schedule.planned_requests();
    let mut in_flight = FuturesUnordered::new();
    loop {
        let now = Instant::now();
        if tally.cannot_pass(allowed_error_rate, planned, now) {
            return LoadRunEnd::Early;
        }
        let finished = match schedule.next(now, in_flight.len()) {
            Next::Send(intended) => {
                in_flight.push(target.send(intended));
                continue;
            }
            Next::Skip(intended) => Some(FinishedRequest {
                outcome: RequestOutcome::Unsent,
                latency: now - intended,
            }),
            Next::WaitUntil(next) => tokio::select! {
                Some(request) = in_flight.next() => Some(request),
                () = sleep_until(next) => None,
            },
            Next::Done if in_flight.is_empty() => return LoadRunEnd::Completed,
            Next::WaitForAnswer | Next::Done => in_flight.next().await,
        };
        if let Some(request) = finished {
            tally.add(request, Instant::now());
        }
    }
}
