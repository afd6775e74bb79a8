//! One flow under way: its steps one after the other, and after a failure only those that clean up.
//!
//! An attempt whose answer may be needed to clean up (the `id` of what it has just created) is
//! never cut off.

use std::sync::{Mutex, PoisonError};

use crate::smoke::cookie_jar::CookieJar;
use crate::smoke::flow::{Flow, RunCondition};
use crate::smoke::result::TestVerdict;
use crate::template::Values;

use super::attempts::{Attempts, End, Post};

/// What flows hand on to each other: the values of the run, and what was captured so far.
pub(super) struct Shared(Mutex<Values>);

impl Shared {
    pub(super) fn new(values: Values) -> Self {
        Self(Mutex::new(values))
    }

    /// What a flow begins with.
    pub(super) fn values(&self, flow: &Flow) -> Values {
        let mut values = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for cell in &flow.matrix {
            values
                .bound
                .bind_spelled(&cell.name, cell.text.clone(), cell.json.clone());
        }
        values
    }

    fn bind(&self, name: &str, value: serde_json::Value) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bound
            .bind(name, value);
    }
}

/// A flow with all it needs.
#[derive(Clone, Copy)]
pub(super) struct FlowRun<'a> {
    pub(super) flow: &'a Flow,
    /// Of the whole suite.
    pub(super) attempts: &'a [Attempts<'a>],
    pub(super) post: &'a Post<'a>,
    pub(super) shared: &'a Shared,
}

impl FlowRun<'_> {
    /// Passed when every step has; skipped when it was called off.
    pub(super) async fn follow(self) -> TestVerdict {
        let mut values = self.shared.values(self.flow);
        let jar = CookieJar::new(self.flow.cookies);
        let mut verdict = TestVerdict::Passed;
        for index in self.flow.steps.clone() {
            if !self.has_a_turn(index, verdict, &values) {
                continue;
            }
            let attempts = &self.attempts[index];
            let end = self.step(index, &values, &jar).await;
            let came_to = self.take(end, &mut values);
            if came_to == TestVerdict::Failed {
                self.post.cancellation.say();
            }
            if came_to != TestVerdict::Skipped {
                self.post
                    .results
                    .write_once(index, attempts, came_to, &values);
            }
            verdict = verdict.and(came_to);
        }
        verdict
    }

    /// After a failure only clean-up has one, if there can be anything to clean up, and what it
    /// needs is known.
    fn has_a_turn(&self, index: usize, so_far: TestVerdict, values: &Values) -> bool {
        let test = self.attempts[index].test;
        let begun = || {
            self.flow
                .steps
                .clone()
                .any(|step| self.attempts[step].last().count > 0)
        };
        let in_turn = so_far == TestVerdict::Passed
            || (test.run_condition == RunCondition::Always && begun());
        in_turn && test.needs.iter().all(|name| values.bound.knows(name))
    }

    async fn step(&self, index: usize, values: &Values, jar: &CookieJar) -> End {
        let clean_up_follows = (index..self.flow.steps.end)
            .any(|step| self.attempts[step].test.run_condition == RunCondition::Always);
        let attempts = self.attempts[index].follow(self.post, values, jar);
        if clean_up_follows {
            return attempts.await;
        }
        tokio::select! {
            biased;
            end = attempts => end,
            () = self.post.cancellation.heard() => End::CalledOff,
        }
    }

    fn take(&self, end: End, values: &mut Values) -> TestVerdict {
        match end {
            End::Passed(captured) => {
                for (name, value) in captured {
                    values.bound.bind(name.as_str(), value.clone());
                    self.shared.bind(&name, value);
                }
                TestVerdict::Passed
            }
            End::Failed => TestVerdict::Failed,
            End::CalledOff => TestVerdict::Skipped,
        }
    }
}

impl TestVerdict {
    /// Of two steps: a failure counts most.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Skipped | Self::Unfinished, _) | (_, Self::Skipped | Self::Unfinished) => {
                Self::Skipped
            }
            (Self::Passed, Self::Passed) => Self::Passed,
        }
    }
}
