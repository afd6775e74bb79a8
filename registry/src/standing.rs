//! What the repository has before anything is moved: what the tags name, and the contents of images
//! that are there.
//!
//! Everything here is a shortcut: whoever may not read loses nothing but time, because every
//! content is asked for then.

use futures_util::future::join_all;

use super::client::Registry;
use super::digest::Digest;
use super::error::PushError;
use super::known::Known;
use super::media::Manifest;
use super::progress::Report;
use super::push::{Delivery, Later};
use super::reference::Tag;
use super::source::Source;

/// Of a large index no more images are read than an engine could have built on.
const CHILDREN: usize = 8;

/// What a tag names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// No image: the tag is new.
    Nothing,
    /// The image with this digest.
    Image(Digest),
    /// Nobody asked, or the answer was denied.
    Unknown,
}

impl Named {
    /// The image, where it is known.
    pub(super) fn image(self) -> Option<Digest> {
        match self {
            Self::Image(digest) => Some(digest),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

/// What is there.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// Tags that were asked for, and what they name.
    names: Vec<(Tag, Named)>,
    /// Whether the image is there under its digest.
    root: Option<Digest>,
    pub(super) known: Known,
}

impl Inventory {
    /// Reads what the tags name, and where that is not the image, what of it could be of use.
    pub(super) async fn read(
        registry: &Registry,
        source: &Source,
        delivery: Delivery<'_>,
        report: Report<'_>,
    ) -> Result<Self, PushError> {
        let mut standing = Self::default();
        if source.is_in(registry) {
            standing.root = source.digest().cloned();
            // A write is one request, and so would be the question: it is asked only where the
            // answer could forbid the write.
            let matters = |tag: &&Tag| {
                delivery.immutable.contains(tag) || matches!(delivery.later, Later::OfOthers(_))
            };
            let asked: Vec<&Tag> = delivery.tags.iter().filter(matters).collect();
            standing.read_names(registry, &asked, &[], report).await?;
            return Ok(standing);
        }
        let tags: Vec<&Tag> = delivery.tags.iter().collect();
        let found = standing
            .read_names(registry, &tags, delivery.alike, report)
            .await?;
        if source
            .digest()
            .is_some_and(|digest| standing.images().any(|(_, named)| named == digest))
        {
            standing.root = source.digest().cloned();
            return Ok(standing);
        }
        let asked = async {
            match source.digest() {
                Some(digest) => resolved(registry, digest, report).await,
                None => Ok(None),
            }
        };
        let (root, learnt) = tokio::join!(asked, learn(registry, source, found, report));
        standing.root = root?;
        standing.known = learnt?;
        Ok(standing)
    }

    async fn read_names(
        &mut self,
        registry: &Registry,
        tags: &[&Tag],
        alike: &[Digest],
        report: Report<'_>,
    ) -> Result<Vec<Manifest>, PushError> {
        let names = tags
            .iter()
            .map(|tag| tag.as_str())
            .chain(alike.iter().map(Digest::as_str));
        let asked: Vec<_> = names.map(|name| registry.given(name, report)).collect();
        let mut manifests: Vec<Manifest> = Vec::new();
        for (at, given) in join_all(asked).await.into_iter().enumerate() {
            let (named, given) = match given {
                Ok(Some(given)) => (Named::Image(given.digest.clone()), Some(given)),
                Ok(None) => (Named::Nothing, None),
                Err(PushError::Denied { .. }) => (Named::Unknown, None),
                Err(error) => return Err(error),
            };
            if let Some(tag) = tags.get(at) {
                self.names.push(((*tag).clone(), named));
            }
            let Some(given) = given else { continue };
            // A kind of manifest that is not known here is in the way of nothing; nothing can be
            // learnt from it either.
            if let Ok(manifest) = given.read()
                && manifests
                    .iter()
                    .all(|other| other.digest != manifest.digest)
            {
                manifests.push(manifest);
            }
        }
        Ok(manifests)
    }

    /// Refuses before the first upload what a tag that cannot be moved would refuse after the last.
    pub(super) fn allows(
        &self,
        registry: &Registry,
        source: &Source,
        delivery: Delivery<'_>,
    ) -> Result<(), PushError> {
        for (tag, there) in self
            .images()
            .filter(|(tag, _)| delivery.immutable.contains(tag))
        {
            let ours = source.digest().or(source.config());
            let same = source.digest() == Some(there)
                || source.config().is_some_and(|id| {
                    id == there
                        || self
                            .known
                            .image_of(id)
                            .is_some_and(|image| image.digest == *there)
                });
            if let Some(ours) = ours.filter(|_| !same) {
                let message = "the tag is immutable".to_owned();
                let (repository, tag) = (registry.repository.clone(), tag.clone());
                return Err(PushError::TagTaken {
                    repository,
                    tag,
                    there: Some(there.clone()),
                    ours: ours.clone(),
                    message,
                });
            }
        }
        Ok(())
    }

    /// Whether the repository has the manifest with this digest, and with it all that it points at.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.root.as_ref() == Some(digest) || self.known.has_manifest(digest)
    }

    /// What a tag names.
    pub(super) fn named_by(&self, tag: &Tag) -> Named {
        self.names
            .iter()
            .find(|(name, _)| name == tag)
            .map_or(Named::Unknown, |(_, named)| named.clone())
    }

    fn images(&self) -> impl Iterator<Item = (&Tag, &Digest)> {
        self.names.iter().filter_map(|(tag, named)| match named {
            Named::Image(digest) => Some((tag, digest)),
            Named::Nothing | Named::Unknown => None,
        })
    }

    /// Nothing is believed any more but the names.
    pub(super) fn forgotten(&self) -> Self {
        Self {
            names: self.names.clone(),
            ..Self::default()
        }
    }
}

async fn given(
    registry: &Registry,
    name: &str,
    report: Report<'_>,
) -> Result<Option<super::client::Given>, PushError> {
    match registry.given(name, report).await {
        Err(PushError::Denied { .. }) => Ok(None),
        other => other,
    }
}

async fn resolved(
    registry: &Registry,
    digest: &Digest,
    report: Report<'_>,
) -> Result<Option<Digest>, PushError> {
    match registry.resolve(digest.as_str(), report).await {
        Err(PushError::Denied { .. }) => Ok(None),
        Ok(there) => Ok(there.filter(|there| there == digest)),
        Err(error) => Err(error),
    }
}

/// The contents of images that are there; what an engine calls its layers is told by their configs.
async fn learn(
    registry: &Registry,
    source: &Source,
    found: Vec<Manifest>,
    report: Report<'_>,
) -> Result<Known, PushError> {
    let mut known = Known::default();
    // Attestations teach nothing.
    let images = found
        .iter()
        .flat_map(Manifest::listed)
        .filter(|child| !child.is_attestation());
    let children: Vec<_> = images
        .take(CHILDREN)
        .map(|child| given(registry, child.digest.as_str(), report))
        .collect();
    let read = join_all(children).await;
    for manifest in found {
        known.add(manifest);
    }
    for child in read {
        if let Some(Ok(manifest)) = child?.map(super::client::Given::read) {
            known.add(manifest);
        }
    }
    if source
        .config()
        .is_some_and(|id| known.image_of(id).is_none())
    {
        translate(registry, &mut known, report).await?;
    }
    Ok(known)
}

async fn translate(
    registry: &Registry,
    known: &mut Known,
    report: Report<'_>,
) -> Result<(), PushError> {
    let images = known.images();
    let configs: Vec<_> = images
        .iter()
        .map(|(_, config)| registry.config(config, report))
        .collect();
    for ((manifest, _), config) in images.iter().zip(join_all(configs).await) {
        match config {
            Ok(config) => known.translate(manifest, &config),
            // Not every config is an image's (an attestation's is none), and not everybody may read
            // it.
            Err(PushError::Source(_) | PushError::Denied { .. } | PushError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
