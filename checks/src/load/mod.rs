//! Load probes: many requests to one path of the service, how long their answers took, and whether
//! that is good enough. Also warm-up: requests that are only counted.
//!
//! | file | does |
//! |---|---|
//! | `form` | what a probe and a warm-up are, and their bounds |
//! | `schedule` | PURE: when the next request goes out |
//! | `target` | one request, and its outcome |
//! | `load_run` | sends requests as scheduled; dropping it closes every connection |
//! | `tally` | what is counted: a histogram, errors by kind |
//! | `probe`, `warm_up` | a whole probe, a whole warm-up |
//! | `result` | the results, as facts |
//!
//! Requests go to the URLs of the service only: redirects are not followed. Memory does not grow
//! with the number of requests.

mod form;
mod load_run;
mod probe;
mod result;
mod schedule;
mod tally;
mod target;
#[cfg(test)]
mod tests;
mod warm_up;

pub(crate) use form::{Arrival, Goals, Quantile};
pub use form::{Probe, WarmUp};
pub use probe::{OnLoadResult, run};
pub use result::{ErrorCount, ErrorKind, Latencies, LoadResult, WarmUpResult};
pub use warm_up::{OnWarmUpResult, warm_up};
