//! Conditions on a text that may be there several times, as headers and query parameters may: one
//! that meets them all is enough.

use crate::scrub::masked;
use crate::smoke::form::TextCondition;
use crate::smoke::result::Mismatch;
use crate::template::Values;

/// What is said of a text that is not there.
const NOTHING: &str = "nothing";

pub(super) fn judge(
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
    // None meets them all: what is wrong is said of the last one, or of there being none.
    let last = found.last().copied();
    let unmet = conditions
        .iter()
        .filter(|condition| !condition.is_met_by(last, values));
    unmet
        .map(|condition| {
            Mismatch::new(
                what,
                condition.words(values),
                last.map_or_else(|| NOTHING.to_owned(), masked),
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
            Self::Exists => found.is_some(),
            Self::Absent => found.is_none(),
        }
    }

    fn words(&self, values: &Values) -> String {
        match self {
            Self::Equals(expected) => expected.masked(values),
            Self::Contains(expected) => format!("contains {}", expected.masked(values)),
            Self::Matches(pattern) => format!("matches {}", pattern.masked(values)),
            Self::Exists => "anything".to_owned(),
            Self::Absent => NOTHING.to_owned(),
        }
    }
}
