//! Reading blobs, whole or from somewhere on.

use std::io::SeekFrom;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use hyper::{Method, Request, Response, StatusCode, header};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt, ReadBuf};

use super::error::RegistryError;
use super::middleware::redirect;
use super::store::Store;
use super::{Registry, storage};
use crate::world::digest::Digest;
use crate::world::http::{Body, BoxError, full_body};

const CHUNK: usize = 64 * 1024;

/// `GET` or `HEAD` of a blob. That a layer is archived is not seen before it is downloaded.
pub(super) async fn read(
    registry: &Registry,
    name: &str,
    digest: &Digest,
    request: &Request<Body>,
) -> Result<Response<Body>, RegistryError> {
    let (has, archived) = {
        let catalog = registry.catalog();
        (
            catalog.has_blob(name, digest),
            catalog.is_archived(name, digest),
        )
    };
    if !has {
        return Err(RegistryError::BlobUnknown);
    }
    match registry.storage {
        _ if request.method() == Method::HEAD => {
            serve_blob(registry.store(), digest, request).await
        }
        _ if archived => Err(RegistryError::Archived(digest.clone())),
        Some(storage) => Ok(redirect(&storage::signed_url(storage, request, digest))),
        None => serve_blob(registry.store(), digest, request).await,
    }
}

/// The bytes that the request asks for.
pub(super) async fn serve_blob(
    store: &Store,
    digest: &Digest,
    request: &Request<Body>,
) -> Result<Response<Body>, RegistryError> {
    let (mut file, length) = store.open_blob(digest).await?;
    let range = request
        .headers()
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|range| parse_range(range, length));
    let (start, end) = range.unwrap_or((0, length));
    file.seek(SeekFrom::Start(start)).await?;
    let body = FileBody {
        file,
        remaining: end - start,
        buffer: vec![0; CHUNK],
    };
    let body = if request.method() == Method::HEAD {
        full_body("")
    } else {
        body.boxed()
    };
    let mut response = Response::builder()
        .header(header::CONTENT_LENGTH, end - start)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header("docker-content-digest", digest.to_string());
    if range.is_some() {
        let given = format!("bytes {start}-{}/{length}", end.saturating_sub(1));
        response = response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, given);
    }
    response.body(body).map_err(|_| RegistryError::Storage)
}

/// `bytes=N-` and `bytes=N-M`, as the first byte and the one after the last. Anything else is no
/// range, and the whole blob is given.
fn parse_range(range: &str, length: u64) -> Option<(u64, u64)> {
    let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
    let start: u64 = start.parse().ok()?;
    let end = if end.is_empty() {
        length
    } else {
        end.parse::<u64>().ok()?.saturating_add(1).min(length)
    };
    (start < end).then_some((start, end))
}

/// A file, read as it is sent.
struct FileBody {
    file: File,
    remaining: u64,
    buffer: Vec<u8>,
}

impl hyper::body::Body for FileBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self {
            file,
            remaining: left,
            buffer,
        } = self.get_mut();
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(CHUNK);
        let mut chunk = ReadBuf::new(buffer.get_mut(..most).unwrap_or_default());
        if let Err(error) = ready!(Pin::new(file).poll_read(context, &mut chunk)) {
            return Poll::Ready(Some(Err(error.into())));
        }
        let bytes = Bytes::copy_from_slice(chunk.filled());
        *left = left.saturating_sub(bytes.len() as u64);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_begins_anywhere_and_ends_there_or_at_the_end() {
        for (range, expected) in [
            ("bytes=3-", Some((3, 10))),
            ("bytes=0-0", Some((0, 1))),
            ("bytes=4-99", Some((4, 10))),
            ("bytes=10-", None),
            ("bytes=-3", None),
            ("lines=1-2", None),
        ] {
            assert_eq!(parse_range(range, 10), expected, "{range}");
        }
    }
}
