//! Conditions on a text that may be there several times, as headers and query parameters may: one
//! that meets them all is enough.

use std::borrow::Cow;

use reqwest::header::HeaderName;

use crate::document::Entry;
use crate::form::{ConditionList, FromNamedEntry, FromNode};
use crate::reader::Reader;
use crate::scrub::mask;
use crate::smoke::parse::request::read_header_name;
use crate::smoke::result::Mismatch;
use crate::template::{Pattern, Template, Values};
use crate::{document_entries, document_schema, document_union};

document_entries! {
    #[schemars(extend("minProperties" = 1))]
    pub(in crate::smoke) enum TextCondition as TextConditions {
        equals => Equals(Template),
        contains => Contains(Template),
        /// A regular expression.
        matches => Matches(Pattern),
        exists => Exists(bool),
        absent => Absent(bool),
    }
}

document_union! {
    pub(in crate::smoke) enum TextExpectation {
        Conditions(ConditionList<TextCondition>),
        Value(Template),
    }
}

impl TextExpectation {
    pub(in crate::smoke) fn conditions(&self) -> Cow<'_, [TextCondition]> {
        match self {
            Self::Conditions(conditions) => Cow::Borrowed(conditions),
            Self::Value(value) => Cow::Owned(vec![TextCondition::Equals(value.clone())]),
        }
    }
}

document_entries! {
    #[schemars(extend("minProperties" = 1))]
    pub(in crate::smoke) enum BodyCondition as Body {
        contains => Contains(Template),
        /// A regular expression.
        matches => Matches(Pattern),
    }
}

impl BodyCondition {
    pub(super) fn to_text_condition(&self) -> TextCondition {
        match self {
            Self::Contains(part) => TextCondition::Contains(part.clone()),
            Self::Matches(pattern) => TextCondition::Matches(pattern.clone()),
        }
    }
}

/// What a header must be.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct HeaderExpectation {
    pub(in crate::smoke) name: HeaderName,
    pub(in crate::smoke) expected: TextExpectation,
}

impl FromNamedEntry for HeaderExpectation {
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        let name = read_header_name(reader, entry.place, &entry.key);
        let what = format!("Header `{}`", entry.key);
        let expected = TextExpectation::from_node(reader, &entry.value, &what)?;
        name.map(|name| Self { name, expected })
    }
}

/// What a parameter of a query must be.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct ParameterExpectation {
    pub(super) name: String,
    pub(super) expected: TextExpectation,
}

impl FromNamedEntry for ParameterExpectation {
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        let what = format!("Query parameter `{}`", entry.key);
        let expected = TextExpectation::from_node(reader, &entry.value, &what)?;
        let name = entry.key.clone();
        Some(Self { name, expected })
    }
}

document_schema!(HeaderExpectation as TextExpectation);
document_schema!(ParameterExpectation as TextExpectation);

/// Shown for a text that is missing.
const NOTHING: &str = "nothing";

pub(super) fn evaluate(
    what: &str,
    conditions: &[TextCondition],
    found: &[&str],
    values: &Values,
) -> Vec<Mismatch> {
    let all_met = |text: &&str| {
        conditions
            .iter()
            .all(|condition| condition.is_met_by(Some(text), values))
    };
    if found.iter().any(all_met) {
        return Vec::new();
    }
    // None meets them all: the mismatch is that of the last one, or that there is none.
    let last = found.last().copied();
    let unmet = conditions
        .iter()
        .filter(|condition| !condition.is_met_by(last, values));
    unmet
        .map(|condition| {
            Mismatch::new(
                what,
                condition.describe(values),
                last.map_or_else(|| NOTHING.to_owned(), mask),
            )
        })
        .collect()
}

impl TextCondition {
    fn is_met_by(&self, found: Option<&str>, values: &Values) -> bool {
        match self {
            Self::Equals(expected) => found.is_some_and(|text| text == expected.render(values)),
            Self::Contains(expected) => {
                found.is_some_and(|text| text.contains(&expected.render(values)))
            }
            Self::Matches(pattern) => found.is_some_and(|text| pattern.is_match(text, values)),
            Self::Exists(true) | Self::Absent(false) => found.is_some(),
            Self::Exists(false) | Self::Absent(true) => found.is_none(),
        }
    }

    fn describe(&self, values: &Values) -> String {
        match self {
            Self::Equals(expected) => expected.render_masked(values),
            Self::Contains(expected) => format!("contains {}", expected.render_masked(values)),
            Self::Matches(pattern) => format!("matches {}", pattern.render_masked(values)),
            Self::Exists(true) | Self::Absent(false) => "anything".to_owned(),
            Self::Exists(false) | Self::Absent(true) => NOTHING.to_owned(),
        }
    }
}
