//! Where the image is: on this machine, in a registry, or already in its target repository.
//!
//! One file, because it is one search, from the reference to the place.

use std::path::Path;

use super::SurveyFailure;
use super::registries::Registries;
use super::repository::{RepositoryState, SurveyedRepository};
use crate::aws::ecr::RegistryAccess;
use crate::aws::ecr_host::EcrHost;
use crate::error::{Failure, cause_chain};
use crate::outcome::Reason;
use crate::problem::Problem;
use crate::registry::{
    self, Digest, Facts, ImageName, ImageReference, ManifestReference, PushError, RootManifest,
    Source, SourceError, Sources, Tag, Target,
};
use crate::run::Run;
use crate::settings::{ImageSettings, Push, Settings, SourceLogin};

/// Where the image was found.
#[derive(Debug)]
pub enum ImageFound {
    /// It is on this machine or in another registry, and is pushed.
    Local {
        /// Where it is read from.
        source: Box<Source>,
        /// Where it is pushed to.
        target: Box<Target>,
        /// Its platform and configuration, if they could be read.
        facts: Option<Facts>,
    },
    /// It is already in the registry it is deployed from.
    InRegistry {
        /// `registry/name@sha256:…`.
        pinned: String,
        /// Its digest, if it is known.
        digest: Option<Digest>,
        /// Its platform and configuration, if they could be read.
        facts: Option<Facts>,
        /// The repository and the image in it, for tags that are to be set.
        place: Option<Box<(Target, RootManifest)>>,
    },
    /// It is in a registry that we cannot read, and is deployed by its name.
    ByName(String),
}

/// Searches the image; only a deployment has one.
pub(super) async fn find(
    run: &Run,
    settings: &Settings,
    access: Option<&RegistryAccess>,
    seen: Option<&SurveyedRepository>,
) -> Result<Option<ImageFound>, SurveyFailure> {
    let Some(image) = settings
        .image
        .as_ref()
        .filter(|_| settings.mode.plans_deployment())
    else {
        return Ok(None);
    };
    let finder = ImageFinder {
        run,
        image,
        registries: Registries::new(&run.aws, access)?,
    };
    match (&image.repository, access) {
        (Some(repository), Some(access)) => finder
            .find_for_repository(&repository.name, access, seen)
            .await
            .map(Some),
        (Some(_), None) => Ok(None),
        (None, access) => finder.find_by_reference(access).await.map(Some),
    }
}

const SET_REPOSITORY: &str = "set repository, so that the image is pushed to ECR";

struct ImageFinder<'r> {
    run: &'r Run,
    image: &'r ImageSettings,
    registries: Registries<'r>,
}

impl ImageFinder<'_> {
    async fn find_for_repository(
        &self,
        name: &str,
        access: &RegistryAccess,
        seen: Option<&SurveyedRepository>,
    ) -> Result<ImageFound, SurveyFailure> {
        let (image, target) = (self.image, self.registries.ecr_target(access, name)?);
        let mut engine = "the Docker engine does not have it";
        if image.push != Push::Never {
            let reference = match self.find_source(&image.reference).await? {
                Ok(source) => return Ok(local_image(source, target).await),
                Err(error) if may_be_in_registry(image, &error) => {
                    engine = describe_engine_absence(&error);
                    self.registry_reference(access, name)
                }
                Err(error) => return Err(self.unreadable_image(&error)),
            };
            if let Some(reference) = reference {
                return match self.find_source(&reference).await? {
                    Ok(source) => Ok(local_image(source, target).await),
                    Err(error) => Err(self.unreadable_image(&error)),
                };
            }
        }
        if let Some(seen) = seen.filter(|seen| matches!(seen.state, RepositoryState::Missing(_))) {
            let message = format!(
                "`{}` was not found: {engine}, and there is no repository {}",
                image.reference,
                seen.full_name()
            );
            return Err(problem(
                "image",
                message,
                "build and load the image before this step, or check image and repository",
            ));
        }
        self.find_in_repository(
            target,
            access.host(),
            name,
            Some(engine).filter(|_| image.push != Push::Never),
        )
        .await
    }

    /// A bare name means a registry's image, unless that is the repository that it would be pushed
    /// to.
    fn registry_reference(
        &self,
        access: &RegistryAccess,
        repository: &str,
    ) -> Option<ImageReference> {
        let ImageReference::Bare(name) = &self.image.reference else {
            return None;
        };
        let host = name.host()?;
        let is_target = access.matches_host(host) && name.address().1 == repository;
        (!is_target).then(|| ImageReference::Registry(name.clone()))
    }

    async fn find_source(
        &self,
        reference: &ImageReference,
    ) -> Result<Result<Source, SourceError>, SurveyFailure> {
        let registry = match reference {
            ImageReference::Registry(name) => Some(
                self.registries
                    .target_for_name(name, self.image.login.credentials())
                    .await?,
            ),
            ImageReference::Engine(_)
            | ImageReference::Bare(_)
            | ImageReference::Layout { .. }
            | ImageReference::OciArchive { .. }
            | ImageReference::DockerArchive { .. } => None,
        };
        let reference = resolve_paths(reference, self.run)?;
        Ok(registry::find(&reference, &self.sources(registry), &|_| {}).await)
    }

    fn sources(&self, registry: Option<Target>) -> Sources {
        Sources {
            engine_socket: self.run.runner.engine_socket.clone(),
            workspace: self.run.runner.workspace.root.clone(),
            temporary: self.run.runner.temp_folder.clone(),
            registry,
        }
    }

    /// Searches the repository that the image would be pushed to.
    async fn find_in_repository(
        &self,
        target: Target,
        host: &str,
        name: &str,
        engine: Option<&str>,
    ) -> Result<ImageFound, SurveyFailure> {
        let Some(known) = tag_or_digest(&self.image.reference) else {
            let message = "an image in a layout or an archive has no name in the registry";
            return Err(problem(
                "push",
                message,
                "leave push out, or name the image in the registry",
            ));
        };
        let image_name = known.to_image_name(name).ok_or_else(|| {
            problem(
                "repository",
                format!("`{name}` is not a name"),
                "check repository",
            )
        })?;
        match registry::find(
            &ImageReference::Registry(image_name),
            &self.sources(Some(target.clone())),
            &|_| {},
        )
        .await
        {
            Ok(source) => {
                let there = source.registry_root().map(|root| Box::new((target, root)));
                registry_image(&source, &format!("{host}/{name}"), there).await
            }
            Err(SourceError::NotInRegistry { .. }) => {
                let engine = engine
                    .map(|engine| format!("{engine}, and "))
                    .unwrap_or_default();
                let message = format!(
                    "`{}` was not found: {engine}{host}/{name} has no `{known}`",
                    self.image.reference
                );
                Err(problem(
                    "image",
                    message,
                    "build and load the image before this step, or check image and repository",
                ))
            }
            Err(SourceError::Registry(error)) => Err(explain_push_error(&error)),
            Err(error) => Err(self.unreadable_image(&error)),
        }
    }

    /// Without `repository`, the reference itself says where the image is.
    async fn find_by_reference(
        &self,
        access: Option<&RegistryAccess>,
    ) -> Result<ImageFound, SurveyFailure> {
        let as_named = || ImageFound::ByName(self.image.reference.to_string());
        match &self.image.reference {
            ImageReference::Registry(name) => {
                match self.find_source(&self.image.reference).await? {
                    Ok(source) => registry_image(&source, name.repository(), None).await,
                    Err(error) => Err(self.unreadable_image(&error)),
                }
            }
            ImageReference::Bare(name) => {
                match access.and_then(|access| Some((access, name.repository().split_once('/')?))) {
                    Some((access, (host, repository))) if access.matches_host(host) => {
                        self.find_in_repository(
                            self.registries.ecr_target(access, repository)?,
                            access.host(),
                            repository,
                            None,
                        )
                        .await
                    }
                    Some(_) | None if name.host().is_none() => {
                        self.check_pullable(name).await.map(|()| as_named())
                    }
                    Some(_) | None => Ok(as_named()),
                }
            }
            ImageReference::Engine(_)
            | ImageReference::Layout { .. }
            | ImageReference::OciArchive { .. }
            | ImageReference::DockerArchive { .. } => Ok(as_named()),
        }
    }
}

impl ImageFinder<'_> {
    /// For ECS, a name without a registry is one of Docker Hub. An image of that name in this
    /// engine is a different one, unless Docker Hub is known to have it too.
    async fn check_pullable(&self, name: &ImageName) -> Result<(), SurveyFailure> {
        let Some(pulled) = name.pull_name() else {
            let message = format!(
                "`{name}` is the id of an image in the Docker engine, from which ECS cannot pull"
            );
            return Err(problem("image", message, SET_REPOSITORY));
        };
        let is_local = match self.image.push {
            Push::Never => false, // whoever says so means the registry's
            Push::Auto | Push::Always => self
                .find_source(&self.image.reference)
                .await?
                .is_ok_and(|source| source.is_in_engine_only(name)),
        };
        if is_local {
            let message = format!(
                "`{name}` is in the Docker engine, from which ECS cannot pull: it would run {pulled}, which may be somebody else's"
            );
            return Err(problem(
                "image",
                message,
                &format!("{SET_REPOSITORY}; if Docker Hub's image is meant, write {pulled}"),
            ));
        }
        Ok(())
    }

    fn unreadable_image(&self, error: &SourceError) -> SurveyFailure {
        let is_denied = matches!(error, SourceError::Registry(error) if matches!(**error, PushError::Denied { .. }));
        let own = || error.hint().unwrap_or_else(|| "check image".into());
        let remedy = match &self.image.login {
            SourceLogin::OutOfReach(why) if is_denied => {
                format!("{why}; set registry-username and registry-password")
            }
            SourceLogin::Anonymous if is_denied && !is_ecr(&self.image.reference) => {
                "set registry-username and registry-password, or docker-config".to_owned()
            }
            SourceLogin::With(_) | SourceLogin::OutOfReach(_) | SourceLogin::Anonymous => own(),
        };
        problem("image", cause_chain(error).join(": "), &remedy)
    }
}

/// The same reference with the real path of its files, which must be inside the job's folders.
fn resolve_paths(reference: &ImageReference, run: &Run) -> Result<ImageReference, SurveyFailure> {
    let workspace = &run.runner.workspace;
    let find = |path: &Path| {
        let text = path.display().to_string();
        if let Some(sentence) = workspace.describe_substitute(&text) {
            run.note_once(format!("image: {sentence}"));
        }
        let remedy = "the path is relative to the workspace; files outside the workspace are not seen by the action";
        workspace
            .find(&text)
            .map_err(|error| problem("image", format!("{text} {error}"), remedy))
    };
    Ok(match reference {
        ImageReference::Layout { dir, tag } => ImageReference::Layout {
            dir: find(dir)?,
            tag: tag.clone(),
        },
        ImageReference::OciArchive { file, tag } => ImageReference::OciArchive {
            file: find(file)?,
            tag: tag.clone(),
        },
        ImageReference::DockerArchive { file, name } => ImageReference::DockerArchive {
            file: find(file)?,
            name: name.clone(),
        },
        ImageReference::Engine(_) | ImageReference::Registry(_) | ImageReference::Bare(_) => {
            reference.clone()
        }
    })
}

/// Whether the image is in ECR, which accepts only AWS's credentials.
fn is_ecr(reference: &ImageReference) -> bool {
    matches!(reference, ImageReference::Registry(name) if EcrHost::parse(&name.address().0).is_some())
}

async fn local_image(source: Source, target: Target) -> ImageFound {
    let facts = read_facts(&source).await;
    ImageFound::Local {
        source: Box::new(source),
        target: Box::new(target),
        facts,
    }
}

async fn registry_image(
    source: &Source,
    name: &str,
    place: Option<Box<(Target, RootManifest)>>,
) -> Result<ImageFound, SurveyFailure> {
    let digest = source.digest().cloned();
    let text = digest.as_ref().map_or("", Digest::as_str);
    Ok(ImageFound::InRegistry {
        pinned: format!("{name}@{text}"),
        digest,
        facts: read_facts(source).await,
        place,
    })
}

/// If the facts cannot be read, they are unknown, which is no reason to refuse.
async fn read_facts(source: &Source) -> Option<Facts> {
    source.facts(&|_| {}).await.ok()
}

/// Wanted tags that are immutable and already name an image. An engine's image has no digest yet to
/// compare with; then the push checks.
pub(super) async fn read_immutable_tags(
    image: &ImageSettings,
    found: &ImageFound,
    seen: &SurveyedRepository,
) -> Vec<(Tag, Digest)> {
    let ImageFound::Local { source, target, .. } = found else {
        return Vec::new();
    };
    if source.digest().is_none() {
        return Vec::new();
    }
    let mut fixed = Vec::new();
    for tag in image.tags.iter().filter(|tag| seen.is_immutable(tag)) {
        // If it cannot be read now, the push reads it again, and fails before it sends anything.
        if let Ok(Some(digest)) =
            registry::resolve(target, ManifestReference::Tag(tag), &|_| {}).await
        {
            fixed.push((tag.clone(), digest));
        }
    }
    fixed
}

/// Why the engine does not have it.
fn describe_engine_absence(error: &SourceError) -> &'static str {
    match error {
        SourceError::EngineAbsent { .. } => "there is no Docker engine on this runner",
        SourceError::EngineUnreachable { .. } => "the Docker engine does not answer",
        _ => "the Docker engine does not have it",
    }
}

/// A bare reference that the engine does not have may be in the registry.
fn may_be_in_registry(image: &ImageSettings, error: &SourceError) -> bool {
    let bare = matches!(image.reference, ImageReference::Bare(_)) && image.push == Push::Auto;
    bare && matches!(
        error,
        SourceError::NotInEngine { .. }
            | SourceError::EngineAbsent { .. }
            | SourceError::EngineUnreachable { .. }
    )
}

/// The tag or digest by which an image is known in its registry.
enum TagOrDigest {
    Tag(Tag),
    Digest(Digest),
}

impl TagOrDigest {
    fn to_image_name(&self, repository: &str) -> Option<ImageName> {
        match self {
            Self::Tag(tag) => format!("{repository}:{tag}"),
            Self::Digest(digest) => format!("{repository}@{digest}"),
        }
        .parse()
        .ok()
    }
}

impl std::fmt::Display for TagOrDigest {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => out.write_str(tag.as_str()),
            Self::Digest(digest) => out.write_str(digest.as_str()),
        }
    }
}

/// A name without a tag means `latest`, as everywhere.
fn tag_or_digest(reference: &ImageReference) -> Option<TagOrDigest> {
    let name: &ImageName = match reference {
        ImageReference::Engine(name)
        | ImageReference::Bare(name)
        | ImageReference::Registry(name) => name,
        ImageReference::Layout { .. }
        | ImageReference::OciArchive { .. }
        | ImageReference::DockerArchive { .. } => return None,
    };
    let digest = name.digest().cloned().map(TagOrDigest::Digest);
    let tag = || {
        name.tag()
            .cloned()
            .or_else(|| "latest".parse().ok())
            .map(TagOrDigest::Tag)
    };
    digest.or_else(tag)
}

fn explain_push_error(error: &PushError) -> SurveyFailure {
    let sentence = cause_chain(error).join(": ");
    match error {
        PushError::RepositoryMissing { .. }
        | PushError::Denied { .. }
        | PushError::Repository { .. } => problem(
            "repository",
            sentence,
            &error
                .hint()
                .unwrap_or_else(|| "check repository and the role's permissions".into()),
        ),
        _ => SurveyFailure::Failure(Failure::new(Reason::ImageFailed, sentence)),
    }
}

fn problem(input: &str, message: impl Into<String>, remedy: &str) -> SurveyFailure {
    SurveyFailure::Problems(vec![Problem::new(input, message, remedy)])
}
