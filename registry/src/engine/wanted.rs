//! Which files of an export have to be read. Pure.
//!
//! The registry may have most layers already. Those that the export names by a digest are passed
//! over unread.

use std::collections::{HashMap, HashSet};

use super::legacy;
use crate::archive::{Layers, Packed, promised};
use crate::digest::Digest;

/// What is wanted of an export, and what was taken of it.
#[derive(Debug)]
pub(super) struct Wanted {
    diff_ids: HashSet<Digest>,
    /// Directories that the engine's oldest form names by layers.
    directories: HashMap<String, Digest>,
    pub(super) layers: Layers,
}

/// What a name says about a file before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It is a layer that nobody needs to read.
    Known,
    /// The registry has a content of this name; if it is a layer (and no document that must be
    /// read), nobody needs it.
    Perhaps(Digest),
    /// It is a layer that has to be packed.
    Wanted,
    /// Nothing.
    Nothing,
}

impl Wanted {
    pub(super) fn new(diff_ids: &[Digest], layers: Layers) -> Self {
        Self {
            diff_ids: diff_ids.iter().cloned().collect(),
            directories: legacy::directories(diff_ids),
            layers,
        }
    }

    pub(super) fn told(&self, name: &str) -> Told {
        let digest = promised(name).filter(|_| name.starts_with("blobs/"));
        let layer = self.legacy(name).or_else(|| {
            digest
                .clone()
                .filter(|digest| self.diff_ids.contains(digest))
        });
        match (layer, digest) {
            (Some(layer), _) if self.layers.has(&layer) => Told::Known,
            (_, Some(digest)) if self.layers.is_there(&digest) => Told::Perhaps(digest),
            (Some(_), _) => Told::Wanted,
            (None, _) => Told::Nothing,
        }
    }

    fn legacy(&self, name: &str) -> Option<Digest> {
        self.directories
            .get(name.strip_suffix("/layer.tar")?)
            .cloned()
    }

    /// Whether some of the image's layers need not be sent: then one whose name says nothing may be
    /// one of them.
    pub(super) fn may_be_known(&self) -> bool {
        self.diff_ids.iter().any(|diff_id| self.layers.has(diff_id))
    }

    /// Whether a content is a layer of the image, as it turned out, that has to be sent.
    pub(super) fn is_missing(&self, plain: &Digest) -> bool {
        self.diff_ids.contains(plain) && !self.layers.has(plain)
    }

    pub(super) fn take(&mut self, plain: Digest, layer: Packed) {
        self.layers.add(plain, layer);
    }
}
