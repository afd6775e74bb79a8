//! Images in tar files.
//!
//! | file | does |
//! |---|---|
//! | `header`, `names`, `entries` | one header; plain names and links that stay inside; one bounded pass over all of it |
//! | `outer`, `contents` | the file, unpacked once when it is gzip'd; the table of what lies where |
//! | `content`, `saved` | what a file is by its first bytes; Docker's `manifest.json` |
//! | `image` | a manifest for layers that have none |
//! | `oci`, `docker` | an OCI layout; what `docker save` and its like write |
//! | `error` | a sentence for everything that is refused |
//!
//! Nothing is unpacked to names on a disk. The engine's exports come through the same pass
//! (`engine/export.rs`).

mod content;
mod contents;
mod docker;
mod entries;
mod error;
mod header;
mod image;
mod names;
mod oci;
mod outer;
mod saved;

#[cfg(test)]
pub(crate) use entries::tests::archive;

pub(crate) use content::{Content, HEAD};
pub(crate) use docker::{Docker, DockerArchive, read_docker};
pub(crate) use entries::{Entries, Input};
pub use error::ArchiveError;
pub(crate) use header::EntryKind;
pub(crate) use image::{Layers, Packed};
pub(crate) use names::{follow, plain};
pub(crate) use oci::read_oci;
pub(crate) use saved::{Saved, promised};
