//! Manifests and tags: which digest is behind a name, and writing one.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, StatusCode};

use super::Registry;
use super::answer::Refusal;
use super::retry::{Fault, Patience};
use crate::registry::digest::Digest;
use crate::registry::error::{PushError, Step};
use crate::registry::graph::SMALL;
use crate::registry::media::{self, Manifest};
use crate::registry::progress::Report;
use crate::registry::reference::Tag;

/// The registry's own word for the digest of what it sends or was sent.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// What became of a manifest that was written.
enum Written {
    Done,
    /// The name is a tag that cannot be moved, if it is not there already.
    Immutable(Refusal),
}

impl Registry {
    /// The digest of the manifest that a tag or a digest names, if there is one.
    pub(crate) async fn resolve(&self, name: &str, report: Report<'_>) -> Result<Option<Digest>, PushError> {
        let mut patience = Patience::new(report);
        loop {
            match self.resolve_once(name).await {
                Ok(digest) => return Ok(digest),
                Err(fault) => patience.after(fault).await?,
            }
        }
    }

    async fn resolve_once(&self, name: &str) -> Result<Option<Digest>, Fault> {
        let address = self.address(&format!("manifests/{name}"));
        let response = self.ask(Step::ReadManifest, || self.http.head(address.clone()).header(ACCEPT, media::ACCEPT)).await?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::OK => {}
            _ => return Err(Refusal::read(response).await.into_fault(self, Step::ReadManifest)),
        }
        if let Some(Ok(digest)) = announced(&response).map(str::parse) {
            return Ok(Some(digest));
        }
        // Some registries leave the header out: the digest is that of the bytes.
        let response = self.ask(Step::ReadManifest, || self.http.get(address.clone()).header(ACCEPT, media::ACCEPT)).await?;
        if response.status() != StatusCode::OK {
            return Err(Refusal::read(response).await.into_fault(self, Step::ReadManifest));
        }
        Ok(Some(Digest::of(&self.small_body(response).await?)))
    }

    async fn small_body(&self, mut response: Response) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(Step::ReadManifest, error))? {
            body.extend_from_slice(&piece);
            if body.len() as u64 > SMALL {
                return Err(self.odd("it sent a manifest that is too large").into());
            }
        }
        Ok(body)
    }

    /// Writes a manifest under its digest.
    pub(crate) async fn put_manifest(&self, manifest: &Manifest, report: Report<'_>) -> Result<(), PushError> {
        match self.write(manifest, manifest.digest.as_str(), report).await? {
            Written::Done => Ok(()),
            Written::Immutable(refusal) => Err(*refusal.into_fault(self, Step::WriteManifest).error),
        }
    }

    /// Makes a tag name the manifest. That an immutable tag does so already is success, although ECR refuses the request.
    pub(crate) async fn tag(&self, manifest: &Manifest, tag: &Tag, report: Report<'_>) -> Result<(), PushError> {
        let refusal = match self.write(manifest, tag.as_str(), report).await? {
            Written::Done => return Ok(()),
            Written::Immutable(refusal) => refusal,
        };
        let there = self.resolve(tag.as_str(), report).await.unwrap_or_default();
        if there.as_ref() == Some(&manifest.digest) {
            return Ok(());
        }
        let (repository, ours) = (self.repository.clone(), manifest.digest.clone());
        Err(PushError::TagTaken { repository, tag: tag.clone(), there, ours, message: refusal.message })
    }

    async fn write(&self, manifest: &Manifest, name: &str, report: Report<'_>) -> Result<Written, PushError> {
        let mut patience = Patience::new(report);
        loop {
            match self.write_once(manifest, name).await {
                Ok(written) => return Ok(written),
                Err(fault) => patience.after(fault).await?,
            }
        }
    }

    /// The bytes go as they are; the media type is announced, because a manifest need not say it itself.
    async fn write_once(&self, manifest: &Manifest, name: &str) -> Result<Written, Fault> {
        let address = self.address(&format!("manifests/{name}"));
        let make = || self.http.put(address.clone()).header(CONTENT_TYPE, &manifest.media_type).body(manifest.bytes.clone());
        let response = self.ask(Step::WriteManifest, make).await?;
        if response.status().is_success() {
            self.confirm(&response, &manifest.digest)?;
            return Ok(Written::Done);
        }
        let refusal = Refusal::read(response).await;
        if refusal.is_immutable_tag() { Ok(Written::Immutable(refusal)) } else { Err(refusal.into_fault(self, Step::WriteManifest)) }
    }

    /// The registry must hold what was sent. One that does not say is believed: it checked the digest in the address.
    pub(super) fn confirm(&self, response: &Response, ours: &Digest) -> Result<(), PushError> {
        match announced(response) {
            Some(theirs) if theirs != ours.as_str() => {
                let theirs = crate::registry::error::one_line(theirs);
                Err(PushError::DigestMismatch { host: self.host(), ours: ours.clone(), theirs })
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn announced(response: &Response) -> Option<&str> {
    response.headers().get(CONTENT_DIGEST)?.to_str().ok()
}
