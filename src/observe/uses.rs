//! What uses revisions and images, in all clusters and schedules of the account and region. What
//! cannot be read may be a use of anything, and is said.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::aws::arn::short_name;
use crate::aws::ecs_shapes::{Service, Task};
use crate::aws::{AwsError, AwsErrorKind, add_jitter};
use crate::cleanup::{
    CleanupWorld, FamilyRevision, ImageName, ImageUse, RevisionUse, UNKNOWN_PRINCIPAL,
};
use crate::event::fact::AwsFact;
use crate::identity::{ClusterName, RepositoryName, RevisionArn};
use crate::run::Run;

/// How long AWS may throttle one read.
const THROTTLE_BUDGET: Duration = Duration::from_mins(5);
const THROTTLE_PAUSE: Duration = Duration::from_secs(3);

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct UsesQuery<'q> {
    /// The family whose revisions are cleaned.
    pub family: &'q str,
    /// The repository whose images are cleaned.
    pub repository: Option<&'q RepositoryName>,
}

/// Repeats a read while AWS throttles it.
///
/// # Errors
///
/// AWS answered something else, or throttled it for too long.
pub async fn read_unthrottled<T, F>(run: &Run, read: impl Fn() -> F) -> Result<T, AwsError>
where
    F: Future<Output = Result<T, AwsError>>,
{
    let began = Instant::now();
    loop {
        match read().await {
            Err(error)
                if error.kind == AwsErrorKind::Throttled && began.elapsed() < THROTTLE_BUDGET =>
            {
                run.emit(AwsFact::LooksAgain {
                    why: error.to_string().into(),
                });
                tokio::time::sleep(add_jitter(THROTTLE_PAUSE)).await;
            }
            answer => return answer,
        }
    }
}

/// Adds everything that uses a revision or an image to the world.
pub async fn find_uses(run: &Run, query: UsesQuery<'_>, world: &mut CleanupWorld) {
    find_in_clusters(run, query, world).await;
    let rules = read_unthrottled(run, || run.aws.list_revisions_of_rules()).await;
    let schedules = read_unthrottled(run, || run.aws.list_revisions_of_schedules()).await;
    for (what, found) in [("rules", rules), ("schedules", schedules)] {
        let check = format!("what {what} of EventBridge start is not known");
        for one in note_unread(run, world, &check, found).unwrap_or_default() {
            world.revision_uses.push(RevisionUse {
                revision: short_name(&one.revision).to_owned(),
                by: one.by,
            });
        }
    }
    if let Some(repository) = query.repository {
        find_images_of_others(run, repository, world).await;
    }
}

/// The answer; where there is none, what may be used unseen is noted and said.
pub fn note_unread<T>(
    run: &Run,
    world: &mut CleanupWorld,
    check: &str,
    read: Result<T, AwsError>,
) -> Option<T> {
    match read {
        Ok(answer) => Some(answer),
        Err(error) => {
            run.limit_check(&format!("{check}, so that nothing goes"), &error);
            world.unread.push(format!("{check} ({})", error.summary()));
            None
        }
    }
}

async fn find_in_clusters(run: &Run, query: UsesQuery<'_>, world: &mut CleanupWorld) {
    let clusters = read_unthrottled(run, || run.aws.list_all_clusters()).await;
    let check = "which clusters there are is not known";
    for cluster in note_unread(run, world, check, clusters).unwrap_or_default() {
        let name = short_name(&cluster).to_owned();
        let services = read_unthrottled(run, || run.aws.describe_all_services(&cluster)).await;
        let check = format!("the services of cluster {name} are not known");
        for service in note_unread(run, world, &check, services).unwrap_or_default() {
            world.revision_uses.extend(uses_of_service(&service, &name));
        }
        let tasks = read_unthrottled(run, || run.aws.describe_all_tasks(&cluster)).await;
        let check = format!("the tasks of cluster {name} are not known");
        for task in note_unread(run, world, &check, tasks).unwrap_or_default() {
            add_task(&task, &cluster, query.repository, world);
        }
    }
}

/// The revisions of a service: its own, and those of its deployments and task sets.
fn uses_of_service(service: &Service, cluster: &str) -> Vec<RevisionUse> {
    let deployments = service.deployments.iter().map(|one| &one.task_definition);
    let sets = service.task_sets.iter().map(|one| &one.task_definition);
    let revisions: BTreeSet<&RevisionArn> = deployments
        .chain(sets)
        .chain([&service.task_definition])
        .filter(|revision| !revision.is_empty())
        .collect();
    revisions
        .into_iter()
        .map(|revision| RevisionUse {
            revision: short_name(revision).to_owned(),
            by: format!("the service {} on {cluster}", service.service_name),
        })
        .collect()
}

fn add_task(
    task: &Task,
    cluster: &ClusterName,
    repository: Option<&RepositoryName>,
    world: &mut CleanupWorld,
) {
    let by = format!("a task that runs on {}", short_name(cluster));
    let used = RevisionUse {
        revision: short_name(&task.task_definition_arn).to_owned(),
        by: by.clone(),
    };
    if !world.revision_uses.contains(&used) {
        world.revision_uses.push(used);
    }
    let Some(repository) = repository else {
        return;
    };
    for container in &task.containers {
        let digest = container.image_digest.clone().map(ImageName::Digest);
        let named = container
            .image
            .as_deref()
            .and_then(|image| parse_image(image, repository));
        for image in digest.into_iter().chain(named) {
            let used = ImageUse {
                image,
                by: by.clone(),
            };
            if !world.image_uses.contains(&used) {
                world.image_uses.push(used);
            }
        }
    }
}

/// The images of revisions that are used and are not among the family's.
async fn find_images_of_others(run: &Run, repository: &RepositoryName, world: &mut CleanupWorld) {
    let own: BTreeSet<&str> = world
        .revisions
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let others: BTreeSet<String> = world
        .revision_uses
        .iter()
        .map(|used| used.revision.clone())
        .filter(|name| !own.contains(name.as_str()))
        .collect();
    for name in others {
        let described = read_unthrottled(run, || run.aws.describe_task_definition(&name)).await;
        // That is how ECS refuses what is not there: nothing can be started from it.
        if matches!(&described, Err(error) if error.kind == AwsErrorKind::Refused && error.code == "ClientException")
        {
            continue;
        }
        let check = format!("the images of {name} are not known");
        let Some(answer) = note_unread(run, world, &check, described) else {
            continue;
        };
        for image in images_of(&answer["taskDefinition"], repository) {
            world.image_uses.push(ImageUse {
                image,
                by: name.clone(),
            });
        }
    }
}

/// A revision of the family, from AWS's description of it, with whoever registered it.
pub fn to_family_revision(answer: &Value, query: UsesQuery<'_>) -> FamilyRevision {
    let described = &answer["taskDefinition"];
    let arn = described["taskDefinitionArn"].as_str().unwrap_or_default();
    let name = short_name(arn).to_owned();
    let number = name
        .rsplit_once(':')
        .and_then(|(_, number)| number.parse().ok());
    let by = described["registeredBy"]
        .as_str()
        .map(crate::aws::sts::describe_principal);
    FamilyRevision {
        number: number.unwrap_or_default(),
        registered_by: Some(by.unwrap_or_else(|| UNKNOWN_PRINCIPAL.to_owned())),
        images: query
            .repository
            .map(|repository| images_of(described, repository))
            .unwrap_or_default(),
        name,
    }
}

fn images_of(definition: &Value, repository: &RepositoryName) -> Vec<ImageName> {
    let containers = definition["containerDefinitions"].as_array();
    containers
        .into_iter()
        .flatten()
        .filter_map(|container| parse_image(container["image"].as_str()?, repository))
        .collect()
}

/// The image, where it is of the repository, in whatever registry: rather one too many is kept.
fn parse_image(image: &str, repository: &RepositoryName) -> Option<ImageName> {
    let (path, digest) = match image.split_once('@') {
        Some((path, digest)) => (path, Some(digest)),
        None => (image, None),
    };
    let at = path.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match path[at..].split_once(':') {
        Some((_, tag)) => (&path[..path.len() - tag.len() - 1], tag),
        None => (path, "latest"),
    };
    let is_meant = name == repository.as_str() || name.ends_with(&format!("/{repository}"));
    let named = digest.map_or_else(
        || ImageName::Tag(tag.to_owned()),
        |digest| ImageName::Digest(digest.to_owned()),
    );
    is_meant.then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_recognized_by_its_repository_in_whatever_registry() {
        let digest = |text: &str| Some(ImageName::Digest(text.to_owned()));
        let tag = |text: &str| Some(ImageName::Tag(text.to_owned()));
        for (image, expected) in [
            (
                "1.dkr.ecr.x.amazonaws.com/team/api@sha256:a",
                digest("sha256:a"),
            ),
            (
                "1.dkr.ecr.x.amazonaws.com/team/api:1.0@sha256:a",
                digest("sha256:a"),
            ),
            ("127.0.0.1:5000/team/api:1.0", tag("1.0")),
            ("team/api", tag("latest")),
            ("1.dkr.ecr.x.amazonaws.com/other/team/apis:1", None),
            ("127.0.0.1:5000/api:1.0", None),
        ] {
            assert_eq!(parse_image(image, &"team/api".into()), expected, "{image}");
        }
    }
}
