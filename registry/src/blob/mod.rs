//! Blobs: the configs and layers of an image, and where their bytes are.
//!
//! A blob is opened for every attempt to upload it, and its size and digest are verified while it
//! is read. The last piece is passed on only if both are right, so a file that was damaged or
//! changed never becomes a complete upload.

mod buffers;
mod upload;

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use self::buffers::BufferPool;
pub(crate) use self::upload::UploadProgress;
use crate::client::Registry;
use crate::digest::{Digest, DigestWriter};

/// Bytes read at once: enough to make system calls cheap, and little enough for four uploads to
/// stay within a few MiB.
const PIECE_BYTES: usize = 256 * 1024;

/// A config or a layer: its digest, its size in bytes, and where it is read from.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) location: BlobLocation,
}

/// Where the bytes of a blob are.
#[derive(Debug, Clone)]
pub(crate) enum BlobLocation {
    /// A whole file of a layout.
    File(PathBuf),
    /// A part of a file that is open.
    Span { file: Arc<File>, offset: u64 },
    /// In a repository of a registry: it is forwarded from there without touching a disk.
    InRegistry(Arc<Registry>),
}

/// Why a blob could not be read.
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the sentence of a variant says what its fields are"
)]
pub enum BlobError {
    /// It cannot be opened or read.
    #[error("{digest} cannot be read")]
    Unreadable { digest: Digest, source: io::Error },
    /// It is shorter or longer than announced.
    #[error("{digest} has {found} bytes where {announced} were announced")]
    Size {
        digest: Digest,
        /// Its size in bytes by its descriptor.
        announced: u64,
        /// The bytes that were found.
        found: u64,
    },
    /// Its bytes do not have its digest.
    #[error("{digest} is garbled: its content has the digest {found}")]
    DigestMismatch {
        digest: Digest,
        /// The digest of what was read.
        found: Digest,
    },
    /// It is larger than any manifest or config, so it is not read into memory.
    #[error("{digest} has {size} bytes, too large for a manifest or a config")]
    TooLarge {
        digest: Digest,
        /// Its size in bytes by its descriptor.
        size: u64,
    },
}

impl Blob {
    /// The repository that the blob is read from, if it is in one.
    pub(crate) fn registry(&self) -> Option<&Registry> {
        match &self.location {
            BlobLocation::InRegistry(registry) => Some(registry),
            BlobLocation::File(_) | BlobLocation::Span { .. } => None,
        }
    }

    /// All of the blob, verified.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] if it has more than `limit` bytes; otherwise as it cannot be read.
    pub(crate) fn read_all(&self, limit: u64) -> Result<Vec<u8>, BlobError> {
        if self.size > limit {
            return Err(BlobError::TooLarge {
                digest: self.digest.clone(),
                size: self.size,
            });
        }
        let mut whole = Vec::new();
        self.read_pieces(|piece| {
            whole.extend_from_slice(&piece);
            ControlFlow::Continue(())
        })?;
        Ok(whole)
    }

    /// Calls `on_piece` with one piece after the other until it breaks, and with the last one only
    /// if size and digest are right.
    fn read_pieces(
        &self,
        mut on_piece: impl FnMut(Bytes) -> ControlFlow<()>,
    ) -> Result<(), BlobError> {
        let unreadable = |source| BlobError::Unreadable {
            digest: self.digest.clone(),
            source,
        };
        let (file, start) = self.open()?;
        let (mut tally, buffers) = (DigestWriter::new(io::sink()), BufferPool::default());
        let mut done = 0;
        while done < self.size {
            let length = (self.size - done).min(PIECE_BYTES as u64);
            let mut piece = buffers.take(usize::try_from(length).unwrap_or(PIECE_BYTES));
            file.read_exact_at(&mut piece.bytes, start + done)
                .map_err(unreadable)?;
            tally.write_all(&piece.bytes).map_err(unreadable)?;
            done += length;
            if done == self.size {
                self.verify(tally)?;
                // It is the last piece, so it does not matter whether more is wanted.
                let _ = on_piece(Bytes::from_owner(piece));
                return Ok(());
            }
            match on_piece(Bytes::from_owner(piece)) {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(()) => return Ok(()),
            }
        }
        self.verify(tally)
    }

    /// Checks size and digest of everything that was read.
    fn verify(&self, tally: DigestWriter<io::Sink>) -> Result<(), BlobError> {
        let (found, bytes) = tally.finish();
        if bytes != self.size {
            return Err(BlobError::Size {
                digest: self.digest.clone(),
                announced: self.size,
                found: bytes,
            });
        }
        if found == self.digest {
            Ok(())
        } else {
            Err(BlobError::DigestMismatch {
                digest: self.digest.clone(),
                found,
            })
        }
    }

    /// The open file, and where the blob begins in it. The length of a file is checked here; a span
    /// was measured when its archive was read or its spool written.
    fn open(&self) -> Result<(Arc<File>, u64), BlobError> {
        match &self.location {
            BlobLocation::Span { file, offset } => Ok((Arc::clone(file), *offset)),
            BlobLocation::File(path) => {
                let unreadable = |source| BlobError::Unreadable {
                    digest: self.digest.clone(),
                    source,
                };
                let file = File::open(path).map_err(unreadable)?;
                let found = file.metadata().map_err(unreadable)?.len();
                if found != self.size {
                    return Err(BlobError::Size {
                        digest: self.digest.clone(),
                        announced: self.size,
                        found,
                    });
                }
                Ok((Arc::new(file), 0))
            }
            BlobLocation::InRegistry(_) => {
                let source = io::Error::other("it is in a registry and has to be fetched");
                Err(BlobError::Unreadable {
                    digest: self.digest.clone(),
                    source,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(content: &[u8], digest: Digest, size: u64) -> Blob {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        file.write_all(content).unwrap();
        Blob {
            digest,
            size,
            location: BlobLocation::Span {
                file: Arc::new(file),
                offset: 6,
            },
        }
    }

    #[test]
    fn a_span_reads_its_own_bytes_as_often_as_asked() {
        let content = vec![7; PIECE_BYTES * 2 + 5];
        let blob = blob(&content, Digest::compute(&content), content.len() as u64);
        assert!(blob.read_all(u64::MAX).unwrap() == content);
        assert!(blob.read_all(u64::MAX).unwrap() == content);
    }

    #[test]
    fn the_last_piece_of_a_garbled_blob_is_never_handed_out() {
        let content = vec![7; PIECE_BYTES + 1];
        let mut handed = 0;
        let result =
            blob(&content, Digest::compute(b"other"), content.len() as u64).read_pieces(|piece| {
                handed += piece.len();
                ControlFlow::Continue(())
            });
        assert!(matches!(result, Err(BlobError::DigestMismatch { .. })));
        assert_eq!(handed, PIECE_BYTES);
    }

    #[test]
    fn a_truncated_span_and_a_large_document_are_refused() {
        assert!(matches!(
            blob(b"abc", Digest::compute(b"abc"), 4).read_all(9),
            Err(BlobError::Unreadable { .. })
        ));
        assert!(matches!(
            blob(b"abc", Digest::compute(b"abc"), 3).read_all(2),
            Err(BlobError::TooLarge { .. })
        ));
    }

    #[test]
    fn the_empty_blob_is_a_blob() {
        assert!(
            blob(b"", Digest::compute(b""), 0)
                .read_all(9)
                .unwrap()
                .is_empty()
        );
    }
}
