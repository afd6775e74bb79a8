//! Images in tar files.
//!
//! | file | does |
//! |---|---|
//! | `header`, `names`, `entries` | one header; names and links that stay inside; one pass over all entries |
//! | `file`, `file_table` | the file, unpacked once if it is compressed; where each entry lies in it |
//! | `file_type`, `docker_manifest` | what an entry is by its first bytes; the `manifest.json` of Docker |
//! | `layers`, `layer_packer` | layers that need a manifest; making them ready to be sent |
//! | `oci`, `docker` | reading an OCI layout; reading what `docker save` and similar tools write |
//! | `error` | a sentence for everything that is refused |
//!
//! No entry is ever unpacked under its name. The exports of an engine are read with the same
//! [`Entries`] (`engine/export.rs`).

mod docker;
mod docker_manifest;
mod entries;
mod error;
mod file;
mod file_table;
mod file_type;
mod header;
mod layer_packer;
mod layers;
mod names;
mod oci;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use entries::tests::build_archive;

pub(crate) use docker::{DockerArchive, DockerImage, read_docker};
pub(crate) use docker_manifest::{SavedImage, digest_in_name};
pub(crate) use entries::{ArchiveInput, Entries};
pub use error::ArchiveError;
pub(crate) use file_type::{FileType, HEAD_BYTES};
pub(crate) use header::EntryKind;
pub(crate) use layers::{ImageLayers, PackedLayer};
pub(crate) use names::{follow_links, normalize};
pub(crate) use oci::read_oci;
