//! What `docker save` writes, in its old form and in the new one that is an OCI layout too; buildx
//! (`type=docker`), kaniko, crane and Bazel write similar archives.
//!
//! An image that has its manifest and compressed layers is pushed as it is. Otherwise a manifest is
//! written: layers that the registry has are left out, uncompressed ones are compressed, and
//! compressed ones are checked against the config.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::docker_manifest::{SavedImage, digest_in_name, is_same_name};
use super::error::ArchiveError;
use super::file_table::{FileTable, Span};
use super::layer_packer::LayerPacker;
use super::layers::ImageLayers;
use crate::blob::Blob;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::SourceError;
use crate::image::{Facts, Image, MAX_DOCUMENT_BYTES, gather_image, read_config};
use crate::image_config::{ImageConfig, Platform};
use crate::inventory::KnownContents;
use crate::layout::LayoutIndex;
use crate::manifest::{Manifest, ManifestKind};
use crate::progress::{Progress, Report};
use crate::source::{BlobSender, run_blocking};
use crate::spool::Spool;

/// An image in a Docker archive.
#[derive(Debug)]
pub(crate) enum DockerImage {
    /// It has its manifest, and every blob as the manifest names it.
    Complete(Image),
    /// It has a config and layers, and needs a manifest.
    Parts(DockerArchive),
}

/// An image without a usable manifest. Its config was read and verified; its layers are read when
/// it is pushed.
#[derive(Debug, Clone)]
pub(crate) struct DockerArchive {
    parts: Arc<DockerArchiveParts>,
    platform: Platform,
    bytes: u64,
    temporary: PathBuf,
}

#[derive(Debug)]
pub(super) struct DockerArchiveParts {
    pub(super) contents: FileTable,
    pub(super) config: Blob,
    /// By diff id, lowest first.
    pub(super) layers: Vec<(Digest, ArchivedLayer)>,
}

#[derive(Debug, Clone)]
pub(super) struct ArchivedLayer {
    pub(super) name: String,
    pub(super) span: Span,
}

impl ArchivedLayer {
    /// The name, for a sentence.
    pub(super) fn display_name(&self) -> String {
        self.name.escape_debug().to_string()
    }
}

/// Reads the headers of the archive, and the config of the image that `name` names, or of the only
/// one. An archive that is compressed as a whole is unpacked into `temporary`.
pub(crate) fn read_docker(
    file: &Path,
    name: Option<&str>,
    temporary: &Path,
) -> Result<DockerImage, SourceError> {
    let contents = FileTable::open(file, temporary)?;
    let images: Vec<SavedImage> = contents.read_document("manifest.json")?;
    let saved = choose_image(file, &images, name)?;
    let config = contents.read_small_blob(&saved.config)?;
    check_promised_digest(&contents, &saved.config, &config.digest)?;
    if let Some(image) = find_complete_image(&contents, &config.digest) {
        return Ok(DockerImage::Complete(image));
    }
    let ImageConfig { platform, rootfs } = read_config(&config)?;
    let layers = locate_layers(&contents, saved, &rootfs.diff_ids)?;
    let bytes = config.size + layers.iter().map(|(_, layer)| layer.span.size).sum::<u64>();
    let parts = Arc::new(DockerArchiveParts {
        contents,
        config,
        layers,
    });
    Ok(DockerImage::Parts(DockerArchive {
        parts,
        platform,
        bytes,
        temporary: temporary.to_owned(),
    }))
}

fn choose_image<'a>(
    file: &Path,
    images: &'a [SavedImage],
    name: Option<&str>,
) -> Result<&'a SavedImage, SourceError> {
    let candidates = || images.iter().map(display_name).collect();
    let mut matching = images.iter().filter(|image| {
        name.is_none_or(|name| image.names().iter().any(|own| is_same_name(own, name)))
    });
    match matching.next() {
        // One image may have several names.
        Some(image) if matching.all(|other| other.config == image.config) => Ok(image),
        Some(_) => Err(SourceError::AmbiguousArchive {
            file: file.to_owned(),
            there: candidates(),
        }),
        None => Err(SourceError::NotInArchive {
            file: file.to_owned(),
            name: name.map(str::to_owned),
            there: candidates(),
        }),
    }
}

fn display_name(image: &SavedImage) -> String {
    image
        .names()
        .first()
        .unwrap_or(&image.config)
        .escape_debug()
        .to_string()
}

fn check_promised_digest(
    contents: &FileTable,
    name: &str,
    found: &Digest,
) -> Result<(), SourceError> {
    match digest_in_name(name) {
        Some(promised) if promised != *found => {
            Err(contents.archive_error(ArchiveError::DigestMismatch {
                name: name.escape_debug().to_string(),
                promised,
                found: found.clone(),
            }))
        }
        Some(_) | None => Ok(()),
    }
}

/// The image by its own manifest, if that and everything below it is in the archive. Indexes are
/// tried first, then the images that they list: often only one platform was saved.
fn find_complete_image(contents: &FileTable, config: &Digest) -> Option<Image> {
    let index: LayoutIndex = contents
        .find("index.json")
        .and_then(|_| contents.read_document("index.json").ok())?;
    let children = index
        .manifests
        .iter()
        .filter_map(|root| read_children(contents, root))
        .flatten();
    let candidates: Vec<Descriptor> = index.manifests.iter().cloned().chain(children).collect();
    candidates
        .iter()
        .filter_map(|root| gather_image(root, &|descriptor| contents.locate(descriptor)).ok())
        .find(|image| is_complete(image, config))
}

fn read_children(contents: &FileTable, root: &Descriptor) -> Option<Vec<Descriptor>> {
    let bytes = contents
        .locate(root)
        .ok()?
        .read_all(MAX_DOCUMENT_BYTES)
        .ok()?;
    match Manifest::parse(bytes, &root.media_type).ok()?.kind {
        ManifestKind::Index { manifests } => Some(manifests),
        ManifestKind::Image { .. } => None,
    }
}

/// Whether an image has this config, and only compressed layers: engines that keep layers
/// uncompressed write manifests of uncompressed layers.
fn is_complete(image: &Image, wanted_config: &Digest) -> bool {
    let images = || {
        image
            .manifests
            .iter()
            .filter_map(|manifest| match &manifest.kind {
                ManifestKind::Image { config, layers } => Some((config, layers)),
                ManifestKind::Index { .. } => None,
            })
    };
    images().any(|(config, _)| config.digest == *wanted_config)
        && images().all(|(_, layers)| {
            layers
                .iter()
                .all(|layer| !layer.media_type.is_uncompressed_layer())
        })
}

fn locate_layers(
    contents: &FileTable,
    saved: &SavedImage,
    diff_ids: &[Digest],
) -> Result<Vec<(Digest, ArchivedLayer)>, SourceError> {
    let names = saved.layers();
    if names.len() != diff_ids.len() {
        let reason = format!(
            "it has {} layers and the image's config {}",
            names.len(),
            diff_ids.len()
        );
        return Err(contents.archive_error(ArchiveError::Document {
            name: "manifest.json".to_owned(),
            reason,
        }));
    }
    let find = |(name, diff_id): (&String, &Digest)| {
        Ok((
            diff_id.clone(),
            ArchivedLayer {
                name: name.clone(),
                span: contents.require(name)?,
            },
        ))
    };
    names.iter().zip(diff_ids).map(find).collect()
}

impl DockerArchive {
    /// The digests of its uncompressed layers, lowest first.
    pub(crate) fn diff_ids(&self) -> Vec<&Digest> {
        self.parts
            .layers
            .iter()
            .map(|(diff_id, _)| diff_id)
            .collect()
    }

    /// The size of its layers as the archive has them, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.bytes
    }

    /// The digest of the image's config.
    pub(crate) fn config_digest(&self) -> &Digest {
        &self.parts.config.digest
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts::for_platform(self.platform.clone(), None)
    }

    /// Makes every blob ready that the registry is not known to have, and passes each one on as
    /// soon as it is, so that it is uploaded while the next one is compressed.
    pub(crate) async fn open(
        &self,
        known: &KnownContents,
        blob_sender: BlobSender,
        report: Report<'_>,
    ) -> Result<Image, SourceError> {
        if let Some(manifest) = known.image_with_config(self.config_digest()) {
            return Ok(Image::from_registry(manifest.clone(), self.facts()));
        }
        let (layers, spool) = (ImageLayers::new(known), Spool::new(&self.temporary)?);
        let mut packer = LayerPacker {
            parts: Arc::clone(&self.parts),
            layers,
            spool,
            blob_sender,
        };
        let mut done = 0;
        for (diff_id, layer) in self.parts.layers.clone() {
            done += layer.span.size;
            packer = run_blocking(move || packer.add_layer(diff_id, &layer)).await?;
            report(Progress::Reading {
                bytes: done,
                of: self.bytes,
            });
        }
        let platform = self.platform.clone();
        let image = run_blocking(move || packer.finish(platform)).await?;
        report(image.ready_progress());
        Ok(image)
    }
}
