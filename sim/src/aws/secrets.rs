//! AWS Secrets Manager: the values of secrets, by name or ARN. There is one version of each.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, Asked, Refusal};
use crate::account::{Place, seconds, uuid_of};
use crate::cloud::Cloud;
use crate::options::SecretValue;

/// The label of the version that counts.
const CURRENT: &str = "AWSCURRENT";

/// Answers an operation of Secrets Manager.
pub(super) fn answer(cloud: &Arc<Cloud>, operation: &str, asked: Asked<'_>) -> Option<Answer> {
    Some(match operation {
        "GetSecretValue" => value(cloud, asked),
        _ => return None,
    })
}

fn value(cloud: &Cloud, asked: Asked<'_>) -> Answer {
    let place = cloud.look(|account| account.place.clone());
    let id = asked.text("SecretId").unwrap_or_default();
    let found = cloud
        .options
        .secret_values
        .iter()
        .find(|(name, _)| is_named(&place, name, id));
    let (name, value) =
        found.ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))?;
    let version = uuid_of(&format!("secret/{name}"));
    if let Some(other) = asked.text("VersionStage").filter(|stage| *stage != CURRENT) {
        return Err(not_found(&format!(
            "Secrets Manager can't find the specified secret value for staging label: {other}"
        )));
    }
    if let Some(other) = asked.text("VersionId").filter(|id| *id != version) {
        return Err(not_found(&format!(
            "Secrets Manager can't find the specified secret value for VersionId: {other}"
        )));
    }
    let mut answer = json!({ "ARN": place.secret_arn(name), "Name": name, "VersionId": version, "VersionStages": [CURRENT],
        "CreatedDate": seconds(1_700_000_000_000) });
    match value {
        SecretValue::Text(text) => answer["SecretString"] = json!(text),
        SecretValue::Binary { binary } => answer["SecretBinary"] = json!(binary),
    }
    Ok(answer)
}

fn not_found(message: &str) -> Refusal {
    Refusal::new("ResourceNotFoundException", message)
}

/// By its name, its ARN, or its ARN without the six characters at the end.
fn is_named(place: &Place, name: &str, id: &str) -> bool {
    let arn = place.secret_arn(name);
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
        let place = Place {
            account: "123456789012".into(),
            region: "eu-central-1".into(),
            cluster: "prod".into(),
        };
        let arn = place.secret_arn("shop/token");
        assert!(
            arn.starts_with("arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/token-"),
            "{arn}"
        );
        let partial = arn.get(..arn.len() - 7).unwrap();
        for id in ["shop/token", &arn, partial] {
            assert!(is_named(&place, "shop/token", id), "{id}");
        }
        assert!(!is_named(&place, "shop/token", "token"));
    }
}
