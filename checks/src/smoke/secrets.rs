//! The secrets a document asks for: named in it, fetched by the caller, masked wherever people read.

use serde_json::Value;

use crate::secret::Secret;

/// A secret of AWS Secrets Manager that `${secret.NAME}` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretWanted {
    /// The name in the document, and in [`Values::secrets`](super::Values).
    pub name: String,
    /// ARN or name of the secret, as GetSecretValue takes it.
    pub id: String,
    /// The key to take of a secret that is a JSON object; the whole text when absent.
    pub key: Option<String>,
}

/// Why a secret that was fetched has no value for us. Never says what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// A key was asked for.
    #[error("The secret {id} is not a JSON object, so it has no key `{key}`")]
    NotJson {
        /// The secret's ARN or name.
        id: String,
        /// The key that was asked for.
        key: String,
    },
    /// An object without the key, or with a list or an object there.
    #[error("The secret {id} has no text under the key `{key}`")]
    NoSuchKey {
        /// The secret's ARN or name.
        id: String,
        /// The key that was asked for.
        key: String,
    },
}

impl SecretWanted {
    /// The value that belongs in [`Values::secrets`](super::Values), out of the secret's text.
    pub fn value(&self, text: &Secret) -> Result<Secret, SecretError> {
        let Some(key) = &self.key else { return Ok(text.clone()) };
        let named = || (self.id.clone(), key.clone());
        let Ok(Value::Object(entries)) = serde_json::from_str(text.expose()) else {
            let (id, key) = named();
            return Err(SecretError::NotJson { id, key });
        };
        match entries.get(key) {
            Some(Value::String(value)) => Ok(Secret::new(value.clone())),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Secret::new(value.to_string())),
            _ => {
                let (id, key) = named();
                Err(SecretError::NoSuchKey { id, key })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(key: Option<&str>, text: &str) -> Result<String, String> {
        let wanted = SecretWanted { name: "KEY".to_owned(), id: "prod/api".to_owned(), key: key.map(str::to_owned) };
        wanted.value(&Secret::new(text)).map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_its_text_or_what_stands_under_a_key() {
        let none = |text: &str| Err::<String, _>(text.to_owned());
        let table = [
            (None, r#"{"a":"b"}"#, Ok(r#"{"a":"b"}"#.to_owned())),
            (Some("a"), r#"{"a":"b"}"#, Ok("b".to_owned())),
            (Some("port"), r#"{"port":5432}"#, Ok("5432".to_owned())),
            (Some("a"), "hunter2", none("The secret prod/api is not a JSON object, so it has no key `a`")),
            (Some("b"), r#"{"a":"hunter2"}"#, none("The secret prod/api has no text under the key `b`")),
            (Some("a"), r#"{"a":null}"#, none("The secret prod/api has no text under the key `a`")),
        ];
        for (key, text, expected) in table {
            assert_eq!(value(key, text), expected);
        }
    }
}
