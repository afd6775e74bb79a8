//! What the repository has before anything is sent: the images that the tags name, and the contents
//! of images that the new one may share layers with.
//!
//! All of it only saves time. Without the permission to read, every blob is asked for one by one.

mod known_contents;

use std::collections::HashSet;

use futures_util::future::join_all;

pub(crate) use self::known_contents::KnownContents;

use crate::client::{FetchedManifest, Registry};
use crate::digest::Digest;
use crate::error::PushError;
use crate::manifest::Manifest;
use crate::progress::Report;
use crate::push::{PushOptions, TagDeferral};
use crate::reference::{ManifestReference, Tag};
use crate::source::Source;

/// How many images of indexes are read: an engine builds on few platforms.
const CHILDREN: usize = 8;

/// The image that a tag names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TagTarget {
    /// The tag does not exist.
    Absent,
    /// The image with this digest.
    Image(Digest),
    /// It was not asked for, or reading it is not allowed.
    Unknown,
}

impl TagTarget {
    /// The image, where it is known.
    pub(super) fn into_digest(self) -> Option<Digest> {
        match self {
            Self::Image(digest) => Some(digest),
            Self::Absent | Self::Unknown => None,
        }
    }
}

/// What the repository has.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// The tags that were asked for.
    tags: Vec<(Tag, TagTarget)>,
    /// The image to be pushed, if the repository has it already.
    root: Option<Digest>,
    pub(super) known: KnownContents,
}

impl Inventory {
    /// Reads the images that the tags and `cache_from` name, and whether the repository has the
    /// image already. If it does not, the layers of those images are read too.
    pub(super) async fn read(
        registry: &Registry,
        source: &Source,
        options: PushOptions<'_>,
        report: Report<'_>,
    ) -> Result<Self, PushError> {
        if source.is_in(registry) {
            return Self::read_for_retagging(registry, source, options, report).await;
        }
        let (tagged, similar) = tokio::join!(
            read_tags(registry, options.tags.iter(), report),
            read_images(registry, options.cache_from, report)
        );
        let (tags, mut manifests) = tagged?;
        manifests.extend(similar?);
        let mut seen = HashSet::new();
        manifests.retain(|manifest| seen.insert(manifest.digest.clone()));
        let mut inventory = Self {
            tags,
            ..Self::default()
        };
        let digest = source.digest();
        if digest.is_some_and(|digest| inventory.is_tagged(digest)) {
            inventory.root = digest.cloned();
            return Ok(inventory);
        }
        let root = async {
            match digest {
                Some(digest) => resolve_unless_denied(registry, digest, report).await,
                None => Ok(None),
            }
        };
        let (root, known) = tokio::join!(
            root,
            read_known_contents(registry, source, manifests, report)
        );
        inventory.root = root?;
        inventory.known = known?;
        Ok(inventory)
    }

    /// For an image that is in the repository already, so that only tags are set. Setting one is
    /// one request, and so is asking for it: it is asked for only where the answer could forbid
    /// setting it.
    async fn read_for_retagging(
        registry: &Registry,
        source: &Source,
        options: PushOptions<'_>,
        report: Report<'_>,
    ) -> Result<Self, PushError> {
        let matters = |tag: &&Tag| {
            options.immutable.contains(tag)
                || matches!(options.deferral, TagDeferral::NamingOthers(_))
        };
        let (tags, _) = read_tags(registry, options.tags.iter().filter(matters), report).await?;
        Ok(Self {
            tags,
            root: source.digest().cloned(),
            known: KnownContents::default(),
        })
    }

    /// Refuses, before anything is sent, what an immutable tag would refuse at the end.
    pub(super) fn check_immutable_tags(
        &self,
        registry: &Registry,
        source: &Source,
        options: PushOptions<'_>,
    ) -> Result<(), PushError> {
        let (digest, config) = (source.digest(), source.config_digest());
        for (tag, there) in self
            .tagged_images()
            .filter(|(tag, _)| options.immutable.contains(tag))
        {
            let Some(ours) = digest.or(config) else {
                continue;
            };
            if !self.is_same_image(there, digest, config) {
                return Err(PushError::TagTaken {
                    repository: registry.repository.clone(),
                    tag: tag.clone(),
                    there: Some(there.clone()),
                    ours: ours.clone(),
                    message: "the tag is immutable".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Whether `existing` is the image with this digest, or the one with this config. Engines that
    /// use containerd's store call an image by its digest where others call it by its config.
    fn is_same_image(
        &self,
        existing: &Digest,
        digest: Option<&Digest>,
        config: Option<&Digest>,
    ) -> bool {
        let has_config = |config: &Digest| {
            self.known
                .image_with_config(config)
                .is_some_and(|image| image.digest == *existing)
        };
        digest == Some(existing)
            || config.is_some_and(|config| config == existing || has_config(config))
    }

    /// Whether the repository has the manifest with this digest, and so everything below it.
    pub(super) fn has_image(&self, digest: &Digest) -> bool {
        self.root.as_ref() == Some(digest) || self.known.has_manifest(digest)
    }

    /// The image that a tag names.
    pub(super) fn tag_target(&self, tag: &Tag) -> TagTarget {
        self.tags
            .iter()
            .find(|(name, _)| name == tag)
            .map_or(TagTarget::Unknown, |(_, target)| target.clone())
    }

    fn is_tagged(&self, digest: &Digest) -> bool {
        self.tagged_images().any(|(_, named)| named == digest)
    }

    fn tagged_images(&self) -> impl Iterator<Item = (&Tag, &Digest)> {
        self.tags.iter().filter_map(|(tag, target)| match target {
            TagTarget::Image(digest) => Some((tag, digest)),
            TagTarget::Absent | TagTarget::Unknown => None,
        })
    }

    /// An inventory without contents: the registry does not have what it was thought to have.
    pub(super) fn without_contents(&self) -> Self {
        Self {
            tags: self.tags.clone(),
            ..Self::default()
        }
    }
}

/// What the tags name, and the manifests of the images that they name, each once.
async fn read_tags(
    registry: &Registry,
    tags: impl Iterator<Item = &Tag>,
    report: Report<'_>,
) -> Result<(Vec<(Tag, TagTarget)>, Vec<Manifest>), PushError> {
    let read = tags.map(|tag| async move {
        let fetched = registry
            .fetch_manifest(ManifestReference::Tag(tag), report)
            .await;
        (tag, fetched)
    });
    let (mut targets, mut manifests) = (Vec::new(), Vec::new());
    for (tag, fetched) in join_all(read).await {
        let target = match fetched {
            Ok(Some(fetched)) => {
                let digest = fetched.digest.clone();
                manifests.extend(parse_if_known(fetched));
                TagTarget::Image(digest)
            }
            Ok(None) => TagTarget::Absent,
            Err(PushError::Denied { .. }) => TagTarget::Unknown,
            Err(error) => return Err(error),
        };
        targets.push((tag.clone(), target));
    }
    Ok((targets, manifests))
}

/// The manifests with these digests, as far as they are there and may be read.
async fn read_images(
    registry: &Registry,
    digests: impl IntoIterator<Item = &Digest>,
    report: Report<'_>,
) -> Result<Vec<Manifest>, PushError> {
    let fetched = digests
        .into_iter()
        .map(|digest| fetch_unless_denied(registry, digest, report));
    let fetched: Result<Vec<_>, _> = join_all(fetched).await.into_iter().collect();
    Ok(fetched?
        .into_iter()
        .flatten()
        .filter_map(parse_if_known)
        .collect())
}

/// A kind of manifest that is not known here says nothing about contents, and is no obstacle.
fn parse_if_known(fetched: FetchedManifest) -> Option<Manifest> {
    fetched.parse().ok()
}

async fn fetch_unless_denied(
    registry: &Registry,
    digest: &Digest,
    report: Report<'_>,
) -> Result<Option<FetchedManifest>, PushError> {
    match registry
        .fetch_manifest(ManifestReference::Digest(digest), report)
        .await
    {
        Err(PushError::Denied { .. }) => Ok(None),
        other => other,
    }
}

async fn resolve_unless_denied(
    registry: &Registry,
    digest: &Digest,
    report: Report<'_>,
) -> Result<Option<Digest>, PushError> {
    match registry
        .resolve(ManifestReference::Digest(digest), report)
        .await
    {
        Err(PushError::Denied { .. }) => Ok(None),
        Ok(there) => Ok(there.filter(|there| there == digest)),
        Err(error) => Err(error),
    }
}

/// The contents of these images, and of the images that they list if they are indexes. Configs are
/// read only for a source that knows its layers by their uncompressed contents.
async fn read_known_contents(
    registry: &Registry,
    source: &Source,
    manifests: Vec<Manifest>,
    report: Report<'_>,
) -> Result<KnownContents, PushError> {
    // The layers of attestations are shared with nothing.
    let children = manifests
        .iter()
        .flat_map(Manifest::index_entries)
        .filter(|child| !child.is_attestation())
        .map(|child| &child.digest)
        .take(CHILDREN);
    let children = read_images(registry, children, report).await?;
    let mut known = KnownContents::default();
    for manifest in manifests.into_iter().chain(children) {
        known.add(manifest);
    }
    if source
        .config_digest()
        .is_some_and(|config| known.image_with_config(config).is_none())
    {
        map_known_layers(registry, &mut known, report).await?;
    }
    Ok(known)
}

/// Reads the configs of the images that are known, which say what their layers are uncompressed.
async fn map_known_layers(
    registry: &Registry,
    known: &mut KnownContents,
    report: Report<'_>,
) -> Result<(), PushError> {
    let images = known.images();
    let configs: Vec<_> = images
        .iter()
        .map(|(_, config)| registry.fetch_config(config, report))
        .collect();
    for ((manifest, _), config) in images.iter().zip(join_all(configs).await) {
        match config {
            Ok(config) => known.map_layers(manifest, &config),
            // Some configs are not those of images, and some may not be read.
            Err(PushError::Source(_) | PushError::Denied { .. } | PushError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
