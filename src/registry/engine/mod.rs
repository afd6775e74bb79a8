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
use super::progress::Report;
use super::source::off_thread;
use super::spool::Spool;

/// Exports an image, compressing what is not, and verifies all of it.
pub(crate) async fn export(image: &EngineImage, temporary: &Path, report: Report<'_>) -> Result<Image, SourceError> {
    let spool = Spool::new(temporary)?;
    let response = image.engine.export(&image.id).await?;
    let parts = pipe::through(response, image.bytes, report, move |reader| export::take_apart(reader, spool)).await?;
    let id = image.id.clone();
    off_thread(move || assemble::assemble(&parts, &id)).await
}
