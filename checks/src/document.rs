//! A YAML 1.2 document as a tree in which every node knows its place, so that a problem can name
//! line and column.
//!
//! It only reads what stands there: what a document may say is judged by the form it is read for.
//! Keys that stand twice, several documents in one and aliases that refer to themselves are refused
//! here.

use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{Location, Spanned, UserMessageFormatter, budget, options};

use crate::json::Json;
use crate::problem::{Position, Problem};

/// What a document may come to when its aliases are expanded: far beyond any that people write.
const MOST_NODES: usize = 100_000;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A node of the document.
#[derive(Debug, Clone)]
pub struct Node {
    /// What stands there.
    pub content: Content,
    /// Where it stands: an alias stands where it is used.
    pub place: Place,
    /// The bytes of the source that spell it; empty for collections.
    pub spelled: Range<usize>,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`; `yes` and `on` are texts, as YAML 1.2 has it.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the document.
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key as it is spelled.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub value: Node,
}

/// Reads a document; `input` and `origin` name it in the problem.
pub fn read(text: &str, input: &str, origin: &str) -> Result<Node, Problem> {
    // YAML 1.2: `on` is a text, not a boolean.
    let budget = budget! { max_nodes: MOST_NODES, max_total_scalar_bytes: MOST_BYTES };
    let options = options! { strict_booleans: true, budget: budget };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        malformed_json(text, input, origin).unwrap_or_else(|| malformed(&error, input, origin))
    })
}

/// What was meant as JSON is explained as JSON.
fn malformed_json(text: &str, input: &str, origin: &str) -> Option<Problem> {
    let fault = match Json::of(text) {
        Ok(json) => json?.fault()?,
        Err(fault) => fault,
    };
    let position = Position {
        origin: origin.to_owned(),
        line: fault.line,
        column: fault.column,
    };
    Some(Problem::new(input, fault.message, fault.remedy).at(position))
}

fn malformed(error: &serde_saphyr::Error, input: &str, origin: &str) -> Problem {
    let message = error
        .without_snippet()
        .render_with_formatter(&UserMessageFormatter);
    // The place is said once, by the problem itself.
    let message = message
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned();
    let problem = Problem::new(
        input,
        format!("Not valid YAML: {message}"),
        "Correct the document at this place",
    );
    let Some(location) = error.location() else {
        return problem;
    };
    let place = Place::from(location);
    problem.at(Position {
        origin: origin.to_owned(),
        line: place.line,
        column: place.column,
    })
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self {
            line: count(location.line()),
            column: count(location.column()),
        }
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned {
            value,
            referenced,
            defined,
        } = Spanned::deserialize(deserializer)?;
        let span = defined.span();
        let start = count(span.byte_offset().unwrap_or_default());
        let length = count(span.byte_len().unwrap_or_default());
        Ok(Self {
            content: value,
            place: referenced.into(),
            spelled: start..start.saturating_add(length),
        })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a YAML node")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Content, E> {
        Number::from_f64(value)
            .map(Content::Number)
            .ok_or_else(|| E::custom("infinite and undefined numbers have no meaning here"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element()? {
            nodes.push(node);
        }
        Ok(Content::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = items.next_entry::<Spanned<String>, Node>()? {
            entries.push(Entry {
                key: key.value,
                place: key.referenced.into(),
                value,
            });
        }
        Ok(Content::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        read(text, "smoke-tests", "smoke.yml")
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn malformed_documents_name_line_and_column() {
        let table = [
            (
                "a: 1\na: 2\n",
                "smoke-tests: smoke.yml:2:1: Not valid YAML: duplicate mapping key: a not allowed here",
            ),
            (
                "a:\n  b: c: d\n",
                "smoke-tests: smoke.yml:2:7: Not valid YAML: mapping values are not allowed in this context",
            ),
            (
                "a: *b\n",
                "smoke-tests: smoke.yml:1:4: Not valid YAML: reference to unknown value",
            ),
            (
                "a: &a [*a]\n",
                "smoke-tests: smoke.yml:1:8: Not valid YAML: Recursive reference not allowed here",
            ),
            (
                "a: .inf\n",
                "smoke-tests: smoke.yml:1:4: Not valid YAML: value `.inf` is not a finite number",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(problem(text), expected);
        }
    }

    #[test]
    fn a_document_built_to_explode_is_refused() {
        let line = |level: usize| {
            format!(
                "a{level}: &a{level} [{}]\n",
                [format!("*a{}", level - 1).as_str(); 10].join(", ")
            )
        };
        let values = format!(
            "a0: &a0 [{}]\n{}",
            ["x"; 10].join(", "),
            (1..9).map(line).collect::<String>()
        );
        let bytes = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(100_000),
            vec!["*a"; 2_000].join(", ")
        );
        for text in [values, bytes] {
            assert!(
                problem(&text).contains("Not valid YAML: "),
                "{}",
                problem(&text)
            );
        }
    }

    #[test]
    fn words_of_yaml_1_1_are_texts_and_numbers_keep_their_spelling() {
        let text = "on: [yes, off, 1.10, true, 5]";
        let Content::Mapping(entries) = read(text, "i", "o").unwrap().content else {
            panic!("a mapping")
        };
        assert_eq!(
            (entries[0].key.as_str(), entries[0].place),
            ("on", Place { line: 1, column: 1 })
        );
        let Content::List(items) = &entries[0].value.content else {
            panic!("a list")
        };
        assert!(matches!(&items[0].content, Content::Text(text) if text == "yes"));
        assert!(matches!(&items[1].content, Content::Text(text) if text == "off"));
        assert!(matches!(&items[2].content, Content::Number(_)));
        assert_eq!(&text[items[2].spelled.clone()], "1.10");
        assert!(matches!(&items[3].content, Content::Boolean(true)));
    }
}
