//! Smoke tests against a side of the service; the first failure ends the run.

use url::Url;

use crate::aws::arn::short_name;
use crate::checks::moment::Moment;
use crate::checks::smoke::{self, Mismatch, RunLimits, TestResult, TestVerdict, Values};
use crate::error::Failure;
use crate::event::{Event, TestUrl};
use crate::outcome::Reason;
use crate::plan::ChecksPlan;
use crate::run::Run;
use crate::steps::image::ResolvedImage;
use crate::steps::revision::Revision;

/// What to do where no answer came.
pub const UNREACHABLE: &str = "nothing answered there: check the listener and its port, the security groups, and whether this runner is in a network that may reach it";

/// Added to a test that the gate `blue-healthy` has seen to fail.
const FAILED_BEFORE: &str =
    "this test has failed on blue before this deployment began, so green may not be its cause";

/// The values of the tests' variables.
pub fn build_values(
    checks: &ChecksPlan,
    image: Option<&ResolvedImage>,
    revision: &Revision,
) -> Values {
    Values {
        version: checks.version.clone().unwrap_or_default(),
        digest: image
            .and_then(|image| image.digest.as_ref())
            .map(ToString::to_string)
            .or_else(|| digest_of(revision))
            .unwrap_or_default(),
        revision: short_name(&revision.arn).to_owned(),
        environment: checks.environment.iter().cloned().collect(),
        plain: checks.plain.clone(),
        ..Values::default()
    }
}

/// The digest that the definition pins, for runs that have no image of their own.
fn digest_of(revision: &Revision) -> Option<String> {
    let containers = revision.definition["containerDefinitions"].as_array()?;
    containers.iter().find_map(|container| {
        container["image"]
            .as_str()?
            .split_once('@')
            .map(|(_, digest)| digest.to_owned())
    })
}

/// The URL of a moment, when there are tests for it.
pub fn target_url(checks: &ChecksPlan, moment: Moment) -> Option<&Url> {
    checks.url(moment).filter(|_| {
        checks
            .suite
            .as_ref()
            .is_some_and(|suite| suite.count_tests(moment) > 0)
    })
}

/// Runs the side's tests; returns how many passed.
pub async fn run_tests(
    run: &Run,
    checks: &ChecksPlan,
    moment: Moment,
    values: &Values,
) -> Result<usize, Failure> {
    let (Some(suite), Some(url)) = (&checks.suite, target_url(checks, moment)) else {
        return Ok(0);
    };
    let report = |result: &TestResult| {
        run.emit(Event::SmokeTested {
            result: result.clone(),
        });
    };
    let results = smoke::run(suite, moment, url, values, &RunLimits::default(), &report).await;
    match results
        .iter()
        .find(|result| result.verdict == TestVerdict::Failed)
    {
        Some(failed) => {
            let failure = failure(failed, &run.describe_side(moment));
            let failure = if run.has_failed_before(&failed.name) {
                failure.with_cause(FAILED_BEFORE)
            } else {
                failure
            };
            Err(failure.with_hint(hint(run, checks, failed)))
        }
        None => Ok(results.len()),
    }
}

/// What failed, and where: one sentence.
pub fn describe_failure(failed: &TestResult, on: &str) -> String {
    let attempts = if failed.attempts == 1 {
        "1 attempt".to_owned()
    } else {
        format!("{} attempts", failed.attempts)
    };
    format!(
        "smoke test \"{}\" failed {on} ({}, {attempts})",
        failed.name, failed.request
    )
}

fn failure(failed: &TestResult, on: &str) -> Failure {
    let mut failure = Failure::new(Reason::SmokeFailed, describe_failure(failed, on));
    for mismatch in &failed.failures {
        failure = failure.with_cause(format!(
            "{}: expected {}, found {}",
            mismatch.what, mismatch.expected, mismatch.found
        ));
    }
    if let Some(excerpt) = failed.excerpt.as_ref().filter(|text| !text.is_empty()) {
        failure = failure.with_cause(format!("the answer began: {excerpt}"));
    }
    failure
}

fn hint(run: &Run, checks: &ChecksPlan, failed: &TestResult) -> &'static str {
    if failed.failures.iter().any(Mismatch::is_connection_failure) {
        return UNREACHABLE;
    }
    match failed.moment {
        Moment::Green => "users never reached this version; fix it, or the test, and deploy again",
        Moment::Step | Moment::Production | Moment::Bake
            if target_url(checks, Moment::Green).is_none() =>
        {
            "users reached this version; set test-url, so that it is tested before they do"
        }
        Moment::Step | Moment::Production | Moment::Bake => match run.test_url() {
            Some(TestUrl::LeadsToGreen | TestUrl::TellsNewVersion) => {
                "green passed at the gate, so look at what differs behind the production listener: host names, ports, cookies, redirects"
            }
            Some(TestUrl::Unproven { .. }) => {
                "users reached this version; the tests that passed at test-url are not proven to have reached it: give the test listener's URL"
            }
            // This run did not test green: its gate was open already, or an earlier job's tests
            // were recent.
            None => {
                "look at what differs behind the production listener: host names, ports, cookies, redirects"
            }
        },
    }
}
