//! The secrets that a document uses: named in it, fetched by the caller, masked wherever they are
//! shown.

/// A secret of AWS Secrets Manager, used as `${secret.NAME}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredSecret {
    /// The name in the document, and in [`Values::secrets`](super::Values).
    pub name: String,
    /// ARN or name of the secret, as GetSecretValue takes it.
    pub id: String,
    /// The key to take of a secret that is a JSON object; the whole text when absent.
    pub key: Option<String>,
}
