//! Manifests and tags. A manifest's bytes are never rewritten: its digest is what deployments are
//! pinned to.

use std::sync::PoisonError;

use http_body_util::{BodyExt, Limited};
use hyper::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::convert::{DOCKER_MANIFEST_TYPE, ManifestForm, choose_form};
use super::error::RegistryError;
use super::references::ManifestReferences;
use super::route::Reference;
use super::{ByTag, ManifestAnswer, Registry};
use crate::world::digest::Digest;
use crate::world::http::{Body, full_body};
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
) -> Result<Response<Body>, RegistryError> {
    let (digest, media_type, bytes) = resolve_manifest(registry, name, reference, request).await?;
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, bytes.len());
    if !registry
        .hidden_digests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&digest)
    {
        response = response.header(DIGEST, digest.to_string());
    }
    response
        .body(full_body(if request.method() == Method::HEAD {
            Vec::new()
        } else {
            bytes
        }))
        .map_err(|_| RegistryError::Storage)
}

/// The manifest, in the form in which it is answered.
async fn resolve_manifest(
    registry: &Registry,
    name: &str,
    reference: &Reference,
    request: &Request<Body>,
) -> Result<(Digest, String, Vec<u8>), RegistryError> {
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
        let (digest, media_type) = registry.catalog().find_manifest(name, &reference)?;
        let bytes = registry.store().read_blob(&digest).await?;
        match if converts {
            choose_form(&media_type, &bytes, &accept)
        } else {
            ManifestForm::Verbatim
        } {
            ManifestForm::Verbatim => return Ok((digest, media_type, bytes)),
            ManifestForm::Docker(bytes) => {
                return Ok((
                    Digest::compute(&bytes),
                    DOCKER_MANIFEST_TYPE.to_owned(),
                    bytes,
                ));
            }
            ManifestForm::Child(child) => reference = Reference::Digest(child),
        }
    }
}

/// `PUT` of a manifest, by tag or by the digest it must have.
pub(super) async fn write(
    registry: &Registry,
    name: &str,
    reference: Reference,
    request: Request<Body>,
) -> Result<Response<Body>, RegistryError> {
    if registry.manifest_bucket.as_ref().is_some_and(|bucket| {
        !bucket
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(milliseconds())
    }) {
        return Err(RegistryError::TooManyRequests);
    }
    let given = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = limit_body(request.into_body())
        .collect()
        .await
        .map_err(|_| RegistryError::ManifestInvalid)?
        .to_bytes();
    let digest = Digest::compute(&body);
    let tag = match reference {
        Reference::Tag(tag) => Some(tag),
        Reference::Digest(wanted) if wanted == digest => None,
        Reference::Digest(_) => return Err(RegistryError::DigestInvalid),
    };
    let manifest: Value =
        serde_json::from_slice(&body).map_err(|_| RegistryError::ManifestInvalid)?;
    let media_type = manifest
        .get("mediaType")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or(given)
        .ok_or(RegistryError::ManifestInvalid)?;
    let needs = ManifestReferences::parse(&manifest)?;
    if registry
        .rules
        .layers_at_most
        .is_some_and(|most| needs.layers > most)
    {
        return Err(RegistryError::TooManyLayers);
    }
    registry.store().write_blob(&digest, &body).await?;
    let mut catalog = registry.catalog();
    catalog.check_references(name, &needs)?;
    tag.iter()
        .try_for_each(|tag| catalog.check_tag(name, tag, &registry.rules.tags))?;
    catalog.add_manifest(name, &digest, media_type, needs, tag);
    drop(catalog);
    created_response(registry, name, &digest)
}

fn limit_body(body: Body) -> Body {
    Limited::new(body, MANIFEST_LIMIT).boxed()
}

fn created_response(
    registry: &Registry,
    name: &str,
    digest: &Digest,
) -> Result<Response<Body>, RegistryError> {
    let response = Response::builder().status(StatusCode::CREATED);
    let response = match registry.rules.manifest_answer {
        ManifestAnswer::Digest => response.header(DIGEST, digest.to_string()),
        ManifestAnswer::DigestAndLocation => response
            .header(DIGEST, digest.to_string())
            .header(header::LOCATION, format!("/v2/{name}/manifests/{digest}")),
        ManifestAnswer::Bare => response,
        ManifestAnswer::LateDigest => {
            registry
                .hidden_digests
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(digest.clone());
            response
        }
    };
    response
        .body(full_body(""))
        .map_err(|_| RegistryError::Storage)
}

/// `DELETE` of a tag, or of a manifest with all its tags.
pub(super) fn delete(
    registry: &Registry,
    name: &str,
    reference: &Reference,
) -> Result<Response<Body>, RegistryError> {
    registry.catalog().delete_manifest(name, reference)?;
    Response::builder()
        .status(StatusCode::ACCEPTED)
        .body(full_body(""))
        .map_err(|_| RegistryError::Storage)
}

/// All tags, in one page.
pub(super) fn list_tags(registry: &Registry, name: &str) -> Result<Response<Body>, RegistryError> {
    let tags = registry.catalog().list_tags(name)?;
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    response
        .body(full_body(json!({ "name": name, "tags": tags }).to_string()))
        .map_err(|_| RegistryError::Storage)
}
