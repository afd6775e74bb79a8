//! What a manifest needs: the blobs and the manifests it names. Pure.

use serde_json::Value;

use super::error::RegistryError;
use crate::world::digest::Digest;

/// The digests that a manifest names, layers with addresses of their own left out.
#[derive(Debug, Default)]
pub(super) struct ManifestReferences {
    /// Its layers and its configuration.
    pub(super) blobs: Vec<Digest>,
    /// Its children.
    pub(super) manifests: Vec<Digest>,
    /// How many of its blobs are layers.
    pub(super) layers: usize,
}

impl ManifestReferences {
    pub(super) fn parse(manifest: &Value) -> Result<Self, RegistryError> {
        let mut blobs = parse_digests(manifest.get("layers"))?;
        let layers = blobs.len();
        blobs.extend(parse_digests(manifest.get("config"))?);
        Ok(Self {
            blobs,
            manifests: parse_digests(manifest.get("manifests"))?,
            layers,
        })
    }
}

/// The digests of one descriptor or a list of them.
fn parse_digests(descriptors: Option<&Value>) -> Result<Vec<Digest>, RegistryError> {
    let list: Vec<&Value> = match descriptors {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let digest = |one: &Value| {
        one.get("digest")
            .and_then(Value::as_str)
            .and_then(Digest::parse)
            .ok_or(RegistryError::ManifestInvalid)
    };
    list.into_iter()
        .filter(|one| one.get("urls").is_none())
        .map(digest)
        .collect()
}
