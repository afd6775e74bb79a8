//! Testers at a moment of the rollout: test tools of the user's, one after the other. The first
//! that fails ends the run.

use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::checks::moment::Moment;
use crate::checks::smoke::{Suite, Values};
use crate::checks::tester::{
    Case, CaseVerdict, Cases, Tester, TesterPlace, TesterResult, TesterVerdict,
};
use crate::error::Failure;
use crate::event::Event;
use crate::outcome::Reason;
use crate::plan::ChecksPlan;
use crate::run::Run;
use crate::scrub::Scrubber;

mod runner;
mod task;

/// Failed cases that a failure names; the others are in the summary.
const MAX_NAMED_CASES: usize = 3;

struct TesterContext<'a> {
    moment: Moment,
    url: &'a Url,
    values: &'a Values,
    scrubber: Scrubber,
}

/// How a tester ended, on the runner or as a task.
struct TesterOutcome {
    verdict: TesterVerdict,
    exit_code: Option<i64>,
    cases: Cases,
    lines: Vec<String>,
    omitted_lines: usize,
    note: Option<String>,
    /// Why it never ran; none where it did.
    why: Option<String>,
}

/// Whether there are testers for a moment, and a URL to run them at.
pub fn has_testers(checks: &ChecksPlan, moment: Moment) -> bool {
    checks.url(moment).is_some() && testers_at(checks, moment).next().is_some()
}

fn testers_at(checks: &ChecksPlan, moment: Moment) -> impl Iterator<Item = &Tester> {
    all_testers(checks).filter(move |tester| tester.on.contains(&moment))
}

fn all_testers(checks: &ChecksPlan) -> impl Iterator<Item = &Tester> {
    checks.suite.iter().flat_map(Suite::testers)
}

/// Checks what the testers need before anything is changed: the engine, images, task definitions.
/// Images that the engine lacks are pulled now, so that no rollout waits for them.
pub async fn prepare(run: &Run, checks: &ChecksPlan) -> Result<(), Failure> {
    for tester in all_testers(checks) {
        match &tester.place {
            TesterPlace::Runner(place) => runner::prepare(run, tester, place).await?,
            TesterPlace::Task(place) => task::prepare(run, tester, place).await?,
        }
    }
    Ok(())
}

/// Runs the moment's testers; returns how many passed.
pub async fn run_testers(
    run: &Run,
    checks: &ChecksPlan,
    moment: Moment,
    values: &Values,
) -> Result<usize, Failure> {
    let (Some(suite), Some(url)) = (&checks.suite, checks.url(moment)) else {
        return Ok(0);
    };
    let values = &suite.bind_run_values(url, values);
    let context = TesterContext {
        moment,
        url,
        values,
        scrubber: Scrubber::new(checks.confidential.iter().chain(values.secret_values())),
    };
    let mut passed = 0;
    for tester in testers_at(checks, moment) {
        run_one(run, checks, tester, &context).await?;
        passed += 1;
    }
    Ok(passed)
}

async fn run_one(
    run: &Run,
    checks: &ChecksPlan,
    tester: &Tester,
    context: &TesterContext<'_>,
) -> Result<(), Failure> {
    let began = Instant::now();
    let ended = match &tester.place {
        TesterPlace::Runner(place) => runner::run_in_container(run, tester, place, context).await?,
        TesterPlace::Task(place) => {
            task::run_as_task(run, &checks.host, tester, place, context).await?
        }
    };
    let (why, result) = (
        ended.why.clone(),
        to_result(tester, context.moment, ended, began.elapsed()),
    );
    run.emit(Event::Tested {
        result: Box::new(result.clone()),
    });
    match result.verdict {
        TesterVerdict::Passed => Ok(()),
        TesterVerdict::Failed | TesterVerdict::TimedOut => Err(failure(
            &result,
            tester,
            why,
            &run.describe_side(context.moment),
        )
        .with_hint(hint(run, checks, context.moment))),
    }
}

fn to_result(
    tester: &Tester,
    moment: Moment,
    ended: TesterOutcome,
    took: Duration,
) -> TesterResult {
    // The log of one that passed was emitted already; it is no part of the report.
    let lines = if ended.verdict == TesterVerdict::Passed {
        Vec::new()
    } else {
        ended.lines
    };
    TesterResult {
        name: tester.name.clone(),
        moment,
        place: tester.describe_place(),
        verdict: ended.verdict,
        exit_code: ended.exit_code,
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        tally: ended.cases.tally,
        cases: ended.cases.rows,
        lines: lines.into_iter().map(Into::into).collect(),
        untold: ended.omitted_lines,
        note: ended.note.map(Into::into),
    }
}

fn failure(result: &TesterResult, tester: &Tester, why: Option<String>, on: &str) -> Failure {
    let ended = match result.verdict {
        TesterVerdict::TimedOut => format!(
            "was not done within {}",
            crate::duration::HumanDuration(tester.timeout)
        ),
        TesterVerdict::Passed | TesterVerdict::Failed => {
            format!("failed {on} ({})", result.describe_exit())
        }
    };
    let failure = Failure::new(
        Reason::SmokeFailed,
        format!("tester \"{}\" {ended}", result.name),
    );
    let failed: Vec<&Case> = result
        .cases
        .iter()
        .filter(|case| case.verdict == CaseVerdict::Failed)
        .collect();
    let said = result
        .lines
        .iter()
        .rev()
        .find(|line| !line.trim().is_empty());
    let said = said
        .filter(|_| failed.is_empty())
        .map(|line| format!("its log ends: {}", line.trim()));
    let failure = why
        .into_iter()
        .chain(said)
        .fold(failure, Failure::with_cause);
    failed
        .into_iter()
        .take(MAX_NAMED_CASES)
        .map(describe_case)
        .fold(failure, Failure::with_cause)
}

fn describe_case(case: &Case) -> String {
    let suite = if case.suite.is_empty() {
        String::new()
    } else {
        format!("{} › ", case.suite)
    };
    format!(
        "{suite}{}: {}",
        case.name,
        case.message.as_deref().unwrap_or("failed")
    )
}

fn hint(run: &Run, checks: &ChecksPlan, moment: Moment) -> &'static str {
    match moment {
        Moment::Green => {
            "users never reached this version; the end of the tester's log is in the summary"
        }
        Moment::Step | Moment::Production | Moment::Bake if !has_testers(checks, Moment::Green) => {
            "users reached this version: run the tester on green, before they do; the end of its log is in the summary"
        }
        Moment::Step | Moment::Production | Moment::Bake
            if run.test_url().is_some_and(|seen| !seen.is_unproven()) =>
        {
            "green passed at the gate, so look at what differs behind the production listener; the end of the tester's log is in the summary"
        }
        Moment::Step | Moment::Production | Moment::Bake => {
            "look at what differs behind the production listener; the end of the tester's log is in the summary"
        }
    }
}
