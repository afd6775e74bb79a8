//! The image transfer: reads an image where the build left it, and brings it to an OCI registry.
//!
//! | file | does |
//! |---|---|
//! | `reference` | which image is meant |
//! | `source` | is it there, and what is it: [`find`] |
//! | `layout`, `archive/`, `engine/`, `remote` | read an OCI layout, an archive, the Docker engine, a registry |
//! | `graph`, `media` | everything that belongs to an image; manifests and configs |
//! | `blob`, `spool`, `digest`, `compress` | bytes that are read again and again, verified each time; the temporary file; sha256; gzip |
//! | `standing`, `known` | what the repository has before anything is moved |
//! | `body` | an answer is read up to a length |
//! | `client/` | speaks with one repository of a registry |
//! | `push` | the transfer as a straight line: [`push`] |
//! | `progress`, `error` | what it tells, and what can go wrong |
//! | `secret`, `scrub` | a text that is never shown; taking it out of texts that people will read |
//!
//! It calls no API of AWS, although errors name the IAM actions that ECR wants: endpoint,
//! repository and credentials are given ([`Target`]). It reads no environment and no clock, and
//! prints nothing. Memory does not grow with the image: layers pass through one nameless temporary
//! file.
//!
//! Before the first call a rustls crypto provider must have been installed for the process.

mod archive;
mod blob;
mod body;
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
mod remote;
pub mod scrub;
pub mod secret;
mod source;
mod spool;
mod standing;

pub use archive::ArchiveError;
pub use blob::BlobError;
pub use body::{BodyError, read_body, read_words};
pub use client::{Credentials, Renewal, Target, Transport};
pub use digest::{Digest, DigestError};
pub use error::{PushError, SourceError, Step};
pub use graph::{Facts, PlatformImage};
pub use media::Platform;
pub use progress::{Progress, Pushed, Report, Root};
pub use push::{Delivery, Later, Name, push, resolve, retag};
pub use reference::{ImageName, ImageReference, ReferenceError, Tag, TagError};
pub use source::{Source, Sources, find};
