//! Analysis: repeated measurements of metrics and logs while traffic shifts, checked against
//! conditions or compared with blue.
//!
//! | file | does |
//! |---|---|
//! | `parse`, `form` | the input → checks, or every problem it has |
//! | `preset`, `expression` | the meaning of a line such as `p99 < 1 s`; conditions |
//! | `sides`, `refuse` | what is known of blue and green; checks that cannot be asked with it |
//! | `feasibility` | whether a rollout gives an analysis enough time and requests to reach a verdict |
//! | `question` | questions to sources, and their answers |
//! | `judge` | which questions are due when, and the verdict on the answers |
//! | `compare` | statistical comparison of green with blue |
//!
//! This module is pure: it sends no requests and reads no clock; the caller passes times and
//! answers in. The caller also decides what a verdict leads to. The format is documented for users
//! in `docs/analysis.md`.

pub mod ask;
pub mod compare;
mod expression;
mod feasibility;
mod form;
mod judge;
mod parse;
mod preset;
pub mod question;
mod refuse;
mod sides;

pub use crate::template::Values;
pub use feasibility::{TooLittleTime, TooLittleTraffic, Traffic, TrafficSchedule};
pub use form::{Analysis, OnInconclusive};
pub use judge::{AnalysisResult, AnalysisStatus, Judge};
#[cfg(test)]
pub use parse::schema;
pub use parse::{is_inline, parse};
pub use sides::{LoadBalancerKind, SideFacts, Sides};
