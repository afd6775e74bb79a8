//! PURE: whether the image fits the task's platform, whether its repository exists, and whether its
//! tags can be set.

use serde_json::Value;

use crate::aws::ecs_shapes::Service;
use crate::documents::new_repository::NewRepository;
use crate::documents::task_definition::TaskDefinition;
use crate::problem::Problem;
use crate::registry::{Digest, Facts, ImageReference, Platform, Tag};
use crate::settings::{ImageSettings, Settings};
use crate::survey::{CreationTemplate, ImageFound, RepositoryState, Snapshot, SurveyedRepository};

/// The image of a run.
#[derive(Debug)]
pub struct ImagePlan {
    /// As the user wrote it.
    pub reference: ImageReference,
    /// The tags that are set by the push.
    pub tags: Vec<Tag>,
    /// Those of them that are set only once the image serves.
    pub tags_when_deployed: Vec<Tag>,
}

pub(super) fn plan(settings: &Settings) -> Option<ImagePlan> {
    let image = settings.image.as_ref()?;
    Some(ImagePlan {
        reference: image.reference.clone(),
        tags: image.tags.clone(),
        tags_when_deployed: image.tags_when_deployed.clone(),
    })
}

/// The repository that the image goes to.
#[derive(Debug, Clone)]
pub struct RepositoryPlan {
    /// What the survey read about it.
    pub seen: SurveyedRepository,
    /// What must be done about it.
    pub need: RepositoryNeed,
    /// Images in it that the new one may share layers with: those that run now.
    pub cache_from: Vec<Digest>,
}

/// What must be done about a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryNeed {
    /// Nothing: it exists, or could not be read.
    Nothing,
    /// The push creates it, by the creation template with this prefix.
    CreatedByPush(String),
    /// The run creates it before the push.
    Create(NewRepository),
}

/// The repository of an image that is pushed, and what must be done about it.
pub(super) fn plan_repository(settings: &Settings, snapshot: &Snapshot) -> Option<RepositoryPlan> {
    let (image, seen, ImageFound::Local { .. }) = (
        settings.image.as_ref()?,
        snapshot.repository.as_ref()?,
        snapshot.image.as_ref()?,
    ) else {
        return None;
    };
    let need = match (&seen.state, &image.create) {
        (RepositoryState::Missing(CreationTemplate::Found(prefix)), _) => {
            RepositoryNeed::CreatedByPush(prefix.clone())
        }
        (RepositoryState::Missing(_), Some(create)) => RepositoryNeed::Create(create.clone()),
        (RepositoryState::Missing(_), None)
        | (RepositoryState::Exists { .. } | RepositoryState::Unknown, _) => RepositoryNeed::Nothing,
    };
    Some(RepositoryPlan {
        seen: seen.clone(),
        need,
        cache_from: find_cache_images(snapshot, seen),
    })
}

fn find_cache_images(snapshot: &Snapshot, seen: &SurveyedRepository) -> Vec<Digest> {
    let Some(live) = &snapshot.live_revision else {
        return Vec::new();
    };
    let begin = format!("{}@", seen.full_name());
    let definition = TaskDefinition(&live.answer["taskDefinition"]);
    definition
        .images()
        .filter_map(|(_, image)| image.strip_prefix(&begin)?.parse().ok())
        .collect()
}

impl RepositoryPlan {
    /// The line about the repository; none when it is not created.
    pub(super) fn describe(&self) -> Option<String> {
        let place = self.seen.full_name();
        match &self.need {
            RepositoryNeed::Nothing => None,
            RepositoryNeed::CreatedByPush(prefix) => Some(format!(
                "the repository {place} does not exist: the push creates it, by the creation template `{prefix}`"
            )),
            RepositoryNeed::Create(_) => Some(format!(
                "the repository {place} does not exist: it is created, and stays even if the deployment fails"
            )),
        }
    }
}

/// Every reason why the image cannot be pushed.
pub(super) fn find_problem(
    settings: &Settings,
    snapshot: &Snapshot,
    definition: &Value,
) -> Option<Problem> {
    let (Some(_), Some(found)) = (&settings.image, &snapshot.image) else {
        return None;
    };
    platform_problem(found, definition, snapshot.service.as_ref())
}

/// Problems with the repository, and with the tags that the image gets there.
pub(super) fn repository_problems(settings: &Settings, snapshot: &Snapshot) -> Vec<Problem> {
    let (Some(image), Some(seen)) = (&settings.image, &snapshot.repository) else {
        return Vec::new();
    };
    let tags = snapshot
        .image
        .as_ref()
        .map(|found| taken_tag_problems(found, seen))
        .unwrap_or_default();
    missing_repository_problem(image, seen)
        .into_iter()
        .chain(tags)
        .collect()
}

fn missing_repository_problem(image: &ImageSettings, seen: &SurveyedRepository) -> Option<Problem> {
    let is_hopeless =
        seen.state == RepositoryState::Missing(CreationTemplate::None) && image.create.is_none();
    is_hopeless.then(|| {
        let account = seen
            .registry
            .account
            .as_ref()
            .map(|account| format!(" of account {account}"))
            .unwrap_or_default();
        let message = format!(
            "there is no repository `{}` in the registry{account} in {}",
            seen.name, seen.registry.region
        );
        Problem::new(
            "repository",
            message,
            format!(
                "set create-repository: true, or make it: {}",
                seen.create_command()
            ),
        )
    })
}

fn taken_tag_problems(found: &ImageFound, seen: &SurveyedRepository) -> Vec<Problem> {
    let ImageFound::Local { source, .. } = found else {
        return Vec::new();
    };
    let Some(ours) = source.digest() else {
        return Vec::new();
    };
    let others = seen
        .immutable_tags
        .iter()
        .filter(|(_, there)| there != ours);
    let problem = |(tag, there): &(_, _)| {
        let message = format!(
            "the tag `{tag}` of {} is immutable and names {there}; the image is {ours}",
            seen.full_name()
        );
        Problem::new(
            "tags",
            message,
            "use a tag that is new for every build, such as the commit's, or deploy the image that is there",
        )
    };
    others.map(problem).collect()
}

/// The platform of the task. An empty part is unknown and fits any image.
#[derive(Debug, PartialEq, Eq)]
struct NeededPlatform {
    os: Option<&'static str>,
    architecture: Option<&'static str>,
}

fn platform_problem(
    found: &ImageFound,
    definition: &Value,
    service: Option<&Service>,
) -> Option<Problem> {
    let there: Vec<&Platform> = match found {
        ImageFound::Local { facts, .. } | ImageFound::InRegistry { facts, .. } => {
            facts.iter().flat_map(Facts::platforms).collect()
        }
        ImageFound::ByName(_) => return None,
    };
    let needed = needed_platform(definition, service);
    let fits = |platform: &&Platform| {
        needed.os.is_none_or(|os| os == platform.os)
            && needed
                .architecture
                .is_none_or(|architecture| architecture == platform.architecture)
    };
    if there.is_empty() || there.iter().any(fits) {
        return None;
    }
    let has = there
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    let wanted = [needed.os, needed.architecture]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("/");
    let remedy = format!(
        "build it for {wanted} (docker buildx build --platform), or set runtimePlatform in the task definition"
    );
    Some(Problem::new(
        "image",
        format!("the task definition needs an image for {wanted}, and this one is for {has}"),
        remedy,
    ))
}

/// `runtimePlatform`. What it leaves out is Linux on `X86_64` on Fargate, and that of the instances
/// elsewhere.
fn needed_platform(definition: &Value, service: Option<&Service>) -> NeededPlatform {
    let is_fargate = is_on_fargate(definition, service);
    let platform_text = |name: &str| definition["runtimePlatform"][name].as_str();
    let os = match platform_text("operatingSystemFamily") {
        Some("LINUX") => Some("linux"),
        Some(family) if family.starts_with("WINDOWS") => Some("windows"),
        Some(_) => None,
        None => is_fargate.then_some("linux"),
    };
    let architecture = match platform_text("cpuArchitecture") {
        Some("X86_64") => Some("amd64"),
        Some("ARM64") => Some("arm64"),
        Some(_) => None,
        None => is_fargate.then_some("amd64"),
    };
    NeededPlatform { os, architecture }
}

pub(super) fn is_on_fargate(definition: &Value, service: Option<&Service>) -> bool {
    let compatibilities = definition["requiresCompatibilities"].as_array();
    let is_only = compatibilities.is_some_and(|words| words.len() == 1 && words[0] == "FARGATE");
    is_only || service.is_some_and(|service| service.launch_type.as_deref() == Some("FARGATE"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_platform_is_what_the_definition_says_and_what_fargate_assumes() {
        let table = [
            (json!({}), (None, None)),
            (
                json!({ "requiresCompatibilities": ["FARGATE"] }),
                (Some("linux"), Some("amd64")),
            ),
            (
                json!({ "requiresCompatibilities": ["EC2", "FARGATE"] }),
                (None, None),
            ),
            (
                json!({ "requiresCompatibilities": ["FARGATE"], "runtimePlatform": { "cpuArchitecture": "ARM64" } }),
                (Some("linux"), Some("arm64")),
            ),
            (
                json!({ "runtimePlatform": { "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE" } }),
                (Some("windows"), None),
            ),
            (
                json!({ "runtimePlatform": { "operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64" } }),
                (Some("linux"), Some("amd64")),
            ),
            (
                json!({ "runtimePlatform": { "cpuArchitecture": "RISCV" } }),
                (None, None),
            ),
        ];
        for (definition, (os, architecture)) in table {
            assert_eq!(
                needed_platform(&definition, None),
                NeededPlatform { os, architecture },
                "{definition}"
            );
        }
    }
}
