//! The course of one test: attempts, until one passes or the next would begin after the retry budget.
//!
//! Refused connections, 5xx and unmet expectations are all alike here: each may be green that is not warm yet.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use crate::duration::Human;
use crate::smoke::answer::Answer;
use crate::smoke::expect::judge;
use crate::smoke::form::Test;
use crate::smoke::result::{Attempted, Mismatch, TestVerdict};
use crate::smoke::send::{Clients, Outgoing, Side, exchange};
use crate::template::Values;

use super::Limits;

/// What every test needs to send its request.
pub(super) struct Post<'a> {
    pub(super) side: Side<'a>,
    pub(super) values: &'a Values,
    pub(super) limits: &'a Limits,
    pub(super) clients: Clients,
    /// One for each request that may be under way; a test that waits to try again holds none.
    pub(super) turns: Semaphore,
}

/// A test, and what its last attempt came to: kept here, because a test that is called off takes nothing along.
pub(super) struct Course<'a> {
    pub(super) test: &'a Test,
    last: Mutex<Attempted>,
}

impl<'a> Course<'a> {
    pub(super) fn new(test: &'a Test) -> Self {
        Self { test, last: Mutex::default() }
    }

    pub(super) fn last(&self) -> Attempted {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Repeats the test until it passes or has definitely failed. The budget runs from the first request.
    pub(super) async fn follow(&self, post: &Post<'_>) -> TestVerdict {
        let mut first = None;
        loop {
            let turn = post.turns.acquire().await;
            let sent = Instant::now();
            let started = *first.get_or_insert(sent);
            let result = post.attempt(self.test).await;
            drop(turn);
            if self.note(result, sent, started) == TestVerdict::Passed {
                return TestVerdict::Passed;
            }
            let next = Instant::now().max(sent + self.test.retry.every);
            if next > started + self.test.retry.budget {
                return TestVerdict::Failed;
            }
            sleep_until(next).await;
        }
    }

    fn note(&self, result: Result<(), Unmet>, sent: Instant, started: Instant) -> TestVerdict {
        let verdict = if result.is_ok() { TestVerdict::Passed } else { TestVerdict::Failed };
        let Unmet { failures, body } = result.err().unwrap_or_default();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Attempted { count: last.count + 1, last: sent.elapsed(), total: started.elapsed(), failures, body };
        verdict
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
    async fn attempt(&self, test: &Test) -> Result<(), Unmet> {
        let answer = self.answer(test).await?;
        let failures = judge(&test.expect, &answer, self.values);
        if failures.is_empty() { Ok(()) } else { Err(Unmet { failures, body: Some(answer.text()) }) }
    }

    async fn answer(&self, test: &Test) -> Result<Answer, Mismatch> {
        let outgoing = Outgoing::new(test, self.side, self.values)?;
        let exchange = exchange(&self.clients, test, outgoing, self.limits);
        let late = |_| Mismatch::new("time", format!("a whole answer within {}", Human(test.timeout)), "no end of it");
        timeout(test.timeout, exchange).await.map_err(late)?
    }
}
