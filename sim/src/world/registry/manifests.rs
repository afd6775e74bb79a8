//! Manifests and tags. A manifest's bytes are never rewritten: its digest is what deployments are
//! pinned to.

use std::sync::PoisonError;

use http_body_util::{BodyExt, Limited};
use hyper::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::convert::{DOCKERS_TYPE, Form, form};
use super::needs::Needs;
use super::problem::Problem;
use super::route::Reference;
use super::{ByTag, ManifestAnswer, Registry};
use crate::world::digest::Digest;
use crate::world::http::{Body, full};
use crate::world::now::milliseconds;

const DIGEST: &str = "docker-content-digest";

/// The limit that the distribution specification asks registries to allow at least.
const MANIFEST_LIMIT: usize = 4 * 1024 * 1024;

/// `GET` or `HEAD` of a manifest.
pub(super) async fn read(
    registry: &Registry,
    name: &str,
    reference: &Reference,
    request: &Request<Body>,
) -> Result<Response<Body>, Problem> {
    let (digest, media_type, bytes) = found(registry, name, reference, request).await?;
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, bytes.len());
    if !registry
        .fresh
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&digest)
    {
        response = response.header(DIGEST, digest.to_string());
    }
    response
        .body(full(if request.method() == Method::HEAD {
            Vec::new()
        } else {
            bytes
        }))
        .map_err(|_| Problem::Storage)
}

/// The manifest, in the form in which it is answered.
async fn found(
    registry: &Registry,
    name: &str,
    reference: &Reference,
    request: &Request<Body>,
) -> Result<(Digest, String, Vec<u8>), Problem> {
    let accept: Vec<&str> = request
        .headers()
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let accept = accept.join(",");
    let mut reference = reference.clone();
    let converts =
        registry.rules.by_tag == ByTag::Converted && matches!(reference, Reference::Tag(_));
    loop {
        let (digest, media_type) = registry.catalog().manifest(name, &reference)?;
        let bytes = registry.store().read_blob(&digest).await?;
        match if converts {
            form(&media_type, &bytes, &accept)
        } else {
            Form::Verbatim
        } {
            Form::Verbatim => return Ok((digest, media_type, bytes)),
            Form::Docker(bytes) => return Ok((Digest::of(&bytes), DOCKERS_TYPE.to_owned(), bytes)),
            Form::Child(child) => reference = Reference::Digest(child),
        }
    }
}

/// `PUT` of a manifest, by tag or by the digest it must have.
pub(super) async fn write(
    registry: &Registry,
    name: &str,
    reference: Reference,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    if registry.manifests.as_ref().is_some_and(|bucket| {
        !bucket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(milliseconds())
    }) {
        return Err(Problem::TooManyRequests);
    }
    let given = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = limited(request.into_body())
        .collect()
        .await
        .map_err(|_| Problem::ManifestInvalid)?
        .to_bytes();
    let digest = Digest::of(&body);
    let tag = match reference {
        Reference::Tag(tag) => Some(tag),
        Reference::Digest(wanted) if wanted == digest => None,
        Reference::Digest(_) => return Err(Problem::DigestInvalid),
    };
    let manifest: Value = serde_json::from_slice(&body).map_err(|_| Problem::ManifestInvalid)?;
    let media_type = manifest
        .get("mediaType")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or(given)
        .ok_or(Problem::ManifestInvalid)?;
    let needs = Needs::of(&manifest)?;
    if registry
        .rules
        .layers_at_most
        .is_some_and(|most| needs.layers > most)
    {
        return Err(Problem::TooManyLayers);
    }
    registry.store().write_blob(&digest, &body).await?;
    let mut catalog = registry.catalog();
    catalog.check_needs(name, &needs)?;
    tag.iter()
        .try_for_each(|tag| catalog.check_tag(name, tag, &registry.rules.tags))?;
    catalog.add_manifest(name, &digest, media_type, needs, tag);
    drop(catalog);
    written(registry, name, &digest)
}

fn limited(body: Body) -> Body {
    Limited::new(body, MANIFEST_LIMIT).boxed()
}

fn written(registry: &Registry, name: &str, digest: &Digest) -> Result<Response<Body>, Problem> {
    let response = Response::builder().status(StatusCode::CREATED);
    let response = match registry.rules.manifest_answer {
        ManifestAnswer::Digest => response.header(DIGEST, digest.to_string()),
        ManifestAnswer::DigestAndLocation => response
            .header(DIGEST, digest.to_string())
            .header(header::LOCATION, format!("/v2/{name}/manifests/{digest}")),
        ManifestAnswer::Bare => response,
        ManifestAnswer::LateDigest => {
            registry
                .fresh
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(digest.clone());
            response
        }
    };
    response.body(full("")).map_err(|_| Problem::Storage)
}

/// `DELETE` of a tag, or of a manifest with all its tags.
pub(super) fn delete(
    registry: &Registry,
    name: &str,
    reference: &Reference,
) -> Result<Response<Body>, Problem> {
    registry.catalog().delete_manifest(name, reference)?;
    Response::builder()
        .status(StatusCode::ACCEPTED)
        .body(full(""))
        .map_err(|_| Problem::Storage)
}

/// All tags, in one page.
pub(super) fn list_tags(registry: &Registry, name: &str) -> Result<Response<Body>, Problem> {
    let tags = registry.catalog().tags(name)?;
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    response
        .body(full(json!({ "name": name, "tags": tags }).to_string()))
        .map_err(|_| Problem::Storage)
}
