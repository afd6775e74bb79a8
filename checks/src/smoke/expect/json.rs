//! Conditions on what a `JSONPath` selects. Every selected node meets them, and there is one at
//! least.
//!
//! One file, because an expectation is one file: its form, its reader and its evaluation.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};
use serde_json_path::JsonPath;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime, PrimitiveDateTime};
use url::Url;

use crate::document::{Entry, Node, Place};
use crate::form::{ConditionList, FromNamedEntry, FromNode};
use crate::reader::Reader;
use crate::scrub::mask;
use crate::smoke::answer::{BodyExtent, SmokeResponse};
use crate::smoke::result::Mismatch;
use crate::template::{JsonTemplate, Pattern, Values};
use crate::{document_entries, document_schema, document_union, document_words};

use super::bounds::{self, Comparison, Quantity, WholeNumber};
use super::{Expect, schema};

/// How many descendant segments (`..`) a JSONPath may have.
const MAX_DESCENDANTS: usize = 3;

/// What a plain number means for a length: both bounds hold.
const EXACTLY: &[Comparison] = &[Comparison::AtLeast, Comparison::AtMost];

/// What the nodes that a path selects must be: each of them meets every condition.
#[derive(Debug, Clone)]
pub(crate) struct JsonExpectation {
    pub(in crate::smoke) path: WrittenPath,
    pub(in crate::smoke) expected: JsonValueExpectation,
}

impl FromNamedEntry for JsonExpectation {
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        let path = WrittenPath::parse(reader, entry.place, &entry.key);
        let expected = JsonValueExpectation::from_entry(reader, entry)?;
        path.map(|path| Self { path, expected })
    }
}

document_schema!(JsonExpectation as JsonValueExpectation);

document_union! {
    #[schemars(rename = "JsonExpectation")]
    pub(in crate::smoke) enum JsonValueExpectation {
        Conditions(ConditionList<JsonCondition>),
        Value(#[schemars(schema_with = "not_a_mapping")] JsonTemplate),
    }
}

impl JsonValueExpectation {
    pub(in crate::smoke) fn conditions(&self) -> Cow<'_, [JsonCondition]> {
        match self {
            Self::Conditions(conditions) => Cow::Borrowed(conditions),
            Self::Value(value) => Cow::Owned(vec![JsonCondition::Equals(value.clone())]),
        }
    }
}

#[cfg(test)]
fn not_a_mapping(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["null", "boolean", "number", "string", "array"] })
}

document_entries! {
    #[schemars(extend("minProperties" = 1))]
    pub(in crate::smoke) enum JsonCondition as JsonConditions {
        eq => Equals(JsonTemplate),
        ne => Differs(JsonTemplate),
        gt => Greater(Number),
        ge => AtLeast(Number),
        lt => Less(Number),
        le => AtMost(Number),
        /// A regular expression.
        matches => Matches(Pattern),
        /// A part of a text, or an item of an array.
        contains => Contains(JsonTemplate),
        exists => Exists(bool),
        r#type => Is(JsonType),
        /// Characters of a text, items of an array.
        length => Length(Quantity),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::smoke) enum JsonType {
    Timestamp,
    String,
    Number,
    Integer,
    Boolean,
    Null,
    Array,
    Object,
    Uuid,
    Url,
    Date,
}

document_words!(JsonType: TYPES);

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

/// A JSONPath (RFC 9535), and how the user wrote it.
#[derive(Debug, Clone)]
pub(in crate::smoke) struct WrittenPath {
    pub(in crate::smoke) written: String,
    pub(in crate::smoke) path: JsonPath,
}

impl FromNode for WrittenPath {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let written = reader.text(node, what)?;
        Self::parse(reader, node.place, &written)
    }
}

document_schema!(WrittenPath as String);

impl WrittenPath {
    /// A path that is known to be valid.
    pub(super) fn from_valid(written: &str) -> Option<Self> {
        let path = JsonPath::parse(written).ok()?;
        let written = written.to_owned();
        Some(Self { written, path })
    }

    pub(in crate::smoke) fn parse(
        reader: &mut Reader<'_>,
        place: Place,
        written: &str,
    ) -> Option<Self> {
        if written.contains("${") {
            return reader.refuse(
                place,
                format!("A JSONPath cannot hold variables: `{written}`"),
                "Put the variable on the other side of the colon",
            );
        }
        if written.matches("..").count() > MAX_DESCENDANTS {
            let message = format!(
                "`{written}` goes down through everything (`..`) more than {MAX_DESCENDANTS} times: each time multiplies the work"
            );
            return reader.refuse(place, message, "Name the keys on the way");
        }
        match JsonPath::parse(written) {
            Ok(path) => Some(Self {
                written: written.to_owned(),
                path,
            }),
            Err(error) => {
                let reason = describe_path_error(written, error.position());
                let remedy = "Write a JSONPath (RFC 9535) such as `$.status` or `$.items[0].name`, in quotes where it has brackets";
                reader.refuse(
                    place,
                    format!("`{written}` is not a JSONPath: {reason}"),
                    remedy,
                )
            }
        }
    }
}

/// The crate reports where a path is wrong, but seldom why.
fn describe_path_error(written: &str, position: usize) -> String {
    match written.get(position..) {
        _ if !written.starts_with('$') => "it does not start with `$`".to_owned(),
        Some(rest) if !rest.is_empty() => format!("it cannot be read from `{rest}` on"),
        _ => "it ends too early".to_owned(),
    }
}

pub(super) fn evaluate(
    expected: &Expect,
    answer: &SmokeResponse,
    values: &Values,
) -> Vec<Mismatch> {
    if expected.json.is_none() && expected.json_schema.is_none() {
        return Vec::new();
    }
    match serde_json::from_slice::<Value>(&answer.body.bytes) {
        Ok(body) => {
            let by_path = expected
                .json
                .iter()
                .flat_map(|json| json.iter())
                .flat_map(|expectation| evaluate_path(expectation, &body, values));
            by_path
                .chain(
                    expected
                        .json_schema
                        .iter()
                        .flat_map(|schema| schema::evaluate(schema, &body)),
                )
                .collect()
        }
        Err(error) => vec![Mismatch::new(
            "body",
            "JSON",
            describe_not_json(answer, &error),
        )],
    }
}

/// What a document does not meet of these expectations.
pub(crate) fn evaluate_document(
    expectations: &[JsonExpectation],
    document: &Value,
    values: &Values,
) -> Vec<Mismatch> {
    expectations
        .iter()
        .flat_map(|expectation| evaluate_path(expectation, document, values))
        .collect()
}

fn describe_not_json(answer: &SmokeResponse, error: &serde_json::Error) -> String {
    match (answer.body.extent, answer.body.bytes.is_empty()) {
        (BodyExtent::Truncated, _) => {
            format!("a body of more than {} bytes", answer.body.bytes.len())
        }
        (BodyExtent::Complete, true) => "an empty body".to_owned(),
        (BodyExtent::Complete, false) => format!("something else ({error})"),
    }
}

fn evaluate_path(expectation: &JsonExpectation, body: &Value, values: &Values) -> Vec<Mismatch> {
    let nodes = expectation.path.path.query(body).all();
    let conditions = expectation.expected.conditions();
    let unmet = conditions.iter().filter_map(|condition| {
        let found = condition.find_mismatch(&nodes, values)?;
        Some(Mismatch::new(
            &expectation.path.written,
            condition.describe(values),
            found,
        ))
    });
    unmet.collect()
}

impl JsonCondition {
    /// What was found instead, if it is not met.
    fn find_mismatch(&self, nodes: &[&Value], values: &Values) -> Option<String> {
        if nodes.is_empty() {
            return (!matches!(self, Self::Exists(false))).then(|| "nothing".to_owned());
        }
        nodes
            .iter()
            .find(|node| !self.is_met_by(node, values))
            .map(|node| self.format_found(node))
    }

    /// What was found: where lengths are compared, the length is the point.
    fn format_found(&self, node: &Value) -> String {
        match (self, length(node)) {
            (Self::Length(_), Some(length)) => format!("{}: {}", length.0, format_value(node)),
            _ => format_value(node),
        }
    }

    fn is_met_by(&self, found: &Value, values: &Values) -> bool {
        match self {
            Self::Equals(expected) => is_equal(found, &expected.render(values)),
            Self::Differs(expected) => !is_equal(found, &expected.render(values)),
            Self::Greater(limit) => Comparison::Greater.is_met_by(found, limit),
            Self::AtLeast(limit) => Comparison::AtLeast.is_met_by(found, limit),
            Self::Less(limit) => Comparison::Less.is_met_by(found, limit),
            Self::AtMost(limit) => Comparison::AtMost.is_met_by(found, limit),
            Self::Matches(pattern) => found
                .as_str()
                .is_some_and(|text| pattern.is_match(text, values)),
            Self::Contains(expected) => contains(found, &expected.render(values)),
            Self::Is(kind) => kind.matches_value(found),
            Self::Length(limits) => length(found)
                .is_some_and(|length| bounds::are_met_by(&limits.limits(EXACTLY), &length)),
            Self::Exists(expected) => *expected,
        }
    }

    fn describe(&self, values: &Values) -> String {
        match self {
            Self::Equals(expected) => expected.render_masked(values).to_string(),
            Self::Differs(expected) => format!("not {}", expected.render_masked(values)),
            Self::Greater(limit) => format!("{} {limit}", Comparison::Greater.symbol()),
            Self::AtLeast(limit) => format!("{} {limit}", Comparison::AtLeast.symbol()),
            Self::Less(limit) => format!("{} {limit}", Comparison::Less.symbol()),
            Self::AtMost(limit) => format!("{} {limit}", Comparison::AtMost.symbol()),
            Self::Matches(pattern) => format!("matches {}", pattern.render_masked(values)),
            Self::Contains(expected) => format!("contains {}", expected.render_masked(values)),
            Self::Is(kind) => kind.describe().to_owned(),
            Self::Length(limits) => format!(
                "a length {}",
                bounds::format_counts(&limits.limits(EXACTLY))
            ),
            Self::Exists(true) => "anything".to_owned(),
            Self::Exists(false) => "nothing".to_owned(),
        }
    }
}

/// A value of the answer, made safe to show. Numbers are no secrets.
fn format_value(node: &Value) -> String {
    match node {
        Value::Null | Value::Bool(_) | Value::Number(_) => node.to_string(),
        Value::String(_) | Value::Array(_) | Value::Object(_) => mask(&node.to_string()),
    }
}

impl Comparison {
    fn is_met_by(self, found: &Value, limit: &Number) -> bool {
        found
            .as_number()
            .and_then(|number| compare(number, limit))
            .is_some_and(|order| self.allows(order))
    }
}

/// Whole numbers are compared exactly, others as floating point.
fn compare(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Equality as people mean it: `1` is `1.0`, and the order of an object's keys does not count.
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            compare(left, right).is_some_and(Ordering::is_eq)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| is_equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, value)| right.get(key).is_some_and(|other| is_equal(value, other)))
        }
        _ => left == right,
    }
}

/// Characters of a text, items of an array.
fn length(found: &Value) -> Option<WholeNumber> {
    let length = match found {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    i64::try_from(length).ok().map(WholeNumber)
}

/// A part of a text, or an item of a list.
fn contains(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), _) => items.iter().any(|item| is_equal(item, expected)),
        _ => false,
    }
}

impl JsonType {
    fn matches_value(self, found: &Value) -> bool {
        match self {
            Self::Timestamp => found.as_str().is_some_and(is_timestamp),
            Self::String => found.is_string(),
            Self::Number => found.is_number(),
            Self::Integer => found.as_number().is_some_and(is_whole),
            Self::Boolean => found.is_boolean(),
            Self::Null => found.is_null(),
            Self::Array => found.is_array(),
            Self::Object => found.is_object(),
            Self::Uuid => found.as_str().is_some_and(is_uuid),
            Self::Url => found.as_str().is_some_and(is_url),
            Self::Date => found.as_str().is_some_and(is_date),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Timestamp => "a timestamp (RFC 3339 or ISO 8601)",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Null => "null",
            Self::Array => "an array",
            Self::Object => "an object",
            Self::Uuid => "a UUID",
            Self::Url => "an absolute URL",
            Self::Date => "a date (2026-11-21)",
        }
    }
}

/// Many frameworks write ISO 8601 without an offset; that is a timestamp too.
fn is_timestamp(text: &str) -> bool {
    OffsetDateTime::parse(text, &Rfc3339).is_ok()
        || PrimitiveDateTime::parse(text, &Iso8601::DEFAULT).is_ok()
}

/// As JSON Schema has it: `1.0` is a whole number.
fn is_whole(number: &Number) -> bool {
    number.as_f64().is_some_and(|value| value.fract() == 0.0)
}

/// RFC 9562, section 4: groups of 8, 4, 4, 4 and 12 hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .concat()
            .chars()
            .all(|digit| digit.is_ascii_hexdigit())
}

fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.has_host())
}

fn is_date(text: &str) -> bool {
    text.len() == "2026-11-21".len() && Date::parse(text, &Iso8601::DATE).is_ok()
}
