//! Images of the local Docker engine.
//!
//! `api.rs` asks the engine, `export.rs` takes what it exports apart, as far as `wanted.rs` says
//! (`legacy.rs` knows the old names), `assemble.rs` makes an image of the parts.

mod api;
mod assemble;
mod export;
mod legacy;
mod pipe;
mod wanted;

use std::path::Path;

pub(crate) use api::{Engine, EngineImage};

use self::export::Taking;
use self::wanted::Wanted;
use super::archive::Layers;
use super::error::SourceError;
use super::graph::Image;
use super::known::Known;
use super::media::Manifest;
use super::progress::Report;
use super::source::{Intake, off_thread};

/// Makes every byte of the image readable that the registry is not known to have. What the registry
/// has as a whole is not exported at all; of the rest, only layers that are missing are packed, and
/// handed over one by one.
pub(crate) async fn open(
    image: &EngineImage,
    temporary: &Path,
    known: &Known,
    intake: Intake,
    report: Report<'_>,
) -> Result<Image, SourceError> {
    if let Some(manifest) = there(image, known) {
        return Ok(Image::present(manifest.clone(), image.facts()));
    }
    let taking = Taking::new(
        temporary,
        Wanted::new(&image.diff_ids, Layers::new(known)),
        intake.clone(),
    )?;
    let response = image.engine.export(&image.id).await?;
    let parts = pipe::through(response, image.bytes, report, move |from| {
        taking.take_apart(from)
    })
    .await?;
    let id = image.id.clone();
    let image = off_thread(move || assemble::assemble(&parts, &id, &intake)).await?;
    report(image.ready());
    Ok(image)
}

/// The engine names an image by its config in the classic store, and by its manifest or index in
/// the containerd store.
fn there<'a>(image: &EngineImage, known: &'a Known) -> Option<&'a Manifest> {
    known
        .manifest(&image.id)
        .or_else(|| known.image_of(&image.id))
}
