//! The registry and the repository that the image is pushed to: a token, whether the repository
//! exists, which of its tags are mutable.

use super::ReadError;
use crate::aws::ecr::{RegistryAccess, RegistryPlace};
use crate::aws::ecr_host::{EcrHost, partition};
use crate::aws::ecr_repositories::RepositoryLookup;
use crate::documents::new_repository::{NewRepository, TagRule};
use crate::problem::Problem;
use crate::registry::{Digest, ImageReference, Tag};
use crate::run::Run;
use crate::settings::{ImageSettings, Push, Settings};

/// The repository that the image is pushed to.
#[derive(Debug, Clone)]
pub struct SurveyedRepository {
    /// The name without the registry.
    pub name: String,
    /// The registry, with its credentials.
    pub registry: RegistryAccess,
    /// What is known of it.
    pub state: RepositoryState,
    /// Wanted tags that are immutable and already name an image, as far as they were read.
    pub immutable_tags: Vec<(Tag, Digest)>,
}

/// What is known of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryState {
    /// It exists.
    Exists {
        /// ARN.
        arn: String,
        /// Which of its tags are mutable.
        tags: TagRule,
        /// Whether images are scanned when they are pushed.
        scans_on_push: bool,
    },
    /// It does not exist.
    Missing(CreationTemplate),
    /// It could not be read: the push will find out.
    Unknown,
}

/// Whether a push creates a missing repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreationTemplate {
    /// A push creates it, by the creation template with this prefix.
    Found(String),
    /// A push does not create it.
    None,
    /// The templates could not be read: the push will find out.
    Unknown,
}

impl SurveyedRepository {
    /// `registry/name`, as people write it.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.registry.host(), self.name)
    }

    /// The ARN for a policy; with `*` for an unknown account.
    pub fn arn(&self) -> String {
        match &self.state {
            RepositoryState::Exists { arn, .. } => arn.clone(),
            RepositoryState::Missing(_) | RepositoryState::Unknown => {
                let (region, account) = (
                    &self.registry.region,
                    self.registry.account.as_deref().unwrap_or("*"),
                );
                format!(
                    "arn:{}:ecr:{region}:{account}:repository/{}",
                    partition(region),
                    self.name
                )
            }
        }
    }

    /// Whether a tag, once it is set, can never name another image.
    pub fn is_immutable(&self, tag: &Tag) -> bool {
        match &self.state {
            RepositoryState::Exists { tags, .. } => tags.is_immutable(tag.as_str()),
            RepositoryState::Missing(_) | RepositoryState::Unknown => false,
        }
    }

    /// The command that creates it.
    pub fn create_command(&self) -> String {
        let account = self
            .registry
            .account
            .as_ref()
            .map(|account| format!(" --registry-id {account}"))
            .unwrap_or_default();
        format!(
            "aws ecr create-repository --repository-name {} --region {}{account}",
            self.name, self.registry.region
        )
    }
}

/// The registry's token and the repository, for a run that pushes an image.
pub(super) async fn read_registry(
    run: &Run,
    settings: &Settings,
) -> Result<(Option<RegistryAccess>, Option<SurveyedRepository>), ReadError> {
    let Some(image) = settings
        .image
        .as_ref()
        .filter(|_| settings.mode.plans_deployment())
    else {
        return Ok((None, None));
    };
    let read = run
        .aws
        .request_registry_access(&registry_place(image, &settings.aws.registries))
        .await;
    let Some(repository) = &image.repository else {
        if matches!(image.reference, ImageReference::Registry(_)) {
            return Ok((read.ok(), None));
        }
        return Ok((
            run.optional_read("the image is deployed by its name, not by its digest", read),
            None,
        ));
    };
    let access = read?;
    if let Some(host) = repository
        .host
        .as_deref()
        .filter(|host| EcrHost::parse(host).is_none() && *host != access.host())
    {
        let message = format!("`{host}` is not a registry of ECR, which images are pushed to");
        let remedy =
            "write only the repository's name, or ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME";
        return Err(ReadError::Problem(Problem::new(
            "repository",
            message,
            remedy,
        )));
    }
    let seen = if image.push == Push::Never {
        None
    } else {
        Some(read_repository(run, access.clone(), &repository.name, image.create.as_ref()).await)
    };
    Ok((Some(access), seen))
}

/// If the host is given, it decides: account and region need not be the run's own.
fn registry_place(image: &ImageSettings, registries: &[String]) -> RegistryPlace {
    let written = match (&image.repository, &image.reference) {
        (Some(repository), _) => repository.host.as_deref(),
        (None, ImageReference::Bare(name) | ImageReference::Registry(name)) => {
            name.repository().split_once('/').map(|(host, _)| host)
        }
        (
            None,
            ImageReference::Engine(_)
            | ImageReference::Layout { .. }
            | ImageReference::OciArchive { .. }
            | ImageReference::DockerArchive { .. },
        ) => None,
    };
    written.and_then(EcrHost::parse).map_or_else(
        || RegistryPlace::Own(registries.to_vec()),
        RegistryPlace::Host,
    )
}

async fn read_repository(
    run: &Run,
    mut registry: RegistryAccess,
    name: &str,
    create: Option<&NewRepository>,
) -> SurveyedRepository {
    let limited = "whether the repository exists, and whether its tags are mutable, is only known once the image is pushed";
    let state = match run.optional_read(limited, run.aws.describe_repository(&registry, name).await)
    {
        Some(RepositoryLookup::Found(found)) => RepositoryState::Exists {
            arn: found.arn,
            tags: found.tags,
            scans_on_push: found.scans_on_push,
        },
        Some(RepositoryLookup::Missing(account)) => {
            registry.account = registry.account.or(account);
            RepositoryState::Missing(read_template(run, &registry, name, create).await)
        }
        None => RepositoryState::Unknown,
    };
    SurveyedRepository {
        name: name.to_owned(),
        registry,
        state,
        immutable_tags: Vec::new(),
    }
}

/// A repository that we create with settings of the user needs no template.
async fn read_template(
    run: &Run,
    registry: &RegistryAccess,
    name: &str,
    create: Option<&NewRepository>,
) -> CreationTemplate {
    if create.is_some_and(NewRepository::has_settings) {
        return CreationTemplate::None;
    }
    let limited =
        "whether a creation template makes the repository is only known once the image is pushed";
    match run.optional_read(
        limited,
        run.aws.find_creation_template(registry, name).await,
    ) {
        Some(Some(prefix)) => CreationTemplate::Found(prefix),
        Some(None) => CreationTemplate::None,
        None => CreationTemplate::Unknown,
    }
}
