//! Smoke tests: requests to green at a gate, and to production after the shift, each with what its
//! answer must be.
//!
//! `parse` turns the user's document into a [`Suite`] or into every problem it has; `run` sends the
//! requests and returns the results. An expectation is one file in `expect`, a preset one in
//! `preset`: how it is written, read and evaluated. A result goes to the journal: every text in it
//! is free of secrets. The caller decides what a failure leads to. Warm-up and load are in the same
//! document, and are run by the module `load`. The format is documented for users in
//! `docs/smoke-tests.md`.

mod answer;
mod browser;
mod capture;
mod cookie_jar;
mod expect;
mod flow;
mod form;
mod json_schema;
mod parse;
mod preset;
mod reach;
mod result;
mod run;
mod secrets;
mod send;
#[cfg(test)]
mod tests;

pub use crate::reader::{DocumentResources, Files};
pub use crate::template::{Bindings, Secrecy, Values};
pub(crate) use expect::{JsonExpectation, StatusPattern, evaluate_document};
pub use form::Suite;
pub(crate) use form::{Request, Transport};
pub use parse::parse;
#[cfg(test)]
pub use parse::schema;
#[cfg(test)]
pub(crate) use parse::tests::{no_files, test_resources};
pub use reach::{Unreachable, check_reachable, reports_another_version};
pub use result::{Mismatch, TestResult, TestVerdict};
pub(crate) use result::{mask_line, scrub_line};
pub use run::{OnResult, RunLimits, run};
pub(crate) use run::{bind_run_values, check_required_values};
pub use secrets::RequiredSecret;
pub(crate) use send::{Clients, OutgoingRequest, TestedSide};
