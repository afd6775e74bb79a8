//! Reading blobs.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use hyper::{Method, Response, header};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use super::Registry;
use super::problem::Problem;
use crate::world::digest::Digest;
use crate::world::http::{Body, Failure, full};

const CHUNK: usize = 64 * 1024;

/// `GET` or `HEAD` of a blob.
pub(super) async fn read(registry: &Registry, name: &str, digest: &Digest, method: &Method) -> Result<Response<Body>, Problem> {
    if !registry.catalog().has_blob(name, digest) {
        return Err(Problem::BlobUnknown);
    }
    let (file, length) = registry.store.open_blob(digest).await?;
    let body = FileBody { file, left: length, buffer: vec![0; CHUNK] };
    let body = if method == Method::HEAD { full("") } else { body.boxed() };
    let response = Response::builder()
        .header(header::CONTENT_LENGTH, length)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header("docker-content-digest", digest.to_string());
    response.body(body).map_err(|_| Problem::Storage)
}

/// A file, read as it is sent.
struct FileBody {
    file: File,
    left: u64,
    buffer: Vec<u8>,
}

impl hyper::body::Body for FileBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Self { file, left, buffer } = self.get_mut();
        let mut chunk = ReadBuf::new(buffer);
        if let Err(error) = ready!(Pin::new(file).poll_read(context, &mut chunk)) {
            return Poll::Ready(Some(Err(error.into())));
        }
        let bytes = Bytes::copy_from_slice(chunk.filled());
        *left = left.saturating_sub(bytes.len() as u64);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }
}
