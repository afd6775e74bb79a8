//! Secrets Manager: what is known of a secret without its value.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::signed::{SignedCall, SignedProtocol, SignedService};
use super::{Aws, AwsError};

const SECRETS_MANAGER: SignedService = SignedService {
    signing_name: "secretsmanager",
    host: "secretsmanager",
    id: "Secrets Manager",
    protocol: SignedProtocol::Json("secretsmanager"),
};
/// The action by which a secret is looked at.
pub const DESCRIBE_SECRET: &str = "secretsmanager:DescribeSecret";

/// A secret, without its value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SecretMetadata {
    /// Whether it is scheduled for deletion, and so cannot be read.
    pub is_being_deleted: bool,
    /// When its value was rotated or changed last, in seconds since 1970.
    pub changed_at: Option<f64>,
    /// The ids of its versions.
    pub versions: BTreeSet<String>,
    /// The staging labels of its versions.
    pub stages: BTreeSet<String>,
}

impl Aws {
    /// A secret by name or ARN, or none where there is none.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn describe_secret(
        &self,
        region: &str,
        id: &str,
    ) -> Result<Option<SecretMetadata>, AwsError> {
        let call = SignedCall {
            service: SECRETS_MANAGER,
            action: DESCRIBE_SECRET,
            region,
            host: None,
            path: "/",
            operation: "DescribeSecret",
        };
        match self.read_signed(call, &json!({ "SecretId": id })).await {
            Ok(answer) => Ok(Some(from_answer(&answer))),
            Err(error) if error.has_code("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn from_answer(answer: &Value) -> SecretMetadata {
    let versions = answer["VersionIdsToStages"].as_object();
    let changes = ["LastRotatedDate", "LastChangedDate", "CreatedDate"];
    SecretMetadata {
        is_being_deleted: !answer["DeletedDate"].is_null(),
        changed_at: changes.iter().find_map(|field| answer[*field].as_f64()),
        versions: versions
            .into_iter()
            .flat_map(|versions| versions.keys().cloned())
            .collect(),
        stages: versions
            .into_iter()
            .flat_map(|versions| versions.values())
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(|stage| stage.as_str().map(str::to_owned))
            .collect(),
    }
}
