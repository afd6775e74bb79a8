//! The image transfer, compiled for the fuzz targets alone, and what they share. Nothing here is part of the action.
//!
//! A target gives bytes that somebody else could have written to a reader, and whatever that makes of them is held to be true: an
//! image whose digests are right and which is whole, or a refusal. A panic, a hang or much memory is a finding.

#[path = "../../src/registry/mod.rs"]
pub mod registry;
#[path = "../../src/secret.rs"]
pub mod secret;

pub mod examine;
pub mod files;
pub mod tars;
