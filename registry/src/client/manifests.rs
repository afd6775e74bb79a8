//! Manifests and tags: resolving, reading and writing them, and reading configs.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, StatusCode};

use super::Registry;
use super::reply::{ErrorResponse, Reply};
use super::retry::{FailedAttempt, RetryLoop};
use crate::descriptor::{ACCEPT_MANIFESTS, Descriptor, MediaType};
use crate::digest::Digest;
use crate::error::{PushError, Step};
use crate::image::MAX_DOCUMENT_BYTES;
use crate::image_config::ImageConfig;
use crate::manifest::Manifest;
use crate::progress::Report;
use crate::reference::{ManifestReference, Tag};

/// The header in which a registry says the digest of a content.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// The result of writing a manifest.
enum WriteOutcome {
    Done,
    /// The tag is immutable; it may name the manifest already.
    Immutable(ErrorResponse),
}

/// A manifest as a registry sent it.
#[derive(Debug, Clone)]
pub(crate) struct FetchedManifest {
    /// Computed from the bytes.
    pub(crate) digest: Digest,
    /// As the registry says.
    media_type: MediaType,
    bytes: Vec<u8>,
}

impl FetchedManifest {
    /// Parses it.
    ///
    /// # Errors
    /// It is no manifest of a kind that is known here.
    pub(crate) fn parse(self) -> Result<Manifest, PushError> {
        Ok(Manifest::parse(self.bytes, &self.media_type)?)
    }
}

impl Registry {
    /// The digest of the manifest with this tag or digest, if there is one.
    pub(crate) async fn resolve(
        &self,
        name: ManifestReference<'_>,
        report: Report<'_>,
    ) -> Result<Option<Digest>, PushError> {
        let mut retries = RetryLoop::new(report);
        loop {
            match self.resolve_once(name).await {
                Ok(digest) => return Ok(digest),
                Err(failure) => retries.wait_or_fail(failure).await?,
            }
        }
    }

    async fn resolve_once(
        &self,
        name: ManifestReference<'_>,
    ) -> Result<Option<Digest>, FailedAttempt> {
        let address = self.url(&format!("manifests/{name}"));
        let response = match self
            .send_small(Step::ReadManifest, || {
                self.http
                    .head(address.clone())
                    .header(ACCEPT, ACCEPT_MANIFESTS)
            })
            .await?
        {
            Reply::Error(refusal) if refusal.status == StatusCode::NOT_FOUND => return Ok(None),
            answer => answer.into_success(self, Step::ReadManifest)?,
        };
        match announced_digest(&response).map(str::parse) {
            Some(Ok(digest)) => Ok(Some(digest)),
            // Some registries do not send the header: the digest is computed from the manifest.
            Some(Err(_)) | None => Ok(self
                .fetch_manifest_once(name)
                .await?
                .map(|given| given.digest)),
        }
    }

    /// The manifest with this tag or digest, if there is one.
    pub(crate) async fn fetch_manifest(
        &self,
        name: ManifestReference<'_>,
        report: Report<'_>,
    ) -> Result<Option<FetchedManifest>, PushError> {
        let mut retries = RetryLoop::new(report);
        loop {
            match self.fetch_manifest_once(name).await {
                Ok(given) => return Ok(given),
                Err(failure) => retries.wait_or_fail(failure).await?,
            }
        }
    }

    async fn fetch_manifest_once(
        &self,
        name: ManifestReference<'_>,
    ) -> Result<Option<FetchedManifest>, FailedAttempt> {
        let address = self.url(&format!("manifests/{name}"));
        let response = match self
            .send_small(Step::ReadManifest, || {
                self.http
                    .get(address.clone())
                    .header(ACCEPT, ACCEPT_MANIFESTS)
            })
            .await?
        {
            Reply::Error(refusal) if refusal.status == StatusCode::NOT_FOUND => return Ok(None),
            answer => answer.into_success(self, Step::ReadManifest)?,
        };
        let announced =
            announced_digest(&response).and_then(|digest| digest.parse::<Digest>().ok());
        let media_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let media_type = media_type
            .and_then(|value| value.split(';').next())
            .unwrap_or_default();
        let media_type = MediaType::new(media_type.trim());
        let bytes = self.read_small_body(response, Step::ReadManifest).await?;
        let digest = Digest::compute(&bytes);
        let asked = match name {
            ManifestReference::Digest(digest) => Some(digest.clone()),
            ManifestReference::Tag(_) => announced,
        };
        match asked {
            Some(asked) if asked != digest => Err(self.digest_mismatch(&asked, &digest)),
            Some(_) | None => Ok(Some(FetchedManifest {
                digest,
                media_type,
                bytes,
            })),
        }
    }

    /// The config of an image.
    pub(crate) async fn fetch_config(
        &self,
        of: &Descriptor,
        report: Report<'_>,
    ) -> Result<ImageConfig, PushError> {
        let mut retries = RetryLoop::new(report);
        let bytes = loop {
            match self.fetch_small_blob(&of.digest).await {
                Ok(bytes) => break bytes,
                Err(failure) => retries.wait_or_fail(failure).await?,
            }
        };
        Ok(ImageConfig::parse(&bytes, &of.digest)?)
    }

    async fn fetch_small_blob(&self, digest: &Digest) -> Result<Vec<u8>, FailedAttempt> {
        let address = self.url(&format!("blobs/{digest}"));
        let answer = self
            .send_small(Step::ReadBlob, || self.http.get(address.clone()))
            .await?;
        let bytes = self
            .read_small_body(answer.into_success(self, Step::ReadBlob)?, Step::ReadBlob)
            .await?;
        let found = Digest::compute(&bytes);
        if found == *digest {
            Ok(bytes)
        } else {
            Err(self.digest_mismatch(digest, &found))
        }
    }

    async fn read_small_body(
        &self,
        mut response: Response,
        step: Step,
    ) -> Result<Vec<u8>, FailedAttempt> {
        let mut body = Vec::new();
        while let Some(piece) = response
            .chunk()
            .await
            .map_err(|error| self.unreachable_error(step, error))?
        {
            body.extend_from_slice(&piece);
            if body.len() as u64 > MAX_DOCUMENT_BYTES {
                return Err(self
                    .protocol_error("it sent a manifest or a config that is too large")
                    .into());
            }
        }
        Ok(body)
    }

    /// The error for a content with another digest. A proxy or a cache may have damaged it, so a
    /// retry may help.
    fn digest_mismatch(&self, asked: &Digest, found: &Digest) -> FailedAttempt {
        FailedAttempt::from_transient(PushError::DigestMismatch {
            host: self.host(),
            ours: asked.clone(),
            theirs: found.to_string(),
        })
    }

    /// Writes a manifest under its digest.
    pub(crate) async fn put_manifest(
        &self,
        manifest: &Manifest,
        report: Report<'_>,
    ) -> Result<(), PushError> {
        match self
            .put(
                manifest,
                ManifestReference::Digest(&manifest.digest),
                report,
            )
            .await?
        {
            WriteOutcome::Done => Ok(()),
            WriteOutcome::Immutable(refusal) => {
                Err(*refusal.into_failure(self, Step::WriteManifest).error)
            }
        }
    }

    /// Sets a tag. If an immutable tag names the manifest already, ECR refuses the request, which
    /// is a success here.
    pub(crate) async fn put_tag(
        &self,
        manifest: &Manifest,
        tag: &Tag,
        report: Report<'_>,
    ) -> Result<(), PushError> {
        let refusal = match self
            .put(manifest, ManifestReference::Tag(tag), report)
            .await?
        {
            WriteOutcome::Done => return Ok(()),
            WriteOutcome::Immutable(refusal) => refusal,
        };
        let existing = self
            .resolve(ManifestReference::Tag(tag), report)
            .await
            .unwrap_or_default();
        if existing.as_ref() == Some(&manifest.digest) {
            return Ok(());
        }
        let (repository, ours) = (self.repository.clone(), manifest.digest.clone());
        Err(PushError::TagTaken {
            repository,
            tag: tag.clone(),
            there: existing,
            ours,
            message: refusal.message,
        })
    }

    async fn put(
        &self,
        manifest: &Manifest,
        name: ManifestReference<'_>,
        report: Report<'_>,
    ) -> Result<WriteOutcome, PushError> {
        let mut retries = RetryLoop::new(report);
        loop {
            match self.put_once(manifest, name).await {
                Ok(written) => return Ok(written),
                Err(failure) => retries.wait_or_fail(failure).await?,
            }
        }
    }

    /// Sends the bytes as they are, with the media type in the header, because it is optional in
    /// the manifest.
    async fn put_once(
        &self,
        manifest: &Manifest,
        name: ManifestReference<'_>,
    ) -> Result<WriteOutcome, FailedAttempt> {
        let address = self.url(&format!("manifests/{name}"));
        let make = || {
            self.http
                .put(address.clone())
                .header(CONTENT_TYPE, manifest.media_type.as_str())
                .body(manifest.bytes.clone())
        };
        match self.send_small(Step::WriteManifest, make).await? {
            Reply::Success(response) => self
                .confirm_digest(&response, &manifest.digest)
                .map(|()| WriteOutcome::Done)
                .map_err(FailedAttempt::from_permanent),
            Reply::Error(refusal) if refusal.is_immutable_tag() => {
                Ok(WriteOutcome::Immutable(refusal))
            }
            Reply::Error(refusal) => Err(refusal.into_failure(self, Step::WriteManifest)),
        }
    }

    /// Checks the digest that the registry reports. A registry that reports none has verified the
    /// one in the URL.
    pub(super) fn confirm_digest(
        &self,
        response: &Response,
        ours: &Digest,
    ) -> Result<(), PushError> {
        match announced_digest(response) {
            Some(theirs) if theirs != ours.as_str() => {
                let theirs = crate::error::mask_to_line(theirs);
                Err(PushError::DigestMismatch {
                    host: self.host(),
                    ours: ours.clone(),
                    theirs,
                })
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn announced_digest(response: &Response) -> Option<&str> {
    response.headers().get(CONTENT_DIGEST)?.to_str().ok()
}
