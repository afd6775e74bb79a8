//! Images of the local Docker engine.
//!
//! `client.rs` asks the engine. `export.rs` reads the files of its export that `selection.rs`
//! selects (`legacy.rs` knows the oldest names), while they arrive (`pipe.rs`); `assemble.rs` makes
//! an image of them.

mod assemble;
mod client;
mod export;
mod legacy;
mod pipe;
mod selection;

use std::path::Path;

pub(crate) use client::{Engine, EngineImage};

use self::export::ExportReader;
use self::selection::ExportSelection;
use super::archive::ImageLayers;
use super::error::SourceError;
use super::image::Image;
use super::inventory::KnownContents;
use super::manifest::Manifest;
use super::progress::Report;
use super::source::{BlobSender, run_blocking};

/// Exports an image, compresses the layers that the registry does not have, and sends every blob to
/// `blob_sender` as soon as it is ready. An image that the registry has is not exported.
pub(crate) async fn open_image(
    image: &EngineImage,
    temporary: &Path,
    known: &KnownContents,
    blob_sender: BlobSender,
    report: Report<'_>,
) -> Result<Image, SourceError> {
    if let Some(manifest) = find_in_registry(image, known) {
        return Ok(Image::from_registry(manifest.clone(), image.facts()));
    }
    let reader = ExportReader::new(
        temporary,
        ExportSelection::new(&image.diff_ids, ImageLayers::new(known)),
        blob_sender.clone(),
    )?;
    let response = image.engine.export(&image.id).await?;
    let parts = pipe::read_while_arriving(response, image.bytes, report, move |from| {
        reader.read_all(from)
    })
    .await?;
    let id = image.id.clone();
    let image = run_blocking(move || assemble::assemble(&parts, &id, &blob_sender)).await?;
    report(image.ready_progress());
    Ok(image)
}

/// The image in the registry, by the id that the engine gives it: the digest of its config in the
/// classic store, that of its manifest or index in containerd's store.
fn find_in_registry<'a>(image: &EngineImage, known: &'a KnownContents) -> Option<&'a Manifest> {
    known
        .manifest(&image.id)
        .or_else(|| known.image_with_config(&image.id))
}
