//! The image transfer, compiled for the fuzz targets alone, and what they share. Nothing here is
//! part of the action.
//!
//! A target passes bytes that somebody else could have written to a reader, and checks the result:
//! a complete image whose digests are right, or an error. A panic, a hang or much memory is a
//! finding.

// The modules of the crate `registry`: what the readers return is not public there.
#[path = "../../registry/src/archive/mod.rs"]
mod archive;
#[path = "../../registry/src/blob/mod.rs"]
mod blob;
#[path = "../../registry/src/bounded_body.rs"]
mod bounded_body;
#[path = "../../registry/src/client/mod.rs"]
mod client;
#[path = "../../registry/src/compress.rs"]
mod compress;
#[path = "../../registry/src/descriptor.rs"]
mod descriptor;
#[path = "../../registry/src/digest.rs"]
mod digest;
#[path = "../../registry/src/ecr.rs"]
mod ecr;
#[path = "../../registry/src/engine/mod.rs"]
mod engine;
#[path = "../../registry/src/error/mod.rs"]
mod error;
#[path = "../../registry/src/image.rs"]
mod image;
#[path = "../../registry/src/image_config.rs"]
mod image_config;
#[path = "../../registry/src/inventory/mod.rs"]
mod inventory;
#[path = "../../registry/src/layout/mod.rs"]
mod layout;
#[path = "../../registry/src/manifest.rs"]
mod manifest;
#[path = "../../registry/src/progress.rs"]
mod progress;
#[path = "../../registry/src/push/mod.rs"]
mod push;
#[path = "../../registry/src/reference/mod.rs"]
mod reference;
#[path = "../../registry/src/remote.rs"]
mod remote;
#[path = "../../registry/src/scrub/mod.rs"]
mod scrub;
#[path = "../../registry/src/secret.rs"]
mod secret;
#[path = "../../registry/src/source.rs"]
mod source;
#[path = "../../registry/src/spool.rs"]
mod spool;

pub mod examine;
pub mod files;
pub mod tars;

pub use reference::ImageReference;
