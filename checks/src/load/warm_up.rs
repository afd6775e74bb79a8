//! Warm-up: a number of answers of green before its tests, good or bad. Unanswered requests are
//! repeated.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use crate::moment::Moment;
use crate::smoke::{
    StatusPattern, Suite, TestedSide, Values, bind_run_values, check_required_values, mask_line,
};
use crate::text::Text;

use super::form::WarmUp;
use super::probe::{prepare_request, to_milliseconds};
use super::result::{ErrorKind, WarmUpResult};
use super::tally::LoadStatistics;
use super::target::{FinishedRequest, RequestOutcome, Target};

/// From one request that is not answered to the next: a task that refuses connections is starting,
/// and not to be pressed.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Counted as a success, for information only.
const SUCCESS_STATUSES: [StatusPattern; 2] = [StatusPattern::Class(2), StatusPattern::Class(3)];

/// Called once for every warm-up, as soon as it is over.
pub type OnWarmUpResult<'a> = &'a (dyn Fn(&WarmUpResult) + Send + Sync);

/// Runs the warm-ups of `suite` against `base`, one after the other, up to the first that nothing
/// answered.
///
/// Dropping the future stops everything at once.
pub async fn warm_up(
    suite: &Suite,
    base: &Url,
    values: &Values,
    on_result: OnWarmUpResult<'_>,
) -> Vec<WarmUpResult> {
    let run_values = bind_run_values(suite, base, values);
    let mut results = Vec::new();
    for warm_up in suite.warm_ups() {
        let side = TestedSide {
            base,
            moment: Moment::Green,
        };
        let ready = check_required_values(suite, values).and_then(|()| {
            prepare_request(&warm_up.request, &warm_up.transport, side, &run_values)
        });
        let result = match ready {
            Ok((client, outgoing)) => {
                let target = Target {
                    client,
                    outgoing,
                    timeout: warm_up.timeout,
                    expected: &SUCCESS_STATUSES,
                };
                warm_up.run(&target, &run_values).await
            }
            Err(obstacle) => warm_up.build_result(
                &LoadStatistics::new(Instant::now()),
                Duration::ZERO,
                &run_values,
                Some(obstacle.found),
            ),
        };
        on_result(&result);
        let answered = result.answered > 0;
        results.push(result);
        if !answered {
            break;
        }
    }
    results
}

impl WarmUp {
    async fn run(&self, target: &Target<'_>, values: &Values) -> WarmUpResult {
        let started_at = Instant::now();
        let end = started_at + self.duration;
        let mut tally = LoadStatistics::new(started_at);
        let mut requests = stream::iter(0..self.count)
            .map(|_| retry_until_answered(target, end))
            .buffer_unordered(self.concurrency);
        while let Some(request) = requests.next().await {
            tally.add(request, Instant::now());
        }
        let is_unanswered = |error: &super::result::ErrorCount| {
            matches!(error.kind, ErrorKind::NoAnswer | ErrorKind::Timeout)
        };
        let obstacle = tally
            .error_counts(mask_line)
            .into_iter()
            .find(is_unanswered);
        let obstacle = obstacle.map(|error| {
            error
                .example
                .unwrap_or_else(|| error.kind.to_string().into())
        });
        self.build_result(&tally, started_at.elapsed(), values, obstacle)
    }

    fn build_result(
        &self,
        tally: &LoadStatistics,
        took: Duration,
        values: &Values,
        obstacle: Option<Text>,
    ) -> WarmUpResult {
        let other_statuses = tally
            .error_counts(str::to_owned)
            .into_iter()
            .find(|error| error.kind == ErrorKind::Status)
            .map_or(0, |error| error.count);
        WarmUpResult {
            path: self.request.path.render_masked(values).into(),
            count: self.count,
            answered: tally.answered,
            succeeded: tally.answered - other_statuses,
            milliseconds: to_milliseconds(took),
            latencies: tally.latencies(),
            obstacle,
        }
    }
}

/// The first answer, or the outcome of the last request when the time is over.
async fn retry_until_answered(target: &Target<'_>, end: Instant) -> FinishedRequest {
    loop {
        let sent = Instant::now();
        let timed_out = FinishedRequest {
            outcome: RequestOutcome::Timeout,
            latency: Duration::ZERO,
        };
        let Ok(request) = timeout_at(end, target.send(sent)).await else {
            return FinishedRequest {
                latency: sent.elapsed(),
                ..timed_out
            };
        };
        let answered = matches!(
            request.outcome,
            RequestOutcome::Answer | RequestOutcome::Status(_)
        );
        if answered || Instant::now() + RETRY_PAUSE > end {
            return request;
        }
        sleep_until(sent + RETRY_PAUSE).await;
    }
}
