//! A value, or a mapping of conditions such as `{ contains: json }`: for texts (headers, query
//! parameters, bodies) and for JSON.

use serde_json::Number;

use crate::document::{Content, Entry, Node};
use crate::reader::Reader;
use crate::smoke::form::{
    Comparison, CountConditions, Durations, JsonCondition, JsonType, TextCondition,
};
use crate::smoke::parse::keys::{BOUND_KEYS, JSON_KEYS, TEXT_KEYS};

const TYPES: &[(&str, JsonType)] = &[
    ("timestamp", JsonType::Timestamp),
    ("string", JsonType::String),
    ("number", JsonType::Number),
    ("integer", JsonType::Integer),
    ("boolean", JsonType::Boolean),
    ("null", JsonType::Null),
    ("array", JsonType::Array),
    ("object", JsonType::Object),
    ("uuid", JsonType::Uuid),
    ("url", JsonType::Url),
    ("date", JsonType::Date),
];

/// A text that is equal, or conditions.
pub(super) fn text(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Vec<TextCondition>> {
    if matches!(node.content, Content::Mapping(_)) {
        return text_mapping(reader, node, what, TEXT_KEYS);
    }
    reader
        .template(node, what)
        .map(|template| vec![TextCondition::Equals(template)])
}

/// Conditions, of those that are known here.
pub(super) fn text_mapping(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    known: &[&str],
) -> Option<Vec<TextCondition>> {
    every(
        reader,
        node,
        what,
        known,
        |reader, entry, what| match entry.key.as_str() {
            "contains" => reader
                .template(&entry.value, what)
                .map(TextCondition::Contains),
            "matches" => reader
                .pattern(&entry.value, what)
                .map(TextCondition::Matches),
            "exists" => reader.boolean(&entry.value, what).map(|exists| {
                if exists {
                    TextCondition::Exists
                } else {
                    TextCondition::Absent
                }
            }),
            "absent" => reader.boolean(&entry.value, what).map(|absent| {
                if absent {
                    TextCondition::Absent
                } else {
                    TextCondition::Exists
                }
            }),
            _ => reader
                .template(&entry.value, what)
                .map(TextCondition::Equals),
        },
    )
}

/// A JSON value that is equal, or conditions.
pub(super) fn json(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Vec<JsonCondition>> {
    if matches!(node.content, Content::Mapping(_)) {
        return every(reader, node, what, JSON_KEYS, json_condition);
    }
    reader
        .json(node)
        .map(|value| vec![JsonCondition::Equals(value)])
}

fn json_condition(reader: &mut Reader<'_>, entry: &Entry, what: &str) -> Option<JsonCondition> {
    if let Some(comparison) = comparison(&entry.key) {
        return number(reader, &entry.value, what)
            .map(|limit| JsonCondition::Compares(comparison, limit));
    }
    match entry.key.as_str() {
        "ne" => reader.json(&entry.value).map(JsonCondition::Differs),
        "matches" => reader
            .pattern(&entry.value, what)
            .map(JsonCondition::Matches),
        "contains" => reader.json(&entry.value).map(JsonCondition::Contains),
        "exists" => reader.boolean(&entry.value, what).map(|exists| {
            if exists {
                JsonCondition::Exists
            } else {
                JsonCondition::Absent
            }
        }),
        "length" => counts(reader, &entry.value, what, EXACTLY).map(JsonCondition::Length),
        "type" => reader
            .word(&entry.value, what, TYPES)
            .map(JsonCondition::Is),
        _ => reader.json(&entry.value).map(JsonCondition::Equals),
    }
}

fn number(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Number> {
    if let Content::Number(number) = &node.content {
        return Some(number.clone());
    }
    reader.report(
        node.place,
        format!("{what} must be a number"),
        "Write a number without quotes",
    );
    None
}

fn comparison(key: &str) -> Option<Comparison> {
    match key {
        "gt" => Some(Comparison::Greater),
        "ge" => Some(Comparison::AtLeast),
        "lt" => Some(Comparison::Less),
        "le" => Some(Comparison::AtMost),
        _ => None,
    }
}

/// What a plain number means: both bounds hold.
pub(super) const EXACTLY: &[Comparison] = &[Comparison::AtLeast, Comparison::AtMost];
pub(super) const AT_LEAST: &[Comparison] = &[Comparison::AtLeast];

/// The bounds of a count; a plain number is what `plain` says.
pub(super) fn counts(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    plain: &[Comparison],
) -> Option<CountConditions> {
    if matches!(node.content, Content::Mapping(_)) {
        return every(reader, node, what, BOUND_KEYS, |reader, entry, what| {
            Some((comparison(&entry.key)?, whole(reader, &entry.value, what)?))
        });
    }
    let limit = whole(reader, node, what)?;
    Some(
        plain
            .iter()
            .map(|comparison| (*comparison, limit))
            .collect(),
    )
}

fn whole(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<i64> {
    if let Content::Number(number) = &node.content
        && let Some(count) = number.as_i64().filter(|count| *count >= 0)
    {
        return Some(count);
    }
    reader.report(
        node.place,
        format!("{what} must be a whole number"),
        "Write a whole number without quotes, such as `14`",
    );
    None
}

/// The bounds of a duration.
pub(super) fn durations(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Durations> {
    every(reader, node, what, BOUND_KEYS, |reader, entry, what| {
        Some((
            comparison(&entry.key)?,
            reader.duration(&entry.value, what)?,
        ))
    })
}

/// The same; a plain duration is the longest.
pub(super) fn at_most(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Durations> {
    if matches!(node.content, Content::Mapping(_)) {
        return durations(reader, node, what);
    }
    reader
        .duration(node, what)
        .map(|longest| vec![(Comparison::AtMost, longest)])
}

/// Reads every known condition of a mapping that must have one at least.
fn every<T>(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    known: &[&str],
    read: impl Fn(&mut Reader<'_>, &Entry, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let fields = reader.fields(node, what, known)?;
    let entries = fields.among(known);
    if matches!(&node.content, Content::Mapping(entries) if entries.is_empty()) {
        reader.report(
            node.place,
            format!("{what} has no condition"),
            format!("Write a value, or one of {}", known.join(", ")),
        );
    }
    let conditions: Vec<_> = entries
        .into_iter()
        .map(|entry| read(reader, entry, &format!("`{}`", entry.key)))
        .collect();
    conditions.into_iter().collect()
}
