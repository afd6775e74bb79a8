//! The image transfer, compiled for the fuzz targets alone, and what they share. Nothing here is part of the action.
//!
//! A target gives bytes that somebody else could have written to a reader, and whatever that makes of them is held to be true: an
//! image whose digests are right and which is whole, or a refusal. A panic, a hang or much memory is a finding.

// The modules of the crate `registry`: what the readers hand over is not public there.
#[path = "../../registry/src/archive/mod.rs"]
mod archive;
#[path = "../../registry/src/blob.rs"]
mod blob;
#[path = "../../registry/src/body.rs"]
mod body;
#[path = "../../registry/src/client/mod.rs"]
mod client;
#[path = "../../registry/src/compress.rs"]
mod compress;
#[path = "../../registry/src/digest.rs"]
mod digest;
#[path = "../../registry/src/engine/mod.rs"]
mod engine;
#[path = "../../registry/src/error/mod.rs"]
mod error;
#[path = "../../registry/src/graph.rs"]
mod graph;
#[path = "../../registry/src/known.rs"]
mod known;
#[path = "../../registry/src/layout.rs"]
mod layout;
#[path = "../../registry/src/media.rs"]
mod media;
#[path = "../../registry/src/progress.rs"]
mod progress;
#[path = "../../registry/src/push.rs"]
mod push;
#[path = "../../registry/src/reference.rs"]
mod reference;
#[path = "../../registry/src/remote.rs"]
mod remote;
#[path = "../../registry/src/scrub.rs"]
mod scrub;
#[path = "../../registry/src/secret.rs"]
mod secret;
#[path = "../../registry/src/source.rs"]
mod source;
#[path = "../../registry/src/spool.rs"]
mod spool;
#[path = "../../registry/src/standing.rs"]
mod standing;

pub mod examine;
pub mod files;
pub mod tars;

pub use reference::ImageReference;
