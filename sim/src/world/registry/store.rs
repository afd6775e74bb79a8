//! The registry's files: finished blobs by digest, and uploads that are still coming in.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use http_body_util::BodyExt;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::error::RegistryError;
use crate::world::digest::{Digest, Hasher};
use crate::world::http::Body;

/// A folder of blobs and a folder of uploads.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    sessions: AtomicU64,
    /// Uploads that had a piece.
    started_uploads: Mutex<BTreeSet<String>>,
}

impl Store {
    pub(super) async fn open(folder: &Path) -> io::Result<Self> {
        for name in ["blobs", "uploads"] {
            fs::create_dir_all(folder.join(name)).await?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            sessions: AtomicU64::new(1),
            started_uploads: Mutex::default(),
        })
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs").join(digest.hex())
    }

    /// A session's file. The id comes from outside: only the numbers we gave pass.
    fn upload_path(&self, session: &str) -> Result<PathBuf, RegistryError> {
        let number: u64 = session.parse().map_err(|_| RegistryError::UploadUnknown)?;
        Ok(self.folder.join("uploads").join(number.to_string()))
    }

    /// A blob's file and its length.
    pub(super) async fn open_blob(&self, digest: &Digest) -> Result<(File, u64), RegistryError> {
        let file = File::open(self.blob_path(digest))
            .await
            .map_err(|_| RegistryError::BlobUnknown)?;
        let length = file.metadata().await?.len();
        Ok((file, length))
    }

    pub(super) async fn read_blob(&self, digest: &Digest) -> Result<Vec<u8>, RegistryError> {
        fs::read(self.blob_path(digest))
            .await
            .map_err(|_| RegistryError::BlobUnknown)
    }

    /// Keeps bytes that are known to have this digest.
    pub(super) async fn write_blob(
        &self,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        let session = self.start_upload().await?;
        let from = self.upload_path(&session)?;
        fs::write(&from, bytes).await?;
        Ok(fs::rename(from, self.blob_path(digest)).await?)
    }

    pub(super) async fn start_upload(&self) -> Result<String, RegistryError> {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed).to_string();
        File::create(self.upload_path(&session)?).await?;
        Ok(session)
    }

    /// How many bytes of an upload are there.
    pub(super) async fn upload_length(&self, session: &str) -> Result<u64, RegistryError> {
        let metadata = fs::metadata(self.upload_path(session)?)
            .await
            .map_err(|_| RegistryError::UploadUnknown)?;
        Ok(metadata.len())
    }

    /// Marks the upload as started, and returns whether this is its first piece.
    pub(super) fn claim_first_piece(&self, session: &str) -> bool {
        self.started_uploads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session.to_owned())
    }

    /// Appends a request's body and returns the new length. A body that breaks off leaves what came
    /// of it, as a real registry does.
    pub(super) async fn append(&self, session: &str, mut body: Body) -> Result<u64, RegistryError> {
        let path = self.upload_path(session)?;
        let mut file = OpenOptions::new()
            .append(true)
            .open(path)
            .await
            .map_err(|_| RegistryError::UploadUnknown)?;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| RegistryError::RangeInvalid)?;
            if let Some(bytes) = frame.data_ref() {
                file.write_all(bytes).await?;
            }
        }
        file.flush().await?;
        Ok(file.metadata().await?.len())
    }

    /// Turns an upload into a blob, when it is what it claims to be. Either way the upload is over.
    pub(super) async fn finish_upload(
        &self,
        session: &str,
        digest: &Digest,
    ) -> Result<(), RegistryError> {
        let path = self.upload_path(session)?;
        let (read, wanted) = (path.clone(), digest.clone());
        let hashed = tokio::task::spawn_blocking(move || digest_of_file(&read))
            .await
            .map_err(|_| RegistryError::Storage)?;
        if hashed.map_err(|_| RegistryError::UploadUnknown)? == wanted {
            return Ok(fs::rename(path, self.blob_path(digest)).await?);
        }
        fs::remove_file(path).await?;
        Err(RegistryError::DigestInvalid)
    }

    pub(super) async fn cancel_upload(&self, session: &str) -> Result<(), RegistryError> {
        fs::remove_file(self.upload_path(session)?)
            .await
            .map_err(|_| RegistryError::UploadUnknown)
    }
}

fn digest_of_file(path: &Path) -> io::Result<Digest> {
    let mut hasher = Hasher::new(io::sink());
    io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
    Ok(hasher.finish().0)
}
