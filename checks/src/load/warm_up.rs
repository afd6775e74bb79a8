//! Warm-up: so many answers of green before its tests, good or bad. What is not answered is asked
//! again.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::{Instant, sleep_until, timeout_at};
use url::Url;

use crate::moment::Moment;
use crate::smoke::{StatusPattern, Suite, TestedSide, Values, begin, complete, sentence};
use crate::text::Text;

use super::form::WarmUp;
use super::probe::{aim, milliseconds};
use super::result::{ErrorKind, WarmedUp};
use super::tally::LoadStatistics;
use super::target::{CameTo, FinishedRequest, Target};

/// From one request that is not answered to the next: a task that refuses connections is starting,
/// and not to be pressed.
const PAUSE: Duration = Duration::from_millis(200);

/// What is counted as a success; nothing is judged by it.
const SUCCESS: [StatusPattern; 2] = [StatusPattern::Class(2), StatusPattern::Class(3)];

/// Called once for every warm-up, as soon as it is over.
pub type OnWarmedUp<'a> = &'a (dyn Fn(&WarmedUp) + Send + Sync);

/// Runs the warm-ups of `suite` against `base`, one after the other, up to the first that nothing
/// answered.
///
/// Dropping the future stops everything at once.
pub async fn warm_up(
    suite: &Suite,
    base: &Url,
    values: &Values,
    on_result: OnWarmedUp<'_>,
) -> Vec<WarmedUp> {
    let begun = begin(suite, base, values);
    let mut results = Vec::new();
    for warm_up in suite.warm_ups() {
        let side = TestedSide {
            base,
            moment: Moment::Green,
        };
        let ready = complete(suite, values)
            .and_then(|()| aim(&warm_up.request, &warm_up.transport, side, &begun));
        let result = match ready {
            Ok((client, outgoing)) => {
                let target = Target {
                    client,
                    outgoing,
                    timeout: warm_up.timeout,
                    expected: &SUCCESS,
                };
                warm_up.run(&target, &begun).await
            }
            Err(obstacle) => warm_up.result(
                &LoadStatistics::new(Instant::now()),
                Duration::ZERO,
                &begun,
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
    async fn run(&self, target: &Target<'_>, values: &Values) -> WarmedUp {
        let begin = Instant::now();
        let end = begin + self.duration;
        let mut tally = LoadStatistics::new(begin);
        let mut shots = stream::iter(0..self.count)
            .map(|_| until_answered(target, end))
            .buffer_unordered(self.concurrency);
        while let Some(shot) = shots.next().await {
            tally.add(shot, Instant::now());
        }
        let unanswered = |error: &super::result::ErrorCount| {
            matches!(error.kind, ErrorKind::NoAnswer | ErrorKind::Timeout)
        };
        let obstacle = tally.errors(sentence).into_iter().find(unanswered);
        let obstacle = obstacle.map(|error| {
            error
                .example
                .unwrap_or_else(|| error.kind.to_string().into())
        });
        self.result(&tally, begin.elapsed(), values, obstacle)
    }

    fn result(
        &self,
        tally: &LoadStatistics,
        took: Duration,
        values: &Values,
        obstacle: Option<Text>,
    ) -> WarmedUp {
        let other = tally
            .errors(str::to_owned)
            .into_iter()
            .find(|error| error.kind == ErrorKind::Status)
            .map_or(0, |error| error.count);
        WarmedUp {
            path: self.request.path.masked(values).into(),
            count: self.count,
            answered: tally.answered,
            succeeded: tally.answered - other,
            milliseconds: milliseconds(took),
            latencies: tally.latencies(),
            obstacle,
        }
    }
}

/// The first answer, or what the last request came to when the time was over.
async fn until_answered(target: &Target<'_>, end: Instant) -> FinishedRequest {
    loop {
        let sent = Instant::now();
        let late = FinishedRequest {
            came_to: CameTo::Timeout,
            latency: Duration::ZERO,
        };
        let Ok(shot) = timeout_at(end, target.fire(sent)).await else {
            return FinishedRequest {
                latency: sent.elapsed(),
                ..late
            };
        };
        let answered = matches!(shot.came_to, CameTo::Answer | CameTo::Status(_));
        if answered || Instant::now() + PAUSE > end {
            return shot;
        }
        sleep_until(sent + PAUSE).await;
    }
}
