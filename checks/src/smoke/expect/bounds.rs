//! Bounds such as `{ ge: 1h, lt: 2h }`: whether a value is within them, and their text for people.

use std::cmp::Ordering;

use crate::document::{Content, Entry, Node};
use crate::duration::HumanDuration;
use crate::form::{ConditionList, FromNode, Key, WrittenDuration};
use crate::reader::Reader;
use crate::{document_schema, document_union};

/// The keys of bounds.
const COMPARISONS: [(&str, Comparison); 4] = [
    ("gt", Comparison::Greater),
    ("ge", Comparison::AtLeast),
    ("lt", Comparison::Less),
    ("le", Comparison::AtMost),
];

/// How a value must compare to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::smoke) enum Comparison {
    Greater,
    AtLeast,
    Less,
    AtMost,
}

/// One bound of a value.
#[derive(Debug, Clone, Copy)]
pub(in crate::smoke) struct Limit<T>(pub(in crate::smoke) Comparison, pub(in crate::smoke) T);

impl<T: FromNode> Key for Limit<T> {
    fn keys() -> Vec<String> {
        COMPARISONS.map(|(key, _)| key.to_owned()).into()
    }

    fn from_known_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        let (_, comparison) = COMPARISONS.into_iter().find(|(key, _)| *key == entry.key)?;
        T::from_entry(reader, entry).map(|limit| Self(comparison, limit))
    }
}

document_union! {
    /// A duration: the longest it may take. Or bounds.
    pub(in crate::smoke) enum LatencyExpectation {
        Bounds(ConditionList<Limit<WrittenDuration>>),
        AtMost(WrittenDuration),
    }
}

impl LatencyExpectation {
    pub(super) fn limits(&self) -> Vec<Limit<WrittenDuration>> {
        match self {
            Self::Bounds(limits) => limits.to_vec(),
            Self::AtMost(longest) => vec![Limit(Comparison::AtMost, *longest)],
        }
    }
}

document_union! {
    /// A whole number, or bounds.
    pub(in crate::smoke) enum Quantity {
        Bounds(ConditionList<Limit<WholeNumber>>),
        Number(WholeNumber),
    }
}

impl Quantity {
    /// The limits; a plain number is what `plain` says.
    pub(super) fn limits(&self, plain: &[Comparison]) -> Vec<Limit<WholeNumber>> {
        match self {
            Self::Bounds(limits) => limits.to_vec(),
            Self::Number(number) => plain
                .iter()
                .map(|comparison| Limit(*comparison, *number))
                .collect(),
        }
    }
}

/// A whole number from zero, written without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::smoke) struct WholeNumber(pub(in crate::smoke) i64);

impl FromNode for WholeNumber {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        if let Content::Number(number) = &node.content
            && let Some(count) = number.as_i64().filter(|count| *count >= 0)
        {
            return Some(Self(count));
        }
        reader.refuse(
            node.place,
            format!("{what} must be a whole number"),
            "Write a whole number without quotes, such as `14`",
        )
    }
}

pub(super) fn are_met_by<T: Ord>(bounds: &[Limit<T>], value: &T) -> bool {
    bounds
        .iter()
        .all(|Limit(comparison, limit)| comparison.allows(value.cmp(limit)))
}

pub(super) fn format_durations(bounds: &[Limit<WrittenDuration>]) -> String {
    join_bounds(bounds.iter().map(|Limit(comparison, limit)| {
        format!("{} {}", comparison.symbol(), HumanDuration(limit.0))
    }))
}

/// `≥ 14`; the two bounds of a plain number are that number.
pub(super) fn format_counts(bounds: &[Limit<WholeNumber>]) -> String {
    match bounds {
        [
            Limit(Comparison::AtLeast, least),
            Limit(Comparison::AtMost, most),
        ] if least == most => {
            format!("of {}", least.0)
        }
        _ => join_bounds(
            bounds
                .iter()
                .map(|Limit(comparison, limit)| format!("{} {}", comparison.symbol(), limit.0)),
        ),
    }
}

fn join_bounds(bounds: impl Iterator<Item = String>) -> String {
    bounds.collect::<Vec<_>>().join(" and ")
}

impl Comparison {
    /// Whether a value with this order relative to the limit is allowed.
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

document_schema!(WholeNumber as u32);

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    use super::Limit;

    #[derive(JsonSchema)]
    #[schemars(deny_unknown_fields, extend("minProperties" = 1))]
    #[expect(dead_code, reason = "read by its derive only")]
    struct Bounds<T> {
        gt: Option<T>,
        ge: Option<T>,
        lt: Option<T>,
        le: Option<T>,
    }

    crate::form::generic_schema!(Limit as Bounds<T>);
}
