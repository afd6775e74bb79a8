//! The course of one test: attempts, until one passes or the next would begin after the retry budget.
//!
//! Refused connections, 5xx, unmet expectations and values that cannot be captured are all alike here: each may be green that is not
//! warm yet.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout};

use crate::duration::Human;
use crate::smoke::answer::Answer;
use crate::smoke::capture::{Captured, capture};
use crate::smoke::expect::judge;
use crate::smoke::flow::Turn;
use crate::smoke::form::Test;
use crate::smoke::jar::Jar;
use crate::smoke::result::{Attempted, Mismatch};
use crate::smoke::send::{Clients, Outgoing, Side, exchange};
use crate::template::{Secrecy, Values};

use super::Limits;
use super::call_off::CallOff;
use super::clerk::Clerk;

/// How long a step that cleans up is repeated once the run has failed: users wait for traffic to go back.
const HASTE: Duration = Duration::from_secs(5);

/// What every test needs to send its request.
pub(super) struct Post<'a> {
    pub(super) side: Side<'a>,
    pub(super) limits: &'a Limits,
    pub(super) clients: Clients,
    /// One for each request that may be under way; a test that waits to try again holds none.
    pub(super) turns: Semaphore,
    pub(super) clerk: &'a Clerk<'a>,
    pub(super) call_off: CallOff,
}

/// A test, and what its last attempt came to: kept here, because a test that is called off takes nothing along.
pub(super) struct Course<'a> {
    pub(super) test: &'a Test,
    last: Mutex<Attempted>,
}

/// How a course ends.
pub(super) enum End {
    /// With what was captured, by name.
    Passed(Vec<(String, Value)>),
    Failed,
    CalledOff,
}

impl<'a> Course<'a> {
    pub(super) fn new(test: &'a Test) -> Self {
        Self { test, last: Mutex::default() }
    }

    pub(super) fn last(&self) -> Attempted {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nothing could be sent.
    pub(super) fn prevented(&self, obstacle: &Mismatch) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Attempted::prevented(obstacle);
    }

    /// Repeats the test until it passes or has definitely failed. The budget runs from the first request.
    pub(super) async fn follow(&self, post: &Post<'_>, values: &Values, jar: &Jar) -> End {
        let mut first = None;
        loop {
            let Some(turn) = post.turn(self.test.turn).await else { return End::CalledOff };
            let sent = Instant::now();
            let started = *first.get_or_insert(sent);
            let result = post.attempt(self.test, values, jar).await;
            drop(turn);
            if let Some(captured) = self.note(result, sent, started) {
                return End::Passed(captured);
            }
            let next = Instant::now().max(sent + self.test.retry.every);
            if next > started + post.budget(self.test) {
                return End::Failed;
            }
            if !post.wait_until(next, self.test.turn).await {
                return End::CalledOff;
            }
        }
    }

    fn note(&self, result: Result<Vec<(String, Value)>, Unmet>, sent: Instant, started: Instant) -> Option<Vec<(String, Value)>> {
        let (captured, Unmet { failures, body }) = match result {
            Ok(captured) => (Some(captured), Unmet::default()),
            Err(unmet) => (None, unmet),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Attempted { count: last.count + 1, last: sent.elapsed(), total: started.elapsed(), failures, body };
        captured
    }
}

/// Why an attempt did not pass.
#[derive(Default)]
struct Unmet {
    failures: Vec<Mismatch>,
    body: Option<String>,
}

impl From<Mismatch> for Unmet {
    fn from(failure: Mismatch) -> Self {
        Self { failures: vec![failure], body: None }
    }
}

impl Post<'_> {
    /// Waits for one of the requests that may be under way; `None` when the run ends first.
    async fn turn(&self, turn: Turn) -> Option<SemaphorePermit<'_>> {
        match turn {
            // The semaphore is never closed.
            Turn::Always => self.turns.acquire().await.ok(),
            Turn::InOrder => tokio::select! {
                biased;
                () = self.call_off.heard() => None,
                permit = self.turns.acquire() => permit.ok(),
            },
        }
    }

    /// Whether there is still something to do then.
    async fn wait_until(&self, next: Instant, turn: Turn) -> bool {
        match turn {
            Turn::Always => {
                sleep_until(next).await;
                true
            }
            Turn::InOrder => tokio::select! {
                biased;
                () = self.call_off.heard() => false,
                () = sleep_until(next) => true,
            },
        }
    }

    fn budget(&self, test: &Test) -> Duration {
        if self.call_off.was_said() { test.retry.budget.min(HASTE) } else { test.retry.budget }
    }

    async fn attempt(&self, test: &Test, values: &Values, jar: &Jar) -> Result<Vec<(String, Value)>, Unmet> {
        let answer = self.answer(test, values, jar).await;
        self.clerk.confide(jar.values());
        let answer = answer?;
        let (captured, missing) = capture(&test.captures, &answer, values);
        self.clerk.confide(captured.iter().filter_map(Captured::secret));
        let failures: Vec<Mismatch> = judge(&test.expect, &answer, values).into_iter().chain(missing).collect();
        if failures.is_empty() {
            return Ok(captured.into_iter().map(|captured| (captured.capture.name.clone(), captured.value)).collect());
        }
        Err(Unmet { failures, body: Some(answer.text()) })
    }

    async fn answer(&self, test: &Test, values: &Values, jar: &Jar) -> Result<Answer, Mismatch> {
        let outgoing = Outgoing::new(&test.request, &test.transport, self.side, values)?;
        let exchange = exchange(&self.clients, test, outgoing, self.limits, jar);
        let late = |_| Mismatch::new("time", format!("a whole answer within {}", Human(test.timeout)), "no end of it");
        timeout(test.timeout, exchange).await.map_err(late)?
    }
}

impl Captured<'_> {
    /// The text, if nobody may read it.
    fn secret(&self) -> Option<String> {
        match self.capture.secrecy {
            Secrecy::Secret => Some(self.value.as_str().map_or_else(|| self.value.to_string(), str::to_owned)),
            Secrecy::Open => None,
        }
    }
}
