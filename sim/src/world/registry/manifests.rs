//! Manifests and tags. A manifest's bytes are never rewritten: its digest is what deployments are pinned to.

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::Registry;
use super::problem::Problem;
use super::route::Reference;
use crate::world::digest::Digest;
use crate::world::http::{Body, full};

/// The limit that the distribution specification asks registries to allow at least.
const MANIFEST_LIMIT: usize = 4 * 1024 * 1024;

/// `GET` or `HEAD` of a manifest.
pub(super) async fn read(registry: &Registry, name: &str, reference: &Reference, method: &Method) -> Result<Response<Body>, Problem> {
    let (digest, media_type) = registry.catalog().manifest(name, reference)?;
    let bytes = registry.store.read_blob(&digest).await?;
    let response = Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, bytes.len())
        .header("docker-content-digest", digest.to_string());
    response.body(full(if method == Method::HEAD { Vec::new() } else { bytes })).map_err(|_| Problem::Storage)
}

/// `PUT` of a manifest, by tag or by the digest it must have.
pub(super) async fn write(
    registry: &Registry,
    name: &str,
    reference: Reference,
    request: Request<Incoming>,
) -> Result<Response<Body>, Problem> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(request.into_body(), MANIFEST_LIMIT).collect().await.map_err(|_| Problem::ManifestInvalid)?.to_bytes();
    let digest = Digest::of(&body);
    let tag = match reference {
        Reference::Tag(tag) => Some(tag),
        Reference::Digest(wanted) if wanted == digest => None,
        Reference::Digest(_) => return Err(Problem::DigestInvalid),
    };
    let manifest: Value = serde_json::from_slice(&body).map_err(|_| Problem::ManifestInvalid)?;
    let media_type = manifest.get("mediaType").and_then(Value::as_str).map(str::to_owned).or(given).ok_or(Problem::ManifestInvalid)?;
    registry.catalog().check_manifest(name, &manifest)?;
    registry.store.write_blob(&digest, &body).await?;
    registry.catalog().add_manifest(name, &digest, media_type, tag);
    // No `Location`: ECR gives none either, and a client that needs one is to be found out here.
    let response = Response::builder().status(StatusCode::CREATED).header("docker-content-digest", digest.to_string());
    response.body(full("")).map_err(|_| Problem::Storage)
}

/// `DELETE` of a tag, or of a manifest with all its tags.
pub(super) fn delete(registry: &Registry, name: &str, reference: &Reference) -> Result<Response<Body>, Problem> {
    registry.catalog().delete_manifest(name, reference)?;
    Response::builder().status(StatusCode::ACCEPTED).body(full("")).map_err(|_| Problem::Storage)
}

/// All tags, in one page.
pub(super) fn list_tags(registry: &Registry, name: &str) -> Result<Response<Body>, Problem> {
    let tags = registry.catalog().tags(name)?;
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    response.body(full(json!({ "name": name, "tags": tags }).to_string())).map_err(|_| Problem::Storage)
}
