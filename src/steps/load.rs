//! Warm-up and load probes against a side of the service; the first probe that fails ends the run.

use crate::checks::load::{self, LoadResult, WarmUpResult};
use crate::checks::measurement::Phase;
use crate::checks::moment::Moment;
use crate::checks::smoke::Values;
use crate::error::Failure;
use crate::event::Event;
use crate::outcome::Reason;
use crate::plan::ChecksPlan;
use crate::run::Run;

/// Whether there are load probes for a moment, and a URL to send them to.
pub fn has_probes(checks: &ChecksPlan, moment: Moment) -> bool {
    checks.url(moment).is_some()
        && checks
            .suite
            .iter()
            .any(|suite| suite.loads(moment).next().is_some())
}

/// Whether green is to be warmed up before its tests.
pub fn has_warm_ups(checks: &ChecksPlan) -> bool {
    checks.test_url.is_some()
        && checks
            .suite
            .iter()
            .any(|suite| !suite.warm_ups().is_empty())
}

/// Sends green's first requests, whose answers are not evaluated: only no answer at all is a
/// failure.
pub async fn warm_up(run: &Run, checks: &ChecksPlan, values: &Values) -> Result<(), Failure> {
    let (Some(suite), Some(url)) = (&checks.suite, &checks.test_url) else {
        return Ok(());
    };
    let report = |result: &WarmUpResult| {
        run.emit(Event::WarmedUp {
            result: result.clone(),
        });
    };
    let results = load::warm_up(suite, url, values, &report).await;
    match results
        .iter()
        .find(|result| result.phase() != Phase::Successful)
    {
        Some(failed) => {
            let failure = Failure::new(
                Reason::SmokeFailed,
                format!("warm-up of {} got no answer", failed.path),
            );
            Err(failed
                .obstacle
                .clone()
                .into_iter()
                .fold(failure, Failure::with_cause)
                .with_hint("check that test-url leads to green's listener"))
        }
        None => Ok(()),
    }
}

/// Runs the moment's probes; returns how many passed.
pub async fn run_probes(
    run: &Run,
    checks: &ChecksPlan,
    moment: Moment,
    values: &Values,
) -> Result<usize, Failure> {
    let (Some(suite), Some(url)) = (&checks.suite, checks.url(moment)) else {
        return Ok(0);
    };
    let report = |result: &LoadResult| {
        run.emit(Event::Loaded {
            result: Box::new(result.clone()),
        });
    };
    let results = load::run(suite, moment, url, values, &report).await;
    match results
        .iter()
        .find(|result| result.phase != Phase::Successful)
    {
        Some(failed) => Err(failure(failed, &run.describe_side(moment))),
        None => Ok(results.len()),
    }
}

fn failure(failed: &LoadResult, on: &str) -> Failure {
    let LoadResult {
        name,
        moment,
        query,
        condition,
        phase,
        ..
    } = failed;
    let reason = if *phase == Phase::Inconclusive {
        Reason::Inconclusive
    } else {
        Reason::SmokeFailed
    };
    let failure = Failure::new(reason, format!("load \"{name}\" is {phase} {on}: {failed}"));
    let failure = failed
        .note
        .clone()
        .into_iter()
        .fold(failure, Failure::with_cause);
    failure
        .with_cause(format!("sent: {query}; wanted: {condition}"))
        .with_hint(match (phase, moment) {
            (Phase::Inconclusive, _) => "give the runner more cores, or ask for less at a time",
            (_, Moment::Green) => {
                "users never reached this version; the summary has how long its answers took"
            }
            (_, Moment::Step | Moment::Production | Moment::Bake) => {
                "users reached this version: probe green, before they do"
            }
        })
}
