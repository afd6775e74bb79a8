//! Why an image cannot be read.

use crate::scrub::mask;
use std::path::PathBuf;

use super::PushError;
use crate::archive::ArchiveError;
use crate::blob::BlobError;
use crate::digest::Digest;

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the sentence of a variant says what its fields are"
)]
pub enum SourceError {
    /// Nothing is at the engine's socket.
    #[error("there is no Docker engine: nothing is at {}", socket.display())]
    EngineAbsent { socket: PathBuf },
    /// The engine does not answer at its socket.
    #[error("the Docker engine does not answer at {}", socket.display())]
    EngineUnreachable {
        socket: PathBuf,
        source: reqwest::Error,
    },
    /// The engine sent nothing for too long during an export.
    #[error("the Docker engine sent nothing for {seconds} seconds")]
    EngineSilent {
        /// The time that was waited, in seconds.
        seconds: u64,
    },
    /// The engine answered with an error of its own.
    #[error("the Docker engine answered {status}: {}", mask(message))]
    EngineRefused {
        status: u16,
        /// The engine's message, on one line.
        message: String,
    },
    /// The engine does not have the image.
    #[error("the Docker engine has no image `{name}`")]
    NotInEngine { name: String },
    /// The export of the engine is not a complete image.
    #[error("the Docker engine's export cannot be used: {reason}")]
    Export { reason: String },
    /// There is no such directory.
    #[error("there is no OCI layout at {}", dir.display())]
    LayoutMissing {
        dir: PathBuf,
        source: std::io::Error,
    },
    /// `oci-layout` or `index.json` of a layout is missing or wrong.
    #[error("{} is not part of a good OCI layout: {reason}", path.display())]
    Layout { path: PathBuf, reason: String },
    /// The layout has no image of that name, or none at all.
    #[error("{}", describe_missing_in_layout(dir, tag.as_deref(), there))]
    NotInLayout {
        dir: PathBuf,
        tag: Option<String>,
        there: Vec<String>,
    },
    /// The layout has several images, and nothing says which one is meant.
    #[error("the OCI layout at {} holds several images: {}", dir.display(), there.join(", "))]
    Ambiguous { dir: PathBuf, there: Vec<String> },
    /// There is no such archive.
    #[error("there is no image archive at {}", file.display())]
    ArchiveMissing {
        file: PathBuf,
        source: std::io::Error,
    },
    /// The archive is damaged, or contains something that no image needs.
    #[error("the archive {} cannot be used", file.display())]
    Archive { file: PathBuf, source: ArchiveError },
    /// The archive has no image of that name, or none at all.
    #[error("{}", describe_missing_in_archive(file, name.as_deref(), there))]
    NotInArchive {
        file: PathBuf,
        name: Option<String>,
        there: Vec<String>,
    },
    /// The archive has several images, and nothing says which one is meant.
    #[error("the archive {} holds several images: {}", file.display(), there.join(", "))]
    AmbiguousArchive { file: PathBuf, there: Vec<String> },
    /// A manifest or an index cannot be parsed, or contradicts itself.
    #[error("the manifest {digest} cannot be used: {reason}")]
    Manifest { digest: Digest, reason: String },
    /// An image config cannot be parsed.
    #[error("the image config {digest} cannot be used: {reason}")]
    ImageConfig { digest: Digest, reason: String },
    /// A blob is missing or damaged.
    #[error("a part of the image is missing or damaged")]
    Blob(#[from] BlobError),
    /// The registry refuses to give the image, or stays unreachable.
    #[error("the image cannot be read from its registry")]
    Registry(#[source] Box<PushError>),
    /// The registry has no such image.
    #[error("the registry {host} has no image `{name}`")]
    NotInRegistry {
        host: String,
        /// Repository and tag or digest.
        name: String,
    },
    /// The temporary directory cannot be written to.
    #[error("the image cannot be kept in {}", dir.display())]
    Spool {
        dir: PathBuf,
        source: std::io::Error,
    },
}

fn describe_missing_in_layout(
    dir: &std::path::Path,
    tag: Option<&str>,
    available: &[String],
) -> String {
    let dir = dir.display();
    match tag {
        Some(tag) if !available.is_empty() => format!(
            "the OCI layout at {dir} has no image `{tag}`; there are: {}",
            available.join(", ")
        ),
        Some(_) | None => format!("the OCI layout at {dir} holds no image"),
    }
}

fn describe_missing_in_archive(
    file: &std::path::Path,
    name: Option<&str>,
    available: &[String],
) -> String {
    let file = file.display();
    match name {
        Some(name) if !available.is_empty() => format!(
            "the archive {file} has no image `{name}`; there are: {}",
            available.join(", ")
        ),
        Some(_) | None => format!("the archive {file} holds no image"),
    }
}

impl SourceError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.hint(),
            other => other.own_hint().map(str::to_owned),
        }
    }

    fn own_hint(&self) -> Option<&'static str> {
        match self {
            Self::EngineAbsent { .. } => Some(
                "use a runner with a Docker engine, or write the image to an OCI layout or an archive: oci:DIR, oci-archive:FILE, docker-archive:FILE",
            ),
            Self::EngineUnreachable { .. } => Some(
                "does the job's runner have a Docker engine, and is DOCKER_HOST a unix:// address?",
            ),
            Self::NotInEngine { .. } => {
                Some("build with `load: true` (buildx), or check the name with `docker image ls`")
            }
            Self::LayoutMissing { .. } | Self::ArchiveMissing { .. } => Some(
                "the path is relative to the workspace; files outside the workspace are not seen by the action",
            ),
            Self::Layout { .. } => {
                Some("an archive is written oci-archive:FILE or docker-archive:FILE")
            }
            Self::NotInRegistry { .. } => Some("check the name, and that the build pushed it"),
            Self::Ambiguous { .. } => Some("write oci:DIR:TAG"),
            Self::Archive { source, .. } => source.hint(),
            Self::AmbiguousArchive { .. } => {
                Some("write oci-archive:FILE:TAG or docker-archive:FILE:NAME:TAG")
            }
            Self::Blob(_) | Self::Manifest { .. } | Self::ImageConfig { .. } => {
                Some("write the image again; it may have been cut off")
            }
            Self::Spool { .. } => {
                Some("the temporary directory needs room for the compressed image")
            }
            Self::EngineSilent { .. }
            | Self::EngineRefused { .. }
            | Self::Export { .. }
            | Self::NotInLayout { .. }
            | Self::NotInArchive { .. }
            | Self::Registry(_) => None,
        }
    }
}
