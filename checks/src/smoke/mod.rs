//! Smoke tests: requests to green at a gate, and to production after the shift, each with what its answer must be.
//!
//! `parse` turns the user's document into a [`Suite`] or into every problem it has; `run` sends the requests and says what came
//! back. A result is a fact for the journal: every text in it is free of secrets. What a failure leads to is not decided here.
//! The form is explained to users in `docs/smoke-tests.md`.

mod answer;
mod expect;
mod form;
mod json_schema;
mod parse;
mod result;
mod run;
#[cfg(test)]
mod schema;
mod secrets;
mod send;
#[cfg(test)]
mod tests;

pub use crate::template::Values;
pub use crate::words::Files;
pub use form::Suite;
pub use parse::parse;
pub use result::{Mismatch, TestResult, TestVerdict};
pub use run::{Limits, OnResult, run};
#[cfg(test)]
pub use schema::schema;
pub use secrets::{SecretError, SecretWanted};
