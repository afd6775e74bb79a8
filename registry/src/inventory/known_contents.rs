//! The contents of images that the registry has. They need not be read, compressed or sent again.
//!
//! A registry knows a layer by the digest of its compressed bytes, an engine by that of the
//! uncompressed ones (its diff id). The manifest of an image lists the former, its config the
//! latter, in the same order: from both we know which is which.

use std::collections::{HashMap, HashSet};

use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::image_config::ImageConfig;
use crate::manifest::{Manifest, ManifestKind};

/// Manifests that the registry has, with their blobs.
#[derive(Debug, Default, Clone)]
pub(crate) struct KnownContents {
    manifests: Vec<Manifest>,
    blobs: HashSet<Digest>,
    /// Layers as the registry has them, by diff id.
    layers: HashMap<Digest, Descriptor>,
}

impl KnownContents {
    /// Adds a manifest from the registry, and its blobs: a registry only accepts a manifest when it
    /// has all of them.
    pub(crate) fn add(&mut self, manifest: Manifest) {
        if manifest.config().is_some() {
            self.blobs.extend(
                manifest
                    .required_blobs()
                    .into_iter()
                    .map(|content| content.digest.clone()),
            );
        }
        self.manifests.push(manifest);
    }

    /// Adds the diff ids of the layers of a manifest, from its config.
    pub(crate) fn map_layers(&mut self, manifest: &Manifest, config: &ImageConfig) {
        let ManifestKind::Image { layers, .. } = &manifest.kind else {
            return;
        };
        // If the numbers differ, it is not known which layer has which diff id.
        if layers.len() == config.rootfs.diff_ids.len() {
            let pairs = config
                .rootfs
                .diff_ids
                .iter()
                .zip(layers)
                .filter(|(_, layer)| !layer.is_foreign());
            self.layers
                .extend(pairs.map(|(diff_id, layer)| (diff_id.clone(), layer.clone())));
        }
    }

    /// Whether the registry has this manifest.
    pub(crate) fn has_manifest(&self, digest: &Digest) -> bool {
        self.manifests
            .iter()
            .any(|manifest| manifest.digest == *digest)
    }

    /// The manifest with this digest.
    pub(crate) fn manifest(&self, digest: &Digest) -> Option<&Manifest> {
        self.manifests
            .iter()
            .find(|manifest| manifest.digest == *digest)
    }

    /// The manifests of images, each with its config.
    pub(crate) fn images(&self) -> Vec<(Manifest, Descriptor)> {
        let config = |manifest: &Manifest| {
            manifest
                .config()
                .filter(|config| config.is_image_config())
                .cloned()
        };
        self.manifests
            .iter()
            .filter_map(|manifest| Some((manifest.clone(), config(manifest)?)))
            .collect()
    }

    /// The image with this config. A config lists the diff ids of all layers, so two images with
    /// the same config differ at most in how their layers are compressed.
    pub(crate) fn image_with_config(&self, wanted: &Digest) -> Option<&Manifest> {
        self.manifests.iter().find(|manifest| {
            manifest
                .config()
                .is_some_and(|config| config.digest == *wanted)
        })
    }

    /// The layer with this diff id, as the registry has it.
    pub(crate) fn layer(&self, diff_id: &Digest) -> Option<&Descriptor> {
        self.layers.get(diff_id)
    }

    /// Whether the registry has this blob as a part of a known image.
    pub(crate) fn has_blob(&self, digest: &Digest) -> bool {
        self.blobs.contains(digest)
    }
}
