//! Reads a container image where a build left it, and pushes it to an OCI registry.
//!
//! | file | does |
//! |---|---|
//! | `reference/` | parses which image is meant |
//! | `source` | finds the image and says what it is: [`find`] |
//! | `layout/`, `archive/`, `engine/`, `remote` | read an OCI layout, an archive, the Docker engine, a registry |
//! | `image` | everything that belongs to one image |
//! | `descriptor`, `manifest`, `image_config` | the documents of the OCI image specification |
//! | `blob/`, `digest` | contents that are verified whenever they are read; sha256 |
//! | `compress`, `spool` | gzip on all cores; the temporary file for compressed layers |
//! | `inventory/` | what the repository has before anything is sent |
//! | `client/`, `bounded_body` | the client of one repository; responses of limited length |
//! | `push` | the transfer, step by step: [`push`] |
//! | `progress`, `error/` | what a transfer reports, and how it can fail |
//! | `ecr` | what is particular to ECR |
//! | `secret`, `scrub/`, `text` | texts that are never shown, masking them in texts that are, texts that are masked |
//!
//! The crate calls no API of AWS: the registry's address, the repository and the credentials are
//! given ([`Target`]). Its messages know ECR well: its hosts, quotas and refusals, and the IAM
//! actions and `aws` commands that help (`ecr`).
//!
//! It reads neither environment nor clock, and prints nothing. Memory does not grow with the image:
//! layers pass through one unnamed temporary file.
//!
//! A rustls crypto provider must have been installed for the process before the first call.

mod archive;
mod blob;
mod bounded_body;
mod client;
mod compress;
mod descriptor;
mod digest;
mod ecr;
mod engine;
mod error;
mod image;
mod image_config;
mod inventory;
mod layout;
mod manifest;
mod progress;
mod push;
mod reference;
mod remote;
pub mod scrub;
pub mod secret;
mod source;
mod spool;
pub mod text;

pub use archive::ArchiveError;
pub use blob::BlobError;
pub use bounded_body::{BodyError, read_body, read_error_text};
pub use client::{Credentials, Renewal, Target, Transport};
pub use digest::{Digest, DigestError};
pub use error::{PushError, SourceError, Step};
pub use image::{Facts, PlatformImage};
pub use image_config::Platform;
pub use progress::{Progress, Pushed, Report, RootManifest};
pub use push::{
    EstimatedSize, PushEstimate, PushOptions, TagDeferral, estimate, push, resolve, retag,
};
pub use reference::{ImageName, ImageReference, ManifestReference, ReferenceError, Tag, TagError};
pub use source::{Source, Sources, find};
