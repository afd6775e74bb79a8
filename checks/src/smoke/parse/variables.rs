//! The document's `variables`: names for texts, each of which may use those before it.

use crate::document::{Entry, Node};
use crate::template::{Secrecy, Template};
use crate::words::Words;

use super::names::declare;

pub(super) fn variables(words: &mut Words<'_>, node: &Node) -> Vec<(String, Template)> {
    let Some(entries) = words.reader.entries(node, "`variables`") else {
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| variable(words, entry))
        .collect()
}

/// A variable with a secret in it is a secret.
fn variable(words: &mut Words<'_>, entry: &Entry) -> Option<(String, Template)> {
    let template = words.template(&entry.value, &format!("Variable `{}`", entry.key));
    let secret = template.as_ref().is_some_and(Template::holds_secret);
    declare(
        words,
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
