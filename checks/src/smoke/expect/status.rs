//! The statuses that an answer may have.

use std::ops::Deref;

use crate::document::Node;
use crate::form::{FromNode, OneOrMore};
use crate::reader::Reader;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusPattern {
    Exactly(u16),
    /// The hundreds: 2 for `2xx`.
    Class(u16),
}

/// One status or a list of them.
#[derive(Debug, Clone)]
pub(crate) struct Statuses(pub(crate) Vec<StatusPattern>);

impl Deref for Statuses {
    type Target = [StatusPattern];

    fn deref(&self) -> &[StatusPattern] {
        &self.0
    }
}

impl FromNode for Statuses {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let OneOrMore(statuses) = OneOrMore::from_node(reader, node, what)?;
        if statuses.is_empty() {
            return reader.refuse(
                node.place,
                format!("{what} is an empty list"),
                format!("Write a status, or leave {what} out"),
            );
        }
        Some(Self(statuses))
    }
}

impl FromNode for StatusPattern {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let class = text
            .strip_suffix("xx")
            .and_then(|class| class.parse().ok())
            .filter(|class| (1..=5).contains(class))
            .map(Self::Class);
        let code = text
            .parse()
            .ok()
            .filter(|code| (100..=599).contains(code))
            .map(Self::Exactly);
        class.or(code).or_else(|| {
            reader.refuse(
                node.place,
                format!("`{text}` is not an HTTP status"),
                "Write a status such as `200`, a class such as `2xx`, or a list of them",
            )
        })
    }
}

impl StatusPattern {
    pub(crate) fn is_met_by(self, code: u16) -> bool {
        match self {
            Self::Exactly(expected) => expected == code,
            Self::Class(class) => code / 100 == class,
        }
    }

    pub(super) fn describe(self) -> String {
        match self {
            Self::Exactly(code) => code.to_string(),
            Self::Class(class) => format!("{class}xx"),
        }
    }
}

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    use super::{StatusPattern, Statuses};
    use crate::document_schema;
    use crate::form::OneOrMore;

    #[derive(JsonSchema)]
    #[schemars(untagged)]
    #[expect(dead_code, reason = "read by its derive only")]
    enum Status {
        Code(#[schemars(range(min = 100, max = 599))] u16),
        Words(#[schemars(regex(pattern = r"^([1-5]xx|[1-5]\d\d)$"))] String),
    }

    document_schema!(StatusPattern as Status);
    document_schema!(Statuses as OneOrMore<StatusPattern>);
}
