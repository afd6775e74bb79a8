//! What the registry is known to have, learnt from images that are there: none of it is read,
//! compressed or sent again.
//!
//! An engine knows a layer by the digest of its uncompressed bytes (diff id), a registry by the
//! digest of the compressed ones. A manifest lists the second, its config the first, in the same
//! order: together they translate.

use std::collections::{HashMap, HashSet};

use super::digest::Digest;
use super::media::{Config, Descriptor, Manifest, PointsAt};

/// Images of the registry, and what belongs to them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known {
    manifests: Vec<Manifest>,
    blobs: HashSet<Digest>,
    layers: HashMap<Digest, Descriptor>,
}

impl Known {
    /// Takes in a manifest that the registry gave; everything it points at is there, or it would
    /// not have been accepted.
    pub(crate) fn add(&mut self, manifest: Manifest) {
        if manifest.config().is_some() {
            self.blobs.extend(
                manifest
                    .contents()
                    .into_iter()
                    .map(|content| content.digest.clone()),
            );
        }
        self.manifests.push(manifest);
    }

    /// Takes in the config of a manifest: from here on its layers can be told by their uncompressed
    /// content.
    pub(crate) fn translate(&mut self, manifest: &Manifest, config: &Config) {
        let PointsAt::Image { layers, .. } = &manifest.points_at else {
            return;
        };
        // Another number of layers would pair the wrong ones.
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

    /// Whether this manifest is there.
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

    /// All images with the config of each.
    pub(crate) fn images(&self) -> Vec<(Manifest, Descriptor)> {
        let config = |manifest: &Manifest| {
            manifest
                .config()
                .filter(|config| Config::is_announced_by(config))
                .cloned()
        };
        self.manifests
            .iter()
            .filter_map(|manifest| Some((manifest.clone(), config(manifest)?)))
            .collect()
    }

    /// The image with this config. A config names all layers by content, so it is the same image
    /// whatever their compression.
    pub(crate) fn image_of(&self, wanted: &Digest) -> Option<&Manifest> {
        self.manifests.iter().find(|manifest| {
            manifest
                .config()
                .is_some_and(|config| config.digest == *wanted)
        })
    }

    /// The layer with this uncompressed content, as the registry has it.
    pub(crate) fn layer(&self, diff_id: &Digest) -> Option<&Descriptor> {
        self.layers.get(diff_id)
    }

    /// Whether a content belongs to an image that is there.
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.blobs.contains(digest)
    }
}
