//! PURE: what a deployment needs to be there in AWS, by what is known of it before the rest is read.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Subject, permissions, roles};
use crate::documents::logging::needed_groups;
use crate::documents::secret_reference::{SecretReference, container_secrets};
use crate::outcome::Mode;
use crate::plan::definition;
use crate::settings::Settings;
use crate::survey::{FargateQuota, Needs, RepositoryState, Snapshot, VerificationNeeds};

/// What is looked for; nothing for a mode that deploys nothing.
pub fn needs(settings: &Settings, snapshot: &Snapshot) -> Needs {
    if !settings.mode.plans_deployment() {
        return Needs::default();
    }
    let built = definition::build_definition(settings, snapshot).ok();
    let definition = built.as_ref().map(|(definition, _)| definition);
    let subject = Subject {
        settings,
        snapshot,
        definition,
        plan: None,
    };
    let definition = definition.unwrap_or(&Value::Null);
    let mut needs = Needs {
        roles: roles::names(&subject),
        log_groups: log_groups(settings, definition),
        objects: super::files::objects(definition),
        verification: (settings.mode == Mode::Verify).then(|| for_verification(&subject)),
        ..Needs::default()
    };
    add_secrets(&mut needs, settings, definition);
    needs
}

fn log_groups(settings: &Settings, definition: &Value) -> BTreeSet<(String, String)> {
    needed_groups(definition)
        .into_iter()
        .map(|needed| {
            let region = needed.region.unwrap_or_else(|| settings.aws.region.clone());
            (region, needed.group)
        })
        .collect()
}

fn add_secrets(needs: &mut Needs, settings: &Settings, definition: &Value) {
    let reads_keys = settings.mode == Mode::Verify && settings.verification.reads_secret_keys;
    for secret in container_secrets(definition) {
        match secret.reference {
            SecretReference::Secret {
                arn, region, key, ..
            } => {
                needs.secrets.insert((arn.clone(), region));
                needs
                    .secret_keys
                    .extend(key.filter(|_| reads_keys).map(|key| (arn, key)));
            }
            SecretReference::Parameter { name, region } => {
                let region = region.unwrap_or_else(|| settings.aws.region.clone());
                needs.parameters.insert((name, region));
            }
        }
    }
}

fn for_verification(subject: &Subject<'_>) -> VerificationNeeds {
    let snapshot = subject.snapshot;
    let repository = snapshot
        .repository
        .as_ref()
        .filter(|seen| matches!(seen.state, RepositoryState::Exists { .. }))
        .map(|seen| {
            let registry = &seen.registry;
            (
                registry.account.clone(),
                registry.region.clone(),
                seen.name.clone(),
            )
        });
    VerificationNeeds {
        target_groups: super::target_groups::names(snapshot).into_iter().collect(),
        writes: permissions::needed_writes(subject),
        repository,
        fargate_quota: if super::quota::is_limited(subject) {
            FargateQuota::Needed
        } else {
            FargateQuota::Unneeded
        },
    }
}
