//! Is the image there, and what is it? Asked before anything is written anywhere.
//!
//! Finding reads what is cheap to read: names, manifests, configs and sizes. Layers are read when they are pushed.

use std::path::{Path, PathBuf};

use super::archive::{self, DockerArchive};
use super::blob::Blob;
use super::digest::Digest;
use super::engine::{self, Engine, EngineImage};
use super::error::SourceError;
use super::graph::{Facts, Image};
use super::known::Known;
use super::layout;
use super::progress::Report;
use super::reference::{ImageName, ImageReference};

/// Where images may be, and where room for them is.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The Docker engine's socket, usually `/var/run/docker.sock`.
    pub engine_socket: PathBuf,
    /// What relative paths are relative to.
    pub workspace: PathBuf,
    /// A directory on a disk with room for the image, compressed; nothing is left there.
    pub temporary: PathBuf,
}

/// An image that was found and can be pushed.
#[derive(Debug)]
pub struct Source {
    kind: Kind,
    facts: Facts,
}

/// Takes contents that are whole, to be sent while others are still read.
pub(crate) type Intake = tokio::sync::mpsc::Sender<Blob>;

#[derive(Debug)]
enum Kind {
    Engine { image: EngineImage, temporary: PathBuf },
    DockerArchive(DockerArchive),
    Layout(Image),
}

/// Looks for the image; writes nothing. A bare reference is looked for in the engine only:
/// [`SourceError::NotInEngine`] and [`SourceError::EngineUnreachable`] leave the next step to the caller.
pub async fn find(reference: &ImageReference, sources: &Sources) -> Result<Source, SourceError> {
    match reference {
        ImageReference::Engine(name) | ImageReference::Bare(name) => in_engine(name, sources).await,
        ImageReference::Layout { dir, tag } => in_layout(sources.workspace.join(dir), tag.clone()).await,
        ImageReference::OciArchive { file, tag } => in_oci_archive(sources, file, tag.clone()).await,
        ImageReference::DockerArchive { file, name } => in_docker_archive(sources, file, name.clone()).await,
    }
}

async fn in_engine(name: &ImageName, sources: &Sources) -> Result<Source, SourceError> {
    let image = Engine::at(&sources.engine_socket)?.inspect(name).await?;
    let facts = image.facts();
    Ok(Source { kind: Kind::Engine { image, temporary: sources.temporary.clone() }, facts })
}

async fn in_layout(dir: PathBuf, tag: Option<String>) -> Result<Source, SourceError> {
    let image = off_thread(move || layout::read(&dir, tag.as_deref())).await?;
    Ok(Source { facts: image.facts.clone(), kind: Kind::Layout(image) })
}

async fn in_oci_archive(sources: &Sources, file: &Path, tag: Option<String>) -> Result<Source, SourceError> {
    let (file, temporary) = (sources.workspace.join(file), sources.temporary.clone());
    let image = off_thread(move || archive::read_oci(&file, tag.as_deref(), &temporary)).await?;
    Ok(Source { facts: image.facts.clone(), kind: Kind::Layout(image) })
}

async fn in_docker_archive(sources: &Sources, file: &Path, name: Option<String>) -> Result<Source, SourceError> {
    let (file, temporary) = (sources.workspace.join(file), sources.temporary.clone());
    let archive = off_thread(move || archive::read_docker(&file, name.as_deref(), &temporary)).await?;
    Ok(Source { facts: archive.facts().clone(), kind: Kind::DockerArchive(archive) })
}

impl Source {
    /// The digest by which the image will be known in the registry; an engine's image has none before it was compressed.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.kind {
            Kind::Engine { .. } => None,
            Kind::DockerArchive(archive) => archive.digest(),
            Kind::Layout(image) => image.manifests.last().map(|manifest| &manifest.digest),
        }
    }

    /// What the image says about itself: platforms and labels.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Bytes of the image: as the engine counts them (uncompressed), or as the layout holds them.
    pub fn bytes(&self) -> u64 {
        match &self.kind {
            Kind::Engine { image, .. } => image.bytes,
            Kind::DockerArchive(archive) => archive.bytes(),
            Kind::Layout(image) => image.blobs.iter().map(|blob| blob.size).sum(),
        }
    }

    /// Makes every byte of the image readable that the registry is not known to have, and hands over each content as soon
    /// as it is: an engine's image is exported and compressed now.
    pub(crate) async fn open(&self, known: &Known, intake: Intake, report: Report<'_>) -> Result<Image, SourceError> {
        match &self.kind {
            Kind::Engine { image, temporary } => engine::open(image, temporary, known, intake, report).await,
            Kind::DockerArchive(archive) => archive.open(known, intake, report).await,
            Kind::Layout(image) => {
                for blob in &image.blobs {
                    // Whoever does not take it any more has a reason of its own.
                    drop(intake.send(blob.clone()).await);
                }
                Ok(image.clone())
            }
        }
    }
}

/// Files are read, and layers compressed, where they do not hold up the network.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let broken = |error: tokio::task::JoinError| SourceError::Spool { dir: Path::new(".").to_owned(), source: error.into() };
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}
