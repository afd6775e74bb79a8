//! The document's `variables`: names for texts, each of which may use those before it.

use crate::document::{Entry, Node};
use crate::form::{FromNode, read_all};
use crate::reader::Reader;
use crate::template::{Secrecy, Template};

use super::names::declare;

/// The variables, in the order in which they get their values.
#[derive(Debug, Clone)]
pub(super) struct Variables(pub(super) Vec<(String, Template)>);

impl FromNode for Variables {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let entries = reader.entries(node, what)?;
        read_all(reader, entries, read_variable).map(Self)
    }
}

/// A variable with a secret in it is a secret.
fn read_variable(reader: &mut Reader<'_>, entry: &Entry) -> Option<(String, Template)> {
    let template = reader.template(&entry.value, &format!("Variable `{}`", entry.key));
    let secrecy = match &template {
        Some(template) if template.holds_secret() => Secrecy::Secret,
        Some(_) | None => Secrecy::Open,
    };
    declare(reader, &entry.key, secrecy, entry.place);
    Some((entry.key.clone(), template?))
}

#[cfg(test)]
mod schema {
    use std::collections::BTreeMap;

    use super::super::names::Name;
    use super::{Template, Variables};

    crate::document_schema!(Variables as BTreeMap<Name, Template>);
}
