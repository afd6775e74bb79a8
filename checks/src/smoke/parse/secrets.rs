//! `secrets` at the top of a document: names for secrets of AWS Secrets Manager.
//!
//! They are read before everything else, so that each `${secret.NAME}` can be checked.

use crate::document::{Entry, Node};
use crate::form::FromNode;
use crate::reader::Reader;
use crate::smoke::secrets::RequiredSecret;
use crate::template::is_variable_name;
use crate::{document_form, document_schema, document_union};

/// The longest name that AWS Secrets Manager allows (CreateSecret, `Name`).
const MAX_NAME: usize = 512;

const REMEDY: &str = "Write the name or ARN of a secret in AWS Secrets Manager, or `{ secret: name, key: json-key }`";

/// The secrets that a document declares.
#[derive(Debug, Clone)]
pub(super) struct Secrets(pub(super) Vec<RequiredSecret>);

impl FromNode for Secrets {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let entries = reader.entries(node, what)?;
        // Malformed ones too, so that each is one problem and not another at every use.
        reader.declared_secrets = Some(entries.iter().map(|entry| entry.key.clone()).collect());
        let secrets = entries
            .iter()
            .filter_map(|entry| read_secret(reader, entry));
        Some(Self(secrets.collect()))
    }
}

document_union! {
    #[schemars(rename = "Secret")]
    pub(super) enum SecretForm {
        Key(SecretKey),
        /// The name or ARN of the secret.
        Id(SecretId),
    }
}

document_form! {
    pub(super) struct SecretKey {
        /// The name or ARN of the secret.
        #[required("Write the name or ARN of a secret in AWS Secrets Manager, or `{ secret: name, key: json-key }`")]
        secret: SecretId,
        /// The key to take of a secret that is a JSON object.
        key: Option<String>,
    }
}

/// The name or ARN of a secret.
#[derive(Debug, Clone)]
pub(super) struct SecretId(String);

impl FromNode for SecretId {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let id = reader.text(node, what)?;
        if !is_secret_id(&id) {
            return reader.refuse(
                node.place,
                format!("`{id}` is neither the name nor the ARN of a secret"),
                REMEDY,
            );
        }
        Some(Self(id))
    }
}

document_schema!(SecretId as String);

fn read_secret(reader: &mut Reader<'_>, entry: &Entry) -> Option<RequiredSecret> {
    if !is_variable_name(&entry.key) {
        reader.report(
            entry.place,
            format!("`{}` cannot stand in `${{secret.NAME}}`", entry.key),
            "Write a name of letters, digits and `_`, not beginning with a digit",
        );
    }
    let what = format!("secret `{}`", entry.key);
    let (SecretId(id), key) = match SecretForm::from_node(reader, &entry.value, &what)? {
        SecretForm::Key(SecretKey { secret, key }) => (secret, key),
        SecretForm::Id(id) => (id, None),
    };
    let name = entry.key.clone();
    Some(RequiredSecret { name, id, key })
}

fn is_secret_id(id: &str) -> bool {
    if id.starts_with("arn:") {
        return id.split(':').nth(2) == Some("secretsmanager") && id.split(':').count() >= 7;
    }
    let legal =
        |character: char| character.is_ascii_alphanumeric() || "/_+=.@-".contains(character);
    !id.is_empty() && id.len() <= MAX_NAME && id.chars().all(legal)
}

#[cfg(test)]
mod schema {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;

    use super::{SecretForm, Secrets};

    /// Secrets of AWS Secrets Manager, by the name that `${secret.NAME}` has.
    #[derive(JsonSchema)]
    #[schemars(rename = "Secrets")]
    #[expect(dead_code, reason = "read by its derive only")]
    struct ByName(
        #[schemars(extend("propertyNames" = { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }))]
        BTreeMap<String, SecretForm>,
    );

    crate::document_schema!(Secrets as ByName);
}
