//! The course of one test: attempts, until one passes or the next would begin after the retry
//! budget.
//!
//! Refused connections, 5xx, unmet expectations and values that cannot be captured are all alike
//! here: each may be green that is not warm yet.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

use crate::duration::Human;
use crate::smoke::answer::SmokeResponse;
use crate::smoke::capture::{Captured, capture};
use crate::smoke::cookie_jar::CookieJar;
use crate::smoke::expect::evaluate;
use crate::smoke::flow::RunCondition;
use crate::smoke::form::SmokeTest;
use crate::smoke::result::{Attempted, Mismatch};
use crate::smoke::send::{Clients, Outgoing, TestedSide, exchange};
use crate::template::{Secrecy, Values};

use super::RunLimits;
use super::cancellation::Cancellation;
use super::results::{ResultCollector, confide};

/// How long a step that cleans up is repeated once the run has failed: users wait for traffic to go
/// back.
const HASTE: Duration = Duration::from_secs(5);

/// How long what is expected of one answer may take to judge: the largest body takes milliseconds,
/// unless its document means no good.
const JUDGING: Duration = Duration::from_secs(5);

/// What every test needs to send its request.
pub(super) struct Post<'a> {
    pub(super) side: TestedSide<'a>,
    pub(super) limits: &'a RunLimits,
    pub(super) clients: Clients,
    /// One for each request that may be under way; a test that waits to try again holds none.
    pub(super) permits: Semaphore,
    pub(super) results: &'a ResultCollector<'a>,
    pub(super) cancellation: Cancellation,
}

/// A test, and what its last attempt came to: kept here, because a test that is called off takes
/// nothing along.
pub(super) struct Attempts<'a> {
    pub(super) test: &'a Arc<SmokeTest>,
    last: Mutex<Attempted>,
}

/// How a course ends.
pub(super) enum End {
    /// With what was captured, by name.
    Passed(Vec<(String, Value)>),
    Failed,
    CalledOff,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(test: &'a Arc<SmokeTest>) -> Self {
        Self {
            test,
            last: Mutex::default(),
        }
    }

    pub(super) fn last(&self) -> Attempted {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Nothing could be sent.
    pub(super) fn prevented(&self, obstacle: &Mismatch) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Attempted::prevented(obstacle);
    }

    /// Repeats the test until it passes or has definitely failed. The budget runs from the first
    /// request.
    pub(super) async fn follow(&self, post: &Post<'_>, values: &Values, jar: &CookieJar) -> End {
        let mut first = None;
        loop {
            let Some(permit) = post.permit(self.test.run_condition).await else {
                return End::CalledOff;
            };
            let sent = Instant::now();
            let started = *first.get_or_insert(sent);
            let result = post.attempt(self.test, values, jar).await;
            drop(permit);
            let again = result.as_ref().err().is_none_or(|unmet| unmet.again);
            if let Some(captured) = self.note(result, sent, started) {
                return End::Passed(captured);
            }
            let next = Instant::now().max(sent + self.test.retry.every);
            if !again || next > started + post.budget(self.test) {
                return End::Failed;
            }
            if !post.wait_until(next, self.test.run_condition).await {
                return End::CalledOff;
            }
        }
    }

    fn note(
        &self,
        result: Result<Vec<(String, Value)>, Unmet>,
        sent: Instant,
        started: Instant,
    ) -> Option<Vec<(String, Value)>> {
        let (captured, Unmet { failures, body, .. }) = match result {
            Ok(captured) => (Some(captured), Unmet::default()),
            Err(unmet) => (None, unmet),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Attempted {
            count: last.count + 1,
            last: sent.elapsed(),
            total: started.elapsed(),
            failures,
            body,
        };
        captured
    }
}

/// Why an attempt did not pass.
struct Unmet {
    failures: Vec<Mismatch>,
    body: Option<String>,
    /// Whether another attempt could be better.
    again: bool,
}

impl Default for Unmet {
    fn default() -> Self {
        Self {
            failures: Vec::new(),
            body: None,
            again: true,
        }
    }
}

impl From<Mismatch> for Unmet {
    fn from(failure: Mismatch) -> Self {
        Self {
            failures: vec![failure],
            ..Self::default()
        }
    }
}

impl Post<'_> {
    /// Waits for one of the requests that may be under way; `None` when the run ends first.
    async fn permit(&self, run_condition: RunCondition) -> Option<SemaphorePermit<'_>> {
        match run_condition {
            // The semaphore is never closed.
            RunCondition::Always => self.permits.acquire().await.ok(),
            RunCondition::InOrder => tokio::select! {
                biased;
                () = self.cancellation.heard() => None,
                permit = self.permits.acquire() => permit.ok(),
            },
        }
    }

    /// Whether there is still something to do then.
    async fn wait_until(&self, next: Instant, run_condition: RunCondition) -> bool {
        match run_condition {
            RunCondition::Always => {
                sleep_until(next).await;
                true
            }
            RunCondition::InOrder => tokio::select! {
                biased;
                () = self.cancellation.heard() => false,
                () = sleep_until(next) => true,
            },
        }
    }

    fn budget(&self, test: &SmokeTest) -> Duration {
        if self.cancellation.was_said() {
            test.retry.budget.min(HASTE)
        } else {
            test.retry.budget
        }
    }

    async fn attempt(
        &self,
        test: &Arc<SmokeTest>,
        values: &Values,
        jar: &CookieJar,
    ) -> Result<Vec<(String, Value)>, Unmet> {
        let answer = self.answer(test, values, jar).await;
        confide(jar.values());
        let answer = answer?;
        let judged = off_the_reactor(test, answer, values)
            .await
            .map_err(|failure| Unmet {
                again: false,
                ..failure.into()
            })?;
        if judged.failures.is_empty() {
            Ok(judged.captured)
        } else {
            Err(Unmet {
                failures: judged.failures,
                body: judged.body,
                again: true,
            })
        }
    }

    async fn answer(
        &self,
        test: &SmokeTest,
        values: &Values,
        jar: &CookieJar,
    ) -> Result<SmokeResponse, Mismatch> {
        let outgoing = Outgoing::new(&test.request, &test.transport, self.side, values)?;
        let exchange = exchange(&self.clients, test, outgoing, self.limits, jar, values);
        let late = |_| {
            Mismatch::new(
                "time",
                format!("a whole answer within {}", Human(test.timeout)),
                "no end of it",
            )
        };
        timeout(test.timeout, exchange).await.map_err(late)?
    }
}

/// What an answer came to.
struct Judged {
    captured: Vec<(String, Value)>,
    failures: Vec<Mismatch>,
    /// Of an answer that was not as expected, unless it is another origin's.
    body: Option<String>,
}

/// Judges an answer on a thread of its own: what a document asks of a body can take as long as it
/// likes, and a signal must get through.
async fn off_the_reactor(
    test: &Arc<SmokeTest>,
    answer: SmokeResponse,
    values: &Values,
) -> Result<Judged, Mismatch> {
    if is_quick(test, &answer) {
        return Ok(judged(test, &answer, values));
    }
    let (test, values) = (Arc::clone(test), values.clone());
    let judging = tokio::task::spawn_blocking(move || judged(&test, &answer, &values));
    let wanted = || format!("to be judged within {}", Human(JUDGING));
    let late = |_| {
        Mismatch::new(
            "expectations",
            wanted(),
            "no end of it: a JSONPath, pattern or schema costs too much on this body",
        )
    };
    // A judge that fell is no judgement.
    timeout(JUDGING, judging)
        .await
        .map_err(late)?
        .map_err(|_| Mismatch::new("expectations", wanted(), "they could not be judged"))
}

/// What is asked of a short answer without looking into its JSON costs less than a thread.
fn is_quick(test: &SmokeTest, answer: &SmokeResponse) -> bool {
    const SHORT: usize = 4 * 1024;
    answer.body.bytes.len() <= SHORT
        && test.captures.is_empty()
        && test.expect.json.is_none()
        && test.expect.json_schema.is_none()
}

fn judged(test: &SmokeTest, answer: &SmokeResponse, values: &Values) -> Judged {
    let (captured, missing) = capture(&test.captures, answer, values);
    confide(captured.iter().filter_map(Captured::secret));
    let failures: Vec<Mismatch> = evaluate(test, answer, values)
        .into_iter()
        .chain(missing)
        .collect();
    let captured = captured
        .into_iter()
        .map(|captured| (captured.capture.name.clone(), captured.value))
        .collect();
    let body = (!failures.is_empty() && !answer.foreign).then(|| answer.text());
    Judged {
        captured,
        failures,
        body,
    }
}

impl Captured<'_> {
    /// The text, if nobody may read it.
    fn secret(&self) -> Option<String> {
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
