//! Puts an image layout into a registry, for the image that is there before a story begins. The
//! product's own push is not used here.

use std::io;
use std::path::Path;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Response, StatusCode, header};
use serde_json::Value;

use crate::world::digest::Digest;
use crate::world::image::source::Source;

/// Pushes the layout's first manifest and everything it names. Returns its digest.
pub(in crate::world) async fn push_layout(
    source: &Source,
    folder: &Path,
    repository: &str,
    tag: &str,
) -> io::Result<String> {
    let index: Value = serde_json::from_slice(&tokio::fs::read(folder.join("index.json")).await?)?;
    let descriptor = index
        .pointer("/manifests/0")
        .ok_or_else(|| invalid_data("the layout has no manifest"))?;
    let bytes = read_blob(folder, descriptor).await?;
    let manifest: Value = serde_json::from_slice(&bytes)?;
    let layers = manifest
        .get("layers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    for part in layers.chain(manifest.get("config")) {
        push_blob(
            source,
            repository,
            parse_digest(part)?,
            read_blob(folder, part).await?,
        )
        .await?;
    }
    let media_type = descriptor
        .get("mediaType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = format!("/v2/{repository}/manifests/{tag}");
    expect_status(
        source
            .request(Method::PUT, &path, media_type, bytes.into())
            .await?,
        StatusCode::CREATED,
    )?;
    Ok(parse_digest(descriptor)?.to_string())
}

async fn push_blob(
    source: &Source,
    repository: &str,
    digest: Digest,
    bytes: Vec<u8>,
) -> io::Result<()> {
    if source.has_blob(repository, &digest.to_string()).await? {
        return Ok(());
    }
    let path = format!("/v2/{repository}/blobs/uploads/");
    let started = expect_status(
        source
            .request(Method::POST, &path, "", Bytes::new())
            .await?,
        StatusCode::ACCEPTED,
    )?;
    let location = started
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| invalid_data("no upload location"))?;
    let separator = if location.contains('?') { '&' } else { '?' };
    let path = format!("{location}{separator}digest={digest}");
    expect_status(
        source
            .request(Method::PUT, &path, "application/octet-stream", bytes.into())
            .await?,
        StatusCode::CREATED,
    )
    .map(drop)
}

fn expect_status(
    response: Response<Incoming>,
    status: StatusCode,
) -> io::Result<Response<Incoming>> {
    if response.status() == status {
        Ok(response)
    } else {
        Err(io::Error::other(format!(
            "the registry answered {}",
            response.status()
        )))
    }
}

async fn read_blob(folder: &Path, descriptor: &Value) -> io::Result<Vec<u8>> {
    tokio::fs::read(
        folder
            .join("blobs/sha256")
            .join(parse_digest(descriptor)?.hex()),
    )
    .await
}

fn parse_digest(descriptor: &Value) -> io::Result<Digest> {
    let text = descriptor
        .get("digest")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Digest::parse(text).ok_or_else(|| invalid_data("a descriptor's digest is not a sha256"))
}

fn invalid_data(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}
