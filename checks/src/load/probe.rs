//! A whole probe: requests at its rate or its concurrency, and the verdict about them.

use std::time::Duration;

use reqwest::Client;
use tokio::time::Instant;
use url::Url;

use crate::measurement::Phase;
use crate::moment::Moment;
use crate::smoke::{
    Clients, Mismatch, OutgoingRequest, Request, Suite, TestedSide, Transport, Values,
    bind_run_values, check_required_values, mask_line,
};

use super::form::Probe;
use super::load_run::{LoadRunEnd, run_load};
use super::result::{Latencies, LoadResult};
use super::schedule::Schedule;
use super::tally::LoadStatistics;
use super::target::Target;

/// Called once for every probe, as soon as its result is known.
pub type OnLoadResult<'a> = &'a (dyn Fn(&LoadResult) + Send + Sync);

/// Runs the probes of `suite` that belong to `moment` against `base`, one after the other, up to
/// the first that is not successful.
///
/// Dropping the future stops everything at once.
pub async fn run(
    suite: &Suite,
    moment: Moment,
    base: &Url,
    values: &Values,
    on_result: OnLoadResult<'_>,
) -> Vec<LoadResult> {
    let run_values = bind_run_values(suite, base, values);
    let mut results = Vec::new();
    for probe in suite.loads(moment) {
        let ready = check_required_values(suite, values).and_then(|()| {
            prepare_request(
                &probe.request,
                &probe.transport,
                TestedSide { base, moment },
                &run_values,
            )
        });
        let empty_result = probe.empty_result(moment, &run_values);
        let result = match ready {
            Ok((client, outgoing)) => probe.run(client, outgoing, empty_result).await,
            Err(obstacle) => not_sent_result(empty_result, &obstacle),
        };
        on_result(&result);
        let successful = result.phase == Phase::Successful;
        results.push(result);
        if !successful {
            break;
        }
    }
    results
}

/// What is sent, and who sends it: a client of its own, whose connections end with it.
pub(super) fn prepare_request(
    request: &Request,
    transport: &Transport,
    side: TestedSide<'_>,
    values: &Values,
) -> Result<(Client, OutgoingRequest), Mismatch> {
    let clients = Clients::new([transport], side.base)?;
    Ok((
        clients.get(transport)?.clone(),
        OutgoingRequest::new(request, transport, side, values)?,
    ))
}

fn not_sent_result(empty_result: LoadResult, obstacle: &Mismatch) -> LoadResult {
    let note = format!(
        "nothing was sent: {}: expected {}, found {}",
        obstacle.what, obstacle.expected, obstacle.found
    );
    LoadResult {
        phase: Phase::Error,
        note: Some(note.into()),
        ..empty_result
    }
}

impl Probe {
    async fn run(
        &self,
        client: Client,
        outgoing: OutgoingRequest,
        empty_result: LoadResult,
    ) -> LoadResult {
        let started_at = Instant::now();
        let target = Target {
            client,
            outgoing,
            timeout: self.timeout,
            expected: &self.expected,
        };
        let mut schedule = Schedule::new(self.arrival, started_at, self.duration, self.timeout);
        let mut tally = LoadStatistics::new(started_at);
        let end = run_load(&target, &mut schedule, &mut tally, self.goals.error_rate).await;
        let (phase, note) = self.verdict(&tally, end, schedule.late_requests);
        let took = started_at.elapsed();
        LoadResult {
            sent: tally.sent,
            answered: tally.answered,
            errors: tally.error_counts(mask_line),
            error_rate: round_to(tally.error_rate(), 1e6),
            milliseconds: to_milliseconds(took),
            rate: round_to(
                to_float(tally.sent) / took.min(self.duration).as_secs_f64().max(0.001),
                10.0,
            ),
            latencies: tally.latencies(),
            histogram: tally.buckets(),
            phase,
            note: note.map(Into::into),
            ..empty_result
        }
    }

    /// The result before anything was sent.
    fn empty_result(&self, moment: Moment, values: &Values) -> LoadResult {
        LoadResult {
            name: self.name.clone(),
            moment,
            query: format!(
                "{}, {}",
                self.request.describe(values),
                self.describe_plan()
            )
            .into(),
            condition: self.goals.to_string().into(),
            sent: 0,
            answered: 0,
            errors: Vec::new(),
            error_rate: 0.0,
            milliseconds: 0,
            rate: 0.0,
            latencies: Latencies::default(),
            histogram: Vec::new(),
            phase: Phase::Error,
            note: None,
        }
    }

    fn verdict(
        &self,
        tally: &LoadStatistics,
        end: LoadRunEnd,
        late_requests: u64,
    ) -> (Phase, Option<String>) {
        let mut notes = self
            .goals
            .describe_missed(&tally.latencies(), tally.error_rate());
        // Requests that the runner itself sent late may be why goals were missed, if they are more
        // than those goals leave out.
        let is_runner_late = self.goals.may_be_runner_fault(
            &tally.latencies(),
            to_float(late_requests) / to_float(tally.sent).max(1.0),
        );
        let phase = match (end, notes.is_empty()) {
            (LoadRunEnd::Completed, true) => Phase::Successful,
            // Too many errors are the service's, however slow the runner is.
            (LoadRunEnd::Completed, false)
                if is_runner_late && tally.error_rate() <= self.goals.error_rate =>
            {
                Phase::Inconclusive
            }
            (LoadRunEnd::Completed | LoadRunEnd::Early, _) => Phase::Failed,
        };
        if end == LoadRunEnd::Early {
            notes.push("ended early: the error limit could no longer be met".to_owned());
        }
        if is_runner_late {
            notes.push(format!(
                "the runner itself was too slow for {late_requests} of {} requests",
                tally.sent
            ));
        }
        (phase, (!notes.is_empty()).then(|| notes.join("; ")))
    }
}

pub(super) fn to_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Rounds to multiples of 1/`part`, so that the number survives a round trip through JSON.
fn round_to(number: f64, part: f64) -> f64 {
    (number * part).round() / part
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn to_float(number: u64) -> f64 {
    number as f64
}
