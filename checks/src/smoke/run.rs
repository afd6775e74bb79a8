//! Runs a suite at one moment: flows in parallel where none waits for another, each test repeated
//! until it passes or its budget is over.
//!
//! The first test that has definitely failed ends the run: the verdict is known, and users may be
//! waiting for the rollback. Only clean-up steps still run then.

mod attempts;
mod cancellation;
mod flow_run;
mod order;
mod results;
mod run_values;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use url::Url;

use crate::moment::Moment;
use crate::template::Values;

use super::flow::Flow;
use super::form::Suite;
use super::result::{Mismatch, TestResult, TestVerdict};
use super::send::{Clients, TestedSide};
use attempts::{Attempts, RunContext};
use cancellation::Cancellation;
use flow_run::{FlowRun, SharedValues};
use order::TestOrder;
use results::ResultCollector;
pub(crate) use run_values::bind_run_values;

/// The limits of a run; the defaults serve every suite.
#[derive(Debug, Clone, Copy)]
pub struct RunLimits {
    /// Requests under way at once: a hundred tests of 20 ms end in four rounds (150 to 200 ms on a
    /// busy machine with two cores; 16 at once took 210 to 240 ms, 50 gained 50 ms more), and it is
    /// no load for a service.
    pub concurrency: usize,
    /// Bytes of a body that are read and evaluated.
    pub body_bytes: usize,
    /// Redirects that are followed, as browsers and curl bound them.
    pub redirects: u32,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            concurrency: 25,
            body_bytes: 1024 * 1024,
            redirects: 10,
        }
    }
}

/// Called once for every test, as soon as its result is known.
pub type OnResult<'a> = &'a (dyn Fn(&TestResult) + Send + Sync);

/// Runs the tests of `suite` that belong to `moment` against `base`; the results are in the order
/// of the document.
///
/// Every name of [`Suite::required_env`] and [`Suite::required_secrets`] must be in `values`:
/// without one, nothing is sent and every test fails. Dropping the future cancels everything that
/// is under way, including clean-up; tests that were sent are reported as unfinished.
pub async fn run(
    suite: &Suite,
    moment: Moment,
    base: &Url,
    values: &Values,
    limits: &RunLimits,
    on_result: OnResult<'_>,
) -> Vec<TestResult> {
    let flows: Vec<(usize, &Flow)> = suite
        .flows
        .iter()
        .enumerate()
        .filter(|(_, flow)| flow.on.contains(&moment))
        .collect();
    let results = ResultCollector::new(moment, values, on_result);
    let shared = SharedValues::new(bind_run_values(suite, base, values));
    let attempts: Vec<Attempts<'_>> = suite.tests.iter().map(Attempts::new).collect();
    let transports = flows
        .iter()
        .flat_map(|(_, flow)| &suite.tests[flow.steps.clone()])
        .map(|test| &test.transport);
    let verdict =
        match check_required_values(suite, values).and_then(|()| Clients::new(transports, base)) {
            Ok(clients) => {
                let permits = Semaphore::new(limits.concurrency);
                let mut unfinished_reporter = UnfinishedReporter {
                    results: &results,
                    shared: &shared,
                    attempts: &attempts,
                    flows: &flows,
                    is_disarmed: false,
                };
                let context = RunContext {
                    side: TestedSide { base, moment },
                    limits,
                    clients,
                    permits,
                    results: &results,
                    cancellation: Cancellation::new(),
                };
                run_flows(&context, &shared, &attempts, &flows).await;
                unfinished_reporter.disarm();
                TestVerdict::Skipped
            }
            Err(obstacle) => {
                for one in &attempts {
                    one.record_not_sent(&obstacle);
                }
                TestVerdict::Failed
            }
        };
    for (_, flow) in &flows {
        let values = shared.values_for(flow);
        flow.steps
            .clone()
            .for_each(|index| results.write_once(index, &attempts[index], verdict, &values));
    }
    results.finish()
}

/// Reports unfinished tests when the run's future is dropped, so that a cancelled run shows why
/// they had not passed.
struct UnfinishedReporter<'a> {
    results: &'a ResultCollector<'a>,
    shared: &'a SharedValues,
    attempts: &'a [Attempts<'a>],
    flows: &'a [(usize, &'a Flow)],
    is_disarmed: bool,
}

impl UnfinishedReporter<'_> {
    /// The run ended normally: nothing to report on drop.
    fn disarm(&mut self) {
        self.is_disarmed = true;
    }
}

impl Drop for UnfinishedReporter<'_> {
    fn drop(&mut self) {
        if self.is_disarmed {
            return;
        }
        for (_, flow) in self.flows {
            let values = self.shared.values_for(flow);
            for index in flow
                .steps
                .clone()
                .filter(|index| self.attempts[*index].last_outcome().count > 0)
            {
                self.results.write_once(
                    index,
                    &self.attempts[index],
                    TestVerdict::Unfinished,
                    &values,
                );
            }
        }
    }
}

/// Runs every flow once the flows before it have passed. After a failure no further flow starts.
async fn run_flows(
    context: &RunContext<'_>,
    shared: &SharedValues,
    attempts: &[Attempts<'_>],
    flows: &[(usize, &Flow)],
) {
    let mut order = TestOrder::new(flows);
    let mut running = FuturesUnordered::new();
    loop {
        for (index, flow) in order.take_due() {
            let flow_run = FlowRun {
                flow,
                attempts,
                context,
                shared,
            };
            running.push(async move { (index, flow_run.run().await) });
        }
        match running.next().await {
            Some((index, TestVerdict::Passed)) => order.mark_passed(index),
            // Flows that wait for it never run; running ones end by themselves, at once unless they
            // clean up.
            Some((_, TestVerdict::Failed | TestVerdict::Skipped | TestVerdict::Unfinished)) => {
                order.cancel_waiting();
            }
            None => return,
        }
    }
}

pub(crate) fn check_required_values(suite: &Suite, values: &Values) -> Result<(), Mismatch> {
    let missing = suite
        .required_env()
        .into_iter()
        .find(|name| !values.environment.contains_key(*name));
    missing.map_or(Ok(()), |name| {
        Err(Mismatch::new(
            format!("${{env.{name}}}"),
            "a value",
            "none: the variable is not set",
        ))
    })?;
    let missing = suite
        .required_secrets()
        .iter()
        .find(|wanted| !values.secrets.contains_key(&wanted.name));
    missing.map_or(Ok(()), |wanted| {
        Err(Mismatch::new(
            format!("${{secret.{}}}", wanted.name),
            "a value",
            "none: it was not fetched",
        ))
    })
}

#[cfg(test)]
mod tests;
