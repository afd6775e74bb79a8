//! The document's `variables`: names for texts, each of which may use those before it.

use crate::document::{Entry, Node};
use crate::reader::Reader;
use crate::template::{Secrecy, Template};

use super::names::declare;

pub(super) fn variables(reader: &mut Reader<'_>, node: &Node) -> Vec<(String, Template)> {
    let Some(entries) = reader.entries(node, "`variables`") else {
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| variable(reader, entry))
        .collect()
}

/// A variable with a secret in it is a secret.
fn variable(reader: &mut Reader<'_>, entry: &Entry) -> Option<(String, Template)> {
    let template = reader.template(&entry.value, &format!("Variable `{}`", entry.key));
    let secret = template.as_ref().is_some_and(Template::holds_secret);
    declare(
        reader,
        &entry.key,
        if secret {
            Secrecy::Secret
        } else {
            Secrecy::Open
        },
        entry.place,
    );
    Some((entry.key.clone(), template?))
}
