//! Secrets Manager: the text of a secret, or one value of a secret that is a JSON object.

use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError, AwsErrorKind};
use crate::error::Explain;
use crate::outcome::Reason;
use crate::secret::Secret;

const SECRETS: SignedService = SignedService {
    signing_name: "secretsmanager",
    host: "secretsmanager",
    id: "Secrets Manager",
    protocol: SignedProtocol::Json("secretsmanager"),
};
const ACTION: &str = "secretsmanager:GetSecretValue";

/// Why a secret's value cannot be read. No message contains any part of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The secret does not exist, or has no current value.
    #[error("there is no secret `{id}` in Secrets Manager")]
    NotFound {
        /// The secret's name or ARN.
        id: String,
    },
    /// The call to AWS failed.
    #[error("secret `{id}` cannot be read")]
    Aws {
        /// The secret's name or ARN.
        id: String,
        /// The error of the call.
        source: AwsError,
    },
    /// The secret is binary.
    #[error("secret `{id}` is binary, not a text")]
    Binary {
        /// The secret's name or ARN.
        id: String,
    },
    /// A key was given, but the secret is not a JSON object.
    #[error("secret `{id}` is not a JSON object, so it has no key `{key}`")]
    NotAnObject {
        /// The secret's name or ARN.
        id: String,
        /// The key that was given.
        key: String,
    },
    /// The JSON object does not have the key, or its value is not a text.
    #[error("secret `{id}` has no text under the key `{key}`")]
    NoText {
        /// The secret's name or ARN.
        id: String,
        /// The key that was given.
        key: String,
    },
}

impl Explain for SecretError {
    fn reason(&self) -> Reason {
        match self {
            Self::Aws { source, .. } => source.reason(),
            Self::NotFound { .. }
            | Self::Binary { .. }
            | Self::NotAnObject { .. }
            | Self::NoText { .. } => Reason::AwsRefused,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Aws { source, .. } => return source.hint(),
            Self::NotFound { .. } => {
                "check its name, and that it is in the region of aws-region; or give its ARN"
                    .to_owned()
            }
            Self::Binary { .. } => "store it as a text (SecretString)".to_owned(),
            Self::NotAnObject { .. } => "leave the key out, or store a JSON object".to_owned(),
            Self::NoText { .. } => {
                "check the key; the secret's other keys are not shown".to_owned()
            }
        })
    }
}

impl Aws {
    /// The current text of a secret, by name or ARN; with `key`, the value of that key in a secret
    /// that is a JSON object.
    ///
    /// # Errors
    ///
    /// It does not exist, may not be read, or is not a text.
    pub async fn get_secret_value(
        &self,
        id: &str,
        key: Option<&str>,
    ) -> Result<Secret, SecretError> {
        let region = region_of(id).unwrap_or(self.partition.region());
        let call = SignedCall::new(SECRETS, ACTION, region);
        let answer = self.read_signed(call, &json!({ "SecretId": id })).await;
        let answer = answer.map_err(|error| to_secret_error(id, error))?;
        let text = answer["SecretString"]
            .as_str()
            .ok_or_else(|| SecretError::Binary { id: id.to_owned() })?;
        key.map_or_else(|| Ok(Secret::new(text)), |key| read_key(id, key, text))
    }
}

fn to_secret_error(id: &str, error: AwsError) -> SecretError {
    let id = id.to_owned();
    if error.kind == AwsErrorKind::Refused && error.has_code("ResourceNotFoundException") {
        return SecretError::NotFound { id };
    }
    SecretError::Aws { id, source: error }
}

/// The region in an ARN: a secret is found only in its own region.
fn region_of(id: &str) -> Option<&str> {
    id.strip_prefix("arn:")?
        .split(':')
        .nth(2)
        .filter(|region| !region.is_empty())
}

/// Numbers and booleans are returned as they are written; other values are not texts.
fn read_key(id: &str, key: &str, text: &str) -> Result<Secret, SecretError> {
    let Ok(Value::Object(object)) = serde_json::from_str(text) else {
        return Err(SecretError::NotAnObject {
            id: id.to_owned(),
            key: key.to_owned(),
        });
    };
    match object.get(key) {
        Some(Value::String(value)) => Ok(Secret::new(value.clone())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Secret::new(value.to_string())),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => Err(SecretError::NoText {
            id: id.to_owned(),
            key: key.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_value(key: &str, text: &str) -> Result<String, String> {
        read_key("prod/smoke", key, text)
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_read_from_an_object_and_no_value_is_ever_in_words() {
        let text = r#"{"token":"canary","port":5432,"list":["canary"],"none":null}"#;
        assert_eq!(read_value("token", text), Ok("canary".to_owned()));
        assert_eq!(read_value("port", text), Ok("5432".to_owned()));
        for key in ["list", "none", "tokn"] {
            assert_eq!(
                read_value(key, text),
                Err(format!(
                    "secret `prod/smoke` has no text under the key `{key}`"
                ))
            );
        }
        for text in ["canary", "[\"canary\"]", "{\"token\": canary"] {
            assert_eq!(
                read_value("token", text),
                Err(
                    "secret `prod/smoke` is not a JSON object, so it has no key `token`".to_owned()
                )
            );
        }
    }

    #[test]
    fn a_secret_of_another_region_is_asked_for_there() {
        assert_eq!(
            region_of("arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/smoke-AbCdEf"),
            Some("us-east-1")
        );
        assert_eq!(region_of("prod/smoke"), None);
    }

    #[test]
    fn what_is_missing_and_what_is_denied_say_what_to_do() {
        let error = |kind, code: &str| AwsError {
            action: ACTION,
            kind,
            code: code.to_owned(),
            message: "no".to_owned(),
        };
        let missing = to_secret_error(
            "prod/smoke",
            error(AwsErrorKind::Refused, "ResourceNotFoundException"),
        );
        assert_eq!(
            missing.to_string(),
            "there is no secret `prod/smoke` in Secrets Manager"
        );
        let denied = to_secret_error(
            "prod/smoke",
            error(AwsErrorKind::Denied, "AccessDeniedException"),
        );
        let hint =
            "allow secretsmanager:GetSecretValue on * for the role that the job uses (docs/iam.md)";
        assert_eq!(
            (denied.reason(), denied.hint().as_deref()),
            (Reason::Denied, Some(hint))
        );
    }
}
