//! Images: how they are named, read from a registry, and unpacked for process tasks.

pub(crate) mod manifest;
pub(crate) mod reference;
pub(crate) mod source;
mod unpack;

use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;

use crate::world::digest::Digest;
use manifest::{ImageConfig, ImageFile, Manifest};
use reference::ImageReference;
use source::Source;

/// An image that is ready to run as a process.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) root: PathBuf,
    pub(crate) config: ImageConfig,
}

/// The unpacked images of a world, each digest once.
#[derive(Debug)]
pub(crate) struct Images {
    source: Source,
    folder: PathBuf,
    /// One at a time: tasks of one service start together, and want the same image.
    unpack_lock: Mutex<()>,
}

impl Images {
    pub(crate) fn new(source: Source, folder: PathBuf) -> Self {
        Self {
            source,
            folder,
            unpack_lock: Mutex::default(),
        }
    }

    /// The image's files and configuration; read from the registry only when its digest is not here
    /// yet.
    pub(crate) async fn unpack(&self, image: &ImageReference) -> io::Result<Unpacked> {
        let _alone = self.unpack_lock.lock().await;
        let (digest, manifest) = self.read_platform_manifest(image).await?;
        let folder = self.folder.join(&digest);
        if !folder.exists() {
            self.download(image, &manifest, &folder).await?;
        }
        let file: ImageFile =
            serde_json::from_slice(&tokio::fs::read(folder.join("config.json")).await?)?;
        Ok(Unpacked {
            root: folder.join("root"),
            config: file.config,
        })
    }

    /// The manifest for this machine, through an index when there is one, and a name for its
    /// folder.
    async fn read_platform_manifest(
        &self,
        image: &ImageReference,
    ) -> io::Result<(String, Manifest)> {
        let mut stored = self
            .source
            .fetch_manifest(&image.repository, &image.reference)
            .await?;
        let mut manifest: Manifest = serde_json::from_slice(&stored.bytes)?;
        if !manifest.manifests.is_empty() {
            let child = manifest
                .find_platform()
                .ok_or_else(|| invalid_data("image does not have a manifest for this platform"))?;
            stored = self
                .source
                .fetch_manifest(&image.repository, &child.digest)
                .await?;
            manifest = serde_json::from_slice(&stored.bytes)?;
        }
        Ok((stored.digest.replace(':', "-"), manifest))
    }

    /// Everything into a folder beside, which gets its name when it is complete.
    async fn download(
        &self,
        image: &ImageReference,
        manifest: &Manifest,
        folder: &Path,
    ) -> io::Result<()> {
        let partial = tempfile::tempdir_in(&self.folder)?;
        let config = manifest
            .config
            .as_ref()
            .ok_or_else(|| invalid_data("the manifest has no configuration"))?;
        self.download_blob(image, &config.digest, &partial.path().join("config.json"))
            .await?;
        let root = partial.path().join("root");
        tokio::fs::create_dir(&root).await?;
        for layer in &manifest.layers {
            let blob = partial.path().join("layer");
            self.download_blob(image, &layer.digest, &blob).await?;
            let (into, from) = (root.clone(), blob.clone());
            tokio::task::spawn_blocking(move || unpack::apply_layer(&from, &into))
                .await
                .map_err(io::Error::other)??;
            tokio::fs::remove_file(blob).await?;
        }
        std::fs::rename(partial.keep(), folder)
    }

    async fn download_blob(
        &self,
        image: &ImageReference,
        digest: &str,
        into: &Path,
    ) -> io::Result<()> {
        let digest = Digest::parse(digest)
            .ok_or_else(|| invalid_data("a descriptor's digest is not a sha256"))?;
        self.source
            .download_blob(&image.repository, &digest, into)
            .await
    }
}

fn invalid_data(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}
