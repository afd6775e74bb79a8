//! A whole probe: requests at its rate or its concurrency, and the verdict about them.

use std::time::Duration;

use reqwest::Client;
use tokio::time::Instant;
use url::Url;

use crate::measurement::Phase;
use crate::moment::Moment;
use crate::smoke::{
    Clients, Mismatch, Outgoing, Request, Suite, TestedSide, Transport, Values, begin, complete,
    sentence,
};

use super::form::Probe;
use super::result::{Latencies, LoadResult};
use super::schedule::Schedule;
use super::tally::LoadStatistics;
use super::target::Target;
use super::volley::{LoadRunEnd, volley};

/// Called once for every probe, as soon as its result is known.
pub type OnLoaded<'a> = &'a (dyn Fn(&LoadResult) + Send + Sync);

/// Runs the probes of `suite` that belong to `moment` against `base`, one after the other, up to
/// the first that is not successful.
///
/// Dropping the future stops everything at once.
pub async fn run(
    suite: &Suite,
    moment: Moment,
    base: &Url,
    values: &Values,
    on_result: OnLoaded<'_>,
) -> Vec<LoadResult> {
    let begun = begin(suite, base, values);
    let mut results = Vec::new();
    for probe in suite.loads(moment) {
        let ready = complete(suite, values).and_then(|()| {
            aim(
                &probe.request,
                &probe.transport,
                TestedSide { base, moment },
                &begun,
            )
        });
        let empty = probe.empty(moment, &begun);
        let result = match ready {
            Ok((client, outgoing)) => probe.run(client, outgoing, empty).await,
            Err(obstacle) => prevented(empty, &obstacle),
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
pub(super) fn aim(
    request: &Request,
    transport: &Transport,
    side: TestedSide<'_>,
    values: &Values,
) -> Result<(Client, Outgoing), Mismatch> {
    let clients = Clients::new([transport], side.base)?;
    Ok((
        clients.of(transport)?.clone(),
        Outgoing::new(request, transport, side, values)?,
    ))
}

fn prevented(empty: LoadResult, obstacle: &Mismatch) -> LoadResult {
    let note = format!(
        "nothing was sent: {}: expected {}, found {}",
        obstacle.what, obstacle.expected, obstacle.found
    );
    LoadResult {
        phase: Phase::Error,
        note: Some(note.into()),
        ..empty
    }
}

impl Probe {
    async fn run(&self, client: Client, outgoing: Outgoing, empty: LoadResult) -> LoadResult {
        let begin = Instant::now();
        let target = Target {
            client,
            outgoing,
            timeout: self.timeout,
            expected: &self.expected,
        };
        let mut schedule = Schedule::new(self.arrival, begin, self.duration, self.timeout);
        let mut tally = LoadStatistics::new(begin);
        let ended = volley(&target, &mut schedule, &mut tally, self.goals.error_rate).await;
        let (phase, note) = self.verdict(&tally, ended, schedule.tardy);
        let took = begin.elapsed();
        LoadResult {
            sent: tally.sent,
            answered: tally.answered,
            errors: tally.errors(sentence),
            error_rate: rounded(tally.error_rate(), 1e6),
            milliseconds: milliseconds(took),
            rate: rounded(
                count(tally.sent) / took.min(self.duration).as_secs_f64().max(0.001),
                10.0,
            ),
            latencies: tally.latencies(),
            histogram: tally.buckets(),
            phase,
            note: note.map(Into::into),
            ..empty
        }
    }

    /// What is known of it before anything was sent.
    fn empty(&self, moment: Moment, values: &Values) -> LoadResult {
        LoadResult {
            name: self.name.clone(),
            moment,
            query: format!("{}, {}", self.request.words(values), self.plan()).into(),
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
        ended: LoadRunEnd,
        tardy: u64,
    ) -> (Phase, Option<String>) {
        let mut said = self.goals.missed(&tally.latencies(), tally.error_rate());
        // Requests that the runner itself sent late may be why goals were missed, if they are more
        // than those goals leave out.
        let late = self.goals.may_be_late(
            &tally.latencies(),
            count(tardy) / count(tally.sent).max(1.0),
        );
        let phase = match (ended, said.is_empty()) {
            (LoadRunEnd::Whole, true) => Phase::Successful,
            // Too many errors are the service's, however slow the runner is.
            (LoadRunEnd::Whole, false) if late && tally.error_rate() <= self.goals.error_rate => {
                Phase::Inconclusive
            }
            (LoadRunEnd::Whole | LoadRunEnd::Early, _) => Phase::Failed,
        };
        if ended == LoadRunEnd::Early {
            said.push("ended early: it could not pass any more".to_owned());
        }
        if late {
            said.push(format!(
                "the runner itself was too slow for {tardy} of {} requests",
                tally.sent
            ));
        }
        (phase, (!said.is_empty()).then(|| said.join("; ")))
    }
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// To a part of one, so that the number survives being written as a decimal and read again.
fn rounded(number: f64, part: f64) -> f64 {
    (number * part).round() / part
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn count(number: u64) -> f64 {
    number as f64
}
