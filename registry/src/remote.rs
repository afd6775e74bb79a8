//! An image that is in a registry: its manifests are read byte for byte, its layers pass through
//! without touching a disk.
//!
//! It is resolved to a digest once; from there on everything is asked for by digest, so that a tag
//! that moves meanwhile changes nothing, and no registry converts what it gives.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::blob::{Blob, Place};
use super::client::{Registry, Target};
use super::digest::Digest;
use super::error::{PushError, SourceError};
use super::graph::{DEEPEST, Facts, Image};
use super::media::{Config, Descriptor, Manifest};
use super::progress::Report;
use super::reference::ImageName;

/// Manifests and configs are small: many are asked for at once.
const AT_ONCE: usize = 8;

/// An image in a registry, found.
#[derive(Debug)]
pub(crate) struct Remote {
    registry: Arc<Registry>,
    root: Manifest,
    /// All manifests with their descriptors, children first; read once.
    tree: OnceCell<Vec<(Descriptor, Manifest)>>,
}

impl Remote {
    /// Looks the image up by its digest, else by its tag, else as `latest`.
    pub(crate) async fn find(
        target: &Target,
        name: &ImageName,
        report: Report<'_>,
    ) -> Result<Self, SourceError> {
        let registry = Registry::new(target).map_err(unread)?;
        let digest = name.digest().map(Digest::as_str);
        let asked = digest
            .or_else(|| name.tag().map(super::reference::Tag::as_str))
            .unwrap_or("latest");
        let given = registry.given(asked, report).await.map_err(unread)?;
        let missing = || SourceError::NotInRegistry {
            host: registry.host(),
            name: format!("{}:{asked}", registry.repository),
        };
        let root = given.ok_or_else(missing)?.read().map_err(unread)?;
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

    /// Reads every manifest below the root; contents are named, not read.
    pub(crate) async fn read(&self, report: Report<'_>) -> Result<Image, SourceError> {
        let tree = self.tree(report).await?;
        let mut image = Image {
            manifests: tree.iter().map(|(_, manifest)| manifest.clone()).collect(),
            ..Image::default()
        };
        let mut seen = HashSet::new();
        for descriptor in tree.iter().flat_map(|(_, manifest)| manifest.contents()) {
            if seen.insert(descriptor.digest.clone()) {
                let place = Place::There(Arc::clone(&self.registry));
                image.blobs.push(Blob {
                    digest: descriptor.digest.clone(),
                    size: descriptor.size,
                    place,
                });
            }
        }
        Ok(image)
    }

    /// What it runs on, from the configs of its images.
    pub(crate) async fn facts(&self, report: Report<'_>) -> Result<Facts, SourceError> {
        let tree = self.tree(report).await?;
        let configs: Vec<_> = tree
            .iter()
            .filter_map(|(descriptor, manifest)| Some((manifest, runnable(descriptor, manifest)?)))
            .collect();
        let asked: Vec<_> = configs
            .iter()
            .map(|(_, config)| self.registry.config(config, report))
            .collect();
        let read: Vec<Config> = stream::iter(asked)
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .map_err(unread)?;
        let mut facts = Facts::default();
        for ((manifest, _), config) in configs.iter().zip(read) {
            facts.add(config.platform, Some(manifest.digest.clone()));
        }
        Ok(facts)
    }

    async fn tree(&self, report: Report<'_>) -> Result<&Vec<(Descriptor, Manifest)>, SourceError> {
        self.tree.get_or_try_init(|| self.grow(report)).await
    }

    /// Level by level, each asked for at once.
    async fn grow(&self, report: Report<'_>) -> Result<Vec<(Descriptor, Manifest)>, SourceError> {
        let mut levels = vec![vec![(self.root.describe(), self.root.clone())]];
        let mut seen = HashSet::from([self.root.digest.clone()]);
        loop {
            let listed = levels
                .last()
                .into_iter()
                .flatten()
                .flat_map(|(_, manifest)| manifest.listed());
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
            if levels.len() > DEEPEST {
                let reason = "indexes are nested too deeply".to_owned();
                return Err(SourceError::Manifest {
                    digest: self.root.digest.clone(),
                    reason,
                });
            }
            let asked: Vec<_> = new
                .into_iter()
                .map(|child| self.child(child, report))
                .collect();
            levels.push(stream::iter(asked).buffered(AT_ONCE).try_collect().await?);
        }
    }

    async fn child(
        &self,
        descriptor: Descriptor,
        report: Report<'_>,
    ) -> Result<(Descriptor, Manifest), SourceError> {
        let given = self
            .registry
            .given(descriptor.digest.as_str(), report)
            .await
            .map_err(unread)?;
        let missing = || SourceError::NotInRegistry {
            host: self.registry.host(),
            name: format!("{}@{}", self.registry.repository, descriptor.digest),
        };
        let manifest = given.ok_or_else(missing)?.read().map_err(unread)?;
        Ok((descriptor, manifest))
    }
}

/// The config of an image that runs somewhere; attestations and other artifacts have none.
fn runnable<'a>(descriptor: &Descriptor, manifest: &'a Manifest) -> Option<&'a Descriptor> {
    manifest
        .config()
        .filter(|config| !descriptor.is_attestation() && Config::is_announced_by(config))
}

fn unread(error: PushError) -> SourceError {
    match error {
        PushError::Source(error) => error,
        other => SourceError::Registry(Box::new(other)),
    }
}
