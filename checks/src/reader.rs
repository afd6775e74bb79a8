//! Reads a document's nodes as what a form wants, and collects every problem on the way instead of
//! stopping at the first.
//!
//! A method that answers `None` has reported why. It knows nothing of any particular form.

use std::time::Duration;

use crate::duration::parse_duration;
use crate::nearest::nearest;
use crate::problem::{Position, Problem};

use super::document::{Content, Entry, Node, Place};

/// Collects the problems of one document.
#[derive(Debug)]
pub struct Reader<'a> {
    input: &'static str,
    origin: &'a str,
    source: &'a str,
    problems: Vec<Problem>,
}

/// The entries of a mapping whose keys are known.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'n>(&'n [Entry]);

impl<'n> Fields<'n> {
    /// The value of a key that is there and not null.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key that is there and not null.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.0
            .iter()
            .find(|entry| entry.key == key && !matches!(entry.value.content, Content::Null))
    }

    /// The entries whose key is one of these, in the order of the document.
    pub fn among(&self, keys: &[&str]) -> Vec<&'n Entry> {
        self.0
            .iter()
            .filter(|entry| keys.contains(&entry.key.as_str()))
            .collect()
    }
}

impl<'a> Reader<'a> {
    /// A reader of `source`, which the user gave to `input` and which came from `origin` (a path,
    /// or `inline`).
    pub fn new(input: &'static str, origin: &'a str, source: &'a str) -> Self {
        Self {
            input,
            origin,
            source,
            problems: Vec::new(),
        }
    }

    /// The problems so far, in the order of the document.
    pub fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| {
            problem
                .at
                .as_ref()
                .map(|position| (position.line, position.column))
        });
        self.problems
    }

    /// Reports a problem at a place.
    pub fn report(&mut self, place: Place, message: impl Into<String>, remedy: impl Into<String>) {
        let position = Position {
            origin: self.origin.to_owned(),
            line: place.line,
            column: place.column,
        };
        self.problems
            .push(Problem::new(self.input, message, remedy).at(position));
    }

    /// A mapping with known keys; unknown ones are reported and left out. `what` names it: "a
    /// test", "`expect`".
    pub fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let entries = self.entries(node, what)?;
        for entry in entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            self.report(
                entry.place,
                format!("Unknown key `{}` in {what}", entry.key),
                one_of(&entry.key, known),
            );
        }
        Some(Fields(entries))
    }

    /// A mapping with keys of the user's choice.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        if let Content::Mapping(entries) = &node.content {
            return Some(entries);
        }
        self.unlike(node, what, "a mapping", "Write `key: value` pairs")
    }

    /// A sequence.
    pub fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if let Content::List(items) = &node.content {
            return Some(items);
        }
        self.unlike(
            node,
            what,
            "a list",
            "Write one `- ` line for each, or `[a, b]`",
        )
    }

    /// A text. Numbers and booleans are taken as they are spelled: `1.10` stays `1.10`.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.content {
            Content::Text(text) => Some(text.clone()),
            Content::Number(_) | Content::Boolean(_) => Some(
                self.source
                    .get(node.spelled.clone())
                    .unwrap_or_default()
                    .to_owned(),
            ),
            Content::Null | Content::List(_) | Content::Mapping(_) => self.unlike(
                node,
                what,
                "a text",
                "Write a text, in quotes where it has special characters",
            ),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Content::Boolean(value) = node.content {
            return Some(value);
        }
        self.unlike(node, what, "true or false", "Write `true` or `false`")
    }

    /// A duration such as `90s`.
    pub fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.text(node, what)?;
        parse_duration(&text)
            .map_err(|error| {
                self.report(
                    node.place,
                    format!("{what}: {error}"),
                    "Write a whole number with its unit: ms, s, m or h",
                );
            })
            .ok()
    }

    /// One of the words of a table, as its value.
    pub fn word<T: Copy>(&mut self, node: &Node, what: &str, table: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, what)?;
        if let Some((_, value)) = table.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = table.iter().map(|(word, _)| *word).collect();
        self.report(
            node.place,
            format!("{what} cannot be `{text}`"),
            one_of(&text, &words),
        );
        None
    }

    fn unlike<T>(&mut self, node: &Node, what: &str, wanted: &str, remedy: &str) -> Option<T> {
        let kind = match node.content {
            Content::Null => "empty",
            Content::Boolean(_) => "true or false",
            Content::Number(_) => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Mapping(_) => "a mapping",
        };
        self.report(
            node.place,
            format!("{what} must be {wanted}, and is {kind}"),
            remedy,
        );
        None
    }
}

/// A remedy that lists what is known, the likeliest first.
pub fn one_of(given: &str, known: &[&str]) -> String {
    let list = known
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match nearest(given, known.iter().copied()) {
        Some(word) => format!("Did you mean `{word}`? Known here: {list}"),
        None => format!("Known here: {list}"),
    }
}
