//! One flow under way: its steps one after the other, and after a failure only those that clean up.
//!
//! An attempt whose answer may be needed to clean up (the `id` of what it has just created) is
//! never cut off.

use std::sync::{Mutex, PoisonError};

use crate::smoke::cookie_jar::CookieJar;
use crate::smoke::flow::{Flow, RunCondition};
use crate::smoke::result::TestVerdict;
use crate::template::Values;

use super::attempts::{Attempts, AttemptsEnd, RunContext};

/// The values of the run, including what flows have captured so far; shared by all flows.
pub(super) struct SharedValues(Mutex<Values>);

impl SharedValues {
    pub(super) fn new(values: Values) -> Self {
        Self(Mutex::new(values))
    }

    /// The values with which a flow begins.
    pub(super) fn values_for(&self, flow: &Flow) -> Values {
        let mut values = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for cell in &flow.matrix {
            values
                .bindings
                .bind_with_text(&cell.name, cell.text.clone(), cell.json.clone());
        }
        values
    }

    fn bind(&self, name: &str, value: serde_json::Value) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bindings
            .bind(name, value);
    }
}

#[derive(Clone, Copy)]
pub(super) struct FlowRun<'a> {
    pub(super) flow: &'a Flow,
    /// Of the whole suite.
    pub(super) attempts: &'a [Attempts<'a>],
    pub(super) context: &'a RunContext<'a>,
    pub(super) shared: &'a SharedValues,
}

impl FlowRun<'_> {
    /// Passed when every step has; skipped if it was cancelled.
    pub(super) async fn run(self) -> TestVerdict {
        let mut values = self.shared.values_for(self.flow);
        let cookie_jar = CookieJar::new(self.flow.cookies);
        let mut verdict = TestVerdict::Passed;
        for index in self.flow.steps.clone() {
            if !self.is_runnable(index, verdict, &values) {
                continue;
            }
            let attempts = &self.attempts[index];
            let end = self.run_step(index, &values, &cookie_jar).await;
            let step_verdict = self.apply_end(end, &mut values);
            if step_verdict == TestVerdict::Failed {
                self.context.cancellation.cancel();
            }
            if step_verdict != TestVerdict::Skipped {
                self.context
                    .results
                    .write_once(index, attempts, step_verdict, &values);
            }
            verdict = verdict.combine(step_verdict);
        }
        verdict
    }

    /// Whether a step runs. After a failure only clean-up steps do, if an earlier step was sent and
    /// the captures that they need exist.
    fn is_runnable(&self, index: usize, so_far: TestVerdict, values: &Values) -> bool {
        let test = self.attempts[index].test;
        let any_sent = || {
            self.flow
                .steps
                .clone()
                .any(|step| self.attempts[step].last_outcome().count > 0)
        };
        let is_due = so_far == TestVerdict::Passed
            || (test.run_condition == RunCondition::Always && any_sent());
        is_due
            && test
                .required_captures
                .iter()
                .all(|name| values.bindings.contains(name))
    }

    async fn run_step(&self, index: usize, values: &Values, cookie_jar: &CookieJar) -> AttemptsEnd {
        let clean_up_follows = (index..self.flow.steps.end)
            .any(|step| self.attempts[step].test.run_condition == RunCondition::Always);
        let attempts = self.attempts[index].run(self.context, values, cookie_jar);
        if clean_up_follows {
            return attempts.await;
        }
        tokio::select! {
            biased;
            end = attempts => end,
            () = self.context.cancellation.wait() => AttemptsEnd::Cancelled,
        }
    }

    fn apply_end(&self, end: AttemptsEnd, values: &mut Values) -> TestVerdict {
        match end {
            AttemptsEnd::Passed(captured) => {
                for (name, value) in captured {
                    values.bindings.bind(name.as_str(), value.clone());
                    self.shared.bind(&name, value);
                }
                TestVerdict::Passed
            }
            AttemptsEnd::Failed => TestVerdict::Failed,
            AttemptsEnd::Cancelled => TestVerdict::Skipped,
        }
    }
}

impl TestVerdict {
    /// Of two steps: a failure counts most.
    fn combine(self, other: Self) -> Self {
        match (self, other) {
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Skipped | Self::Unfinished, _) | (_, Self::Skipped | Self::Unfinished) => {
                Self::Skipped
            }
            (Self::Passed, Self::Passed) => Self::Passed,
        }
    }
}
