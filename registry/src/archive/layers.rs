//! Images of layers that have no manifest yet: layers of the registry are taken from there, the
//! others as they were packed.

use std::collections::{HashMap, HashSet};

use crate::blob::Blob;
use crate::descriptor::{Compression, Descriptor};
use crate::digest::Digest;
use crate::error::SourceError;
use crate::image::{Facts, Image};
use crate::image_config::Platform;
use crate::inventory::KnownContents;
use crate::manifest::{Manifest, ManifestPart, build_manifest};

/// The layers of an image by diff id: those that the registry has, and those that were packed.
#[derive(Debug, Clone)]
pub(crate) struct ImageLayers {
    known: KnownContents,
    packed: HashMap<Digest, PackedLayer>,
}

/// A compressed layer that is ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct PackedLayer {
    pub(crate) blob: Blob,
    pub(crate) compression: Compression,
}

impl ImageLayers {
    pub(crate) fn new(known: &KnownContents) -> Self {
        Self {
            known: known.clone(),
            packed: HashMap::new(),
        }
    }

    /// Whether the registry has the layer, or it was packed.
    pub(crate) fn has_layer(&self, diff_id: &Digest) -> bool {
        self.packed.contains_key(diff_id) || self.registry_layer(diff_id).is_some()
    }

    /// Whether the registry has a blob with this digest.
    pub(crate) fn registry_has_blob(&self, digest: &Digest) -> bool {
        self.known.has_blob(digest)
    }

    pub(crate) fn add_packed(&mut self, diff_id: Digest, layer: PackedLayer) {
        self.packed.insert(diff_id, layer);
    }

    /// The layers that were packed.
    pub(crate) fn packed_blobs(&self) -> impl Iterator<Item = &Blob> {
        self.packed.values().map(|layer| &layer.blob)
    }

    /// The layer with this diff id, if the registry has it compressed. The manifests that are
    /// written here list only compressed layers.
    fn registry_layer(&self, diff_id: &Digest) -> Option<(ManifestPart, Descriptor)> {
        let layer = self.known.layer(diff_id)?;
        let compression = layer.media_type.compression()?;
        Some((
            ManifestPart {
                digest: layer.digest.clone(),
                size: layer.size,
                compression,
            },
            layer.clone(),
        ))
    }

    /// Writes the manifest of the image with this config and these layers, lowest first. All of
    /// them must be packed, or be in the registry.
    pub(crate) fn build_image(
        &self,
        diff_ids: &[Digest],
        config: &Blob,
        platform: Platform,
    ) -> Result<Image, SourceError> {
        let (mut parts, mut image) = (Vec::new(), Image::default());
        let mut seen = HashSet::new();
        for diff_id in diff_ids {
            let (part, known) = self.manifest_part(diff_id)?;
            if seen.insert(part.digest.clone()) {
                image.existing.extend(known);
            }
            parts.push(part);
        }
        let packed = diff_ids
            .iter()
            .filter(|diff_id| self.registry_layer(diff_id).is_none())
            .filter_map(|diff_id| self.packed.get(diff_id));
        let mut sent = HashSet::new();
        image.blobs = packed
            .map(|layer| &layer.blob)
            .chain([config])
            .filter(|blob| sent.insert(&blob.digest))
            .cloned()
            .collect();
        let manifest = build_manifest((config.digest.clone(), config.size), &parts)?;
        image.facts = Facts::for_platform(platform, Some(manifest.digest.clone()));
        image.manifests = vec![manifest];
        Ok(image)
    }

    fn manifest_part(
        &self,
        diff_id: &Digest,
    ) -> Result<(ManifestPart, Option<Descriptor>), SourceError> {
        if let Some((part, descriptor)) = self.registry_layer(diff_id) {
            return Ok((part, Some(descriptor)));
        }
        let missing = || SourceError::Export {
            reason: format!("it does not hold the layer {diff_id}"),
        };
        let PackedLayer { blob, compression } = self.packed.get(diff_id).ok_or_else(missing)?;
        Ok((
            ManifestPart {
                digest: blob.digest.clone(),
                size: blob.size,
                compression: *compression,
            },
            None,
        ))
    }
}

impl Image {
    /// An image that the registry has; nothing of it is read or sent.
    pub(crate) fn from_registry(manifest: Manifest, facts: Facts) -> Self {
        let mut seen = HashSet::new();
        let once = manifest
            .referenced_contents()
            .into_iter()
            .filter(|content| !content.is_foreign() && seen.insert(&content.digest));
        let existing = once.cloned().collect();
        Self {
            manifests: vec![manifest],
            existing,
            facts,
            ..Self::default()
        }
    }
}
