//! AWS Secrets Manager: the values of secrets, by name or ARN. There is one version of each.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Input, ServiceError};
use crate::account::{Location, epoch_seconds, uuid_from};
use crate::cloud::Cloud;
use crate::options::SecretValue;

/// The label of the version that counts.
const CURRENT: &str = "AWSCURRENT";

/// Answers an operation of Secrets Manager.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, input: Input<'_>) -> Option<Answer> {
    Some(match operation {
        "GetSecretValue" => get_secret_value(cloud, input),
        _ => return None,
    })
}

fn get_secret_value(cloud: &Cloud, input: Input<'_>) -> Answer {
    let location = cloud.read(|account| account.location.clone());
    let id = input.text("SecretId").unwrap_or_default();
    let found = cloud
        .options
        .secret_values
        .iter()
        .find(|(name, _)| matches_id(&location, name, id));
    let (name, value) =
        found.ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))?;
    let version = uuid_from(&format!("secret/{name}"));
    if let Some(other) = input.text("VersionStage").filter(|stage| *stage != CURRENT) {
        return Err(not_found(&format!(
            "Secrets Manager can't find the specified secret value for staging label: {other}"
        )));
    }
    if let Some(other) = input.text("VersionId").filter(|id| *id != version) {
        return Err(not_found(&format!(
            "Secrets Manager can't find the specified secret value for VersionId: {other}"
        )));
    }
    let mut answer = json!({ "ARN": location.secret_arn(name), "Name": name, "VersionId": version, "VersionStages": [CURRENT],
        "CreatedDate": epoch_seconds(1_700_000_000_000) });
    match value {
        SecretValue::Text(text) => answer["SecretString"] = json!(text),
        SecretValue::Binary { binary } => answer["SecretBinary"] = json!(binary),
    }
    Ok(answer)
}

fn not_found(message: &str) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message)
}

/// By its name, its ARN, or its ARN without the six characters at the end.
fn matches_id(location: &Location, name: &str, id: &str) -> bool {
    let arn = location.secret_arn(name);
    let partial = arn
        .rsplit_once('-')
        .map_or(arn.as_str(), |(partial, _)| partial);
    [name, &arn, partial].contains(&id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_by_name_and_by_either_arn() {
        let location = Location {
            account: "123456789012".into(),
            region: "eu-central-1".into(),
            cluster: "prod".into(),
        };
        let arn = location.secret_arn("shop/token");
        assert!(
            arn.starts_with("arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/token-"),
            "{arn}"
        );
        let partial = arn.get(..arn.len() - 7).unwrap();
        for id in ["shop/token", &arn, partial] {
            assert!(matches_id(&location, "shop/token", id), "{id}");
        }
        assert!(!matches_id(&location, "shop/token", "token"));
    }
}
