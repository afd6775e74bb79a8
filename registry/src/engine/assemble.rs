//! Builds an image from an export.
//!
//! An image that the engine stores compressed, as containerd's store does, is pushed with its own
//! manifest, so it keeps the digest that the engine shows. For any other image a manifest is
//! written, after all layers were checked against the config.

use serde::Deserialize;

use super::export::{ExportParts, Member};
use crate::archive::{PackedLayer, SavedImage, digest_in_name, normalize};
use crate::blob::{Blob, BlobError, BlobLocation};
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::error::SourceError;
use crate::image::{Image, MAX_DOCUMENT_BYTES, gather_image, read_config};
use crate::layout::LayoutIndex;
use crate::manifest::{Manifest, ManifestKind};
use crate::source::BlobSender;

/// Makes the image with this id, and sends the blobs that were not sent before to `blob_sender`.
/// The export must contain no other image.
pub(super) fn assemble(
    parts: &ExportParts,
    id: &Digest,
    blob_sender: &BlobSender,
) -> Result<Image, SourceError> {
    let image = find_image(parts, id)?;
    let packed = |blob: &&Blob| {
        parts
            .layers
            .packed_blobs()
            .any(|packed| packed.digest == blob.digest)
    };
    // If blobs are not received any more, the transfer has failed and says why itself.
    image
        .blobs
        .iter()
        .filter(|blob| !packed(blob))
        .for_each(|blob| drop(blob_sender.blocking_send(blob.clone())));
    Ok(image)
}

fn find_image(parts: &ExportParts, id: &Digest) -> Result<Image, SourceError> {
    let roots = read_document::<LayoutIndex>(parts, "index.json")?
        .map_or(Vec::new(), |index| index.manifests);
    if let Some(image) = roots
        .iter()
        .find(|root| root.digest == *id)
        .and_then(|root| gather_verbatim(parts, root).ok())
    {
        return Ok(image);
    }
    let saved = read_document::<Vec<SavedImage>>(parts, "manifest.json")?.unwrap_or_default();
    let [saved] = saved.as_slice() else {
        return Err(export_error(format!(
            "its manifest.json names {} images instead of one",
            saved.len()
        )));
    };
    let config = find_member(parts, &saved.config)
        .and_then(verbatim_blob)
        .ok_or_else(|| missing_file(&saved.config))?;
    if config.digest != *id && !roots.iter().any(|root| root.digest == *id) {
        return Err(export_error(format!(
            "it holds the image {} instead of {id}",
            config.digest
        )));
    }
    match find_platform_image(parts, &roots, &config.digest) {
        Some(image) => Ok(image),
        None => build_image(parts, saved, config),
    }
}

/// The image by its own manifest, if the export or the registry has every blob as the manifest
/// names it.
fn gather_verbatim(parts: &ExportParts, root: &Descriptor) -> Result<Image, SourceError> {
    let mut image = gather_image(root, &|descriptor| locate(parts, descriptor))?;
    let (present, blobs) = image.blobs.into_iter().partition(|blob| {
        matches!(
            blob_member(parts, &blob.digest),
            Some(Member::Present { .. })
        )
    });
    let present: Vec<Blob> = present;
    let is_present =
        |descriptor: &&Descriptor| present.iter().any(|blob| blob.digest == descriptor.digest);
    image.existing = image
        .manifests
        .iter()
        .flat_map(Manifest::referenced_contents)
        .filter(is_present)
        .cloned()
        .collect();
    image.blobs = blobs;
    Ok(image)
}

fn blob_member<'a>(parts: &'a ExportParts, digest: &Digest) -> Option<&'a Member> {
    parts.get(&format!("blobs/sha256/{}", digest.hex()))
}

fn locate(parts: &ExportParts, descriptor: &Descriptor) -> Result<Blob, BlobError> {
    let digest = descriptor.digest.clone();
    let blob = match blob_member(parts, &digest) {
        Some(Member::Verbatim { blob, .. }) => blob.clone(),
        // The registry has it. `gather_verbatim` takes it out, so its location is never used.
        Some(Member::Present { digest, size }) => Blob {
            digest: digest.clone(),
            size: *size,
            location: BlobLocation::File("".into()),
        },
        Some(Member::Layer(_) | Member::PresentLayer) | None => {
            return Err(BlobError::Unreadable {
                digest,
                source: std::io::ErrorKind::NotFound.into(),
            });
        }
    };
    if blob.digest != digest {
        return Err(BlobError::DigestMismatch {
            digest,
            found: blob.digest,
        });
    }
    if blob.size != descriptor.size {
        return Err(BlobError::Size {
            digest,
            announced: descriptor.size,
            found: blob.size,
        });
    }
    Ok(blob)
}

/// The image with this config by its own manifest. Of an image for several platforms an engine
/// often has one only, which is then found here.
fn find_platform_image(
    parts: &ExportParts,
    roots: &[Descriptor],
    config: &Digest,
) -> Option<Image> {
    let children = roots
        .iter()
        .filter_map(|root| read_children(parts, root))
        .flatten();
    let whole = roots
        .iter()
        .cloned()
        .chain(children)
        .filter_map(|manifest| gather_verbatim(parts, &manifest).ok());
    whole.into_iter().find(|image| {
        image
            .manifests
            .last()
            .is_some_and(|root| root.config().is_some_and(|its| its.digest == *config))
    })
}

fn read_children(parts: &ExportParts, root: &Descriptor) -> Option<Vec<Descriptor>> {
    let bytes = locate(parts, root)
        .ok()?
        .read_all(MAX_DOCUMENT_BYTES)
        .ok()?;
    match Manifest::parse(bytes, &root.media_type).ok()?.kind {
        ManifestKind::Index { manifests } => Some(manifests),
        ManifestKind::Image { .. } => None,
    }
}

/// Makes an image with a new manifest.
fn build_image(
    parts: &ExportParts,
    saved: &SavedImage,
    config: &Blob,
) -> Result<Image, SourceError> {
    check_promised_digest(&saved.config, &config.digest)?;
    let read = read_config(config)?;
    let wanted = &read.rootfs.diff_ids;
    if wanted.len() != saved.layers().len() {
        return Err(export_error(format!(
            "it has {} layers and its config {}",
            saved.layers().len(),
            wanted.len()
        )));
    }
    let mut layers = parts.layers.clone();
    for (name, diff_id) in saved
        .layers()
        .iter()
        .zip(wanted)
        .filter(|(_, diff_id)| !parts.layers.has_layer(diff_id))
    {
        layers.add_packed(diff_id.clone(), compressed_layer(parts, name, diff_id)?);
    }
    let diff_ids = wanted.clone();
    layers.build_image(&diff_ids, config, read.platform)
}

/// A layer that is compressed in the export.
fn compressed_layer(
    parts: &ExportParts,
    name: &str,
    diff_id: &Digest,
) -> Result<PackedLayer, SourceError> {
    match find_member(parts, name).ok_or_else(|| missing_file(name))? {
        Member::Layer(plain) => Err(export_error(format!(
            "the layer {diff_id} has the content {plain}"
        ))),
        Member::Verbatim {
            blob,
            compression: Some(compression),
        } => {
            check_promised_digest(name, &blob.digest)?;
            Ok(PackedLayer {
                blob: blob.clone(),
                compression: *compression,
            })
        }
        Member::Verbatim {
            compression: None, ..
        } => Err(export_error(format!("the layer {diff_id} is no archive"))),
        Member::PresentLayer | Member::Present { .. } => Err(missing_file(name)),
    }
}

/// Checks the digest of a file that is named by one, `HEX.json` or `blobs/sha256/HEX`.
fn check_promised_digest(name: &str, digest: &Digest) -> Result<(), SourceError> {
    match digest_in_name(name) {
        Some(promised) if promised != *digest => Err(export_error(format!(
            "{promised} is garbled: its content has the digest {digest}"
        ))),
        Some(_) | None => Ok(()),
    }
}

fn read_document<T: for<'de> Deserialize<'de>>(
    parts: &ExportParts,
    name: &str,
) -> Result<Option<T>, SourceError> {
    let Some(blob) = parts.find_verbatim(name) else {
        return Ok(None);
    };
    let bytes = blob.read_all(MAX_DOCUMENT_BYTES)?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| export_error(format!("{name}: {error}")))
}

/// The file of a name as documents write it.
fn find_member<'a>(parts: &'a ExportParts, name: &str) -> Option<&'a Member> {
    parts.get(&normalize(name.as_bytes()).ok()?)
}

fn verbatim_blob(member: &Member) -> Option<&Blob> {
    match member {
        Member::Verbatim { blob, .. } => Some(blob),
        Member::Layer(_) | Member::Present { .. } | Member::PresentLayer => None,
    }
}

fn missing_file(name: &str) -> SourceError {
    export_error(format!(
        "it names `{}` and does not hold it",
        name.escape_debug()
    ))
}

fn export_error(reason: String) -> SourceError {
    SourceError::Export { reason }
}

#[cfg(test)]
mod tests;
