//! One content of an image: where its bytes are, and how they are read, as often as needed, never
//! trusted.
//!
//! A blob is opened anew for every attempt to upload it, and its size and digest are verified while
//! it is read: the last piece is handed out only when all of it is what it claims to be, so a
//! garbled file never becomes a whole upload.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use super::client::{Fault, Registry};
use super::digest::{Digest, Tally};
use super::error::{PushError, SourceError};

/// Large enough that system calls do not count, small enough that four uploads stay within a few
/// MiB.
const PIECE: usize = 256 * 1024;
/// Pieces that wait for the network.
const PIECES_AHEAD: usize = 2;

/// Where the pieces of a body go.
type PieceSender = mpsc::Sender<io::Result<Bytes>>;

/// A content by digest and size, and the place to read it from.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) place: Place,
}

/// Where bytes are.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A whole file of a layout.
    File(PathBuf),
    /// A part of a file that is open.
    Span { file: Arc<File>, offset: u64 },
    /// In a repository of a registry, from where it passes through without touching a disk.
    There(Arc<Registry>),
}

/// Why a content could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It cannot be opened or read.
    #[error("{digest} cannot be read")]
    Unreadable {
        /// Which content.
        digest: Digest,
        /// What the system said.
        source: io::Error,
    },
    /// It is shorter or longer than announced.
    #[error("{digest} has {found} bytes where {announced} were announced")]
    Size {
        /// Which content.
        digest: Digest,
        /// Bytes by its descriptor.
        announced: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Its bytes are not what its name says.
    #[error("{digest} is garbled: its content has the digest {found}")]
    Garbled {
        /// Which content.
        digest: Digest,
        /// The digest of what is there.
        found: Digest,
    },
    /// It is too large for what it should be.
    #[error("{digest} has {size} bytes, too large for a manifest or a config")]
    TooLarge {
        /// Which content.
        digest: Digest,
        /// Bytes by its descriptor.
        size: u64,
    },
}

/// What is known about a body while it is sent: how far it is, and what went wrong with reading it.
#[derive(Debug, Default)]
pub(crate) struct UploadProgress {
    sent: AtomicU64,
    fault: Mutex<Option<Fault>>,
}

impl UploadProgress {
    /// Bytes handed to the network so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn count(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The body is sent from its beginning again.
    pub(crate) fn restart(&self) {
        self.sent.store(0, Ordering::Relaxed);
    }

    /// The reason why a body broke off, when it was the side that is read and not the one that is
    /// written.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn blame(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }
}

impl Blob {
    /// The repository that the blob is read from, if it is in a registry.
    pub(crate) fn source(&self) -> Option<&Registry> {
        match &self.place {
            Place::There(registry) => Some(registry),
            Place::File(_) | Place::Span { .. } => None,
        }
    }

    /// A body that streams the blob from its beginning; its length must be announced by the caller.
    pub(crate) fn body(&self, meter: &Arc<UploadProgress>) -> reqwest::Body {
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let (blob, meter) = (self.clone(), Arc::clone(meter));
        match &self.place {
            Place::There(from) => {
                drop(tokio::spawn(pass_on(Arc::clone(from), blob, sender, meter)));
            }
            Place::File(_) | Place::Span { .. } => drop(tokio::task::spawn_blocking(move || {
                blob.read_into(&sender, &meter);
            })),
        }
        let pieces = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        reqwest::Body::wrap_stream(pieces)
    }

    fn read_into(&self, sender: &PieceSender, meter: &UploadProgress) {
        let handed = self.read(|piece| {
            let length = piece.len();
            match sender.blocking_send(Ok(piece)) {
                Ok(()) => {
                    meter.count(length);
                    Demand::Taken
                }
                Err(_) => Demand::Refused,
            }
        });
        if let Err(fault) = handed {
            meter.blame(Fault::last(PushError::Source(SourceError::Blob(fault))));
            // Whoever does not listen any more needs no reason.
            drop(sender.blocking_send(Err(io::ErrorKind::InvalidData.into())));
        }
    }

    /// The whole content, verified; for manifests and configs, which are small.
    pub(crate) fn read_whole(&self, limit: u64) -> Result<Vec<u8>, BlobError> {
        if self.size > limit {
            return Err(BlobError::TooLarge {
                digest: self.digest.clone(),
                size: self.size,
            });
        }
        let mut whole = Vec::new();
        self.read(|piece| {
            whole.extend_from_slice(&piece);
            Demand::Taken
        })?;
        Ok(whole)
    }

    /// Hands out the blob piece by piece, the last one only when size and digest are right.
    fn read(&self, mut hand: impl FnMut(Bytes) -> Demand) -> Result<(), BlobError> {
        let unreadable = |source| BlobError::Unreadable {
            digest: self.digest.clone(),
            source,
        };
        let (file, start) = self.open()?;
        let (mut tally, buffers) = (Tally::new(io::sink()), Buffers::default());
        let mut done = 0;
        while done < self.size {
            let length = (self.size - done).min(PIECE as u64);
            let mut piece = buffers.take(usize::try_from(length).unwrap_or(PIECE));
            file.read_exact_at(&mut piece.bytes, start + done)
                .map_err(unreadable)?;
            tally.write_all(&piece.bytes).map_err(unreadable)?;
            done += length;
            if done == self.size {
                self.matches(tally)?;
                hand(Bytes::from_owner(piece));
                return Ok(());
            }
            match hand(Bytes::from_owner(piece)) {
                Demand::Taken => {}
                Demand::Refused => return Ok(()),
            }
        }
        self.matches(tally)
    }

    /// Whether what was read is the blob.
    fn matches(&self, tally: Tally<io::Sink>) -> Result<(), BlobError> {
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
            Err(BlobError::Garbled {
                digest: self.digest.clone(),
                found,
            })
        }
    }

    /// A file must be as long as announced; a span was measured when it was written.
    fn open(&self) -> Result<(Arc<File>, u64), BlobError> {
        match &self.place {
            Place::Span { file, offset } => Ok((Arc::clone(file), *offset)),
            Place::File(path) => {
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
            Place::There(_) => {
                let source = io::Error::other("it is in a registry and has to be fetched");
                Err(BlobError::Unreadable {
                    digest: self.digest.clone(),
                    source,
                })
            }
        }
    }
}

/// Buffers that go round between the reader and the network: fresh memory for every piece would
/// cost as much as reading it.
#[derive(Debug, Default)]
struct Buffers {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A buffer on its way; it comes back when the network has sent it.
#[derive(Debug)]
struct Lent {
    bytes: Vec<u8>,
    home: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Buffers {
    fn take(&self, length: usize) -> Lent {
        let mut bytes = self
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default();
        bytes.resize(length, 0);
        Lent {
            bytes,
            home: Arc::clone(&self.free),
        }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.home
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(bytes);
    }
}

/// Whether the one who takes pieces wants more of them.
enum Demand {
    Taken,
    Refused,
}

/// Passes a blob on from the registry where it is: the last piece only when all of it was what it
/// claims to be.
async fn pass_on(from: Arc<Registry>, blob: Blob, to: PieceSender, meter: Arc<UploadProgress>) {
    if let Err(fault) = passed_on(&from, &blob, &to, &meter).await {
        meter.blame(fault);
        drop(to.send(Err(io::ErrorKind::InvalidData.into())).await);
    }
}

async fn passed_on(
    from: &Registry,
    blob: &Blob,
    to: &PieceSender,
    meter: &UploadProgress,
) -> Result<(), Fault> {
    let mut response = from.fetch(&blob.digest).await?;
    let (mut tally, mut held) = (Tally::new(io::sink()), None);
    while let Some(piece) = from.next_piece(&mut response).await? {
        if tally.write_all(&piece).is_err() || tally.bytes() > blob.size {
            break;
        }
        let Some(before) = held.replace(piece) else {
            continue;
        };
        meter.count(before.len());
        if to.send(Ok(before)).await.is_err() {
            return Ok(());
        }
    }
    blob.matches(tally)
        .map_err(|error| Fault::passing(PushError::Source(SourceError::Blob(error))))?;
    if let Some(last) = held {
        meter.count(last.len());
        // Whoever does not listen any more has its own reason.
        drop(to.send(Ok(last)).await);
    }
    Ok(())
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
            place: Place::Span {
                file: Arc::new(file),
                offset: 6,
            },
        }
    }

    #[test]
    fn a_span_reads_its_own_bytes_as_often_as_asked() {
        let content = vec![7; PIECE * 2 + 5];
        let blob = blob(&content, Digest::of(&content), content.len() as u64);
        assert!(blob.read_whole(u64::MAX).unwrap() == content);
        assert!(blob.read_whole(u64::MAX).unwrap() == content);
    }

    #[test]
    fn the_last_piece_of_a_garbled_blob_is_never_handed_out() {
        let content = vec![7; PIECE + 1];
        let mut handed = 0;
        let result = blob(&content, Digest::of(b"other"), content.len() as u64).read(|piece| {
            handed += piece.len();
            Demand::Taken
        });
        assert!(matches!(result, Err(BlobError::Garbled { .. })));
        assert_eq!(handed, PIECE);
    }

    #[test]
    fn a_truncated_span_and_a_large_document_are_refused() {
        assert!(matches!(
            blob(b"abc", Digest::of(b"abc"), 4).read_whole(9),
            Err(BlobError::Unreadable { .. })
        ));
        assert!(matches!(
            blob(b"abc", Digest::of(b"abc"), 3).read_whole(2),
            Err(BlobError::TooLarge { .. })
        ));
    }

    #[test]
    fn the_empty_blob_is_a_blob() {
        assert!(
            blob(b"", Digest::of(b""), 0)
                .read_whole(9)
                .unwrap()
                .is_empty()
        );
    }
}
