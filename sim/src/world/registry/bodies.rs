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

use crate::world::http::{Body, Failure};

/// A piece of an endless body.
const SPACES: &[u8] = &[b' '; 16 * 1024];

type Sender = mpsc::Sender<Result<Bytes, Failure>>;

/// Bytes that move at once where they move slowly.
const BEATS_A_SECOND: u64 = 20;

/// A body whose bytes are counted as they pass.
pub(super) fn counted(inner: Body, count: Arc<AtomicU64>) -> Body {
    Counted { inner, count }.boxed()
}

struct Counted {
    inner: Body,
    count: Arc<AtomicU64>,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
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
pub(super) enum Flow {
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
pub(super) fn flowing(inner: Body, flow: Flow) -> Body {
    use hyper::body::Body as _;
    let (sender, receiver) = mpsc::channel(1);
    let length = match flow {
        Flow::Slow(_) | Flow::Cut(_) | Flow::Stalled(_) => inner.size_hint().exact(),
        Flow::Unmeasured | Flow::Endless => None,
    };
    tokio::spawn(async move {
        tokio::select! {
            () = flow_into(inner, flow, &sender) => {}
            () = sender.closed() => {}
        }
    });
    Piped {
        receiver,
        left: length,
    }
    .boxed()
}

async fn flow_into(inner: Body, flow: Flow, to: &Sender) {
    match flow {
        Flow::Slow(per_second) => slow(inner, (per_second / BEATS_A_SECOND).max(1), to).await,
        Flow::Cut(after) => {
            forward(inner, after, to).await;
            let _ = to.send(Err("the connection is cut here".into())).await;
        }
        Flow::Stalled(after) => {
            forward(inner, after, to).await;
            std::future::pending::<()>().await;
        }
        Flow::Unmeasured => forward(inner, u64::MAX, to).await,
        Flow::Endless => {
            forward(inner, u64::MAX, to).await;
            while to.send(Ok(Bytes::from_static(SPACES))).await.is_ok() {}
        }
    }
}

async fn slow(mut inner: Body, at_once: u64, to: &Sender) {
    while let Some(frame) = inner.frame().await {
        let mut bytes = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => return drop(to.send(Err(error)).await),
        };
        while !bytes.is_empty() {
            let piece = bytes.split_to(
                bytes
                    .len()
                    .min(usize::try_from(at_once).unwrap_or(usize::MAX)),
            );
            if to.send(Ok(piece)).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1) / 20).await;
        }
    }
}

/// Sends the first bytes of a body.
async fn forward(mut inner: Body, at_most: u64, to: &Sender) {
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
struct Piped {
    receiver: mpsc::Receiver<Result<Bytes, Failure>>,
    left: Option<u64>,
}

impl hyper::body::Body for Piped {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Self { receiver, left } = self.get_mut();
        let piece = ready!(receiver.poll_recv(context));
        if let (Some(left), Some(Ok(piece))) = (left, &piece) {
            *left = left.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
