//! An image in a registry: its manifests are copied byte for byte, and its blobs are forwarded
//! without touching a disk.
//!
//! Its tag is resolved once. Everything after that is asked for by digest, so the image stays the
//! same when the tag moves, and no registry converts its manifests.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use crate::blob::{Blob, BlobLocation};
use crate::client::{Registry, Target};
use crate::descriptor::Descriptor;
use crate::error::{PushError, SourceError};
use crate::image::{Facts, Image, MAX_INDEX_DEPTH};
use crate::image_config::ImageConfig;
use crate::manifest::Manifest;
use crate::progress::Report;
use crate::reference::{ImageName, ManifestReference, Tag};

/// Requests for manifests and configs at once; they are small.
const MAX_CONCURRENT_READS: usize = 8;

/// An image that was found in a registry.
#[derive(Debug)]
pub(crate) struct RemoteImage {
    registry: Arc<Registry>,
    root: Manifest,
    /// All manifests with the descriptors that point at them, what an index lists before the index.
    /// Read once.
    tree: OnceCell<Vec<(Descriptor, Manifest)>>,
}

impl RemoteImage {
    /// Reads the manifest of the image: by its digest, else by its tag, else by the tag `latest`.
    pub(crate) async fn find(
        target: &Target,
        name: &ImageName,
        report: Report<'_>,
    ) -> Result<Self, SourceError> {
        let registry = Registry::new(target).map_err(to_source_error)?;
        let latest = Tag::latest();
        let asked = match (name.digest(), name.tag()) {
            (Some(digest), _) => ManifestReference::Digest(digest),
            (None, tag) => ManifestReference::Tag(tag.unwrap_or(&latest)),
        };
        let given = registry
            .fetch_manifest(asked, report)
            .await
            .map_err(to_source_error)?;
        let missing = || SourceError::NotInRegistry {
            host: registry.host(),
            name: format!("{}:{asked}", registry.repository),
        };
        let root = given
            .ok_or_else(missing)?
            .parse()
            .map_err(to_source_error)?;
        Ok(Self {
            registry: Arc::new(registry),
            root,
            tree: OnceCell::new(),
        })
    }

    pub(crate) fn root(&self) -> &Manifest {
        &self.root
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Reads all manifests of the image. Its blobs are read when they are sent.
    pub(crate) async fn read_image(&self, report: Report<'_>) -> Result<Image, SourceError> {
        let tree = self.manifest_tree(report).await?;
        let mut image = Image {
            manifests: tree.iter().map(|(_, manifest)| manifest.clone()).collect(),
            ..Image::default()
        };
        let mut seen = HashSet::new();
        for descriptor in tree
            .iter()
            .flat_map(|(_, manifest)| manifest.required_blobs())
        {
            if seen.insert(descriptor.digest.clone()) {
                let location = BlobLocation::InRegistry(Arc::clone(&self.registry));
                image.blobs.push(Blob {
                    digest: descriptor.digest.clone(),
                    size: descriptor.size,
                    location,
                });
            }
        }
        Ok(image)
    }

    /// The platforms of the image, from its configs.
    pub(crate) async fn facts(&self, report: Report<'_>) -> Result<Facts, SourceError> {
        let tree = self.manifest_tree(report).await?;
        let configs: Vec<_> = tree
            .iter()
            .filter_map(|(descriptor, manifest)| {
                Some((manifest, runnable_config(descriptor, manifest)?))
            })
            .collect();
        let asked: Vec<_> = configs
            .iter()
            .map(|(_, config)| self.registry.fetch_config(config, report))
            .collect();
        let read: Vec<ImageConfig> = stream::iter(asked)
            .buffered(MAX_CONCURRENT_READS)
            .try_collect()
            .await
            .map_err(to_source_error)?;
        let mut facts = Facts::default();
        for ((manifest, _), config) in configs.iter().zip(read) {
            facts.add(config.platform, Some(manifest.digest.clone()));
        }
        Ok(facts)
    }

    async fn manifest_tree(
        &self,
        report: Report<'_>,
    ) -> Result<&Vec<(Descriptor, Manifest)>, SourceError> {
        self.tree.get_or_try_init(|| self.read_tree(report)).await
    }

    /// Reads the manifests level by level, those of one level at once.
    async fn read_tree(
        &self,
        report: Report<'_>,
    ) -> Result<Vec<(Descriptor, Manifest)>, SourceError> {
        let mut levels = vec![vec![(self.root.to_descriptor(), self.root.clone())]];
        let mut seen = HashSet::from([self.root.digest.clone()]);
        loop {
            let listed = levels
                .last()
                .into_iter()
                .flatten()
                .flat_map(|(_, manifest)| manifest.index_entries());
            let below: Vec<Descriptor> = listed
                .filter(|child| child.is_manifest())
                .cloned()
                .collect();
            let new: Vec<Descriptor> = below
                .into_iter()
                .filter(|child| seen.insert(child.digest.clone()))
                .collect();
            if new.is_empty() {
                return Ok(levels.into_iter().rev().flatten().collect());
            }
            if levels.len() > MAX_INDEX_DEPTH {
                let reason = "indexes are nested too deeply".to_owned();
                return Err(SourceError::Manifest {
                    digest: self.root.digest.clone(),
                    reason,
                });
            }
            let asked: Vec<_> = new
                .into_iter()
                .map(|child| self.read_child(child, report))
                .collect();
            levels.push(
                stream::iter(asked)
                    .buffered(MAX_CONCURRENT_READS)
                    .try_collect()
                    .await?,
            );
        }
    }

    async fn read_child(
        &self,
        descriptor: Descriptor,
        report: Report<'_>,
    ) -> Result<(Descriptor, Manifest), SourceError> {
        let given = self
            .registry
            .fetch_manifest(ManifestReference::Digest(&descriptor.digest), report)
            .await
            .map_err(to_source_error)?;
        let missing = || SourceError::NotInRegistry {
            host: self.registry.host(),
            name: format!("{}@{}", self.registry.repository, descriptor.digest),
        };
        let manifest = given
            .ok_or_else(missing)?
            .parse()
            .map_err(to_source_error)?;
        Ok((descriptor, manifest))
    }
}

/// The config of an image that is made for a platform; attestations and other artifacts have none.
fn runnable_config<'a>(descriptor: &Descriptor, manifest: &'a Manifest) -> Option<&'a Descriptor> {
    manifest
        .config()
        .filter(|config| !descriptor.is_attestation() && config.is_image_config())
}

fn to_source_error(error: PushError) -> SourceError {
    match error {
        PushError::Source(error) => error,
        other => SourceError::Registry(Box::new(other)),
    }
}
