//! Connects the response of the engine, which arrives asynchronously, with the archive reader,
//! which blocks a thread of its own.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::sync::mpsc;

use crate::archive::ArchiveInput;
use crate::error::SourceError;
use crate::progress::{Progress, Report};

/// Pieces of the response that wait for the reader; the engine sends at most about 32 KiB at once.
const PIECES_AHEAD: usize = 32;
/// The longest time without a byte. Between two layers an engine pauses briefly.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);
/// Bytes between two reports.
const REPORT_EVERY: u64 = 1024 * 1024;

/// Runs a blocking reader on a response while it arrives. `expected` is its length in bytes,
/// roughly.
pub(super) async fn read_while_arriving<T: Send + 'static>(
    response: Response,
    expected: u64,
    report: Report<'_>,
    read: impl FnOnce(&mut dyn ArchiveInput) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        read(&mut PieceReader {
            receiver,
            piece: Bytes::new(),
            at: 0,
        })
    });
    // If the connection broke, the reader's error is only a consequence.
    let forwarded = forward(response, &sender, expected, report).await;
    drop(sender);
    let outcome = reading.await.map_err(|error| SourceError::Export {
        reason: error.to_string(),
    })?;
    forwarded.and(outcome)
}

async fn forward(
    mut response: Response,
    sender: &mpsc::Sender<Bytes>,
    expected: u64,
    report: Report<'_>,
) -> Result<(), SourceError> {
    let (mut bytes, mut reported) = (0, 0);
    while let Some(piece) = next_piece(&mut response).await? {
        bytes += piece.len() as u64;
        if sender.send(piece).await.is_err() {
            return Ok(());
        }
        if bytes - reported >= REPORT_EVERY {
            reported = bytes;
            report(Progress::Reading {
                bytes,
                of: expected,
            });
        }
    }
    report(Progress::Reading { bytes, of: bytes });
    Ok(())
}

async fn next_piece(response: &mut Response) -> Result<Option<Bytes>, SourceError> {
    let broken = |error: reqwest::Error| SourceError::Export {
        reason: format!("the connection broke: {}", error.without_url()),
    };
    let piece = tokio::time::timeout(IDLE_TIMEOUT, response.chunk()).await;
    piece
        .map_err(|_| SourceError::EngineSilent {
            seconds: IDLE_TIMEOUT.as_secs(),
        })?
        .map_err(broken)
}

/// A blocking reader of pieces that arrive.
struct PieceReader {
    receiver: mpsc::Receiver<Bytes>,
    piece: Bytes,
    at: usize,
}

impl PieceReader {
    /// The rest of the current piece, or the next one; empty at the end.
    fn unread_bytes(&mut self) -> &[u8] {
        while self.at == self.piece.len() {
            let Some(piece) = self.receiver.blocking_recv() else {
                return &[];
            };
            (self.piece, self.at) = (piece, 0);
        }
        &self.piece[self.at..]
    }
}

impl Read for PieceReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = self.unread_bytes();
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

impl ArchiveInput for PieceReader {
    /// Drops pieces without copying them.
    fn skip(&mut self, mut bytes: u64) -> io::Result<()> {
        while bytes > 0 {
            let rest = self.unread_bytes().len();
            if rest == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let length = usize::try_from(bytes).unwrap_or(usize::MAX).min(rest);
            self.at += length;
            bytes -= length as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_read_as_one_stream_and_end() {
        let (sender, receiver) = mpsc::channel(4);
        for piece in ["ab", "", "cde"] {
            sender
                .blocking_send(Bytes::from_static(piece.as_bytes()))
                .unwrap();
        }
        drop(sender);
        let mut text = String::new();
        PieceReader {
            receiver,
            piece: Bytes::new(),
            at: 0,
        }
        .read_to_string(&mut text)
        .unwrap();
        assert_eq!(text, "abcde");
    }

    #[test]
    fn what_is_skipped_must_have_been_there() {
        let (sender, receiver) = mpsc::channel(4);
        for piece in ["ab", "cde"] {
            sender
                .blocking_send(Bytes::from_static(piece.as_bytes()))
                .unwrap();
        }
        drop(sender);
        let mut pieces = PieceReader {
            receiver,
            piece: Bytes::new(),
            at: 0,
        };
        pieces.skip(3).unwrap();
        let mut one = [0];
        pieces.read_exact(&mut one).unwrap();
        assert_eq!(&one, b"d");
        assert!(pieces.skip(2).is_err());
    }
}
