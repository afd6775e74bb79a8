//! PURE: the repository scans what is pushed, does not keep everything for ever, and its tags mean
//! one image.

use super::{LineResult, Subject};
use crate::documents::new_repository::TagRule;
use crate::survey::{Looked, RepositoryState};

pub(super) fn look(subject: &Subject<'_>) -> Vec<LineResult> {
    let snapshot = subject.snapshot;
    let Some((seen, tags, scans)) =
        snapshot
            .repository
            .as_ref()
            .and_then(|seen| match &seen.state {
                RepositoryState::Exists {
                    tags,
                    scans_on_push,
                    ..
                } => Some((seen, tags, *scans_on_push)),
                RepositoryState::Missing(_) | RepositoryState::Unknown => None,
            })
    else {
        return vec![LineResult::skipped(
            "there is no repository whose settings could be read",
        )];
    };
    let (name, region) = (&seen.name, &seen.registry.region);
    let command = |action: &str, rest: &str| {
        format!("aws ecr {action} --region {region} --repository-name {name} {rest}")
    };
    let mut findings = Vec::new();
    if !scans {
        findings.push(LineResult::warned(
            format!("{name} does not scan images when they are pushed, unless the registry's own configuration does"),
            command("put-image-scanning-configuration", "--image-scanning-configuration scanOnPush=true"),
        ));
    }
    match &snapshot.prerequisites.lifecycle_policy {
        Some(Looked::Missing) => findings.push(LineResult::warned(
            format!(
                "{name} has no lifecycle policy: it keeps every image, and is paid for all of them"
            ),
            command(
                "put-lifecycle-policy",
                "--lifecycle-policy-text file://policy.json",
            ),
        )),
        Some(Looked::Unread(error)) => findings.push(LineResult::unread(error)),
        Some(Looked::Found(())) | None => {}
    }
    if *tags == TagRule::Mutable {
        findings.push(LineResult::warned(
            format!("every tag of {name} is mutable: it may come to name another image"),
            command("put-image-tag-mutability", "--image-tag-mutability IMMUTABLE_WITH_EXCLUSION --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter=latest"),
        ));
    }
    if findings.is_empty() {
        findings.push(LineResult::Ok(format!(
            "{name} scans on push, has a lifecycle policy, and immutable tags"
        )));
    }
    findings
}
