//! Making an image of layers that have no manifest yet: what the registry has is taken as it has
//! it, the rest as it was packed.

use std::collections::{HashMap, HashSet};

use crate::blob::Blob;
use crate::digest::Digest;
use crate::error::SourceError;
use crate::graph::{Facts, Image};
use crate::known::Known;
use crate::media::{Compression, Descriptor, Manifest, Part, Platform, write_manifest};

/// Layers by diff id: those that the registry is known to have, and those that were packed.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    known: Known,
    packed: HashMap<Digest, Packed>,
}

/// A layer that can be sent.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) blob: Blob,
    pub(crate) compression: Compression,
}

impl Layers {
    pub(crate) fn new(known: &Known) -> Self {
        Self {
            known: known.clone(),
            packed: HashMap::new(),
        }
    }

    /// Whether nothing has to be done for a layer.
    pub(crate) fn has(&self, diff_id: &Digest) -> bool {
        self.packed.contains_key(diff_id) || self.known(diff_id).is_some()
    }

    /// Whether the registry is known to have a content under this very digest.
    pub(crate) fn is_there(&self, digest: &Digest) -> bool {
        self.known.has(digest)
    }

    pub(crate) fn add(&mut self, diff_id: Digest, layer: Packed) {
        self.packed.insert(diff_id, layer);
    }

    /// What was packed.
    pub(crate) fn packed(&self) -> impl Iterator<Item = &Blob> {
        self.packed.values().map(|layer| &layer.blob)
    }

    /// The registry's layer with this content. An uncompressed one is not taken: our manifests have
    /// no word for it.
    fn known(&self, diff_id: &Digest) -> Option<(Part, Descriptor)> {
        let layer = self.known.layer(diff_id)?;
        let compression = compression(&layer.media_type)?;
        Some((
            Part {
                digest: layer.digest.clone(),
                size: layer.size,
                compression,
            },
            layer.clone(),
        ))
    }

    /// The image with this config and these layers, lowest first.
    pub(crate) fn image(
        &self,
        diff_ids: &[Digest],
        config: &Blob,
        platform: Platform,
    ) -> Result<Image, SourceError> {
        let (mut parts, mut image) = (Vec::new(), Image::default());
        let mut seen = HashSet::new();
        for diff_id in diff_ids {
            let (part, known) = self.part(diff_id)?;
            if seen.insert(part.digest.clone()) {
                image.present.extend(known);
            }
            parts.push(part);
        }
        let packed = diff_ids
            .iter()
            .filter(|diff_id| self.known(diff_id).is_none())
            .filter_map(|diff_id| self.packed.get(diff_id));
        let mut sent = HashSet::new();
        image.blobs = packed
            .map(|layer| &layer.blob)
            .chain([config])
            .filter(|blob| sent.insert(&blob.digest))
            .cloned()
            .collect();
        let manifest = write_manifest((config.digest.clone(), config.size), &parts)?;
        image.facts = Facts::of(platform, Some(manifest.digest.clone()));
        image.manifests = vec![manifest];
        Ok(image)
    }

    fn part(&self, diff_id: &Digest) -> Result<(Part, Option<Descriptor>), SourceError> {
        if let Some((part, descriptor)) = self.known(diff_id) {
            return Ok((part, Some(descriptor)));
        }
        let missing = || SourceError::Export {
            reason: format!("it does not hold the layer {diff_id}"),
        };
        let Packed { blob, compression } = self.packed.get(diff_id).ok_or_else(missing)?;
        Ok((
            Part {
                digest: blob.digest.clone(),
                size: blob.size,
                compression: *compression,
            },
            None,
        ))
    }
}

impl Image {
    /// An image that the registry has: nothing of it is read.
    pub(crate) fn present(manifest: Manifest, facts: Facts) -> Self {
        let mut seen = HashSet::new();
        let once = manifest
            .targets()
            .into_iter()
            .filter(|content| !content.is_foreign() && seen.insert(&content.digest));
        let present = once.cloned().collect();
        Self {
            manifests: vec![manifest],
            present,
            facts,
            ..Self::default()
        }
    }
}

/// How a layer is compressed, by its media type: `…tar+gzip`, `…tar.gzip`, `…tar+zstd`.
fn compression(media_type: &str) -> Option<Compression> {
    match media_type.rsplit(['.', '+']).next() {
        Some("gzip") => Some(Compression::Gzip),
        Some("zstd") => Some(Compression::Zstd),
        Some(_) | None => None,
    }
}
