//! Stores results, free of every secret that was given or has been captured so far, and passes them
//! to the caller.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::moment::Moment;
use crate::scrub::register;
use crate::secret::Secret;
use crate::smoke::result::{TestResult, TestVerdict};
use crate::template::Values;

use super::OnResult;
use super::attempts::Attempts;

/// Keeps the results of one run, by the test's place in the suite.
pub(super) struct ResultCollector<'a> {
    moment: Moment,
    results: Mutex<BTreeMap<usize, TestResult>>,
    on_result: OnResult<'a>,
}

impl<'a> ResultCollector<'a> {
    pub(super) fn new(moment: Moment, values: &Values, on_result: OnResult<'a>) -> Self {
        values.secret_values().for_each(register);
        Self {
            moment,
            results: Mutex::default(),
            on_result,
        }
    }

    /// Stores a test's result, unless it has one.
    pub(super) fn write_once(
        &self,
        index: usize,
        attempts: &Attempts<'_>,
        verdict: TestVerdict,
        values: &Values,
    ) {
        if lock(&self.results).contains_key(&index) {
            return;
        }
        let test = attempts.test;
        let request = test.request.describe(values);
        let result = TestResult::new(
            &test.name,
            self.moment,
            &request,
            verdict,
            &attempts.last_outcome(),
        );
        (self.on_result)(&result);
        lock(&self.results).insert(index, result);
    }

    /// The results, in the order of the document.
    pub(super) fn finish(self) -> Vec<TestResult> {
        self.results
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_values()
            .collect()
    }
}

/// Registers secrets to be masked from now on.
pub(super) fn register_secrets(secrets: impl IntoIterator<Item = String>) {
    secrets
        .into_iter()
        .for_each(|secret| register(&Secret::new(secret)));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
