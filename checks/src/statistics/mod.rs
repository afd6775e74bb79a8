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
//! Only numbers are computed here; the caller (`analysis::compare`) decides what they mean.
//! `statrs` was tried and rejected: at a million requests its Fisher test has a relative error of
//! 3e-9, its two-sided test gives 0.499 where SciPy gives 7.7e-9, and it has no Mann–Whitney test.
//! The only special function comes from `libm`; the rest is exact counting.

#[cfg(test)]
mod agreement;
mod normal;
mod proportion;
mod rank;

pub(crate) use proportion::to_float;
pub use proportion::{Counts, RiskEffect, two_proportion};
pub use rank::{ShiftEffect, lowest_p, mann_whitney};

use crate::analysis::question::Side;

/// Which difference of green from blue is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Green's is greater (errors, latency). One-sided.
    Increase,
    /// Green's is smaller (successes, throughput). One-sided.
    Decrease,
    /// Green's is different. Two-sided.
    Either,
}

/// The test that gave p.
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

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StatisticalResult<E> {
    /// The p-value: the probability of a difference this large if both sides are the same, 0 to 1.
    /// Below 1e-300 it may read 0.
    pub p: f64,
    /// The test that gave p.
    pub method: Method,
    /// The effect size.
    pub effect: E,
}

/// Why a test was not possible: never a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatisticsError {
    /// One side has nothing to compare.
    #[error("{} has no data", side_name(*.side))]
    Empty {
        /// The side without values.
        side: Side,
    },
    /// A value is not a number, or is infinite.
    #[error("{} has a value that is not a finite number", side_name(*.side))]
    NotFinite {
        /// The side of the value.
        side: Side,
    },
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Blue => "blue",
        Side::Green => "green",
    }
}
