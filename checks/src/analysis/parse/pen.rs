//! Reads what the form's values have in common: numbers, counts, texts with variables.

use std::collections::BTreeSet;

use crate::analysis::text::Text;
use crate::document::{Entry, Node, Place};
use crate::environment::Environment;
use crate::problem::{Position, Problem};
use crate::reader::Reader;
use crate::template::Secrecy;

/// A reader that knows numbers and variables.
pub(super) struct ValueReader<'a> {
    pub(super) reader: Reader<'a>,
    origin: &'a str,
    outside: Environment<'a>,
    environment: BTreeSet<String>,
}

impl<'a> ValueReader<'a> {
    pub(super) fn new(
        input: &'static str,
        origin: &'a str,
        source: &'a str,
        outside: Environment<'a>,
    ) -> Self {
        Self {
            reader: Reader::new(input, origin, source),
            origin,
            outside,
            environment: BTreeSet::new(),
        }
    }

    pub(super) fn finish(self) -> (Vec<Problem>, BTreeSet<String>) {
        (self.reader.finish(), self.environment)
    }

    pub(super) fn position(&self, place: Place) -> Position {
        Position {
            origin: self.origin.to_owned(),
            line: place.line,
            column: place.column,
        }
    }

    pub(super) fn refuse<T>(
        &mut self,
        place: Place,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Option<T> {
        self.reader.report(place, message, remedy);
        None
    }

    /// A text with variables.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<Text> {
        let text = self.reader.text(node, what)?;
        match Text::parse(&text) {
            Ok(mut text) => {
                text.classify(|name| self.secrecy(node, name));
                self.environment.extend(text.environment());
                Some(text)
            }
            Err(error) => self.refuse(node.place, error.message, error.remedy),
        }
    }

    /// Whether a variable of the environment is a secret; one that is withheld is reported.
    fn secrecy(&mut self, node: &Node, name: &str) -> Secrecy {
        self.outside.secrecy(name).unwrap_or_else(|withheld| {
            self.reader
                .report(node.place, withheld.message, withheld.remedy);
            Secrecy::Secret
        })
    }

    /// A text that is not empty, as it is.
    pub(super) fn word(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = self.reader.text(node, what)?;
        if text.trim().is_empty() {
            return self.refuse(
                node.place,
                format!("{what} is empty"),
                "Write a text, or leave it out",
            );
        }
        Some(text)
    }

    /// Texts with variables by name.
    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Option<Vec<(String, Text)>> {
        let entries = self.reader.entries(node, what)?;
        let texts: Vec<_> = entries
            .iter()
            .map(|entry| self.named(entry, what))
            .collect();
        texts.into_iter().collect()
    }

    fn named(&mut self, entry: &Entry, what: &str) -> Option<(String, Text)> {
        let text = self.text(&entry.value, &format!("`{}` of {what}", entry.key))?;
        Some((entry.key.clone(), text))
    }

    pub(super) fn number(&mut self, node: &Node, what: &str) -> Option<f64> {
        let text = self.reader.text(node, what)?;
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Some(number),
            _ => self.refuse(
                node.place,
                format!("{what}: `{text}` is not a number"),
                "Write a number such as `5` or `0.25`",
            ),
        }
    }

    /// A whole number from zero.
    pub(super) fn whole(&mut self, node: &Node, what: &str) -> Option<u32> {
        let text = self.reader.text(node, what)?;
        let number = text.trim().parse().ok();
        number.or_else(|| {
            self.refuse(
                node.place,
                format!("{what}: `{text}` is not a count"),
                "Write a whole number such as `0` or `3`",
            )
        })
    }
}
