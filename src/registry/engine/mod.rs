//! Images of the local Docker engine.
//!
//! `api.rs` asks the engine, `export.rs` takes what it exports apart, `assemble.rs` makes an image of the parts.

mod api;
mod assemble;
mod export;
mod pipe;

use std::path::Path;

pub(crate) use api::{Engine, EngineImage};

use super::error::SourceError;
use super::graph::Image;
use super::known::Known;
use super::progress::Report;
use super::source::{Intake, hand_over, off_thread};
use super::spool::Spool;

/// Exports an image, compressing what is not, and verifies all of it; blobs are handed over when they are known to be its.
pub(crate) async fn open(
    image: &EngineImage,
    temporary: &Path,
    known: &Known,
    intake: Intake,
    report: Report<'_>,
) -> Result<Image, SourceError> {
    if let Some(manifest) = known.image_of(&image.id) {
        return Ok(Image { manifests: vec![manifest.clone()], ..Image::default() });
    }
    let spool = Spool::new(temporary)?;
    let response = image.engine.export(&image.id).await?;
    let parts = pipe::through(response, image.bytes, report, move |reader| export::take_apart(reader, spool)).await?;
    let id = image.id.clone();
    let image = off_thread(move || assemble::assemble(&parts, &id)).await?;
    hand_over(&image, &intake).await;
    Ok(image)
}
