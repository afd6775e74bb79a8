//! PURE: what the `valueFrom` of a secret names: a secret of Secrets Manager, or a parameter of
//! Parameter Store.

use serde_json::Value;

use super::parse::items;
use super::task_definition::{ContainerDefinition, TaskDefinition, text};

/// What a `valueFrom` names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretReference {
    /// A secret of Secrets Manager.
    Secret {
        /// The secret's ARN, without what comes after its name.
        arn: String,
        /// The region in it.
        region: String,
        /// The key in a secret that is a JSON object.
        key: Option<String>,
        /// The staging label of the version.
        stage: Option<String>,
        /// The id of the version.
        version: Option<String>,
    },
    /// A parameter.
    Parameter {
        /// Its name, or its ARN.
        name: String,
        /// The region in the ARN.
        region: Option<String>,
    },
}

/// A secret that a container needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSecret {
    /// The container.
    pub container: String,
    /// The variable, the option of the log driver, or `repositoryCredentials`.
    pub name: String,
    /// What it names.
    pub reference: SecretReference,
}

impl SecretReference {
    /// Reads a `valueFrom`; none for what is neither (Amazon ECS Developer Guide, "Pass sensitive
    /// data to an Amazon ECS container").
    pub fn parse(value: &str) -> Option<Self> {
        let parts: Vec<&str> = value.split(':').collect();
        let part = |index: usize| {
            parts
                .get(index)
                .filter(|part| !part.is_empty())
                .map(|part| (*part).to_owned())
        };
        match (parts.first(), parts.get(2)) {
            (Some(&"arn"), Some(&"secretsmanager")) if parts.len() >= 7 => Some(Self::Secret {
                arn: parts[..7].join(":"),
                region: part(3)?,
                key: part(7),
                stage: part(8),
                version: part(9),
            }),
            // A secret that is read through Parameter Store has no parameter of its own.
            (Some(&"arn"), Some(&"ssm")) if !value.contains("/aws/reference/") => {
                Some(Self::Parameter {
                    name: value.to_owned(),
                    region: part(3),
                })
            }
            (Some(&"arn"), _) => None,
            _ if value.is_empty() || value.starts_with("/aws/reference/") => None,
            _ => Some(Self::Parameter {
                name: value.to_owned(),
                region: None,
            }),
        }
    }

    /// The secret or parameter, as people know it.
    pub fn name(&self) -> &str {
        match self {
            Self::Secret { arn, .. } => arn,
            Self::Parameter { name, .. } => name,
        }
    }
}

/// Every secret that the containers need, in their order.
pub fn container_secrets(definition: &Value) -> Vec<ContainerSecret> {
    TaskDefinition(definition)
        .containers()
        .flat_map(secrets_of)
        .collect()
}

fn secrets_of(container: ContainerDefinition<'_>) -> Vec<ContainerSecret> {
    let options = container.0.get("logConfiguration").unwrap_or(&Value::Null);
    let named = items(container.0, "secrets")
        .iter()
        .chain(items(options, "secretOptions"))
        .filter_map(|secret| Some((text(secret, "name")?, text(secret, "valueFrom")?)));
    let login = container.0.get("repositoryCredentials").and_then(|login| {
        Some((
            "repositoryCredentials",
            text(login, "credentialsParameter")?,
        ))
    });
    named
        .chain(login)
        .filter_map(|(name, value)| {
            Some(ContainerSecret {
                container: container.name().unwrap_or_default().to_owned(),
                name: name.to_owned(),
                reference: SecretReference::parse(value)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:1:secret:db-AbCdEf";

    #[test]
    fn secrets_and_parameters_are_told_apart() {
        let secret = |key: Option<&str>, stage: Option<&str>, version: Option<&str>| {
            Some(SecretReference::Secret {
                arn: SECRET.to_owned(),
                region: "eu-central-1".to_owned(),
                key: key.map(str::to_owned),
                stage: stage.map(str::to_owned),
                version: version.map(str::to_owned),
            })
        };
        let parameter = |name: &str, region: Option<&str>| {
            Some(SecretReference::Parameter {
                name: name.to_owned(),
                region: region.map(str::to_owned),
            })
        };
        let by_arn = "arn:aws:ssm:us-east-1:1:parameter/db";
        let table = [
            (SECRET.to_owned(), secret(None, None, None)),
            (
                format!("{SECRET}:password::"),
                secret(Some("password"), None, None),
            ),
            (
                format!("{SECRET}::AWSPREVIOUS:"),
                secret(None, Some("AWSPREVIOUS"), None),
            ),
            (format!("{SECRET}:::v1"), secret(None, None, Some("v1"))),
            (by_arn.to_owned(), parameter(by_arn, Some("us-east-1"))),
            ("/prod/db".to_owned(), parameter("/prod/db", None)),
            ("arn:aws:s3:::bucket/key".to_owned(), None),
            (
                "arn:aws:ssm:us-east-1:1:parameter/aws/reference/secretsmanager/db".to_owned(),
                None,
            ),
            (String::new(), None),
        ];
        for (value, expected) in table {
            assert_eq!(SecretReference::parse(&value), expected, "{value}");
        }
    }

    #[test]
    fn variables_log_options_and_credentials_are_found() {
        let definition = json!({ "containerDefinitions": [{ "name": "app",
            "secrets": [{ "name": "A", "valueFrom": "/a" }],
            "logConfiguration": { "logDriver": "splunk", "secretOptions": [{ "name": "splunk-token", "valueFrom": "/b" }] },
            "repositoryCredentials": { "credentialsParameter": SECRET } }] });
        let names: Vec<String> = container_secrets(&definition)
            .into_iter()
            .map(|secret| format!("{} {}", secret.name, secret.reference.name()))
            .collect();
        assert_eq!(
            names,
            [
                "A /a".to_owned(),
                "splunk-token /b".to_owned(),
                format!("repositoryCredentials {SECRET}")
            ]
        );
    }
}
