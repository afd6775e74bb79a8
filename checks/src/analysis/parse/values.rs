//! Types of values that several parts of the form share: names, texts, numbers.

use crate::document::Node;
use crate::document_schema;
use crate::form::{FromNode, Spanned};
use crate::reader::Reader;

/// A text that is not empty, as it is.
#[derive(Debug, Clone)]
pub(super) struct NonEmptyText(pub(super) String);

impl FromNode for NonEmptyText {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.non_empty_text(node, what).map(Self)
    }
}

document_schema!(NonEmptyText as String);

/// A finite number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finite(pub(super) f64);

impl FromNode for Finite {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        reader.number(node, what).map(Self)
    }
}

document_schema!(Finite as serde_json::Number);

/// The name of a check.
#[derive(Debug, Clone)]
pub(super) struct CheckName(String);

impl FromNode for CheckName {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let name = reader.text(node, what)?;
        if name.trim().is_empty() || name.contains("${") || name.contains(char::is_control) {
            return reader.refuse(
                node.place,
                format!("A {what} is one line of plain words, without variables"),
                "Write words that say what is measured",
            );
        }
        Some(Self(name))
    }
}

document_schema!(CheckName as String);

/// The names that were given: each check has its own.
#[derive(Debug, Default)]
pub(super) struct CheckNames(std::collections::BTreeSet<String>);

impl CheckNames {
    /// Records the name of a check, and reports a duplicate.
    pub(super) fn check_unique(&mut self, reader: &mut Reader<'_>, name: &Spanned<String>) {
        if !self.0.insert(name.value.clone()) {
            reader.report(
                name.place,
                format!("Two checks have the name `{}`", name.value),
                "Give each check a name of its own",
            );
        }
    }

    /// The same with a name of the document.
    pub(super) fn unique_name(
        &mut self,
        reader: &mut Reader<'_>,
        name: Spanned<CheckName>,
    ) -> String {
        let Spanned { key, place, value } = name;
        let value = value.0;
        let name = Spanned { key, place, value };
        self.check_unique(reader, &name);
        name.value
    }
}
