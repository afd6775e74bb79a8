//! Which repository has which blobs, manifests and tags. In memory: it lives as long as the
//! registry does.

use std::collections::{BTreeMap, BTreeSet};

use super::error::RegistryError;
use super::references::ManifestReferences;
use super::route::Reference;
use super::rules::TagMutability;
use crate::world::digest::Digest;
use crate::world::now;

#[derive(Debug, Default)]
struct Repository {
    blobs: BTreeSet<Digest>,
    archived: BTreeSet<Digest>,
    manifests: BTreeMap<Digest, ManifestRecord>,
    tags: BTreeMap<String, Digest>,
    mutability: Option<TagMutability>,
}

/// A manifest; its bytes are a blob of the store.
#[derive(Debug)]
struct ManifestRecord {
    media_type: String,
    references: ManifestReferences,
    pushed_ms: i64,
}

/// All repositories.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    repositories: BTreeMap<String, Repository>,
}

impl Catalog {
    pub(super) fn has_repository(&self, name: &str) -> bool {
        self.repositories.contains_key(name)
    }

    /// Makes a repository, or gives one that is there another rule for its tags; none is the
    /// registry's.
    pub(super) fn set_repository(&mut self, name: &str, mutability: Option<TagMutability>) {
        self.repositories
            .entry(name.to_owned())
            .or_default()
            .mutability = mutability;
    }

    pub(super) fn delete_repository(&mut self, name: &str) {
        self.repositories.remove(name);
    }

    pub(super) fn has_blob(&self, repository: &str, digest: &Digest) -> bool {
        self.repositories
            .get(repository)
            .is_some_and(|found| found.blobs.contains(digest))
    }

    /// Whether a manifest of the repository names the blob.
    pub(super) fn is_referenced(&self, repository: &str, digest: &Digest) -> bool {
        let manifests = self
            .repositories
            .get(repository)
            .into_iter()
            .flat_map(|found| found.manifests.values());
        manifests
            .into_iter()
            .any(|record| record.references.blobs.contains(digest))
    }

    pub(super) fn add_blob(&mut self, repository: &str, digest: Digest) {
        self.repositories
            .entry(repository.to_owned())
            .or_default()
            .blobs
            .insert(digest);
    }

    pub(super) fn remove_blob(&mut self, repository: &str, digest: &Digest) {
        if let Some(found) = self.repositories.get_mut(repository) {
            found.blobs.remove(digest);
        }
    }

    pub(super) fn archive(&mut self, repository: &str, digest: Digest) {
        self.repositories
            .entry(repository.to_owned())
            .or_default()
            .archived
            .insert(digest);
    }

    pub(super) fn is_archived(&self, repository: &str, digest: &Digest) -> bool {
        self.repositories
            .get(repository)
            .is_some_and(|found| found.archived.contains(digest))
    }

    pub(super) fn find_manifest(
        &self,
        repository: &str,
        reference: &Reference,
    ) -> Result<(Digest, String), RegistryError> {
        let found = self
            .repositories
            .get(repository)
            .ok_or_else(|| RegistryError::NameUnknown(repository.to_owned()))?;
        let digest = match reference {
            Reference::Digest(digest) => digest,
            Reference::Tag(tag) => found.tags.get(tag).ok_or(RegistryError::ManifestUnknown)?,
        };
        let record = found
            .manifests
            .get(digest)
            .ok_or(RegistryError::ManifestUnknown)?;
        Ok((digest.clone(), record.media_type.clone()))
    }

    /// Refuses a manifest that needs something the repository does not have, its children's blobs
    /// included.
    pub(super) fn check_references(
        &self,
        repository: &str,
        needs: &ManifestReferences,
    ) -> Result<(), RegistryError> {
        let found = self.repositories.get(repository);
        let find_record = |digest: &Digest| found.and_then(|found| found.manifests.get(digest));
        for blob in &needs.blobs {
            if !self.has_blob(repository, blob) {
                return Err(RegistryError::ManifestBlobUnknown(blob.clone()));
            }
            if self.is_archived(repository, blob) {
                return Err(RegistryError::Archived(blob.clone()));
            }
        }
        for child in &needs.manifests {
            let child = find_record(child)
                .ok_or_else(|| RegistryError::ManifestBlobUnknown(child.clone()))?;
            self.check_references(repository, &child.references)?;
        }
        Ok(())
    }

    /// Refuses to put anything under a tag that cannot be moved, be it what it names already.
    pub(super) fn check_tag(
        &self,
        repository: &str,
        tag: &str,
        rule: &TagMutability,
    ) -> Result<(), RegistryError> {
        let Some(found) = self.repositories.get(repository) else {
            return Ok(());
        };
        let rule = found.mutability.as_ref().unwrap_or(rule);
        if rule.can_move(tag) || !found.tags.contains_key(tag) {
            return Ok(());
        }
        Err(RegistryError::TagImmutable {
            tag: tag.to_owned(),
            repository: repository.to_owned(),
        })
    }

    pub(super) fn add_manifest(
        &mut self,
        repository: &str,
        digest: &Digest,
        media_type: String,
        needs: ManifestReferences,
        tag: Option<String>,
    ) {
        let found = self.repositories.entry(repository.to_owned()).or_default();
        let pushed_ms = found
            .manifests
            .get(digest)
            .map_or_else(now::milliseconds, |known| known.pushed_ms);
        found.manifests.insert(
            digest.clone(),
            ManifestRecord {
                media_type,
                references: needs,
                pushed_ms,
            },
        );
        if let Some(tag) = tag {
            found.tags.insert(tag, digest.clone());
        }
    }

    /// The manifests of a repository, each with its tags, in the order of their digests.
    pub(super) fn manifests(&self, repository: &str) -> Vec<(Digest, Vec<String>)> {
        let Some(found) = self.repositories.get(repository) else {
            return Vec::new();
        };
        let tags = |digest: &Digest| {
            let named = found.tags.iter().filter(|(_, tagged)| *tagged == digest);
            named.map(|(tag, _)| tag.clone()).collect()
        };
        let digests = found.manifests.keys();
        digests
            .map(|digest| (digest.clone(), tags(digest)))
            .collect()
    }

    pub(super) fn pushed_ms(&self, repository: &str, digest: &Digest) -> Option<i64> {
        let found = self.repositories.get(repository)?;
        Some(found.manifests.get(digest)?.pushed_ms)
    }

    /// The indexes of a repository that name a manifest.
    pub(super) fn indexes_of(&self, repository: &str, digest: &Digest) -> Vec<Digest> {
        let manifests = self.repositories.get(repository).into_iter();
        manifests
            .flat_map(|found| &found.manifests)
            .filter(|(_, record)| record.references.manifests.contains(digest))
            .map(|(index, _)| index.clone())
            .collect()
    }

    pub(super) fn delete_manifest(
        &mut self,
        repository: &str,
        reference: &Reference,
    ) -> Result<(), RegistryError> {
        let found = self
            .repositories
            .get_mut(repository)
            .ok_or_else(|| RegistryError::NameUnknown(repository.to_owned()))?;
        let was_found = match reference {
            Reference::Tag(tag) => found.tags.remove(tag).is_some(),
            Reference::Digest(digest) => {
                found.tags.retain(|_, tagged| tagged != digest);
                found.manifests.remove(digest).is_some()
            }
        };
        if was_found {
            Ok(())
        } else {
            Err(RegistryError::ManifestUnknown)
        }
    }

    pub(super) fn list_tags(&self, repository: &str) -> Result<Vec<String>, RegistryError> {
        let found = self
            .repositories
            .get(repository)
            .ok_or_else(|| RegistryError::NameUnknown(repository.to_owned()))?;
        Ok(found.tags.keys().cloned().collect())
    }

    pub(super) fn tag_digest(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.repositories.get(repository)?.tags.get(tag).cloned()
    }
}
