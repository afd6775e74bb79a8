//! A blob as the body of an upload: read from the disk or from another registry while it is sent.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use super::{Blob, BlobLocation};
use crate::client::{FailedAttempt, Registry};
use crate::digest::DigestWriter;
use crate::error::{PushError, SourceError};

/// Pieces that are read ahead of the network.
const PIECES_AHEAD: usize = 2;

/// Takes the pieces of a body; an error ends the body, and with it the request.
type PieceSender = mpsc::Sender<io::Result<Bytes>>;

/// How far an upload is, and why its blob could not be read.
#[derive(Debug, Default)]
pub(crate) struct UploadProgress {
    sent: AtomicU64,
    read_failure: Mutex<Option<FailedAttempt>>,
}

impl UploadProgress {
    /// Bytes that the HTTP client has taken so far.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn add_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts from zero: the body is sent from its beginning again.
    pub(crate) fn restart(&self) {
        self.sent.store(0, Ordering::Relaxed);
    }

    /// Why the body ended early, if that was because the blob could not be read.
    pub(crate) fn take_read_failure(&self) -> Option<FailedAttempt> {
        self.read_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn set_read_failure(&self, fault: FailedAttempt) {
        *self
            .read_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }
}

impl Blob {
    /// A body that streams the blob from its beginning. It says nothing about its length: the
    /// caller sets `Content-Length`.
    pub(crate) fn upload_body(&self, progress: &Arc<UploadProgress>) -> reqwest::Body {
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let (blob, progress) = (self.clone(), Arc::clone(progress));
        match &self.location {
            BlobLocation::InRegistry(from) => {
                drop(tokio::spawn(forward_blob(
                    Arc::clone(from),
                    blob,
                    sender,
                    progress,
                )));
            }
            BlobLocation::File(_) | BlobLocation::Span { .. } => {
                drop(tokio::task::spawn_blocking(move || {
                    blob.send_pieces(&sender, &progress);
                }));
            }
        }
        let pieces = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (piece, receiver))
        });
        reqwest::Body::wrap_stream(pieces)
    }

    fn send_pieces(&self, sender: &PieceSender, progress: &UploadProgress) {
        let read = self.read_pieces(|piece| {
            let length = piece.len();
            match sender.blocking_send(Ok(piece)) {
                Ok(()) => {
                    progress.add_sent(length);
                    ControlFlow::Continue(())
                }
                Err(_) => ControlFlow::Break(()),
            }
        });
        if let Err(fault) = read {
            progress.set_read_failure(FailedAttempt::from_permanent(PushError::Source(
                SourceError::Blob(fault),
            )));
            // If the request has ended already, nothing waits for the error.
            drop(sender.blocking_send(Err(io::ErrorKind::InvalidData.into())));
        }
    }
}

/// Forwards a blob from the registry that has it. The last piece follows only if size and digest
/// are right.
async fn forward_blob(
    from: Arc<Registry>,
    blob: Blob,
    to: PieceSender,
    progress: Arc<UploadProgress>,
) {
    if let Err(fault) = forward_pieces(&from, &blob, &to, &progress).await {
        progress.set_read_failure(fault);
        drop(to.send(Err(io::ErrorKind::InvalidData.into())).await);
    }
}

async fn forward_pieces(
    from: &Registry,
    blob: &Blob,
    to: &PieceSender,
    progress: &UploadProgress,
) -> Result<(), FailedAttempt> {
    let mut response = from.fetch_blob(&blob.digest).await?;
    let (mut tally, mut last) = (DigestWriter::new(io::sink()), None);
    while let Some(piece) = from.next_piece(&mut response).await? {
        if tally.write_all(&piece).is_err() || tally.bytes() > blob.size {
            break;
        }
        let Some(before) = last.replace(piece) else {
            continue;
        };
        progress.add_sent(before.len());
        if to.send(Ok(before)).await.is_err() {
            return Ok(());
        }
    }
    blob.verify(tally).map_err(|error| {
        FailedAttempt::from_transient(PushError::Source(SourceError::Blob(error)))
    })?;
    if let Some(last) = last {
        progress.add_sent(last.len());
        // If the request has ended already, it says why itself.
        drop(to.send(Ok(last)).await);
    }
    Ok(())
}
