//! Sends what the schedule says, and counts what comes back. Dropping the future closes every
//! connection that is waited for.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::schedule::{Next, Schedule};
use super::tally::LoadStatistics;
use super::target::{CameTo, FinishedRequest, Target};

/// How a volley ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoadRunEnd {
    Whole,
    /// It could not pass any more.
    Early,
}

/// Runs the schedule to its end, or until more than the `allowed` part of the requests has failed
/// for good.
pub(super) async fn volley(
    target: &Target<'_>,
    schedule: &mut Schedule,
    tally: &mut LoadStatistics,
    allowed: f64,
) -> LoadRunEnd {
    let planned = schedule.planned();
    let mut shots = FuturesUnordered::new();
    loop {
        let now = Instant::now();
        if tally.is_hopeless(allowed, planned, now) {
            return LoadRunEnd::Early;
        }
        let landed = match schedule.next(now, shots.len()) {
            Next::Send(intended) => {
                shots.push(target.fire(intended));
                continue;
            }
            Next::Miss(intended) => Some(FinishedRequest {
                came_to: CameTo::Unsent,
                latency: now - intended,
            }),
            Next::At(next) => tokio::select! {
                Some(shot) = shots.next() => Some(shot),
                () = sleep_until(next) => None,
            },
            Next::Never if shots.is_empty() => return LoadRunEnd::Whole,
            Next::WhenOneReturns | Next::Never => shots.next().await,
        };
        if let Some(shot) = landed {
            tally.add(shot, Instant::now());
        }
    }
}
