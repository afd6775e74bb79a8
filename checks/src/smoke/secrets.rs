//! The secrets a document asks for: named in it, fetched by the caller, masked wherever people
//! read.

/// A secret of AWS Secrets Manager that `${secret.NAME}` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredSecret {
    /// The name in the document, and in [`Values::secrets`](super::Values).
    pub name: String,
    /// ARN or name of the secret, as GetSecretValue takes it.
    pub id: String,
    /// The key to take of a secret that is a JSON object; the whole text when absent.
    pub key: Option<String>,
}
