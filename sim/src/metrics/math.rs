//! Metric math, an honest subset: `+ - * / ^`, comparisons, parentheses, ids, `[a, b]`,
//! `METRICS()`, and the functions of `evaluate`. Pure.
//!
//! As documented in "Using math expressions with CloudWatch metrics": two series meet only where
//! both have a point, a function of one series gives one number, a function of an array works point
//! by point, and an expression must come to series in the end.

mod evaluate;
mod parse;
mod token;

use std::collections::BTreeMap;

pub(crate) use evaluate::{EvaluationContext, Outcome};
use parse::Node;
use thiserror::Error;

/// Points by their time in milliseconds.
pub(crate) type Series = BTreeMap<i64, f64>;

/// Why an expression cannot be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum MathError {
    #[error("Unexpected {0}")]
    Unexpected(String),
    #[error("Unknown identifier {0}")]
    UnknownId(String),
    #[error("The function {0} is not supported by the stage")]
    UnknownFunction(String),
    #[error("The function {0} does not take these arguments")]
    Arguments(&'static str),
    #[error("The final result must be a time series")]
    NoSeries,
}

/// An expression that can be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expression {
    root: Node,
}

impl Expression {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, MathError> {
        parse::parse(&token::tokenize(text)?).map(|root| Self { root })
    }

    /// The ids it speaks of.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.root.ids()
    }

    /// The series it comes to.
    pub(crate) fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<Outcome, MathError> {
        evaluate::evaluate(&self.root, context)
    }
}
