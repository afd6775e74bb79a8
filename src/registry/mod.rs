//! The image transfer: reads an image where the build left it, and brings it to an OCI registry.
//!
//! | file | does |
//! |---|---|
//! | `reference` | which image is meant |
//! | `source` | is it there, and what is it: [`find`] |
//! | `layout`, `archive/`, `engine/` | read an OCI layout; a tar file of one, or of `docker save`; the Docker engine |
//! | `graph`, `media` | everything that belongs to an image; manifests and configs |
//! | `known` | what the registry is known to have, so that it is not read or sent again |
//! | `blob`, `spool`, `digest`, `compress` | bytes that are read again and again, verified each time; the temporary file; sha256; gzip |
//! | `client/` | speaks with one repository of a registry |
//! | `push` | the transfer as a straight line: [`push`] |
//! | `progress`, `error` | what it tells, and what can go wrong |
//!
//! It knows nothing of AWS: endpoint, repository and credentials are given ([`Target`]). It reads no environment and no
//! clock, and prints nothing. Memory does not grow with the image: layers pass through one nameless temporary file.
//!
//! Before the first call a rustls crypto provider must have been installed for the process.

mod archive;
mod blob;
mod client;
mod compress;
mod digest;
mod engine;
mod error;
mod graph;
mod known;
mod layout;
mod media;
mod progress;
mod push;
mod reference;
mod source;
mod spool;

pub use archive::ArchiveError;
pub use blob::BlobError;
pub use client::{Credentials, Target};
pub use digest::{Digest, DigestError};
pub use error::{PushError, SourceError, Step};
pub use graph::Facts;
pub use media::Platform;
pub use progress::{Progress, Pushed, Report};
pub use push::{Name, push, resolve};
pub use reference::{ImageName, ImageReference, ReferenceError, Tag, TagError};
pub use source::{Source, Sources, find};
