//! Finds an image before anything is written anywhere.
//!
//! Finding it reads names, manifests, configs and sizes. Layers are read when the image is pushed.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::archive::{self, DockerArchive, DockerImage};
use crate::blob::Blob;
use crate::client::{Registry, Target};
use crate::digest::Digest;
use crate::engine::{self, Engine, EngineImage};
use crate::error::SourceError;
use crate::image::{Facts, Image};
use crate::inventory::KnownContents;
use crate::layout;
use crate::manifest::Manifest;
use crate::progress::{Report, RootManifest};
use crate::reference::{ImageName, ImageReference};
use crate::remote::RemoteImage;

/// The places where images may be, and where temporary files go.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The Docker engine's socket, usually `/var/run/docker.sock`.
    pub engine_socket: PathBuf,
    /// The directory that relative paths start from.
    pub workspace: PathBuf,
    /// A directory with room for the compressed image; nothing stays there.
    pub temporary: PathBuf,
    /// The repository of a `docker://` reference, with credentials.
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
    Registry(RemoteImage),
}

/// The contents of a source, as far as they are known before layers are read.
pub(crate) enum Contents<'s> {
    /// Layers that are compressed when the image is read.
    Layers {
        /// What identifies the image.
        config: &'s Digest,
        /// Their digests, uncompressed.
        layers: Vec<&'s Digest>,
        /// Their size in bytes, roughly.
        bytes: u64,
    },
    /// Blobs as they are sent.
    Blobs(Vec<Blob>),
}

/// Takes each blob as soon as it is ready, so that it is sent while the rest is still being read.
pub(crate) type BlobSender = mpsc::Sender<Blob>;

/// Looks for an image.
///
/// # Errors
/// The image is not there or cannot be used. A bare reference is looked for in the engine only;
/// after [`SourceError::NotInEngine`], [`SourceError::EngineAbsent`] or
/// [`SourceError::EngineUnreachable`] the caller may look for it elsewhere.
pub async fn find(
    reference: &ImageReference,
    sources: &Sources,
    report: Report<'_>,
) -> Result<Source, SourceError> {
    let path = |path: &Path| sources.workspace.join(path);
    let temporary = sources.temporary.clone();
    let kind = match reference {
        ImageReference::Engine(name) | ImageReference::Bare(name) => {
            let image = Engine::new(&sources.engine_socket)?.inspect(name).await?;
            SourceKind::Engine { image, temporary }
        }
        ImageReference::Layout { dir, tag } => {
            let (dir, tag) = (path(dir), tag.clone());
            SourceKind::Files(
                run_blocking(move || layout::read_layout(&dir, tag.as_deref())).await?,
            )
        }
        ImageReference::OciArchive { file, tag } => {
            let (file, tag) = (path(file), tag.clone());
            SourceKind::Files(
                run_blocking(move || archive::read_oci(&file, tag.as_deref(), &temporary)).await?,
            )
        }
        ImageReference::DockerArchive { file, name } => {
            let (file, name) = (path(file), name.clone());
            match run_blocking(move || archive::read_docker(&file, name.as_deref(), &temporary))
                .await?
            {
                DockerImage::Complete(image) => SourceKind::Files(image),
                DockerImage::Parts(archive) => SourceKind::DockerArchive(archive),
            }
        }
        ImageReference::Registry(name) => {
            SourceKind::Registry(find_in_registry(name, sources, report).await?)
        }
    };
    Ok(Source { kind })
}

async fn find_in_registry(
    name: &ImageName,
    sources: &Sources,
    report: Report<'_>,
) -> Result<RemoteImage, SourceError> {
    match &sources.registry {
        Some(target) => RemoteImage::find(target, name, report).await,
        None => Err(SourceError::NotInRegistry {
            host: name.address().0,
            name: name.to_string(),
        }),
    }
}

impl Source {
    /// The digest that the image will have in the registry. An image without a manifest, from an
    /// engine or a Docker archive, has none before it is pushed.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.kind {
            SourceKind::Engine { .. } | SourceKind::DockerArchive(_) => None,
            SourceKind::Files(image) => image.manifests.last().map(|manifest| &manifest.digest),
            SourceKind::Registry(remote) => Some(&remote.root().digest),
        }
    }

    /// What identifies the image before it is pushed: its digest, or that of its config.
    pub fn identity(&self) -> Option<&Digest> {
        self.digest().or_else(|| self.config_digest())
    }

    /// Whether the image is in the engine, and as far as the engine knows not in the registry of
    /// its name.
    pub fn is_in_engine_only(&self, name: &ImageName) -> bool {
        match &self.kind {
            SourceKind::Engine { image, .. } => !image.was_in_registry(name),
            SourceKind::Files(_) | SourceKind::DockerArchive(_) | SourceKind::Registry(_) => false,
        }
    }

    /// The platforms of the image. Those of an image in a registry are read now, from its configs.
    pub async fn facts(&self, report: Report<'_>) -> Result<Facts, SourceError> {
        match &self.kind {
            SourceKind::Engine { image, .. } => Ok(image.facts()),
            SourceKind::Files(image) => Ok(image.facts.clone()),
            SourceKind::DockerArchive(archive) => Ok(archive.facts()),
            SourceKind::Registry(remote) => remote.facts(report).await,
        }
    }

    /// What identifies an image without a manifest: the digest of its config, or in containerd's
    /// store that of its manifest or index.
    pub(crate) fn config_digest(&self) -> Option<&Digest> {
        match &self.kind {
            SourceKind::Engine { image, .. } => Some(&image.id),
            SourceKind::DockerArchive(archive) => Some(archive.config_digest()),
            SourceKind::Files(_) | SourceKind::Registry(_) => None,
        }
    }

    /// The number of its blobs, as far as that is known without reading more; else 0.
    pub(crate) fn blob_count(&self) -> usize {
        match &self.kind {
            SourceKind::Engine { .. } | SourceKind::DockerArchive(_) => 0,
            SourceKind::Files(image) => image.blobs.len(),
            SourceKind::Registry(remote) => remote.root().required_blobs().len(),
        }
    }

    /// The manifest or index of an image that is in a registry, for setting tags.
    pub fn registry_root(&self) -> Option<RootManifest> {
        match &self.kind {
            SourceKind::Registry(remote) => Some(RootManifest(remote.root().clone())),
            SourceKind::Engine { .. } | SourceKind::Files(_) | SourceKind::DockerArchive(_) => None,
        }
    }

    /// Whether the image is in this repository already, so that only tags can be missing.
    pub(crate) fn is_in(&self, registry: &Registry) -> bool {
        match &self.kind {
            SourceKind::Registry(remote) => remote.registry().is_same_repository(registry),
            SourceKind::Engine { .. } | SourceKind::Files(_) | SourceKind::DockerArchive(_) => {
                false
            }
        }
    }

    /// The manifest or index that tags are to name, if it is known without reading more.
    pub(crate) fn root(&self) -> Option<&Manifest> {
        match &self.kind {
            SourceKind::Files(image) => image.manifests.last(),
            SourceKind::Registry(remote) => Some(remote.root()),
            SourceKind::Engine { .. } | SourceKind::DockerArchive(_) => None,
        }
    }

    /// What it is made of, as far as that is known without reading layers.
    pub(crate) async fn contents(&self, report: Report<'_>) -> Result<Contents<'_>, SourceError> {
        Ok(match &self.kind {
            SourceKind::Engine { image, .. } => Contents::Layers {
                config: &image.id,
                layers: image.diff_ids.iter().collect(),
                bytes: image.bytes,
            },
            SourceKind::DockerArchive(archive) => Contents::Layers {
                config: archive.config_digest(),
                layers: archive.diff_ids(),
                bytes: archive.size(),
            },
            SourceKind::Files(image) => Contents::Blobs(image.blobs.clone()),
            SourceKind::Registry(remote) => Contents::Blobs(remote.read_image(report).await?.blobs),
        })
    }

    /// Reads what the registry does not have, and sends every blob to `blob_sender` as soon as it
    /// is ready. The image of an engine is exported and compressed now.
    pub(crate) async fn open(
        &self,
        known: &KnownContents,
        blob_sender: BlobSender,
        report: Report<'_>,
    ) -> Result<Image, SourceError> {
        let image = match &self.kind {
            SourceKind::Engine { image, temporary } => {
                return engine::open_image(image, temporary, known, blob_sender, report).await;
            }
            SourceKind::DockerArchive(archive) => {
                return archive.open(known, blob_sender, report).await;
            }
            SourceKind::Files(image) => image.clone(),
            SourceKind::Registry(remote) => remote.read_image(report).await?,
        };
        report(image.ready_progress());
        send_blobs(&image, &blob_sender).await;
        Ok(image)
    }
}

/// Sends all blobs of an image to `blob_sender`.
async fn send_blobs(image: &Image, blob_sender: &BlobSender) {
    for blob in &image.blobs {
        // If blobs are not received any more, the transfer has failed and says why itself.
        if blob_sender.send(blob.clone()).await.is_err() {
            return;
        }
    }
}

/// Runs work that blocks (reading files, compressing layers) without blocking the network.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let broken = |error: tokio::task::JoinError| SourceError::Spool {
        dir: Path::new(".").to_owned(),
        source: error.into(),
    };
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}
