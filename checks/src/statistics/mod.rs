//! Whether two sides differ by more than chance: tests on counts and on samples, each with the size
//! of the difference.
//!
//! | file | does |
//! |---|---|
//! | `proportion` | errors of all requests on both sides: Fisher's exact test, the pooled z test |
//! | `rank` | samples of both sides: the Mann–Whitney U test, exact or by the normal distribution |
//! | `normal` | the tail of the normal distribution |
//! | `agreement` | the proof, in the tests: what SciPy says about the same samples |
//!
//! Only numbers are said here; what a p-value is worth, and what follows, is decided by who asks
//! (`analysis::compare`). `statrs` was tried and is not used: at a million requests its Fisher test
//! is off by 3e-9 of the value, its two-sided one gives 0.499 where SciPy gives 7.7e-9, and it has
//! no Mann–Whitney test. So the one special function is `libm`'s, and the rest is counted.

#[cfg(test)]
mod agreement;
mod normal;
mod proportion;
mod rank;

pub use proportion::{Counts, RiskEffect, two_proportion};
pub use rank::{ShiftEffect, lowest_p, mann_whitney};

use crate::analysis::question::Side;

/// Which difference is looked for: green's against blue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Green's is greater (errors, latency). One-sided.
    Increase,
    /// Green's is smaller (successes, throughput). One-sided.
    Decrease,
    /// Green's is another one. Two-sided.
    Either,
}

/// How p was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Fisher's exact test.
    Fisher,
    /// The z test with the pooled rate.
    PooledZ,
    /// Mann–Whitney's U, with every arrangement counted.
    MannWhitneyExact,
    /// Mann–Whitney's U, with the normal distribution, corrected for ties and for continuity.
    MannWhitneyNormal,
}

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StatisticalResult<E> {
    /// How probable so great a difference is where both sides are the same: 0 to 1. Below 1e-300 it
    /// may read 0.
    pub p: f64,
    /// How p was found.
    pub method: Method,
    /// How great the difference is.
    pub effect: E,
}

/// Why nothing can be said: never a verdict, neither a good nor a bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatisticsError {
    /// One side has nothing to compare.
    #[error("{} has no data", side_name(*.side))]
    Empty {
        /// Which.
        side: Side,
    },
    /// A value is not a number, or is infinite.
    #[error("{} has a value that is not a finite number", side_name(*.side))]
    NotFinite {
        /// Whose.
        side: Side,
    },
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Blue => "blue",
        Side::Green => "green",
    }
}
