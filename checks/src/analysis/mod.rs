//! Analysis: repeated measurements of metrics and logs while traffic shifts, held against
//! conditions or against blue.
//!
//! | file | does |
//! |---|---|
//! | `parse`, `form` | the input → checks, or every problem it has |
//! | `preset`, `expression` | what a line such as `p99 < 1 s` stands for; conditions |
//! | `sides`, `refuse` | what is known of blue and green; checks that cannot be asked with it |
//! | `course` | whether a rollout gives it the time and the requests to know good from bad |
//! | `question` | what sources are asked, and may answer |
//! | `judge` | what is asked when, and what the answers come to |
//! | `compare` | green against blue, with numbers |
//!
//! Nothing here asks anybody or reads a clock: times and answers are handed in. What a verdict
//! leads to is decided elsewhere. The form is explained to users in `docs/analysis.md`.

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
