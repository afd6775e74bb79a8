//! Where the image is: in the engine, in a layout, or in its registry already.

use url::Url;

use super::Unready;
use super::repository::{RepositorySeen, RepositoryState};
use crate::aws::ecr::RegistryAccess;
use crate::error::Failure;
use crate::outcome::Reason;
use crate::problem::Problem;
use crate::registry::{self, Credentials, Digest, ImageName, ImageReference, Name, PushError, Source, SourceError, Sources, Tag, Target};
use crate::run::Run;
use crate::settings::{ImageSettings, Push, Settings};

/// The image, found.
#[derive(Debug)]
pub enum ImageFound {
    /// It is here, and is to be pushed.
    Local {
        /// The image.
        source: Box<Source>,
        /// Where it goes.
        target: Box<Target>,
    },
    /// It is in the account's registry already.
    InRegistry {
        /// `registry/name@sha256:…`.
        pinned: String,
        /// The digest.
        digest: String,
    },
    /// It is in a registry that we cannot ask; it is deployed as it is named.
    AsNamed(String),
}

/// Looks where the image may be.
pub(super) async fn find(
    run: &Run,
    settings: &Settings,
    access: Option<&RegistryAccess>,
    seen: Option<&RepositorySeen>,
) -> Result<Option<ImageFound>, Unready> {
    let Some(image) = &settings.image else { return Ok(None) };
    match (&image.repository, access) {
        (Some(repository), Some(access)) => in_repository(run, image, &repository.name, access, seen).await.map(Some),
        (Some(_), None) => Ok(None),
        (None, access) => as_named(image, access).await.map(Some),
    }
}

async fn in_repository(
    run: &Run,
    image: &ImageSettings,
    name: &str,
    access: &RegistryAccess,
    seen: Option<&RepositorySeen>,
) -> Result<ImageFound, Unready> {
    let target = target(access, name)?;
    if image.push != Push::Never {
        let sources = Sources {
            engine_socket: run.runner.engine_socket.clone(),
            workspace: run.runner.workspace.root.clone(),
            temporary: run.runner.temp.clone(),
        };
        match registry::find(&image.reference, &sources).await {
            Ok(source) => return Ok(ImageFound::Local { source: Box::new(source), target: Box::new(target) }),
            Err(error) if may_be_elsewhere(image, &error) => {}
            Err(error) => return Err(problem("image", crate::error::chain_of(&error).join(": "), error.hint().unwrap_or("check image"))),
        }
    }
    if let Some(seen) = seen.filter(|seen| matches!(seen.state, RepositoryState::Missing(_))) {
        let message = format!("`{}` is not in the Docker engine, and there is no repository {}", image.reference, seen.place());
        return Err(problem("image", message, "build and load the image before this step, or check image and repository"));
    }
    there(image, &target, access, name).await
}

/// Wanted tags that may not move and name an image already. An engine's image has no digest yet to compare them with; then the push looks.
pub(super) async fn fixed_tags(image: &ImageSettings, found: &ImageFound, seen: &RepositorySeen) -> Vec<(Tag, Digest)> {
    let (ImageFound::Local { source, target }, RepositoryState::There { tags, .. }) = (found, &seen.state) else { return Vec::new() };
    if source.digest().is_none() {
        return Vec::new();
    }
    let mut fixed = Vec::new();
    for tag in image.tags.iter().filter(|tag| tags.is_fixed(tag.as_str())) {
        // What cannot be read now is read again by the push, which fails before it sends anything.
        if let Ok(Some(digest)) = registry::resolve(target, &Name::Tag(tag), &|_| {}).await {
            fixed.push((tag.clone(), digest));
        }
    }
    fixed
}

/// A bare reference that the engine does not have may be in the registry.
fn may_be_elsewhere(image: &ImageSettings, error: &SourceError) -> bool {
    let bare = matches!(image.reference, ImageReference::Bare(_)) && image.push == Push::Auto;
    bare && matches!(error, SourceError::NotInEngine { .. } | SourceError::EngineUnreachable { .. })
}

async fn there(image: &ImageSettings, target: &Target, access: &RegistryAccess, name: &str) -> Result<ImageFound, Unready> {
    let Some(reference) = reference(&image.reference) else {
        return Err(problem("push", "an OCI layout has no name in the registry", "leave push out, or name the image in the registry"));
    };
    match registry::resolve(target, &reference.name(), &|_| {}).await {
        Ok(Some(digest)) => Ok(ImageFound::InRegistry { pinned: format!("{}/{name}@{digest}", access.host()), digest: digest.to_string() }),
        Ok(None) => {
            let message = format!("`{}` is neither in the Docker engine nor is `{reference}` in {}/{name}", image.reference, access.host());
            Err(problem("image", message, "build and load the image before this step, or check image and repository"))
        }
        Err(error) => Err(unresolved(&error)),
    }
}

/// The tag or digest by which an image is known in its registry.
enum Known {
    Tag(Tag),
    Digest(Digest),
}

impl Known {
    fn name(&self) -> Name<'_> {
        match self {
            Self::Tag(tag) => Name::Tag(tag),
            Self::Digest(digest) => Name::Digest(digest),
        }
    }
}

impl std::fmt::Display for Known {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => out.write_str(tag.as_str()),
            Self::Digest(digest) => out.write_str(digest.as_str()),
        }
    }
}

/// A name without a tag means `latest`, as everywhere.
fn reference(reference: &ImageReference) -> Option<Known> {
    let name: &ImageName = match reference {
        ImageReference::Engine(name) | ImageReference::Bare(name) => name,
        ImageReference::Layout { .. } => return None,
    };
    let digest = name.digest().cloned().map(Known::Digest);
    let tag = || name.tag().cloned().or_else(|| "latest".parse().ok()).map(Known::Tag);
    digest.or_else(tag)
}

/// No repository is given: the reference itself says where the image is.
async fn as_named(image: &ImageSettings, access: Option<&RegistryAccess>) -> Result<ImageFound, Unready> {
    let text = image.reference.to_string();
    let ImageReference::Bare(name) = &image.reference else { return Ok(ImageFound::AsNamed(text)) };
    let Some((access, repository)) =
        access.and_then(|access| Some((access, name.repository().strip_prefix(access.host())?.strip_prefix('/')?)))
    else {
        return Ok(ImageFound::AsNamed(text));
    };
    there(image, &target(access, repository)?, access, repository).await
}

fn target(access: &RegistryAccess, repository: &str) -> Result<Target, Unready> {
    let endpoint = Url::parse(&access.endpoint).map_err(|error| {
        Unready::Failure(Failure::new(Reason::ImageFailed, format!("ECR named an endpoint that is not a URL: {error}")))
    })?;
    let credentials = Credentials { user: access.user.clone(), password: access.password.clone() };
    Ok(Target { endpoint, repository: repository.to_owned(), credentials: Some(credentials) })
}

fn unresolved(error: &PushError) -> Unready {
    let sentence = crate::error::chain_of(error).join(": ");
    match error {
        PushError::RepositoryMissing { .. } | PushError::Denied { .. } | PushError::Repository { .. } => {
            problem("repository", sentence, &error.hint().unwrap_or_else(|| "check repository and the role's permissions".into()))
        }
        _ => Unready::Failure(Failure::new(Reason::ImageFailed, sentence)),
    }
}

fn problem(input: &str, message: impl Into<String>, remedy: &str) -> Unready {
    Unready::Problems(vec![Problem::new(input, message, remedy)])
}
