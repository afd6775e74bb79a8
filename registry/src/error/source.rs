//! Why an image cannot be read.

use crate::scrub::masked;
use std::path::PathBuf;

use super::PushError;
use crate::archive::ArchiveError;
use crate::blob::BlobError;
use crate::digest::Digest;

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing is at the engine's socket.
    #[error("there is no Docker engine: nothing is at {}", socket.display())]
    EngineAbsent {
        /// The socket that was tried.
        socket: PathBuf,
    },
    /// Nobody answers at the engine's socket.
    #[error("the Docker engine does not answer at {}", socket.display())]
    EngineUnreachable {
        /// The socket that was tried.
        socket: PathBuf,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// The engine was silent for too long while it should export.
    #[error("the Docker engine sent nothing for {seconds} seconds")]
    EngineSilent {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The engine answered with an error of its own.
    #[error("the Docker engine answered {status}: {}", masked(message))]
    EngineRefused {
        /// The HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// The engine does not have it.
    #[error("the Docker engine has no image `{name}`")]
    NotInEngine {
        /// The name that was asked for.
        name: String,
    },
    /// What the engine exported is not an image that can be understood.
    #[error("the Docker engine's export cannot be used: {reason}")]
    Export {
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such directory.
    #[error("there is no OCI layout at {}", dir.display())]
    LayoutMissing {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// One of the layout's own files is missing or wrong.
    #[error("{} is not part of a good OCI layout: {reason}", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The layout has no image of that name, or none at all.
    #[error("{}", not_in_layout(dir, tag.as_deref(), there))]
    NotInLayout {
        /// The directory.
        dir: PathBuf,
        /// The name that was asked for.
        tag: Option<String>,
        /// The names of the images that are there.
        there: Vec<String>,
    },
    /// Without a tag it is not said which image of several is meant.
    #[error("the OCI layout at {} holds several images: {}", dir.display(), there.join(", "))]
    Ambiguous {
        /// The directory.
        dir: PathBuf,
        /// The names of the images that are there.
        there: Vec<String>,
    },
    /// There is no such archive.
    #[error("there is no image archive at {}", file.display())]
    ArchiveMissing {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The archive is damaged, or it holds what no image needs.
    #[error("the archive {} cannot be used", file.display())]
    Archive {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// The archive has no image of that name, or none at all.
    #[error("{}", not_in_archive(file, name.as_deref(), there))]
    NotInArchive {
        /// The file.
        file: PathBuf,
        /// The name that was asked for.
        name: Option<String>,
        /// The names of the images that are there.
        there: Vec<String>,
    },
    /// Without a name it is not said which image of several is meant.
    #[error("the archive {} holds several images: {}", file.display(), there.join(", "))]
    AmbiguousArchive {
        /// The file.
        file: PathBuf,
        /// The names of the images that are there.
        there: Vec<String>,
    },
    /// A manifest or an index is not one.
    #[error("the manifest {digest} cannot be used: {reason}")]
    Manifest {
        /// Which one.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// An image config is not one.
    #[error("the image config {digest} cannot be used: {reason}")]
    Config {
        /// Which one.
        digest: Digest,
        /// What is wrong with it.
        reason: String,
    },
    /// A content is missing, too short, too long or garbled.
    #[error("a part of the image is missing or damaged")]
    Blob(#[from] BlobError),
    /// The registry that has the image does not give it.
    #[error("the image cannot be read from its registry")]
    Registry(#[source] Box<PushError>),
    /// The registry has no such image.
    #[error("the registry {host} has no image `{name}`")]
    NotInRegistry {
        /// The registry's host.
        host: String,
        /// Repository and tag or digest.
        name: String,
    },
    /// The temporary directory does not take the image.
    #[error("the image cannot be kept in {}", dir.display())]
    Spool {
        /// The temporary directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn not_in_layout(dir: &std::path::Path, tag: Option<&str>, there: &[String]) -> String {
    let dir = dir.display();
    match tag {
        Some(tag) if !there.is_empty() => format!(
            "the OCI layout at {dir} has no image `{tag}`; there are: {}",
            there.join(", ")
        ),
        Some(_) | None => format!("the OCI layout at {dir} holds no image"),
    }
}

fn not_in_archive(file: &std::path::Path, name: Option<&str>, there: &[String]) -> String {
    let file = file.display();
    match name {
        Some(name) if !there.is_empty() => format!(
            "the archive {file} has no image `{name}`; there are: {}",
            there.join(", ")
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
            Self::Blob(_) | Self::Manifest { .. } | Self::Config { .. } => {
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
