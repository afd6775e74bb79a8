//! The values of AWS Secrets Manager's secrets.

use serde::{Deserialize, Serialize};

/// A secret's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SecretValue {
    /// `SecretString`.
    Text(String),
    /// `SecretBinary`.
    Binary {
        /// In Base64, as it is on the wire.
        binary: String,
    },
}

impl From<&str> for SecretValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
