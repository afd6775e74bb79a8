//! Bodies that are counted, slow, cut or endless.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

use crate::world::http::{Body, BoxError};

/// A piece of an endless body.
const SPACES: &[u8] = &[b' '; 16 * 1024];

type Sender = mpsc::Sender<Result<Bytes, BoxError>>;

/// Bytes that move at once where they move slowly.
const PIECES_PER_SECOND: u64 = 20;

/// A body whose bytes are counted as they pass.
pub(super) fn count_bytes(inner: Body, count: Arc<AtomicU64>) -> Body {
    CountingBody { inner, count }.boxed()
}

struct CountingBody {
    inner: Body,
    count: Arc<AtomicU64>,
}

impl hyper::body::Body for CountingBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { inner, count } = self.get_mut();
        let frame = ready!(Pin::new(inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

/// How a body departs from what it was.
#[derive(Debug, Clone, Copy)]
pub(super) enum BodyFault {
    /// So many bytes a second.
    Slow(u64),
    /// A failure after so many bytes.
    Cut(u64),
    /// Nothing any more after so many bytes.
    Stalled(u64),
    /// As it was, but without a length of its own.
    Unmeasured,
    /// Spaces after it, for ever.
    Endless,
}

/// The body with another flow; it announces as many bytes as before, where there is an end.
pub(super) fn alter_body(inner: Body, flow: BodyFault) -> Body {
    use hyper::body::Body as _;
    let (sender, receiver) = mpsc::channel(1);
    let length = match flow {
        BodyFault::Slow(_) | BodyFault::Cut(_) | BodyFault::Stalled(_) => inner.size_hint().exact(),
        BodyFault::Unmeasured | BodyFault::Endless => None,
    };
    tokio::spawn(async move {
        tokio::select! {
            () = flow_into(inner, flow, &sender) => {}
            () = sender.closed() => {}
        }
    });
    ChannelBody {
        receiver,
        remaining: length,
    }
    .boxed()
}

async fn flow_into(inner: Body, flow: BodyFault, to: &Sender) {
    match flow {
        BodyFault::Slow(per_second) => {
            send_slowly(inner, (per_second / PIECES_PER_SECOND).max(1), to).await;
        }
        BodyFault::Cut(after) => {
            send_first_bytes(inner, after, to).await;
            let _ = to.send(Err("the connection is cut here".into())).await;
        }
        BodyFault::Stalled(after) => {
            send_first_bytes(inner, after, to).await;
            std::future::pending::<()>().await;
        }
        BodyFault::Unmeasured => send_first_bytes(inner, u64::MAX, to).await,
        BodyFault::Endless => {
            send_first_bytes(inner, u64::MAX, to).await;
            while to.send(Ok(Bytes::from_static(SPACES))).await.is_ok() {}
        }
    }
}

async fn send_slowly(mut inner: Body, piece_size: u64, to: &Sender) {
    while let Some(frame) = inner.frame().await {
        let mut bytes = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => return drop(to.send(Err(error)).await),
        };
        while !bytes.is_empty() {
            let piece = bytes.split_to(
                bytes
                    .len()
                    .min(usize::try_from(piece_size).unwrap_or(usize::MAX)),
            );
            if to.send(Ok(piece)).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1) / 20).await;
        }
    }
}

async fn send_first_bytes(mut inner: Body, at_most: u64, to: &Sender) {
    let mut left = at_most;
    while left > 0 {
        let Some(Ok(frame)) = inner.frame().await else {
            return;
        };
        let bytes = frame.into_data().unwrap_or_default();
        let piece = bytes.slice(..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        left -= piece.len() as u64;
        if to.send(Ok(piece)).await.is_err() {
            return;
        }
    }
}

/// What somebody else sends.
struct ChannelBody {
    receiver: mpsc::Receiver<Result<Bytes, BoxError>>,
    remaining: Option<u64>,
}

impl hyper::body::Body for ChannelBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self {
            receiver,
            remaining: left,
        } = self.get_mut();
        let piece = ready!(receiver.poll_recv(context));
        if let (Some(left), Some(Ok(piece))) = (left, &piece) {
            *left = left.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
