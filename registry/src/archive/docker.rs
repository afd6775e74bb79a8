//! What `docker save` writes, in its old form and in the new one that is an OCI layout too; buildx
//! (`type=docker`), kaniko, crane and Bazel write their like.
//!
//! An image whose manifest is there, with compressed layers, is pushed as it is. Otherwise the
//! manifest is written here: layers that the registry has are left out, uncompressed ones are
//! compressed, compressed ones are checked against the config.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::content::Content;
use super::contents::{Contents, Span};
use super::error::ArchiveError;
use super::image::{Layers, Packed};
use super::saved::{Saved, promised, same_name};
use crate::blob::Blob;
use crate::compress::{self, CopyError};
use crate::digest::{Digest, Tally, Tee};
use crate::error::SourceError;
use crate::graph::{Facts, Image, SMALL, gather, read_config};
use crate::known::Known;
use crate::layout::Index;
use crate::media::{Compression, Config, Descriptor, Manifest, Platform, PointsAt};
use crate::progress::{Progress, Report};
use crate::source::{Intake, off_thread};
use crate::spool::Spool;

/// What was found.
#[derive(Debug)]
pub(crate) enum Docker {
    /// An image with its manifest, and everything in the form that it names.
    Whole(Image),
    /// A config and archives.
    Parts(DockerArchive),
}

/// An image without a usable manifest; its config was read and verified, its layers were not
/// touched.
#[derive(Debug, Clone)]
pub(crate) struct DockerArchive {
    parts: Arc<DockerArchiveParts>,
    platform: Platform,
    bytes: u64,
    temporary: PathBuf,
}

#[derive(Debug)]
struct DockerArchiveParts {
    contents: Contents,
    config: Blob,
    /// By diff id, lowest first.
    layers: Vec<(Digest, Layer)>,
}

#[derive(Debug, Clone)]
struct Layer {
    name: String,
    span: Span,
}

impl Layer {
    fn shown(&self) -> String {
        self.name.escape_debug().to_string()
    }
}

/// Reads the headers, and the config of the image that `name` names, or of the only one.
pub(crate) fn read_docker(
    file: &Path,
    name: Option<&str>,
    temporary: &Path,
) -> Result<Docker, SourceError> {
    let contents = Contents::read(file, temporary)?;
    let images: Vec<Saved> = contents.document("manifest.json")?;
    let saved = choose(file, &images, name)?;
    let config = contents.small(&saved.config)?;
    named_right(&contents, &saved.config, &config.digest)?;
    if let Some(image) = whole(&contents, &config.digest) {
        return Ok(Docker::Whole(image));
    }
    let Config { platform, rootfs } = read_config(&config)?;
    let layers = layers(&contents, saved, &rootfs.diff_ids)?;
    let bytes = config.size + layers.iter().map(|(_, layer)| layer.span.size).sum::<u64>();
    let parts = Arc::new(DockerArchiveParts {
        contents,
        config,
        layers,
    });
    Ok(Docker::Parts(DockerArchive {
        parts,
        platform,
        bytes,
        temporary: temporary.to_owned(),
    }))
}

fn choose<'a>(
    file: &Path,
    images: &'a [Saved],
    name: Option<&str>,
) -> Result<&'a Saved, SourceError> {
    let there = || images.iter().map(shown).collect();
    let mut fitting = images.iter().filter(|image| {
        name.is_none_or(|name| image.names().iter().any(|own| same_name(own, name)))
    });
    match fitting.next() {
        // The same image may have several names.
        Some(image) if fitting.all(|other| other.config == image.config) => Ok(image),
        Some(_) => Err(SourceError::AmbiguousArchive {
            file: file.to_owned(),
            there: there(),
        }),
        None => Err(SourceError::NotInArchive {
            file: file.to_owned(),
            name: name.map(str::to_owned),
            there: there(),
        }),
    }
}

fn shown(image: &Saved) -> String {
    image
        .names()
        .first()
        .unwrap_or(&image.config)
        .escape_debug()
        .to_string()
}

fn named_right(contents: &Contents, name: &str, found: &Digest) -> Result<(), SourceError> {
    match promised(name) {
        Some(promised) if promised != *found => Err(contents.unusable(ArchiveError::Garbled {
            name: name.escape_debug().to_string(),
            promised,
            found: found.clone(),
        })),
        Some(_) | None => Ok(()),
    }
}

/// The image as its own manifest has it: the root of the layout first, then, when other platforms
/// are not there, the child.
fn whole(contents: &Contents, config: &Digest) -> Option<Image> {
    let index: Index = contents
        .find("index.json")
        .and_then(|_| contents.document("index.json").ok())?;
    let children = index
        .manifests
        .iter()
        .filter_map(|root| children(contents, root))
        .flatten();
    let candidates: Vec<Descriptor> = index.manifests.iter().cloned().chain(children).collect();
    candidates
        .iter()
        .filter_map(|root| gather(root, &|descriptor| contents.locate(descriptor)).ok())
        .find(|image| is_ready(image, config))
}

fn children(contents: &Contents, root: &Descriptor) -> Option<Vec<Descriptor>> {
    let bytes = contents.locate(root).ok()?.read_whole(SMALL).ok()?;
    match Manifest::read(bytes, &root.media_type).ok()?.points_at {
        PointsAt::Index { manifests } => Some(manifests),
        PointsAt::Image { .. } => None,
    }
}

/// Of this config, and compressed: engines that keep layers unpacked write a manifest of
/// uncompressed ones.
fn is_ready(image: &Image, wanted: &Digest) -> bool {
    let images = || {
        image
            .manifests
            .iter()
            .filter_map(|manifest| match &manifest.points_at {
                PointsAt::Image { config, layers } => Some((config, layers)),
                PointsAt::Index { .. } => None,
            })
    };
    images().any(|(config, _)| config.digest == *wanted)
        && images().all(|(_, layers)| {
            layers
                .iter()
                .all(|layer| layer.media_type.rsplit('.').next() != Some("tar"))
        })
}

fn layers(
    contents: &Contents,
    saved: &Saved,
    diff_ids: &[Digest],
) -> Result<Vec<(Digest, Layer)>, SourceError> {
    let names = saved.layers();
    if names.len() != diff_ids.len() {
        let reason = format!(
            "it has {} layers and the image's config {}",
            names.len(),
            diff_ids.len()
        );
        return Err(contents.unusable(ArchiveError::Document {
            name: "manifest.json".to_owned(),
            reason,
        }));
    }
    let find = |(name, diff_id): (&String, &Digest)| {
        Ok((
            diff_id.clone(),
            Layer {
                name: name.clone(),
                span: contents.need(name)?,
            },
        ))
    };
    names.iter().zip(diff_ids).map(find).collect()
}

impl DockerArchive {
    /// The digest of the image's config.
    pub(crate) fn id(&self) -> &Digest {
        &self.parts.config.digest
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts::of(self.platform.clone(), None)
    }

    /// Makes every byte readable that the registry is not known to have, and hands over each
    /// content as soon as it is.
    pub(crate) async fn open(
        &self,
        known: &Known,
        intake: Intake,
        report: Report<'_>,
    ) -> Result<Image, SourceError> {
        if let Some(manifest) = known.image_of(self.id()) {
            return Ok(Image::present(manifest.clone(), self.facts()));
        }
        let (layers, spool) = (Layers::new(known), Spool::new(&self.temporary)?);
        let mut packing = Packing {
            parts: Arc::clone(&self.parts),
            layers,
            spool,
            intake,
        };
        let mut done = 0;
        for (diff_id, layer) in self.parts.layers.clone() {
            done += layer.span.size;
            packing = off_thread(move || packing.layer(diff_id, &layer)).await?;
            report(Progress::Reading {
                bytes: done,
                of: self.bytes,
            });
        }
        let platform = self.platform.clone();
        let image = off_thread(move || packing.finish(platform)).await?;
        report(image.ready());
        Ok(image)
    }
}

/// An image on its way out of the archive.
struct Packing {
    parts: Arc<DockerArchiveParts>,
    layers: Layers,
    spool: Spool,
    intake: Intake,
}

impl Packing {
    fn layer(mut self, diff_id: Digest, layer: &Layer) -> Result<Self, SourceError> {
        if self.layers.has(&diff_id) {
            return Ok(self);
        }
        let (blob, compression) = match self.parts.contents.content(layer.span)? {
            Content::Archive => (self.pack(&diff_id, layer)?, Compression::Gzip),
            Content::Gzip => (self.check(&diff_id, layer)?, Compression::Gzip),
            Content::Zstd => (self.name_it(layer)?, Compression::Zstd),
            Content::Other => {
                return Err(self.parts.contents.unusable(ArchiveError::NoLayer {
                    name: layer.shown(),
                }));
            }
        };
        self.hand_over(&blob);
        self.layers.add(diff_id, Packed { blob, compression });
        Ok(self)
    }

    fn pack(&mut self, diff_id: &Digest, layer: &Layer) -> Result<Blob, SourceError> {
        let mut from = self.parts.contents.cursor(layer.span);
        let packed = self.spool.append(|to| compress::gzip(&mut from, to));
        let (blob, (found, _)) = packed.map_err(|error| match error {
            CopyError::Read(error) => self.parts.contents.unusable(ArchiveError::of(error)),
            CopyError::Write(error) => self.spool.full(error),
        })?;
        self.right(diff_id, found, layer)?;
        Ok(blob)
    }

    /// The layer is sent as it is; that it holds what the config says is seen by unpacking it.
    fn check(&mut self, diff_id: &Digest, layer: &Layer) -> Result<Blob, SourceError> {
        let unreadable = |error| self.parts.contents.unusable(ArchiveError::of(error));
        let mut packed = Tee {
            from: self.parts.contents.cursor(layer.span),
            to: Tally::new(io::sink()),
        };
        let mut plain = Tally::new(io::sink());
        io::copy(
            &mut MultiGzDecoder::new(io::BufReader::with_capacity(256 * 1024, &mut packed)),
            &mut plain,
        )
        .map_err(unreadable)?;
        self.right(diff_id, plain.finish().0, layer)?;
        // The decoder reads to the end: what follows a gzip is no gzip, and an error.
        let (digest, _) = packed.to.finish();
        Ok(self.parts.contents.blob(digest, layer.span))
    }

    /// What its name promises is checked again when it is sent.
    fn name_it(&self, layer: &Layer) -> Result<Blob, SourceError> {
        let digest = promised(&layer.name);
        let digest = digest.ok_or_else(|| {
            self.parts.contents.unusable(ArchiveError::Unverifiable {
                name: layer.shown(),
            })
        })?;
        Ok(self.parts.contents.blob(digest, layer.span))
    }

    fn right(&self, promised: &Digest, found: Digest, layer: &Layer) -> Result<(), SourceError> {
        if found == *promised {
            return Ok(());
        }
        let (name, promised) = (layer.shown(), promised.clone());
        Err(self.parts.contents.unusable(ArchiveError::Garbled {
            name,
            promised,
            found,
        }))
    }

    fn finish(self, platform: Platform) -> Result<Image, SourceError> {
        self.hand_over(&self.parts.config);
        let diff_ids: Vec<Digest> = self
            .parts
            .layers
            .iter()
            .map(|(diff_id, _)| diff_id.clone())
            .collect();
        self.layers.image(&diff_ids, &self.parts.config, platform)
    }

    fn hand_over(&self, blob: &Blob) {
        // Whoever does not take it any more has a reason of its own.
        drop(self.intake.blocking_send(blob.clone()));
    }
}
