//! Which repository has which blobs, manifests and tags. In memory: it lives as long as the registry does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::problem::Problem;
use super::route::Reference;
use crate::world::digest::Digest;

#[derive(Debug, Default)]
struct Repository {
    blobs: BTreeSet<Digest>,
    /// The media type of each manifest; its bytes are a blob.
    manifests: BTreeMap<Digest, String>,
    tags: BTreeMap<String, Digest>,
}

/// All repositories. One comes to be with the first thing put into it.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    repositories: BTreeMap<String, Repository>,
}

impl Catalog {
    pub(super) fn has_blob(&self, repository: &str, digest: &Digest) -> bool {
        self.repositories.get(repository).is_some_and(|found| found.blobs.contains(digest))
    }

    pub(super) fn add_blob(&mut self, repository: &str, digest: Digest) {
        self.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest);
    }

    pub(super) fn manifest(&self, repository: &str, reference: &Reference) -> Result<(Digest, String), Problem> {
        let found = self.repositories.get(repository).ok_or(Problem::NameUnknown)?;
        let digest = match reference {
            Reference::Digest(digest) => digest,
            Reference::Tag(tag) => found.tags.get(tag).ok_or(Problem::ManifestUnknown)?,
        };
        let media_type = found.manifests.get(digest).ok_or(Problem::ManifestUnknown)?;
        Ok((digest.clone(), media_type.clone()))
    }

    /// Refuses a manifest that names something the repository does not have.
    pub(super) fn check_manifest(&self, repository: &str, manifest: &Value) -> Result<(), Problem> {
        let missing = |digest: &Digest, manifests: bool| {
            let found = self.repositories.get(repository);
            !found.is_some_and(|found| if manifests { found.manifests.contains_key(digest) } else { found.blobs.contains(digest) })
        };
        let blobs = digests(manifest.get("layers")).chain(digests(manifest.get("config"))).map(|digest| (digest, false));
        let children = digests(manifest.get("manifests")).map(|digest| (digest, true));
        for (digest, is_manifest) in blobs.chain(children) {
            let digest = digest.ok_or(Problem::ManifestInvalid)?;
            if missing(&digest, is_manifest) {
                return Err(Problem::ManifestBlobUnknown);
            }
        }
        Ok(())
    }

    pub(super) fn add_manifest(&mut self, repository: &str, digest: &Digest, media_type: String, tag: Option<String>) {
        let found = self.repositories.entry(repository.to_owned()).or_default();
        found.manifests.insert(digest.clone(), media_type);
        if let Some(tag) = tag {
            found.tags.insert(tag, digest.clone());
        }
    }

    pub(super) fn delete_manifest(&mut self, repository: &str, reference: &Reference) -> Result<(), Problem> {
        let found = self.repositories.get_mut(repository).ok_or(Problem::NameUnknown)?;
        let known = match reference {
            Reference::Tag(tag) => found.tags.remove(tag).is_some(),
            Reference::Digest(digest) => {
                found.tags.retain(|_, tagged| tagged != digest);
                found.manifests.remove(digest).is_some()
            }
        };
        if known { Ok(()) } else { Err(Problem::ManifestUnknown) }
    }

    pub(super) fn tags(&self, repository: &str) -> Result<Vec<String>, Problem> {
        let found = self.repositories.get(repository).ok_or(Problem::NameUnknown)?;
        Ok(found.tags.keys().cloned().collect())
    }
}

/// The digests of one descriptor or a list of them; none for one that is not valid.
fn digests(descriptors: Option<&Value>) -> impl Iterator<Item = Option<Digest>> {
    let list: Vec<&Value> = match descriptors {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    list.into_iter().filter(|one| one.get("urls").is_none()).map(|one| one.get("digest").and_then(Value::as_str).and_then(Digest::parse))
}
