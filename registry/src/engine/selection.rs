//! Selects the files of an export that have to be read. Pure.
//!
//! The registry may have most layers already. Those that the export names by a digest are skipped.

use std::collections::{HashMap, HashSet};

use super::legacy;
use crate::archive::{ImageLayers, PackedLayer, digest_in_name};
use crate::digest::Digest;

/// The layers of the image that is exported.
#[derive(Debug)]
pub(super) struct ExportSelection {
    diff_ids: HashSet<Digest>,
    /// The directories of the oldest form of export, by name.
    directories: HashMap<String, Digest>,
    pub(super) layers: ImageLayers,
}

/// What the name of a file says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NameHint {
    /// A layer that need not be read.
    PresentLayer,
    /// A blob that the registry has. Unless it is a document, which is needed here, it can be
    /// skipped.
    PossiblyPresent(Digest),
    /// A layer that has to be compressed.
    MissingLayer,
    /// Nothing: only the content decides.
    Unspecific,
}

impl ExportSelection {
    pub(super) fn new(diff_ids: &[Digest], layers: ImageLayers) -> Self {
        Self {
            diff_ids: diff_ids.iter().cloned().collect(),
            directories: legacy::layer_directories(diff_ids),
            layers,
        }
    }

    pub(super) fn classify_name(&self, name: &str) -> NameHint {
        let digest = digest_in_name(name).filter(|_| name.starts_with("blobs/"));
        let layer = self.legacy_layer(name).or_else(|| {
            digest
                .clone()
                .filter(|digest| self.diff_ids.contains(digest))
        });
        match (layer, digest) {
            (Some(layer), _) if self.layers.has_layer(&layer) => NameHint::PresentLayer,
            (_, Some(digest)) if self.layers.registry_has_blob(&digest) => {
                NameHint::PossiblyPresent(digest)
            }
            (Some(_), _) => NameHint::MissingLayer,
            (None, _) => NameHint::Unspecific,
        }
    }

    fn legacy_layer(&self, name: &str) -> Option<Digest> {
        self.directories
            .get(name.strip_suffix("/layer.tar")?)
            .cloned()
    }

    /// Whether the registry has some layers of the image. Then a layer without a name that says
    /// which one it is may be one of those.
    pub(super) fn has_existing_layers(&self) -> bool {
        self.diff_ids
            .iter()
            .any(|diff_id| self.layers.has_layer(diff_id))
    }

    /// Whether a content is a layer of the image that has to be sent.
    pub(super) fn is_missing(&self, plain: &Digest) -> bool {
        self.diff_ids.contains(plain) && !self.layers.has_layer(plain)
    }

    pub(super) fn add_layer(&mut self, plain: Digest, layer: PackedLayer) {
        self.layers.add_packed(plain, layer);
    }
}
