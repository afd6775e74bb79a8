//! The service's past deployments: the last one, those that succeeded, and which of them a rollback
//! returns to.
//!
//! A deployment counts as good when AWS calls it successful; "one revision less" is never assumed.

use serde_json::Value;

use crate::aws::AwsError;
use crate::aws::arn::short_name;
use crate::aws::codedeploy_shapes::CodeDeployStatus;
use crate::aws::ecs_rollout_shapes::DeploymentStatus;
use crate::aws::ecs_shapes::{DeploymentController, Service};
use crate::documents::app_spec::read_task_definition;
use crate::documents::deployment_configuration::{HookIdentity, is_revision_registered};
use crate::error::Failure;
use crate::identity::{RevisionArn, RolloutId, ServiceDeploymentArn, ServiceRevisionArn};
use crate::outcome::Reason;
use crate::plan::HistoryQuery;
use crate::run::Run;
use crate::survey::{Snapshot, has_registered};

/// How many deployments are read back in search of a good one.
const HISTORY_LIMIT: usize = 20;

/// A deployment that has ended.
#[derive(Debug, Clone)]
pub struct LastDeployment {
    /// Id or ARN, whichever its kind has.
    pub id: RolloutId,
    /// The status, in AWS's word.
    pub word: String,
    /// Whether it succeeded.
    pub end: DeploymentEnd,
    /// The revision that it deployed, where the deployment says that its run registered it.
    pub registered_revision: Option<RevisionArn>,
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentEnd {
    /// Green serves.
    Succeeded,
    /// Blue serves, or what serves is not known.
    Failed {
        /// The reason in the outputs.
        reason: Reason,
    },
}

/// A deployment that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodDeployment {
    /// Id or ARN, whichever its kind has.
    pub id: RolloutId,
    /// The revision that it deployed.
    pub revision: RevisionArn,
    /// The images that it ran, as the definition names them, and their digests where ECS shows
    /// them.
    pub images: Vec<String>,
}

/// What a rollback returns to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackTarget {
    /// The revision that will serve.
    pub revision: RevisionArn,
    /// Why this revision was chosen, in a sentence.
    pub why: String,
}

/// Finds the named deployment, or the newest one.
pub async fn find_last(
    run: &Run,
    query: &HistoryQuery,
    snapshot: &Snapshot,
) -> Result<Option<LastDeployment>, Failure> {
    if is_codedeploy(snapshot) {
        return Ok(find_last_in_group(run, query).await?);
    }
    let history = snapshot
        .service_deployments
        .iter()
        .flat_map(|service_deployments| &service_deployments.history);
    let is_meant = |arn: &ServiceDeploymentArn| {
        query
            .deployment
            .as_ref()
            .is_none_or(|meant| short_name(meant) == short_name(arn))
    };
    let Some(brief) = history.into_iter().find(|brief| is_meant(&brief.arn)) else {
        return Ok(None);
    };
    let Some(deployment) = run.aws.describe_service_deployment(&brief.arn).await? else {
        return Ok(None);
    };
    let expired = deployment
        .failed_hook()
        .is_some_and(|hook| hook.status == "TIMED_OUT");
    let end = match deployment.status() {
        DeploymentStatus::Successful => DeploymentEnd::Succeeded,
        _ if expired => DeploymentEnd::Failed {
            reason: Reason::Expired,
        },
        _ => DeploymentEnd::Failed {
            reason: Reason::AlreadyAnswered,
        },
    };
    // A definition that cannot be read is left registered.
    let tagged = snapshot.service.as_ref().and_then(Service::tagged_pause);
    let is_registered = is_revision_registered(
        &deployment.deployment_configuration,
        HookIdentity::from_pause(tagged.as_ref()),
    );
    let revisions = if is_registered && end != DeploymentEnd::Succeeded {
        run.aws
            .describe_service_revisions(&[deployment.target_revision()])
            .await
            .unwrap_or_default()
    } else {
        Vec::new()
    };
    let registered = revisions
        .into_iter()
        .next()
        .map(|revision| revision.task_definition);
    Ok(Some(LastDeployment {
        id: deployment.arn.clone().into(),
        word: deployment.raw_status,
        end,
        registered_revision: registered,
    }))
}

async fn find_last_in_group(
    run: &Run,
    query: &HistoryQuery,
) -> Result<Option<LastDeployment>, AwsError> {
    let group = &query.group;
    let ids = match &query.deployment {
        Some(meant) => vec![meant.as_str().into()],
        None => {
            run.aws
                .list_latest_deployments(&group.application, &group.group)
                .await?
        }
    };
    for id in ids.into_iter().take(HISTORY_LIMIT) {
        let deployment = run.aws.get_deployment(&id).await?;
        if deployment.rolled_back_deployment.is_some() && query.deployment.is_none() {
            continue; // the deployment that it rolls back says more
        }
        let code = deployment
            .error
            .as_ref()
            .map(|(code, _)| code.as_str())
            .unwrap_or_default();
        let end = match deployment.status {
            CodeDeployStatus::Succeeded => DeploymentEnd::Succeeded,
            CodeDeployStatus::Stopped if matches!(code, "" | "TIMEOUT") => DeploymentEnd::Failed {
                reason: Reason::Expired,
            },
            CodeDeployStatus::Stopped
            | CodeDeployStatus::Failed
            | CodeDeployStatus::InProgress
            | CodeDeployStatus::Ready => DeploymentEnd::Failed {
                reason: Reason::AlreadyAnswered,
            },
        };
        let registered = deployment
            .content
            .as_deref()
            .and_then(read_task_definition)
            .filter(|_| has_registered(&deployment.description));
        return Ok(Some(LastDeployment {
            id: id.into(),
            word: deployment.raw_status,
            end,
            registered_revision: registered,
        }));
    }
    Ok(None)
}

/// Finds the revision that a rollback returns to.
///
/// # Errors
/// There is none, or it cannot be found.
pub async fn find_target(
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
async fn list_good(
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

fn is_codedeploy(snapshot: &Snapshot) -> bool {
    snapshot
        .service
        .as_ref()
        .map(crate::aws::ecs_shapes::Service::controller)
        == Some(DeploymentController::CodeDeploy)
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
        let Some((_, name)) = repository.split_once('/') else {
            continue;
        };
        let tags = run
            .aws
            .describe_image_tags(&name.into(), &format!("sha256:{digest}"))
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

/// The version of the revision that is deployed, for `${version}`: a tag of its image that is not
/// `latest`.
pub async fn find_version(run: &Run, definition: &Value) -> Option<String> {
    let containers = definition["containerDefinitions"].as_array()?;
    for image in containers
        .iter()
        .filter_map(|container| container["image"].as_str())
    {
        let Some((repository, digest)) = image.split_once("@sha256:") else {
            let tag = image
                .rsplit_once(':')
                .map(|(_, tag)| tag)
                .filter(|tag| !tag.contains('/'));
            if tag.is_some() {
                return tag.map(str::to_owned);
            }
            continue;
        };
        let name = repository.split_once('/').map(|(_, name)| name)?;
        let tags = run
            .aws
            .describe_image_tags(&name.into(), &format!("sha256:{digest}"))
            .await
            .unwrap_or_default();
        if let Some(tag) = tags.into_iter().find(|tag| tag != "latest") {
            return Some(tag);
        }
    }
    None
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
