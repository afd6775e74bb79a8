//! Is the image there, and what is it? Asked before anything is written anywhere.
//!
//! Finding reads what is cheap to read: names, manifests, configs and sizes. Layers are read when
//! they are pushed.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::archive::{self, Docker, DockerArchive};
use super::blob::Blob;
use super::client::{Registry, Target};
use super::digest::Digest;
use super::engine::{self, Engine, EngineImage};
use super::error::SourceError;
use super::graph::{Facts, Image};
use super::known::Known;
use super::layout;
use super::media::Manifest;
use super::progress::{Report, Root};
use super::reference::{ImageName, ImageReference};
use super::remote::Remote;

/// Where images may be, and where room for them is.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The Docker engine's socket, usually `/var/run/docker.sock`.
    pub engine_socket: PathBuf,
    /// What relative paths are relative to.
    pub workspace: PathBuf,
    /// A directory on a disk with room for the image, compressed; nothing is left there.
    pub temporary: PathBuf,
    /// The repository that a `docker://` reference means, and who we are there.
    pub registry: Option<Target>,
}

/// An image that was found and can be pushed.
#[derive(Debug)]
pub struct Source {
    kind: SourceKind,
}

#[derive(Debug)]
enum SourceKind {
    Engine {
        image: EngineImage,
        temporary: PathBuf,
    },
    /// A layout, or an archive that is one.
    Files(Image),
    DockerArchive(DockerArchive),
    Registry(Remote),
}

/// Where blobs are handed over as soon as each is whole: they are sent while the rest is still
/// read.
pub(crate) type Intake = mpsc::Sender<Blob>;

/// Looks for the image; writes nothing. A bare reference is looked for in the engine only:
/// [`SourceError::NotInEngine`], [`SourceError::EngineAbsent`] and
/// [`SourceError::EngineUnreachable`] leave the next step to the caller.
pub async fn find(
    reference: &ImageReference,
    sources: &Sources,
    report: Report<'_>,
) -> Result<Source, SourceError> {
    let path = |path: &Path| sources.workspace.join(path);
    let temporary = sources.temporary.clone();
    let kind = match reference {
        ImageReference::Engine(name) | ImageReference::Bare(name) => {
            let image = Engine::at(&sources.engine_socket)?.inspect(name).await?;
            SourceKind::Engine { image, temporary }
        }
        ImageReference::Layout { dir, tag } => {
            let (dir, tag) = (path(dir), tag.clone());
            SourceKind::Files(off_thread(move || layout::read(&dir, tag.as_deref())).await?)
        }
        ImageReference::OciArchive { file, tag } => {
            let (file, tag) = (path(file), tag.clone());
            SourceKind::Files(
                off_thread(move || archive::read_oci(&file, tag.as_deref(), &temporary)).await?,
            )
        }
        ImageReference::DockerArchive { file, name } => {
            let (file, name) = (path(file), name.clone());
            match off_thread(move || archive::read_docker(&file, name.as_deref(), &temporary))
                .await?
            {
                Docker::Whole(image) => SourceKind::Files(image),
                Docker::Parts(archive) => SourceKind::DockerArchive(archive),
            }
        }
        ImageReference::Registry(name) => {
            SourceKind::Registry(in_registry(name, sources, report).await?)
        }
    };
    Ok(Source { kind })
}

async fn in_registry(
    name: &ImageName,
    sources: &Sources,
    report: Report<'_>,
) -> Result<Remote, SourceError> {
    match &sources.registry {
        Some(target) => Remote::find(target, name, report).await,
        None => Err(SourceError::NotInRegistry {
            host: name.address().0,
            name: name.to_string(),
        }),
    }
}

impl Source {
    /// The digest by which the image will be known in the registry; an engine's image has none
    /// before it was compressed.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.kind {
            SourceKind::Engine { .. } | SourceKind::DockerArchive(_) => None,
            SourceKind::Files(image) => image.manifests.last().map(|manifest| &manifest.digest),
            SourceKind::Registry(remote) => Some(&remote.root().digest),
        }
    }

    /// Whether it is in the engine, and not known to be in the registry that its name means.
    pub fn is_in_engine_only(&self, name: &ImageName) -> bool {
        match &self.kind {
            SourceKind::Engine { image, .. } => !image.was_in_registry(name),
            SourceKind::Files(_) | SourceKind::DockerArchive(_) | SourceKind::Registry(_) => false,
        }
    }

    /// What the image runs on. Of an image in a registry this is read when it is asked for.
    pub async fn facts(&self, report: Report<'_>) -> Result<Facts, SourceError> {
        match &self.kind {
            SourceKind::Engine { image, .. } => Ok(image.facts()),
            SourceKind::Files(image) => Ok(image.facts.clone()),
            SourceKind::DockerArchive(archive) => Ok(archive.facts()),
            SourceKind::Registry(remote) => remote.facts(report).await,
        }
    }

    /// The config that an image without a manifest is known by; its layers are known by their
    /// uncompressed contents.
    pub(crate) fn config(&self) -> Option<&Digest> {
        match &self.kind {
            SourceKind::Engine { image, .. } => Some(&image.id),
            SourceKind::DockerArchive(archive) => Some(archive.id()),
            SourceKind::Files(_) | SourceKind::Registry(_) => None,
        }
    }

    /// How many contents it has, as far as that is known without reading more.
    pub(crate) fn contents(&self) -> usize {
        match &self.kind {
            SourceKind::Engine { .. } | SourceKind::DockerArchive(_) => 0,
            SourceKind::Files(image) => image.blobs.len(),
            SourceKind::Registry(remote) => remote.root().contents().len(),
        }
    }

    /// The manifest or index of an image that is in a registry, for a tag that is to name it.
    pub fn in_registry(&self) -> Option<Root> {
        match &self.kind {
            SourceKind::Registry(remote) => Some(Root(remote.root().clone())),
            SourceKind::Engine { .. } | SourceKind::Files(_) | SourceKind::DockerArchive(_) => None,
        }
    }

    /// Whether the image is in this repository already, so that at most names are missing.
    pub(crate) fn is_in(&self, registry: &Registry) -> bool {
        match &self.kind {
            SourceKind::Registry(remote) => remote.registry().is(registry),
            SourceKind::Engine { .. } | SourceKind::Files(_) | SourceKind::DockerArchive(_) => {
                false
            }
        }
    }

    /// What tags are to point at, when it is known without reading more.
    pub(crate) fn root(&self) -> Option<&Manifest> {
        match &self.kind {
            SourceKind::Files(image) => image.manifests.last(),
            SourceKind::Registry(remote) => Some(remote.root()),
            SourceKind::Engine { .. } | SourceKind::DockerArchive(_) => None,
        }
    }

    /// Makes every byte readable that the registry does not have: an engine's image is exported and
    /// compressed now.
    pub(crate) async fn open(
        &self,
        known: &Known,
        intake: Intake,
        report: Report<'_>,
    ) -> Result<Image, SourceError> {
        let image = match &self.kind {
            SourceKind::Engine { image, temporary } => {
                return engine::open(image, temporary, known, intake, report).await;
            }
            SourceKind::DockerArchive(archive) => return archive.open(known, intake, report).await,
            SourceKind::Files(image) => image.clone(),
            SourceKind::Registry(remote) => remote.read(report).await?,
        };
        report(image.ready());
        hand_over(&image, &intake).await;
        Ok(image)
    }
}

/// Hands over all blobs of an image.
pub(crate) async fn hand_over(image: &Image, intake: &Intake) {
    for blob in &image.blobs {
        // Nobody takes any more when the transfer failed; it says why.
        if intake.send(blob.clone()).await.is_err() {
            return;
        }
    }
}

/// Files are read, and layers compressed, where they do not hold up the network.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let broken = |error: tokio::task::JoinError| SourceError::Spool {
        dir: Path::new(".").to_owned(),
        source: error.into(),
    };
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}
