//! An image: from one descriptor to all manifests and blobs that the registry needs.
//!
//! Where contents are is answered by a function ([`LocateBlob`]), which layouts, archives and
//! exports of the engine each have.

use std::collections::HashSet;

use crate::blob::{Blob, BlobError};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::SourceError;
use crate::image_config::{ImageConfig, Platform};
use crate::manifest::{Manifest, ManifestKind};
use crate::progress::Progress;

/// The largest manifest or config that is read into memory, in bytes. Registries may refuse
/// manifests of more than 4 MiB (OCI distribution specification); configs are far smaller.
pub(crate) const MAX_DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;
/// How deep indexes may be nested. Indexes of indexes exist, deeper ones do not; without a limit a
/// forged layout could exhaust the stack.
pub(crate) const MAX_INDEX_DEPTH: usize = 4;

/// A complete image: each of its blobs can be read, or is in the registry already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    /// What an index lists comes before the index; tags name the last one.
    pub(crate) manifests: Vec<Manifest>,
    /// Each blob once.
    pub(crate) blobs: Vec<Blob>,
    /// Blobs that the registry has, which are neither read nor sent.
    pub(crate) existing: Vec<Descriptor>,
    pub(crate) facts: Facts,
}

impl Image {
    /// The size of the image, as it is reported once it was read.
    pub(crate) fn ready_progress(&self) -> Progress {
        let contents = self
            .blobs
            .iter()
            .map(|blob| blob.size)
            .chain(self.existing.iter().map(|content| content.size));
        Progress::Ready {
            blobs: self.blobs.len() + self.existing.len(),
            bytes: contents.sum(),
        }
    }
}

/// The platforms of an image. Attestations are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The images of an index in its order, or the one image.
    pub images: Vec<PlatformImage>,
}

/// The image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformImage {
    /// The platform that it is made for.
    pub platform: Platform,
    /// The digest of its manifest. An image without a manifest, from an engine or a Docker archive,
    /// gets one only when it is pushed.
    pub digest: Option<Digest>,
}

impl Facts {
    /// The platforms that the image is made for.
    pub fn platforms(&self) -> impl Iterator<Item = &Platform> {
        self.images.iter().map(|image| &image.platform)
    }

    /// The facts of an image for one platform.
    pub(crate) fn for_platform(platform: Platform, digest: Option<Digest>) -> Self {
        Self {
            images: vec![PlatformImage { platform, digest }],
        }
    }

    pub(crate) fn add(&mut self, platform: Platform, digest: Option<Digest>) {
        self.images.push(PlatformImage { platform, digest });
    }
}

/// Finds the bytes that a descriptor points at, or says why it cannot.
pub(crate) type LocateBlob<'a> = &'a dyn Fn(&Descriptor) -> Result<Blob, BlobError>;

/// Collects `root` and everything below it.
///
/// # Errors
/// The first manifest or blob that is missing or damaged.
pub(crate) fn gather_image(
    root: &Descriptor,
    locate: LocateBlob<'_>,
) -> Result<Image, SourceError> {
    let mut gatherer = ImageGatherer {
        locate,
        seen: HashSet::new(),
        image: Image::default(),
    };
    gatherer.add_manifest(root, MAX_INDEX_DEPTH)?;
    Ok(gatherer.image)
}

struct ImageGatherer<'a> {
    locate: LocateBlob<'a>,
    seen: HashSet<Digest>,
    image: Image,
}

impl ImageGatherer<'_> {
    fn add_manifest(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), SourceError> {
        if !self.seen.insert(descriptor.digest.clone()) {
            return Ok(());
        }
        let bytes = (self.locate)(descriptor)?.read_all(MAX_DOCUMENT_BYTES)?;
        let manifest = Manifest::parse(bytes, &descriptor.media_type)?;
        match &manifest.kind {
            ManifestKind::Image { config, layers } => {
                self.add_image(descriptor, config, layers)?;
            }
            ManifestKind::Index { manifests } => self.add_children(&manifest, manifests, depth)?,
        }
        self.image.manifests.push(manifest);
        Ok(())
    }

    fn add_children(
        &mut self,
        parent: &Manifest,
        children: &[Descriptor],
        depth: usize,
    ) -> Result<(), SourceError> {
        if depth == 0 {
            let reason = "indexes are nested too deeply".to_owned();
            return Err(SourceError::Manifest {
                digest: parent.digest.clone(),
                reason,
            });
        }
        // What an index lists besides manifests, a registry stores as blobs.
        children.iter().try_for_each(|child| {
            if child.is_manifest() {
                self.add_manifest(child, depth - 1)
            } else {
                self.add_blob(child)
            }
        })
    }

    fn add_image(
        &mut self,
        descriptor: &Descriptor,
        config: &Descriptor,
        layers: &[Descriptor],
    ) -> Result<(), SourceError> {
        self.add_blob(config)?;
        layers
            .iter()
            .filter(|layer| !layer.is_foreign())
            .try_for_each(|layer| self.add_blob(layer))?;
        if !descriptor.is_attestation() && config.is_image_config() {
            self.add_platform(descriptor, config, layers.len())?;
        }
        Ok(())
    }

    fn add_blob(&mut self, descriptor: &Descriptor) -> Result<(), SourceError> {
        if self.seen.insert(descriptor.digest.clone()) {
            self.image.blobs.push((self.locate)(descriptor)?);
        }
        Ok(())
    }

    /// Adds the platform of an image from its config. Docker 25 writes some manifests without
    /// layers; such an image would be empty, so it is refused.
    fn add_platform(
        &mut self,
        manifest: &Descriptor,
        config: &Descriptor,
        layers: usize,
    ) -> Result<(), SourceError> {
        let config = read_config(&(self.locate)(config)?)?;
        let wanted = config.rootfs.diff_ids.len();
        if wanted > layers {
            let reason = format!("it has {layers} layers and its config {wanted}");
            return Err(SourceError::Manifest {
                digest: manifest.digest.clone(),
                reason,
            });
        }
        self.image
            .facts
            .add(config.platform, Some(manifest.digest.clone()));
        Ok(())
    }
}

/// Reads and verifies an image config.
pub(crate) fn read_config(blob: &Blob) -> Result<ImageConfig, SourceError> {
    ImageConfig::parse(&blob.read_all(MAX_DOCUMENT_BYTES)?, &blob.digest)
}
