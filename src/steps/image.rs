//! Pushes the image to its registry, or finds it there, and pins it by digest. Nothing is armed:
//! what is pushed is addressed by content.
//!
//! One file, because the push, its estimate and the tags that it leaves for later follow from the
//! same plan.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::push_progress::TransferTally;
use super::repository;
use crate::error::{Explain, Failure};
use crate::event::fact::{BlobMounting, ImageFact};
use crate::event::{DeferredTag, Event, Parts, PinnedImage, Transfer};
use crate::outcome::Reason;
use crate::plan::{ImagePlan, Plan, RepositoryPlan};
use crate::registry::{
    self, Digest, Facts, ManifestReference, PlatformImage, PushError, PushEstimate, PushOptions,
    Pushed, RootManifest, Source, Tag, TagDeferral, Target,
};
use crate::run::Run;
use crate::survey::{ImageFound, RepositoryState, SurveyedRepository};
use crate::tags::DeferredTags;

/// The image as it is put into the task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedImage {
    /// Reference of the image, with its digest where it is pinned.
    pub image: String,
    /// The digest, unless the image is deployed by its name.
    pub digest: Option<Digest>,
    /// The images behind it, one for each platform, as far as they are known.
    pub images: Vec<PlatformImage>,
}

impl ResolvedImage {
    /// With a digest as long as people write it.
    pub fn short_name(&self) -> String {
        match self.image.split_once('@') {
            Some((name, digest)) => format!("{name}@{}", short_digest(digest)),
            None => self.image.clone(),
        }
    }
}

/// The image could not be pushed.
#[derive(Debug, thiserror::Error)]
#[error("the image could not be pushed")]
pub struct ImageError {
    source: PushError,
    /// The repository in ECR that it was to go to.
    destination: Option<Box<SurveyedRepository>>,
}

impl Explain for ImageError {
    fn reason(&self) -> Reason {
        match self.source {
            PushError::Denied { .. } => Reason::Denied,
            _ => Reason::ImageFailed,
        }
    }

    /// Remedies for ECR need region and ARN of the repository, which only the survey knows.
    fn hint(&self) -> Option<String> {
        match (&self.source, &self.destination) {
            (PushError::Denied { step, .. }, Some(at)) => {
                let (actions, arn) = (step.iam_actions(), at.arn());
                Some(format!(
                    "allow {actions} on {arn} for the role that the job uses, and in the repository's policy when it is another account's (docs/iam.md)"
                ))
            }
            (PushError::RepositoryMissing { .. }, Some(at)) => Some(match at.state {
                RepositoryState::Unknown => {
                    let (arn, command) = (at.arn(), at.create_command());
                    format!(
                        "make it: {command}; create-repository only makes what it sees to be missing, which takes ecr:DescribeRepositories on {arn}"
                    )
                }
                RepositoryState::Exists { .. } | RepositoryState::Missing(_) => {
                    format!(
                        "set create-repository: true, or make it: {}",
                        at.create_command()
                    )
                }
            }),
            (error, _) => error.hint(),
        }
    }
}

/// Pushes a local image; resolves one that is in a registry already.
pub async fn push_or_resolve(
    run: &Run,
    plan: &ImagePlan,
    found: ImageFound,
    repository: Option<&RepositoryPlan>,
) -> Result<ResolvedImage, Failure> {
    match found {
        ImageFound::Local {
            source,
            target,
            facts,
        } => {
            let pushed = push(run, plan, &source, &target, repository).await?;
            Ok(ResolvedImage {
                images: complete_images(&[Some(&pushed.facts), facts.as_ref()]),
                ..pushed.pinned
            })
        }
        ImageFound::InRegistry {
            pinned,
            digest,
            facts,
            place,
        } => {
            run.emit(ImageFact::AlreadyThere {
                reference: plan.reference.to_string(),
            });
            let registry = pinned.split('/').next().unwrap_or_default().to_owned();
            let tags = Vec::new();
            run.emit(Event::ImagePinned(PinnedImage {
                image: pinned.clone(),
                digest: digest.as_ref().map(Digest::to_string).unwrap_or_default(),
                registry,
                tags,
                moved: 0,
                transfer: None,
            }));
            if let Some((target, root)) = place.map(|place| *place) {
                let unset = find_unset_tags(&target, &root, &plan.tags_when_deployed).await;
                defer_tags(run, &target, root, unset);
            }
            Ok(ResolvedImage {
                image: pinned,
                digest,
                images: complete_images(&[facts.as_ref()]),
            })
        }
        ImageFound::ByName(name) => Ok(ResolvedImage {
            image: name,
            digest: None,
            images: Vec::new(),
        }),
    }
}

/// Estimates what a push would send; none where nothing is pushed. Nothing is written.
pub async fn estimate(
    plan: &Plan,
    found: Option<&ImageFound>,
) -> Result<Option<PushEstimate>, Failure> {
    let (Some(image), Some(ImageFound::Local { source, target, .. })) = (&plan.image, found) else {
        return Ok(None);
    };
    let repository = plan.repository.as_ref();
    let cache_from = repository
        .map(|plan| plan.cache_from.as_slice())
        .unwrap_or_default();
    let immutable = immutable_tags(image, repository);
    let options = PushOptions {
        tags: &image.tags,
        immutable: &immutable,
        cache_from,
        deferral: TagDeferral::NamingOthers(&image.tags_when_deployed),
    };
    let estimated = registry::estimate(source, target, options, &|_| {}).await;
    let at = || repository.map(|plan| Box::new(plan.seen.clone()));
    Ok(Some(estimated.map_err(|source| ImageError {
        source,
        destination: at(),
    })?))
}

/// The image where its registry has it already; none where it is yet to be pushed, or its registry
/// cannot be read.
pub fn find_existing(
    found: Option<&ImageFound>,
    estimate: Option<&PushEstimate>,
) -> Option<ResolvedImage> {
    let (image, digest, facts) = match found? {
        ImageFound::Local { target, facts, .. } => {
            let digest = estimate
                .filter(|estimate| estimate.missing == 0)?
                .digest
                .clone()?;
            let name = format!("{}/{}@{digest}", target.host(), target.repository);
            (name, digest, facts)
        }
        ImageFound::InRegistry {
            pinned,
            digest,
            facts,
            ..
        } => (pinned.clone(), digest.clone()?, facts),
        ImageFound::ByName(_) => return None,
    };
    Some(ResolvedImage {
        image,
        digest: Some(digest),
        images: complete_images(&[facts.as_ref()]),
    })
}

/// The tags that cannot be moved, because the repository's tags are immutable.
fn immutable_tags(plan: &ImagePlan, repository: Option<&RepositoryPlan>) -> Vec<Tag> {
    let is_fixed = |tag: &&Tag| repository.is_some_and(|plan| plan.seen.is_immutable(tag));
    plan.tags.iter().filter(is_fixed).cloned().collect()
}

struct PushedImage {
    pinned: ResolvedImage,
    facts: Facts,
}

/// Of several descriptions of an image, the first that has the digests of all platforms: an image
/// of a Docker engine has none before it is pushed, and blobs that were in the registry are not
/// read again.
fn complete_images(candidates: &[Option<&Facts>]) -> Vec<PlatformImage> {
    let complete = candidates.iter().flatten().find(|facts| {
        !facts.images.is_empty() && facts.images.iter().all(|image| image.digest.is_some())
    });
    complete
        .map(|facts| facts.images.clone())
        .unwrap_or_default()
}

async fn push(
    run: &Run,
    plan: &ImagePlan,
    source: &Source,
    target: &Target,
    repository: Option<&RepositoryPlan>,
) -> Result<PushedImage, Failure> {
    if let Some(plan) = repository {
        repository::ensure_repository(run, plan).await?;
    }
    let (began, tally) = (Instant::now(), Mutex::new(TransferTally::default()));
    let report = |progress| {
        let line = tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(&progress, began.elapsed());
        if let Some(sentence) = line {
            run.emit(ImageFact::Moving {
                progress: sentence.into(),
            });
        }
    };
    let immutable = immutable_tags(plan, repository);
    let cache_from = repository
        .map(|plan| plan.cache_from.as_slice())
        .unwrap_or_default();
    let deferral = TagDeferral::NamingOthers(&plan.tags_when_deployed);
    let pushed = registry::push(
        source,
        target,
        PushOptions {
            tags: &plan.tags,
            immutable: &immutable,
            cache_from,
            deferral,
        },
        &report,
    )
    .await;
    let at = || repository.map(|plan| Box::new(plan.seen.clone()));
    let pushed = pushed.map_err(|source| ImageError {
        source,
        destination: at(),
    })?;
    if let Some(plan) = repository {
        repository::report_made_by_push(run, plan);
        report_refused_mounts(run, &pushed, &plan.seen).await;
    }
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let pinned = report_pinned(run, target, &pushed, &tally);
    defer_tags(run, target, pushed.root, pushed.deferred_tags);
    Ok(PushedImage {
        pinned,
        facts: pushed.facts,
    })
}

/// Finds the tags that do not name the image yet, and what they name instead.
async fn find_unset_tags(
    target: &Target,
    root: &RootManifest,
    tags: &[Tag],
) -> Vec<(Tag, Option<Digest>)> {
    let mut unset = Vec::new();
    for tag in tags {
        // What cannot be read now is read again before the tag is set.
        let current = registry::resolve(target, ManifestReference::Tag(tag), &|_| {})
            .await
            .unwrap_or_default();
        if current.as_ref() != Some(root.digest()) {
            unset.push((tag.clone(), current));
        }
    }
    unset
}

/// Defers tags to the end of the run, and reports it.
fn defer_tags(run: &Run, target: &Target, image: RootManifest, later: Vec<(Tag, Option<Digest>)>) {
    if later.is_empty() {
        return;
    }
    let to_deferred = |(tag, names): &(Tag, Option<Digest>)| DeferredTag {
        tag: tag.as_str().to_owned(),
        names: names.as_ref().map(ToString::to_string),
    };
    run.emit(Event::TagsDeferred {
        tags: later.iter().map(to_deferred).collect(),
    });
    run.defer_tags(DeferredTags {
        target: target.clone(),
        image,
        tags: later.into_iter().map(|(tag, _)| tag).collect(),
    });
}

fn report_pinned(
    run: &Run,
    target: &Target,
    pushed: &Pushed,
    tally: &TransferTally,
) -> ResolvedImage {
    let (registry, digest) = (target.host(), pushed.digest.clone());
    let image = format!("{registry}/{}@{digest}", target.repository);
    let tags = pushed
        .tags
        .iter()
        .map(|tag| tag.as_str().to_owned())
        .collect();
    let transfer = Transfer {
        sent: Parts {
            count: pushed.uploaded,
            bytes: pushed.bytes_moved,
        },
        mounted: Parts {
            count: pushed.mounted,
            bytes: tally.mounted_bytes(),
        },
        skipped: Parts {
            count: pushed.existing,
            bytes: tally.skipped_bytes(),
        },
    };
    let (moved, transfer) = (pushed.bytes_moved, Some(transfer));
    run.emit(Event::ImagePinned(PinnedImage {
        image: image.clone(),
        digest: digest.to_string(),
        registry,
        tags,
        moved,
        transfer,
    }));
    ResolvedImage {
        image,
        digest: Some(digest),
        images: Vec::new(),
    }
}

/// Reports that layers of another repository were sent again, where the account does not let ECR
/// mount them.
async fn report_refused_mounts(run: &Run, pushed: &Pushed, seen: &SurveyedRepository) {
    if pushed.mount_refused == 0 {
        return;
    }
    let region = &seen.registry.region;
    let setting = match run.aws.is_blob_mounting_enabled(&seen.registry).await {
        Ok(true) => BlobMounting::Enabled,
        Ok(false) | Err(_) => BlobMounting::NotEnabled,
    };
    run.emit(ImageFact::LayersNotMounted {
        count: pushed.mount_refused,
        region: region.to_owned(),
        setting,
    });
}

/// `sha256:` and twelve digits, as people write digests.
pub fn short_digest(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ecr::{RegistryAccess, RegistryPlace};
    use crate::registry::Step;
    use crate::secret::Secret;

    fn repository_seen() -> Box<SurveyedRepository> {
        let registry = RegistryAccess {
            endpoint: "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com".into(),
            user: "AWS".into(),
            password: Secret::new("x"),
            region: "eu-west-1".into(),
            account: Some("123456789012".into()),
            place: RegistryPlace::Own(Vec::new()),
        };
        Box::new(SurveyedRepository {
            name: "team/api".into(),
            registry,
            state: RepositoryState::Unknown,
            immutable_tags: Vec::new(),
        })
    }

    fn hint(source: PushError) -> String {
        ImageError {
            source,
            destination: Some(repository_seen()),
        }
        .hint()
        .unwrap()
    }

    #[test]
    fn a_denied_push_names_the_action_and_the_repository_s_arn() {
        let (host, repository) = (String::from("x"), String::from("team/api"));
        let denied = hint(PushError::Denied {
            host,
            repository,
            step: Step::StartUpload,
            message: "no".into(),
        });
        let expected = "allow ecr:InitiateLayerUpload on arn:aws:ecr:eu-west-1:123456789012:repository/team/api";
        assert!(denied.starts_with(expected), "{denied}");
    }

    #[test]
    fn a_repository_that_nobody_could_see_to_be_missing_is_made_by_a_command() {
        let (host, repository) = (String::from("x"), String::from("team/api"));
        let missing = hint(PushError::RepositoryMissing {
            host,
            repository,
            message: "no".into(),
        });
        let command = "aws ecr create-repository --repository-name team/api --region eu-west-1 --registry-id 123456789012";
        assert!(
            missing.contains(command) && missing.contains("ecr:DescribeRepositories"),
            "{missing}"
        );
    }
}
