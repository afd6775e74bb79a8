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
        "DescribeSecret" => describe_secret(cloud, input),
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

/// A secret of the options, or one behind the `valueFrom` of a container.
fn describe_secret(cloud: &Cloud, input: Input<'_>) -> Answer {
    let location = cloud.read(|account| account.location.clone());
    let id = input.text("SecretId").unwrap_or_default();
    let names = cloud.options.secret_values.keys();
    let by_name = names
        .map(|name| location.secret_arn(name))
        .find(|arn| arn == id || location.secret_arn(id) == *arn);
    let in_container = cloud
        .options
        .secrets
        .keys()
        .any(|from| from == id || from.starts_with(&format!("{id}:")));
    let arn = by_name
        .or_else(|| in_container.then(|| id.to_owned()))
        .ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))?;
    let contents = &cloud.options.account_contents;
    let changed = contents.changed_secrets.get(&arn);
    let changed_ms = changed.map_or(1_700_000_000_000, |seconds| i64::from(*seconds) * 1000);
    let version = uuid_from(&format!("secret/{arn}"));
    let name = arn.rsplit(':').next().unwrap_or_default();
    let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
    let mut view = json!({ "ARN": arn, "Name": name, "VersionIdsToStages": { version: [CURRENT] },
        "CreatedDate": epoch_seconds(1_700_000_000_000), "LastChangedDate": epoch_seconds(changed_ms) });
    if contents.deleted_secrets.contains(&arn) {
        view["DeletedDate"] = epoch_seconds(1_700_000_000_000);
    }
    Ok(view)
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
