//! Bounds such as `{ ge: 1h, lt: 2h }`: whether a value keeps them all, and how they are said.

use std::cmp::Ordering;
use std::time::Duration;

use crate::duration::Human;
use crate::smoke::form::Comparison;

pub(super) fn holds<T: Ord>(bounds: &[(Comparison, T)], value: &T) -> bool {
    bounds
        .iter()
        .all(|(comparison, limit)| comparison.allows(value.cmp(limit)))
}

pub(super) fn durations(bounds: &[(Comparison, Duration)]) -> String {
    words(
        bounds
            .iter()
            .map(|(comparison, limit)| format!("{} {}", comparison.symbol(), Human(*limit))),
    )
}

/// `≥ 14`; the two bounds of a plain number are that number.
pub(super) fn counts(bounds: &[(Comparison, i64)]) -> String {
    match bounds {
        [(Comparison::AtLeast, least), (Comparison::AtMost, most)] if least == most => {
            format!("of {least}")
        }
        _ => words(
            bounds
                .iter()
                .map(|(comparison, limit)| format!("{} {limit}", comparison.symbol())),
        ),
    }
}

fn words(bounds: impl Iterator<Item = String>) -> String {
    bounds.collect::<Vec<_>>().join(" and ")
}

impl Comparison {
    /// Whether a value that stands like this to the limit is allowed.
    pub(super) fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }

    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::AtLeast => "≥",
            Self::Less => "<",
            Self::AtMost => "≤",
        }
    }
}
