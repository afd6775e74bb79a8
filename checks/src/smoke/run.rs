//! Runs a suite at one moment: tests in parallel, each repeated until it passes or its budget is over.
//!
//! The first test that has definitely failed ends the run: the verdict is known, and users may be waiting for traffic to go back.

mod course;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use url::Url;

use crate::scrub::Scrubber;

use crate::moment::Moment;

use super::form::{Suite, Test};
use super::result::{Attempted, Mismatch, TestResult, TestVerdict};
use super::send::{Clients, Side};
use crate::template::Values;
use course::{Course, Post};

/// How far a run may go; the defaults serve every suite.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests under way at once: enough for a hundred tests in a moment, no load for a service.
    pub concurrency: usize,
    /// Bytes of a body that are read and judged.
    pub body_bytes: usize,
    /// Redirects that are followed, as browsers and curl bound them.
    pub redirects: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 16, body_bytes: 1024 * 1024, redirects: 10 }
    }
}

/// Called once for every test, as soon as its result is known.
pub type OnResult<'a> = &'a (dyn Fn(&TestResult) + Send + Sync);

/// Runs the tests of `suite` that belong to `moment` against `base`; the results are in the order of the document.
///
/// Every name of [`Suite::needs_env`] and [`Suite::needs_secrets`] must be in `values`: without one, nothing is sent and every test fails. Dropping the future
/// cancels everything that is under way.
pub async fn run(suite: &Suite, moment: Moment, base: &Url, values: &Values, limits: &Limits, on_result: OnResult<'_>) -> Vec<TestResult> {
    let clerk = Clerk { moment, values, scrubber: Scrubber::new(values.confidential()), on_result };
    let tests: Vec<&Test> = suite.tests.iter().filter(|test| test.on.contains(&moment)).collect();
    let transports = tests.iter().map(|test| &test.transport);
    match complete(suite, values).and_then(|()| Clients::new(transports, base)) {
        Ok(clients) => {
            let post = Post { side: Side { base, moment }, values, limits, clients, turns: Semaphore::new(limits.concurrency) };
            all(&post, &clerk, &tests).await
        }
        Err(obstacle) => tests.iter().map(|test| clerk.write(test, TestVerdict::Failed, &Attempted::prevented(&obstacle))).collect(),
    }
}

fn complete(suite: &Suite, values: &Values) -> Result<(), Mismatch> {
    let missing = suite.needs_env().into_iter().find(|name| !values.environment.contains_key(*name));
    missing.map_or(Ok(()), |name| Err(Mismatch::new(format!("${{env.{name}}}"), "a value", "none: the variable is not set")))?;
    let missing = suite.needs_secrets().iter().find(|wanted| !values.secrets.contains_key(&wanted.name));
    missing.map_or(Ok(()), |wanted| Err(Mismatch::new(format!("${{secret.{}}}", wanted.name), "a value", "none: it was not fetched")))
}

async fn all(post: &Post<'_>, clerk: &Clerk<'_>, tests: &[&Test]) -> Vec<TestResult> {
    let courses: Vec<Course<'_>> = tests.iter().copied().map(Course::new).collect();
    let mut results: Vec<Option<TestResult>> = courses.iter().map(|_| None).collect();
    let mut running: FuturesUnordered<_> =
        courses.iter().enumerate().map(async |(index, course)| (index, course.follow(post).await)).collect();
    while let Some((index, verdict)) = running.next().await {
        results[index] = Some(clerk.write(courses[index].test, verdict, &courses[index].last()));
        if verdict == TestVerdict::Failed {
            break;
        }
    }
    // Closes the connections of whatever is still under way.
    drop(running);
    let skipped = |course: &Course<'_>| clerk.write(course.test, TestVerdict::Skipped, &course.last());
    results.into_iter().zip(&courses).map(|(result, course)| result.unwrap_or_else(|| skipped(course))).collect()
}

/// Writes results down and hands them on.
struct Clerk<'a> {
    moment: Moment,
    values: &'a Values,
    scrubber: Scrubber,
    on_result: OnResult<'a>,
}

impl Clerk<'_> {
    fn write(&self, test: &Test, verdict: TestVerdict, attempted: &Attempted) -> TestResult {
        let request = test.request.words(self.values);
        let result = TestResult::new(&test.name, self.moment, &request, verdict, attempted, &self.scrubber);
        (self.on_result)(&result);
        result
    }
}

#[cfg(test)]
mod tests;
