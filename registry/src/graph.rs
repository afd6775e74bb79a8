//! From one descriptor to everything that has to be in the registry: manifests, children before
//! parents, and blobs.
//!
//! It does not know where contents lie: a function finds them. Layouts and engine exports share it.

use std::collections::HashSet;

use super::blob::{Blob, BlobError};
use super::digest::Digest;
use super::error::SourceError;
use super::media::{Config, Descriptor, Manifest, Platform, PointsAt};
use super::progress::Progress;

/// Registries refuse larger manifests (4 MiB by the distribution specification); configs stay far
/// below.
pub(crate) const SMALL: u64 = 4 * 1024 * 1024;
/// An index of indexes exists, deeper nesting does not; a limit keeps a made-up layout from
/// exhausting the stack.
pub(crate) const DEEPEST: usize = 4;

/// An image that is whole: every byte of it can be read, or is where it goes already.
#[derive(Debug, Clone, Default)]
pub(crate) struct Image {
    /// Children before parents; the last one is what tags point at.
    pub(crate) manifests: Vec<Manifest>,
    /// Every content once.
    pub(crate) blobs: Vec<Blob>,
    /// Contents that the registry has: they are neither read nor sent.
    pub(crate) present: Vec<Descriptor>,
    /// What it runs on.
    pub(crate) facts: Facts,
}

impl Image {
    /// What the registry will be asked for.
    pub(crate) fn ready(&self) -> Progress {
        let contents = self
            .blobs
            .iter()
            .map(|blob| blob.size)
            .chain(self.present.iter().map(|content| content.size));
        Progress::Ready {
            blobs: self.blobs.len() + self.present.len(),
            bytes: contents.sum(),
        }
    }
}

/// What an image says about itself: an entry per platform; attestations are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The images of an index, or the one that there is.
    pub images: Vec<PlatformImage>,
}

/// The image for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformImage {
    /// What it runs on.
    pub platform: Platform,
    /// The digest of its manifest; an engine's image has none before it was compressed.
    pub digest: Option<Digest>,
}

impl Facts {
    /// What the image runs on.
    pub fn platforms(&self) -> impl Iterator<Item = &Platform> {
        self.images.iter().map(|image| &image.platform)
    }

    /// Of an image for one platform.
    pub(crate) fn of(platform: Platform, digest: Option<Digest>) -> Self {
        Self {
            images: vec![PlatformImage { platform, digest }],
        }
    }

    /// Takes in the image of one platform.
    pub(crate) fn add(&mut self, platform: Platform, digest: Option<Digest>) {
        self.images.push(PlatformImage { platform, digest });
    }
}

/// Finds a content by its descriptor, or says why it cannot be had.
pub(crate) type Locate<'a> = &'a dyn Fn(&Descriptor) -> Result<Blob, BlobError>;

/// Collects everything that `root` needs; the first thing that is missing or garbled ends it.
pub(crate) fn gather(root: &Descriptor, locate: Locate<'_>) -> Result<Image, SourceError> {
    let mut gathering = Gathering {
        locate,
        seen: HashSet::new(),
        image: Image::default(),
    };
    gathering.manifest(root, DEEPEST)?;
    Ok(gathering.image)
}

struct Gathering<'a> {
    locate: Locate<'a>,
    seen: HashSet<Digest>,
    image: Image,
}

impl Gathering<'_> {
    fn manifest(&mut self, descriptor: &Descriptor, depth: usize) -> Result<(), SourceError> {
        if !self.seen.insert(descriptor.digest.clone()) {
            return Ok(());
        }
        let bytes = (self.locate)(descriptor)?.read_whole(SMALL)?;
        let manifest = Manifest::read(bytes, &descriptor.media_type)?;
        match &manifest.points_at {
            PointsAt::Image { config, layers } => {
                self.image_manifest(descriptor, config, layers)?;
            }
            PointsAt::Index { manifests } => self.children(&manifest, manifests, depth)?,
        }
        self.image.manifests.push(manifest);
        Ok(())
    }

    fn children(
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
        // An index may list contents that are no manifests; they are blobs to a registry.
        children.iter().try_for_each(|child| {
            if child.is_manifest() {
                self.manifest(child, depth - 1)
            } else {
                self.blob(child)
            }
        })
    }

    fn image_manifest(
        &mut self,
        descriptor: &Descriptor,
        config: &Descriptor,
        layers: &[Descriptor],
    ) -> Result<(), SourceError> {
        self.blob(config)?;
        layers
            .iter()
            .filter(|layer| !layer.is_foreign())
            .try_for_each(|layer| self.blob(layer))?;
        if !descriptor.is_attestation() && Config::is_announced_by(config) {
            self.learn(descriptor, config, layers.len())?;
        }
        Ok(())
    }

    fn blob(&mut self, descriptor: &Descriptor) -> Result<(), SourceError> {
        if self.seen.insert(descriptor.digest.clone()) {
            self.image.blobs.push((self.locate)(descriptor)?);
        }
        Ok(())
    }

    /// Docker 25 writes manifests that leave out all layers; such an image would start with nothing
    /// in it.
    fn learn(
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
pub(crate) fn read_config(blob: &Blob) -> Result<Config, SourceError> {
    Config::read(&blob.read_whole(SMALL)?, &blob.digest)
}
