//! A YAML 1.2 or JSON document as a tree. Every node has its line and column, so that a problem can
//! name them.
//!
//! Every document of a user is read here; what it may contain is decided by the reader of the tree.
//! Duplicate keys, several documents in one and aliases that refer to themselves are refused.

mod compose;
mod json;
mod scalar;

use serde_json::{Map, Number, Value};

use crate::problem::{Position, Problem};

pub use compose::compose;

/// Line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// This place as a [`Position`] in the document `origin`.
    pub fn to_position(self, origin: &str) -> Position {
        Position {
            origin: origin.to_owned(),
            line: self.line,
            column: self.column,
        }
    }
}

/// Something wrong with a document's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line and column.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub remedy: String,
    /// Whether it is a YAML syntax error or another one: decides how the message begins.
    pub kind: FaultKind,
}

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A YAML syntax error.
    YamlSyntax,
    /// A JSON syntax error, or something that we do not accept in a document. The message says
    /// which.
    Other,
}

/// A node of the document.
#[derive(Debug, Clone)]
pub struct Node {
    /// The content.
    pub content: Content,
    /// Where it begins; for an alias, where the alias is.
    pub place: Place,
    /// How a number or a boolean is written (`1.10`); empty for everything else.
    pub written: String,
}

/// The content of a node.
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
    /// The key as written.
    pub key: String,
    /// Where the key begins.
    pub place: Place,
    /// The node of the value.
    pub value: Node,
}

/// Parses a document of one of our own formats (not one that goes to AWS). `input` and `origin`
/// name it in the problems.
pub fn read_document(text: &str, input: &str, origin: &str) -> Result<Node, Vec<Problem>> {
    let problem = |fault: Fault| {
        let message = match fault.kind {
            FaultKind::YamlSyntax => format!("Not valid YAML: {}", fault.message),
            FaultKind::Other => fault.message,
        };
        Problem::new(input, message, fault.remedy).at_position(fault.place.to_position(origin))
    };
    compose(text).map_err(|faults| faults.into_iter().map(problem).collect())
}

impl Node {
    /// The items of a list, or the node itself as the only one.
    pub fn one_or_more(&self) -> &[Self] {
        if let Content::List(items) = &self.content {
            items
        } else {
            std::slice::from_ref(self)
        }
    }

    /// The entry of a mapping's key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            Content::Null
            | Content::Boolean(_)
            | Content::Number(_)
            | Content::Text(_)
            | Content::List(_) => None,
        }
    }

    /// The value as JSON, its numbers as JavaScript prints them (`1.0` is `1`).
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Boolean(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(scalar::to_javascript(number)),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Mapping(entries) => {
                let entries = entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined_problems(text: &str) -> String {
        read_document(text, "smoke-tests", "smoke.yml")
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn malformed_documents_name_line_and_column() {
        let table = [
            (
                "a: 1\na: 2\n",
                "smoke-tests: smoke.yml:2:1: the key `a` appears twice, keys must be unique",
            ),
            (
                "a:\n  b: c: d\n",
                "smoke-tests: smoke.yml:2:7: Not valid YAML: mapping values are not allowed in this context",
            ),
            (
                "a: *b\n",
                "smoke-tests: smoke.yml:1:4: Not valid YAML: while parsing node, found unknown anchor",
            ),
            (
                "a: &a [*a]\n",
                "smoke-tests: smoke.yml:1:8: the alias is inside the value it repeats",
            ),
            (
                "a: .inf\n",
                "smoke-tests: smoke.yml:1:4: the number `.inf` is not finite, JSON has no such number",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(joined_problems(text), expected);
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
                joined_problems(&text).contains("when its aliases are expanded"),
                "{}",
                joined_problems(&text)
            );
        }
    }

    #[test]
    fn words_of_yaml_1_1_are_texts_and_numbers_keep_their_spelling() {
        let text = "on: [yes, off, 1.10, true, 5]";
        let Content::Mapping(entries) = read_document(text, "i", "o").unwrap().content else {
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
        assert_eq!(items[2].written, "1.10");
        assert!(matches!(&items[3].content, Content::Boolean(true)));
    }
}
