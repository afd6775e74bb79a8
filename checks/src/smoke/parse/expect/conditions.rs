//! A value, or a mapping of conditions such as `{ contains: json }`: for texts (headers, query parameters, bodies) and for JSON.

use serde_json::Number;

use crate::document::{Content, Entry, Node};
use crate::smoke::form::{Comparison, JsonCondition, JsonType, TextCondition};
use crate::smoke::parse::keys::{JSON_KEYS, TEXT_KEYS};
use crate::words::Words;

const TYPES: &[(&str, JsonType)] = &[
    ("timestamp", JsonType::Timestamp),
    ("string", JsonType::String),
    ("number", JsonType::Number),
    ("boolean", JsonType::Boolean),
    ("array", JsonType::Array),
    ("object", JsonType::Object),
];

/// A text that is equal, or conditions.
pub(super) fn text(words: &mut Words<'_>, node: &Node, what: &str) -> Option<Vec<TextCondition>> {
    if matches!(node.content, Content::Mapping(_)) {
        return text_mapping(words, node, what, TEXT_KEYS);
    }
    words.template(node, what).map(|template| vec![TextCondition::Equals(template)])
}

/// Conditions, of those that are known here.
pub(super) fn text_mapping(words: &mut Words<'_>, node: &Node, what: &str, known: &[&str]) -> Option<Vec<TextCondition>> {
    every(words, node, what, known, |words, entry, what| match entry.key.as_str() {
        "contains" => words.template(&entry.value, what).map(TextCondition::Contains),
        "matches" => words.pattern(&entry.value, what).map(TextCondition::Matches),
        "exists" => {
            words.reader.boolean(&entry.value, what).map(|exists| if exists { TextCondition::Exists } else { TextCondition::Absent })
        }
        "absent" => {
            words.reader.boolean(&entry.value, what).map(|absent| if absent { TextCondition::Absent } else { TextCondition::Exists })
        }
        _ => words.template(&entry.value, what).map(TextCondition::Equals),
    })
}

/// A JSON value that is equal, or conditions.
pub(super) fn json(words: &mut Words<'_>, node: &Node, what: &str) -> Option<Vec<JsonCondition>> {
    if matches!(node.content, Content::Mapping(_)) {
        return every(words, node, what, JSON_KEYS, json_condition);
    }
    words.json(node).map(|value| vec![JsonCondition::Equals(value)])
}

fn json_condition(words: &mut Words<'_>, entry: &Entry, what: &str) -> Option<JsonCondition> {
    let compares =
        |words: &mut Words<'_>, comparison| number(words, &entry.value, what).map(|limit| JsonCondition::Compares(comparison, limit));
    match entry.key.as_str() {
        "ne" => words.json(&entry.value).map(JsonCondition::Differs),
        "gt" => compares(words, Comparison::Greater),
        "ge" => compares(words, Comparison::AtLeast),
        "lt" => compares(words, Comparison::Less),
        "le" => compares(words, Comparison::AtMost),
        "matches" => words.pattern(&entry.value, what).map(JsonCondition::Matches),
        "contains" => words.json(&entry.value).map(JsonCondition::Contains),
        "exists" => {
            words.reader.boolean(&entry.value, what).map(|exists| if exists { JsonCondition::Exists } else { JsonCondition::Absent })
        }
        "type" => words.reader.word(&entry.value, what, TYPES).map(JsonCondition::Is),
        _ => words.json(&entry.value).map(JsonCondition::Equals),
    }
}

fn number(words: &mut Words<'_>, node: &Node, what: &str) -> Option<Number> {
    if let Content::Number(number) = &node.content {
        return Some(number.clone());
    }
    words.reader.report(node.place, format!("{what} must be a number"), "Write a number without quotes");
    None
}

/// Reads every known condition of a mapping that must have one at least.
fn every<T>(
    words: &mut Words<'_>,
    node: &Node,
    what: &str,
    known: &[&str],
    read: impl Fn(&mut Words<'_>, &Entry, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let fields = words.reader.fields(node, what, known)?;
    let entries = fields.among(known);
    if matches!(&node.content, Content::Mapping(entries) if entries.is_empty()) {
        words.reader.report(node.place, format!("{what} has no condition"), format!("Write a value, or one of {}", known.join(", ")));
    }
    let conditions: Vec<_> = entries.into_iter().map(|entry| read(words, entry, &format!("`{}`", entry.key))).collect();
    conditions.into_iter().collect()
}
