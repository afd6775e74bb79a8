//! Putting blobs: in one request, in pieces, or by mounting another repository's.

use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode, Uri, header};

use super::access::Permission;
use super::error::RegistryError;
use super::{Mounts, Patches, Registry};
use crate::world::digest::Digest;
use crate::world::http::{Body, full_body};

/// `POST`: a mount when the blob is there, a whole upload when a digest is given, the start of a
/// session otherwise.
pub(super) async fn start(
    registry: &Registry,
    name: &str,
    request: Request<Body>,
) -> Result<Response<Body>, RegistryError> {
    if let Some(digest) = find_mountable(registry, &request) {
        registry.catalog().add_blob(name, digest.clone());
        return created_response(name, &digest);
    }
    let session = registry.store().start_upload().await?;
    if query_parameter(request.uri(), "digest").is_some() {
        return finish(registry, name, &session, request).await;
    }
    upload_response(name, &session, 0, StatusCode::ACCEPTED)
}

/// The blob to mount, if the source repository has it, the caller may read it and the rules allow
/// it.
fn find_mountable(registry: &Registry, request: &Request<Body>) -> Option<Digest> {
    let digest = Digest::parse(&query_parameter(request.uri(), "mount")?)?;
    let from = query_parameter(request.uri(), "from")?;
    let catalog = registry.catalog();
    let may_mount = match registry.rules.mounts {
        Mounts::All => true,
        Mounts::Referenced => {
            catalog.is_referenced(&from, &digest) && !catalog.is_archived(&from, &digest)
        }
        Mounts::Never => false,
    };
    (may_mount
        && catalog.has_blob(&from, &digest)
        && registry
            .credentials
            .covers(request.headers(), Permission::pull(&from)))
    .then_some(digest)
}

/// `GET` of a session: how far it is.
pub(super) async fn read_status(
    registry: &Registry,
    name: &str,
    session: &str,
) -> Result<Response<Body>, RegistryError> {
    let length = registry.store().upload_length(session).await?;
    upload_response(name, session, length, StatusCode::NO_CONTENT)
}

/// `PATCH`: the next piece. A `Content-Range` must start at the end of what was uploaded.
pub(super) async fn append(
    registry: &Registry,
    name: &str,
    session: &str,
    request: Request<Body>,
) -> Result<Response<Body>, RegistryError> {
    let length = registry.store().upload_length(session).await?;
    let range = request
        .headers()
        .get(header::CONTENT_RANGE)
        .and_then(|value| value.to_str().ok());
    if range.is_some_and(|range| range_start(range) != Some(length)) {
        return Err(RegistryError::RangeInvalid);
    }
    match registry.rules.patches {
        Patches::All => {
            let length = registry
                .store()
                .append(session, request.into_body())
                .await?;
            upload_response(name, session, length, StatusCode::ACCEPTED)
        }
        Patches::FirstOnly if registry.store().claim_first_piece(session) => {
            let length = registry
                .store()
                .append(session, request.into_body())
                .await?;
            upload_response(name, session, length, StatusCode::CREATED)
        }
        Patches::FirstOnly => {
            // Read to its end, and forgotten; the range that is answered is as if it had been kept.
            let dropped = request
                .into_body()
                .collect()
                .await
                .map_err(|_| RegistryError::RangeInvalid)?
                .to_bytes();
            upload_response(
                name,
                session,
                length + dropped.len() as u64,
                StatusCode::CREATED,
            )
        }
    }
}

/// `PUT`: the last piece, or all of it, and the digest it must have.
pub(super) async fn finish(
    registry: &Registry,
    name: &str,
    session: &str,
    request: Request<Body>,
) -> Result<Response<Body>, RegistryError> {
    let digest = query_parameter(request.uri(), "digest")
        .and_then(|text| Digest::parse(&text))
        .ok_or(RegistryError::DigestInvalid)?;
    registry
        .store()
        .append(session, request.into_body())
        .await?;
    registry.store().finish_upload(session, &digest).await?;
    registry.catalog().add_blob(name, digest.clone());
    created_response(name, &digest)
}

/// `DELETE` of a session.
pub(super) async fn cancel(
    registry: &Registry,
    session: &str,
) -> Result<Response<Body>, RegistryError> {
    registry.store().cancel_upload(session).await?;
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .body(full_body(""))
        .map_err(|_| RegistryError::Storage)
}

fn upload_response(
    name: &str,
    session: &str,
    length: u64,
    status: StatusCode,
) -> Result<Response<Body>, RegistryError> {
    Response::builder()
        .status(status)
        .header(
            header::LOCATION,
            format!("/v2/{name}/blobs/uploads/{session}"),
        )
        .header("range", format!("0-{}", length.saturating_sub(1)))
        .header("docker-upload-uuid", session)
        .body(full_body(""))
        .map_err(|_| RegistryError::Storage)
}

fn created_response(name: &str, digest: &Digest) -> Result<Response<Body>, RegistryError> {
    Response::builder()
        .status(StatusCode::CREATED)
        .header(header::LOCATION, format!("/v2/{name}/blobs/{digest}"))
        .header("docker-content-digest", digest.to_string())
        .body(full_body(""))
        .map_err(|_| RegistryError::Storage)
}

/// `0-99` or `bytes 0-99/*`.
fn range_start(range: &str) -> Option<u64> {
    range
        .trim_start_matches("bytes")
        .trim()
        .split('-')
        .next()?
        .parse()
        .ok()
}

/// A parameter of the query. Repository names and digests need no more than these two escapes.
pub(super) fn query_parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri
        .query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name)?.1;
    Some(
        value
            .replace("%3A", ":")
            .replace("%3a", ":")
            .replace("%2F", "/")
            .replace("%2f", "/"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_with_and_without_a_unit() {
        assert_eq!(range_start("10-19"), Some(10));
        assert_eq!(range_start("bytes 10-19/30"), Some(10));
        assert_eq!(range_start("nonsense"), None);
    }

    #[test]
    fn escaped_parameters_are_read() {
        let uri = Uri::from_static("/v2/a/blobs/uploads/?mount=sha256%3Aabc&from=b%2Fc");
        assert_eq!(
            query_parameter(&uri, "mount").as_deref(),
            Some("sha256:abc")
        );
        assert_eq!(query_parameter(&uri, "from").as_deref(), Some("b/c"));
        assert_eq!(query_parameter(&uri, "digest"), None);
    }
}
