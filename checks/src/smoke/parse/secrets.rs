//! `secrets` at the top of a document: which names stand for which secrets of AWS Secrets Manager.
//!
//! They are read before everything else, so that `${secret.NAME}` can be held against them.

use std::collections::BTreeSet;

use crate::document::{Content, Entry, Node};
use crate::reader::Reader;
use crate::smoke::secrets::SecretWanted;
use crate::template::is_name;

use super::keys::SECRET_KEYS;

/// The longest name that AWS Secrets Manager allows (CreateSecret, `Name`).
const LONGEST_NAME: usize = 512;

const REMEDY: &str = "Write the name or ARN of a secret in AWS Secrets Manager, or `{ secret: name, key: json-key }`";

/// The secrets that a document declares. What is wrong with the document itself is reported by
/// whoever reads the rest.
pub(super) fn declared(reader: &mut Reader<'_>, root: &Node) -> Vec<SecretWanted> {
    reader.declared_secrets = Some(BTreeSet::new());
    let Content::Mapping(fields) = &root.content else {
        return Vec::new();
    };
    let Some(entry) = fields
        .iter()
        .find(|entry| entry.key == "secrets" && !matches!(entry.value.content, Content::Null))
    else {
        return Vec::new();
    };
    let Some(entries) = reader.entries(&entry.value, "`secrets`") else {
        return Vec::new();
    };
    // Also those that are malformed: that they are is one problem, not one more at every use.
    reader.declared_secrets = Some(entries.iter().map(|entry| entry.key.clone()).collect());
    entries
        .iter()
        .filter_map(|entry| wanted(reader, entry))
        .collect()
}

fn wanted(reader: &mut Reader<'_>, entry: &Entry) -> Option<SecretWanted> {
    if !is_name(&entry.key) {
        let message = format!("`{}` cannot stand in `${{secret.NAME}}`", entry.key);
        reader.report(
            entry.place,
            message,
            "Write a name of letters, digits and `_`, not beginning with a digit",
        );
    }
    let (id, key) = if matches!(entry.value.content, Content::Mapping(_)) {
        let fields = reader.fields(
            &entry.value,
            &format!("secret `{}`", entry.key),
            SECRET_KEYS,
        )?;
        let Some(secret) = fields.get("secret") else {
            reader.report(
                entry.value.place,
                format!("Secret `{}` does not say which it is", entry.key),
                REMEDY,
            );
            return None;
        };
        let key = fields
            .get("key")
            .and_then(|node| reader.text(node, "`key`"));
        (id(reader, secret)?, key)
    } else {
        (id(reader, &entry.value)?, None)
    };
    Some(SecretWanted {
        name: entry.key.clone(),
        id,
        key,
    })
}

fn id(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let id = reader.text(node, "A secret")?;
    if !is_id(&id) {
        reader.report(
            node.place,
            format!("`{id}` is neither the name nor the ARN of a secret"),
            REMEDY,
        );
        return None;
    }
    Some(id)
}

fn is_id(id: &str) -> bool {
    if id.starts_with("arn:") {
        return id.split(':').nth(2) == Some("secretsmanager") && id.split(':').count() >= 7;
    }
    let legal =
        |character: char| character.is_ascii_alphanumeric() || "/_+=.@-".contains(character);
    !id.is_empty() && id.len() <= LONGEST_NAME && id.chars().all(legal)
}
