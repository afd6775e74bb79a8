//! The revision that a rollback returns to, found among the service's deployments that succeeded.
//!
//! A deployment counts as good when AWS calls it successful; "one revision less" is never assumed.

use super::history::{HISTORY_LIMIT, is_codedeploy};
use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::ecs_rollout_shapes::DeploymentStatus;
use crate::documents::app_spec::read_task_definition;
use crate::error::Failure;
use crate::identity::{RevisionArn, RolloutId, ServiceDeploymentArn, ServiceRevisionArn};
use crate::outcome::Reason;
use crate::plan::HistoryQuery;
use crate::run::Run;
use crate::survey::Snapshot;

/// A deployment that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GoodDeployment {
    /// Id or ARN, whichever its kind has.
    pub(super) id: RolloutId,
    /// The revision that it deployed.
    pub(super) revision: RevisionArn,
    /// The images that it ran, as the definition names them, and their digests where ECS shows
    /// them.
    pub(super) images: Vec<String>,
}

/// What a rollback returns to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RollbackTarget {
    /// The revision that will serve.
    pub(super) revision: RevisionArn,
    /// Why this revision was chosen, in a sentence.
    pub(super) why: String,
}

/// Finds the revision that a rollback returns to.
///
/// # Errors
/// There is none, or it cannot be found.
pub(super) async fn find_target(
    run: &Run,
    query: &HistoryQuery,
    snapshot: &Snapshot,
) -> Result<RollbackTarget, Failure> {
    let serves = snapshot
        .service
        .as_ref()
        .map(|service| service.revision().clone())
        .unwrap_or_default();
    let asked = query.rollback_to.as_deref();
    if let Some(revision) = asked.and_then(|asked| parse_revision(asked, &serves)) {
        return Ok(RollbackTarget {
            why: "as rollback-to names it".into(),
            revision,
        });
    }
    let good = list_good(run, query, snapshot).await?;
    let found = match asked {
        None => find_earlier(&good, &serves)
            .map(|good| (good, "the last good one before what serves now")),
        Some(asked) => find_matching(run, asked, &good)
            .await?
            .map(|good| (good, "which fits rollback-to")),
    };
    match found {
        Some((good, why)) => Ok(RollbackTarget {
            revision: good.revision.clone(),
            why: format!("deployed by deployment {}, {why}", short_name(&good.id)),
        }),
        None => Err(no_target_failure(asked, &serves, &good)),
    }
}

/// The newest good deployment from before the current revision was first deployed: so a second
/// rollback goes further back, and never to the revision that the first one left. Where nothing is
/// older, any other revision.
fn find_earlier<'g>(
    good: &'g [GoodDeployment],
    serves: &RevisionArn,
) -> Option<&'g GoodDeployment> {
    let other = |good: &&GoodDeployment| good.revision != *serves;
    let first = good.iter().rposition(|good| good.revision == *serves);
    let older = first.and_then(|first| good[first + 1..].iter().find(other));
    older.or_else(|| good.iter().find(other))
}

fn no_target_failure(
    asked: Option<&str>,
    serves: &RevisionArn,
    good: &[GoodDeployment],
) -> Failure {
    let sentence = match asked {
        Some(asked) => {
            format!("no successful deployment of the last {HISTORY_LIMIT} fits `{asked}`")
        }
        None => format!(
            "there is no successful deployment of another revision than {}, which serves now",
            short_name(serves)
        ),
    };
    let good_names = good
        .iter()
        .map(|good| format!("{} ({})", short_name(&good.revision), short_name(&good.id)))
        .collect::<Vec<_>>()
        .join(", ");
    let known = if good_names.is_empty() {
        "the history is empty".to_owned()
    } else {
        format!("good were: {good_names}")
    };
    Failure::new(Reason::NothingToReturnTo, sentence)
        .with_cause(known)
        .with_hint("set rollback-to to a revision, such as api:12")
}

/// A revision by its ARN, `family:12`, or `12` of the family that serves.
fn parse_revision(asked: &str, serves: &RevisionArn) -> Option<RevisionArn> {
    let is_number =
        |text: &str| !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit());
    if asked.starts_with("arn:") && asked.contains(":task-definition/") {
        return Some(asked.into());
    }
    if is_number(asked) {
        let family = short_name(serves).split(':').next()?;
        return Some(format!("{family}:{asked}").into());
    }
    let (family, number) = asked.split_once(':')?;
    (is_number(number) && !family.is_empty() && family == short_name(serves).split(':').next()?)
        .then(|| asked.into())
}

/// Deployments that succeeded, newest first.
pub(super) async fn list_good(
    run: &Run,
    query: &HistoryQuery,
    snapshot: &Snapshot,
) -> Result<Vec<GoodDeployment>, Failure> {
    match &snapshot.service_deployments {
        Some(service_deployments) => {
            let all = service_deployments.history.iter().filter(|brief| brief.status() == DeploymentStatus::Successful).take(HISTORY_LIMIT);
            let pairs: Vec<(ServiceDeploymentArn, ServiceRevisionArn)> =
                all.filter_map(|brief| Some((brief.arn.clone(), brief.target_service_revision_arn.clone()?))).collect();
            let targets: Vec<ServiceRevisionArn> = pairs.iter().map(|(_, target)| target.clone()).collect();
            let revisions = run.aws.describe_service_revisions(&targets).await?;
            let found = pairs.into_iter().filter_map(|(id, target)| {
                let revision = revisions.iter().find(|revision| revision.service_revision_arn == target)?;
                let names = revision.container_images.iter().flat_map(|image| image.image.iter().chain(&image.image_digest));
                Some(GoodDeployment { id: id.into(), revision: revision.task_definition.clone(), images: names.cloned().collect() })
            });
            Ok(found.collect())
        }
        None if is_codedeploy(snapshot) => Ok(list_good_in_group(run, query).await?),
        None => Err(Failure::new(Reason::Denied, "the service's deployment history could not be read")
            .with_hint("allow ecs:ListServiceDeployments (docs/iam.md), or set rollback-to to a revision, such as api:12")),
    }
}

async fn list_good_in_group(
    run: &Run,
    query: &HistoryQuery,
) -> Result<Vec<GoodDeployment>, AwsError> {
    let group = &query.group;
    let ids = run
        .aws
        .list_successful_deployments(&group.application, &group.group)
        .await?;
    let mut all: Vec<(f64, GoodDeployment)> = Vec::new();
    for id in ids.into_iter().take(HISTORY_LIMIT) {
        let deployment = run.aws.get_deployment(&id).await?;
        if let Some(revision) = deployment.content.as_deref().and_then(read_task_definition) {
            all.push((
                deployment.created_seconds,
                GoodDeployment {
                    id: id.into(),
                    revision,
                    images: Vec::new(),
                },
            ));
        }
    }
    all.sort_by(|(one, _), (other, _)| other.total_cmp(one)); // AWS promises no order
    Ok(all.into_iter().map(|(_, good)| good).collect())
}

/// The newest good deployment that has this id, revision, tag or digest.
async fn find_matching<'g>(
    run: &Run,
    asked: &str,
    good: &'g [GoodDeployment],
) -> Result<Option<&'g GoodDeployment>, Failure> {
    let by_name = |good: &&GoodDeployment| {
        short_name(&good.id) == short_name(asked) || short_name(&good.revision) == asked
    };
    if let Some(found) = good.iter().find(by_name) {
        return Ok(Some(found));
    }
    for one in good {
        let images = if one.images.is_empty() {
            read_images(run, &one.revision).await?
        } else {
            one.images.clone()
        };
        if images.iter().any(|image| has_tag_or_digest(image, asked))
            || is_tagged(run, &images, asked).await
        {
            return Ok(Some(one));
        }
    }
    Ok(None)
}

async fn read_images(run: &Run, revision: &RevisionArn) -> Result<Vec<String>, AwsError> {
    let described = run.aws.describe_task_definition(revision.as_str()).await?;
    let containers = described["taskDefinition"]["containerDefinitions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    Ok(containers
        .iter()
        .filter_map(|container| container["image"].as_str().map(str::to_owned))
        .collect())
}

/// Whether an image's name ends in this tag, or is this digest.
fn has_tag_or_digest(image: &str, asked: &str) -> bool {
    let digest = asked.rsplit_once('@').map_or(asked, |(_, digest)| digest);
    image.ends_with(&format!(":{asked}"))
        || (digest.starts_with("sha256:") && image.ends_with(digest))
}

/// Whether a tag names one of these images, which are deployed by digest: only the repository knows
/// its tags.
async fn is_tagged(run: &Run, images: &[String], tag: &str) -> bool {
    for image in images {
        let Some((repository, digest)) = image.split_once("@sha256:") else {
            continue;
        };
        let Some((registry, name)) = repository.split_once('/') else {
            continue;
        };
        let tags = run
            .aws
            .describe_image_tags(registry, &name.into(), &format!("sha256:{digest}"))
            .await;
        let tags = run
            .optional_read("the tags of former images are not read", tags)
            .unwrap_or_default();
        if tags.iter().any(|existing| existing == tag) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVES: &str = "arn:aws:ecs:eu-central-1:1:task-definition/api:14";

    #[test]
    fn a_revision_is_named_by_arn_by_family_or_by_number() {
        assert_eq!(parse_revision("12", &SERVES.into()), Some("api:12".into()));
        assert_eq!(
            parse_revision("api:12", &SERVES.into()),
            Some("api:12".into())
        );
        assert_eq!(
            parse_revision(
                "arn:aws:ecs:eu-central-1:1:task-definition/api:3",
                &SERVES.into()
            ),
            Some("arn:aws:ecs:eu-central-1:1:task-definition/api:3".into())
        );
        assert_eq!(parse_revision("d-ABC123", &SERVES.into()), None);
        assert_eq!(parse_revision("sha256:0123", &SERVES.into()), None);
        assert_eq!(parse_revision("v1.2.3", &SERVES.into()), None);
    }

    #[test]
    fn a_second_rollback_goes_further_back_and_not_forth() {
        let good = |revisions: &[&str]| {
            let one = |revision: &&str| GoodDeployment {
                id: "d".into(),
                revision: (*revision).into(),
                images: Vec::new(),
            };
            revisions.iter().map(one).collect::<Vec<_>>()
        };
        let to = |history: &[&str], serves: &str| {
            find_earlier(&good(history), &serves.into()).map(|good| good.revision.to_string())
        };
        assert_eq!(
            to(&["api:3", "api:2", "api:1"], "api:3").as_deref(),
            Some("api:2")
        );
        assert_eq!(
            to(&["api:2", "api:3", "api:2", "api:1"], "api:2").as_deref(),
            Some("api:1")
        );
        assert_eq!(
            to(&["api:1", "api:2", "api:1"], "api:1").as_deref(),
            Some("api:2")
        );
        assert_eq!(to(&["api:1"], "api:1"), None);
    }

    #[test]
    fn an_image_is_known_by_its_tag_or_its_digest() {
        assert!(has_tag_or_digest("host/app:1.4.2", "1.4.2"));
        assert!(has_tag_or_digest("host/app@sha256:aa", "sha256:aa"));
        assert!(has_tag_or_digest("host/app@sha256:aa", "app@sha256:aa"));
        assert!(!has_tag_or_digest("host/app:11.4.2", "1.4.2"));
    }
}
