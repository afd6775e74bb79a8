//! PURE: the secrets and parameters that containers need are there.

use super::{LineResult, Subject};
use crate::aws::secret_metadata::SecretMetadata;
use crate::aws::secrets::SecretError;
use crate::documents::secret_reference::{ContainerSecret, SecretReference, container_secrets};
use crate::survey::{Looked, Prerequisites};

const INPUT: &str = "task-definition";

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let Some(definition) = subject.definition else {
        return vec![LineResult::skipped("no task definition could be made")];
    };
    let needed = container_secrets(definition);
    let seen = &subject.snapshot.prerequisites;
    let mut findings: Vec<LineResult> = needed
        .iter()
        .filter_map(|secret| look_at(secret, seen))
        .collect();
    findings.dedup();
    if !findings.is_empty() {
        return findings;
    }
    let looked_at = seen.secrets.len() + seen.parameters.len();
    vec![match (needed.len(), looked_at) {
        (0, _) => LineResult::skipped("the containers need none"),
        (_, 0) => LineResult::skipped("they were not looked for"),
        (_, 1) => LineResult::Ok("1 is there".to_owned()),
        (_, count) => LineResult::Ok(format!("{count} are there")),
    }]
}

/// What is wrong with one; none where it is there.
fn look_at(secret: &ContainerSecret, seen: &Prerequisites) -> Option<LineResult> {
    match &secret.reference {
        SecretReference::Parameter { name, .. } => match seen.parameters.get(name)? {
            Looked::Found(_) => None,
            Looked::Missing => Some(missing(secret, "parameter")),
            Looked::Unread(error) => Some(LineResult::unread(error)),
        },
        SecretReference::Secret {
            arn,
            key,
            stage,
            version,
            ..
        } => match seen.secrets.get(arn)? {
            Looked::Found(found) => {
                version_finding(secret, found, stage.as_deref(), version.as_deref())
                    .or_else(|| key_finding(secret, seen, arn, key.as_deref()))
            }
            Looked::Missing => Some(missing(secret, "secret")),
            Looked::Unread(error) => Some(LineResult::unread(error)),
        },
    }
}

fn takes(secret: &ContainerSecret) -> String {
    format!("container `{}` takes `{}`", secret.container, secret.name)
}

fn missing(secret: &ContainerSecret, kind: &str) -> LineResult {
    LineResult::failed(
        INPUT,
        format!(
            "{} from a {kind} that does not exist: {}",
            takes(secret),
            secret.reference.name()
        ),
        format!("create the {kind}, or check its name and region: the task would not start"),
    )
}

/// A secret that is being deleted has no value, and neither has a version that does not exist.
fn version_finding(
    secret: &ContainerSecret,
    found: &SecretMetadata,
    stage: Option<&str>,
    version: Option<&str>,
) -> Option<LineResult> {
    let name = secret.reference.name();
    if found.is_being_deleted {
        return Some(LineResult::failed(
            INPUT,
            format!(
                "{} from a secret that is scheduled for deletion: {name}",
                takes(secret)
            ),
            "restore it (aws secretsmanager restore-secret), or take the value from another secret",
        ));
    }
    // Without any version nothing is known of them.
    let lacks = |known: &std::collections::BTreeSet<String>, wanted: Option<&str>| {
        !known.is_empty() && wanted.is_some_and(|wanted| !known.contains(wanted))
    };
    if lacks(&found.stages, stage) {
        return Some(LineResult::failed(
            INPUT,
            format!(
                "{} from a version of {name} that does not exist: {}",
                takes(secret),
                stage.unwrap_or_default()
            ),
            "name a version that exists, or leave it out for the current one",
        ));
    }
    // Versions without a label are not listed, and can be read all the same.
    lacks(&found.versions, version).then(|| {
        LineResult::warned(
            format!(
                "{} from a version of {name} that has no label any more: {}",
                takes(secret),
                version.unwrap_or_default()
            ),
            "leave the version out for the current one",
        )
    })
}

fn key_finding(
    secret: &ContainerSecret,
    seen: &Prerequisites,
    arn: &str,
    key: Option<&str>,
) -> Option<LineResult> {
    let key = key?;
    let error = seen
        .secret_keys
        .get(&(arn.to_owned(), key.to_owned()))?
        .as_ref()
        .err()?;
    Some(match error {
        SecretError::Aws { source, .. } => LineResult::unread(source),
        SecretError::NotFound { .. }
        | SecretError::Binary { .. }
        | SecretError::NotAnObject { .. }
        | SecretError::NoText { .. } => LineResult::failed(
            INPUT,
            format!("{}: {error}", takes(secret)),
            "check the key in valueFrom (…:secret:NAME:KEY::)",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_deletion_are_seen() {
        let secret = ContainerSecret {
            container: "app".to_owned(),
            name: "TOKEN".to_owned(),
            reference: SecretReference::Parameter {
                name: "x".to_owned(),
                region: None,
            },
        };
        let found = SecretMetadata {
            stages: ["AWSCURRENT".to_owned()].into(),
            versions: ["v1".to_owned()].into(),
            ..SecretMetadata::default()
        };
        let is_wrong = |stage, version| version_finding(&secret, &found, stage, version).is_some();
        assert!(!is_wrong(None, None) && !is_wrong(Some("AWSCURRENT"), Some("v1")));
        assert!(is_wrong(Some("AWSPREVIOUS"), None) && is_wrong(None, Some("v2")));
        let unknown = SecretMetadata::default();
        assert_eq!(version_finding(&secret, &unknown, Some("x"), None), None);
        let going = SecretMetadata {
            is_being_deleted: true,
            ..found
        };
        assert!(version_finding(&secret, &going, None, None).is_some());
    }
}
