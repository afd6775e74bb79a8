//! Runs one test: attempts until one passes or the retry budget is used up.
//!
//! Refused connections, 5xx, unmet expectations and values that cannot be captured are all alike
//! here: each may come from a green that is still starting.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

use crate::duration::HumanDuration;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::capture::{CapturedValue, capture};
use crate::smoke::cookie_jar::CookieJar;
use crate::smoke::expect::evaluate;
use crate::smoke::flow::RunCondition;
use crate::smoke::form::SmokeTest;
use crate::smoke::result::{AttemptOutcome, Mismatch};
use crate::smoke::send::{Clients, OutgoingRequest, TestedSide, exchange};
use crate::template::{Secrecy, Values};

use super::RunLimits;
use super::cancellation::Cancellation;
use super::results::{ResultCollector, register_secrets};

/// How long a step that cleans up is repeated once the run has failed: users wait for the rollback.
const CLEANUP_BUDGET: Duration = Duration::from_secs(5);

/// The time limit for evaluating one answer. The largest body takes milliseconds unless the
/// document is malicious.
const EVALUATION_LIMIT: Duration = Duration::from_secs(5);

/// What all tests of a run share.
pub(super) struct RunContext<'a> {
    pub(super) side: TestedSide<'a>,
    pub(super) limits: &'a RunLimits,
    pub(super) clients: Clients,
    /// One for each request in flight; a test that waits for its next attempt holds none.
    pub(super) permits: Semaphore,
    pub(super) results: &'a ResultCollector<'a>,
    pub(super) cancellation: Cancellation,
}

/// A test and the outcome of its last attempt. It is stored here because the future of a cancelled
/// test is dropped.
pub(super) struct Attempts<'a> {
    pub(super) test: &'a Arc<SmokeTest>,
    last: Mutex<AttemptOutcome>,
}

/// How the attempts of a test end.
pub(super) enum AttemptsEnd {
    /// With the captured values, by name.
    Passed(Vec<(String, Value)>),
    Failed,
    Cancelled,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(test: &'a Arc<SmokeTest>) -> Self {
        Self {
            test,
            last: Mutex::default(),
        }
    }

    pub(super) fn last_outcome(&self) -> AttemptOutcome {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Nothing could be sent.
    pub(super) fn record_not_sent(&self, obstacle: &Mismatch) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            AttemptOutcome::from_obstacle(obstacle);
    }

    /// Repeats the test until it passes or has definitely failed. The budget runs from the first
    /// request.
    pub(super) async fn run(
        &self,
        context: &RunContext<'_>,
        values: &Values,
        cookie_jar: &CookieJar,
    ) -> AttemptsEnd {
        let mut first = None;
        loop {
            let Some(permit) = context.acquire_permit(self.test.run_condition).await else {
                return AttemptsEnd::Cancelled;
            };
            let sent = Instant::now();
            let started = *first.get_or_insert(sent);
            let result = context.run_attempt(self.test, values, cookie_jar).await;
            drop(permit);
            let may_retry = result.as_ref().err().is_none_or(|unmet| unmet.may_retry);
            if let Some(captured) = self.record(result, sent, started) {
                return AttemptsEnd::Passed(captured);
            }
            let next = Instant::now().max(sent + self.test.retry.every);
            if !may_retry || next > started + context.retry_budget(self.test) {
                return AttemptsEnd::Failed;
            }
            if !context.wait_until(next, self.test.run_condition).await {
                return AttemptsEnd::Cancelled;
            }
        }
    }

    fn record(
        &self,
        result: Result<Vec<(String, Value)>, FailedAttempt>,
        sent: Instant,
        started: Instant,
    ) -> Option<Vec<(String, Value)>> {
        let (captured, FailedAttempt { failures, body, .. }) = match result {
            Ok(captured) => (Some(captured), FailedAttempt::default()),
            Err(unmet) => (None, unmet),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = AttemptOutcome {
            count: last.count + 1,
            last: sent.elapsed(),
            total: started.elapsed(),
            failures,
            body,
        };
        captured
    }
}

struct FailedAttempt {
    failures: Vec<Mismatch>,
    body: Option<String>,
    /// Whether another attempt could be better.
    may_retry: bool,
}

impl Default for FailedAttempt {
    fn default() -> Self {
        Self {
            failures: Vec::new(),
            body: None,
            may_retry: true,
        }
    }
}

impl From<Mismatch> for FailedAttempt {
    fn from(failure: Mismatch) -> Self {
        Self {
            failures: vec![failure],
            ..Self::default()
        }
    }
}

impl RunContext<'_> {
    /// Waits for a permit to send a request; `None` if the run ends first.
    async fn acquire_permit(&self, run_condition: RunCondition) -> Option<SemaphorePermit<'_>> {
        match run_condition {
            // The semaphore is never closed.
            RunCondition::Always => self.permits.acquire().await.ok(),
            RunCondition::InOrder => tokio::select! {
                biased;
                () = self.cancellation.wait() => None,
                permit = self.permits.acquire() => permit.ok(),
            },
        }
    }

    /// Sleeps until `next`; false if the run is cancelled first.
    async fn wait_until(&self, next: Instant, run_condition: RunCondition) -> bool {
        match run_condition {
            RunCondition::Always => {
                sleep_until(next).await;
                true
            }
            RunCondition::InOrder => tokio::select! {
                biased;
                () = self.cancellation.wait() => false,
                () = sleep_until(next) => true,
            },
        }
    }

    fn retry_budget(&self, test: &SmokeTest) -> Duration {
        if self.cancellation.is_cancelled() {
            test.retry.budget.min(CLEANUP_BUDGET)
        } else {
            test.retry.budget
        }
    }

    async fn run_attempt(
        &self,
        test: &Arc<SmokeTest>,
        values: &Values,
        cookie_jar: &CookieJar,
    ) -> Result<Vec<(String, Value)>, FailedAttempt> {
        let answer = self.exchange_in_time(test, values, cookie_jar).await;
        register_secrets(cookie_jar.values());
        let answer = answer?;
        let evaluated = evaluate_blocking(test, answer, values)
            .await
            .map_err(|failure| FailedAttempt {
                may_retry: false,
                ..failure.into()
            })?;
        if evaluated.failures.is_empty() {
            Ok(evaluated.captured)
        } else {
            Err(FailedAttempt {
                failures: evaluated.failures,
                body: evaluated.body,
                may_retry: true,
            })
        }
    }

    async fn exchange_in_time(
        &self,
        test: &SmokeTest,
        values: &Values,
        cookie_jar: &CookieJar,
    ) -> Result<SmokeResponse, Mismatch> {
        let outgoing = OutgoingRequest::new(&test.request, &test.transport, self.side, values)?;
        let exchange = exchange(
            &self.clients,
            test,
            outgoing,
            self.limits,
            cookie_jar,
            values,
        );
        let late = |_| {
            Mismatch::new(
                "time",
                format!("a whole answer within {}", HumanDuration(test.timeout)),
                "not finished",
            )
        };
        timeout(test.timeout, exchange).await.map_err(late)?
    }
}

struct EvaluatedAnswer {
    captured: Vec<(String, Value)>,
    failures: Vec<Mismatch>,
    /// Of an answer that was not as expected, unless it is another origin's.
    body: Option<String>,
}

/// Evaluates an answer on a blocking thread with a time limit: a document's expectations can be
/// arbitrarily slow, and signals must still be handled.
async fn evaluate_blocking(
    test: &Arc<SmokeTest>,
    answer: SmokeResponse,
    values: &Values,
) -> Result<EvaluatedAnswer, Mismatch> {
    if is_quick(test, &answer) {
        return Ok(evaluate_answer(test, &answer, values));
    }
    let (test, values) = (Arc::clone(test), values.clone());
    let evaluation = tokio::task::spawn_blocking(move || evaluate_answer(&test, &answer, &values));
    let wanted = || format!("evaluated within {}", HumanDuration(EVALUATION_LIMIT));
    let late = |_| {
        Mismatch::new(
            "expectations",
            wanted(),
            "not finished: a JSONPath, pattern or schema is too slow on this body",
        )
    };
    // A panic of the evaluation fails the test.
    timeout(EVALUATION_LIMIT, evaluation)
        .await
        .map_err(late)?
        .map_err(|_| Mismatch::new("expectations", wanted(), "they could not be judged"))
}

/// Evaluating a short answer without its JSON costs less than a thread.
fn is_quick(test: &SmokeTest, answer: &SmokeResponse) -> bool {
    const SHORT: usize = 4 * 1024;
    answer.body.bytes.len() <= SHORT
        && test.captures.is_empty()
        && test.expect.json.is_none()
        && test.expect.json_schema.is_none()
}

fn evaluate_answer(test: &SmokeTest, answer: &SmokeResponse, values: &Values) -> EvaluatedAnswer {
    let (captured, missing) = capture(&test.captures, answer, values);
    register_secrets(captured.iter().filter_map(CapturedValue::secret_text));
    let failures: Vec<Mismatch> = evaluate(test, answer, values)
        .into_iter()
        .chain(missing)
        .collect();
    let captured = captured
        .into_iter()
        .map(|captured| (captured.capture.name.clone(), captured.value))
        .collect();
    let body = (!failures.is_empty() && !answer.is_cross_origin).then(|| answer.text());
    EvaluatedAnswer {
        captured,
        failures,
        body,
    }
}

impl CapturedValue<'_> {
    /// The text, if it is a secret.
    fn secret_text(&self) -> Option<String> {
        match self.capture.secrecy {
            Secrecy::Secret => Some(
                self.value
                    .as_str()
                    .map_or_else(|| self.value.to_string(), str::to_owned),
            ),
            Secrecy::Open => None,
        }
    }
}
