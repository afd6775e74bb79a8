//! The image transfer: reads an image where the build left it, and brings it to an OCI registry.
//!
//! | file | does |
//! |---|---|
//! | `reference` | which image is meant |
//! | `source` | is it there, and what is it: [`find`] |
//! | `layout`, `engine/` | read an OCI layout; read the Docker engine |
//! | `graph`, `media` | everything that belongs to an image; manifests and configs |
//! | `blob`, `spool`, `digest` | bytes that are read again and again, verified each time; the temporary file; sha256 |
//! | `client/` | speaks with one repository of a registry |
//! | `push` | the transfer as a straight line: [`push`] |
//! | `progress`, `error` | what it tells, and what can go wrong |
//!
//! It knows nothing of AWS: endpoint, repository and credentials are given ([`Target`]). It reads no environment and no
//! clock, and prints nothing. Memory does not grow with the image: layers pass through one nameless temporary file.
//!
//! Before the first call a rustls crypto provider must have been installed for the process.

mod blob;
mod client;
mod digest;
mod engine;
mod error;
mod graph;
mod layout;
mod media;
mod progress;
mod push;
mod reference;
mod source;
mod spool;

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
