//! Manifests and tags: which one is behind a name, reading it, and writing one.

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, StatusCode};

use super::Registry;
use super::answer::{Answer, ErrorResponse};
use super::retry::{Fault, Patience};
use crate::digest::Digest;
use crate::error::{PushError, Step};
use crate::graph::SMALL;
use crate::media::{self, Config, Descriptor, Manifest};
use crate::progress::Report;
use crate::reference::Tag;

/// The registry's own word for the digest of what it sends or was sent.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// What became of a manifest that was written.
enum WriteOutcome {
    Done,
    /// The name is a tag that cannot be moved, if it is not there already.
    Immutable(ErrorResponse),
}

/// A manifest as a registry gave it.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// Of the bytes, computed here.
    pub(crate) digest: Digest,
    /// What the registry calls it.
    media_type: String,
    bytes: Vec<u8>,
}

impl Given {
    /// What it is; a kind that is not known here is an error.
    pub(crate) fn read(self) -> Result<Manifest, PushError> {
        Ok(Manifest::read(self.bytes, &self.media_type)?)
    }
}

impl Registry {
    /// The digest of the manifest that a tag or a digest names, if there is one.
    pub(crate) async fn resolve(
        &self,
        name: &str,
        report: Report<'_>,
    ) -> Result<Option<Digest>, PushError> {
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
        let response = match self
            .ask(Step::ReadManifest, || {
                self.http
                    .head(address.clone())
                    .header(ACCEPT, media::ACCEPT)
            })
            .await?
        {
            Answer::Refused(refusal) if refusal.status == StatusCode::NOT_FOUND => return Ok(None),
            answer => answer.good(self, Step::ReadManifest)?,
        };
        match announced(&response).map(str::parse) {
            Some(Ok(digest)) => Ok(Some(digest)),
            // Some registries leave the header out: the digest is that of the bytes.
            Some(Err(_)) | None => Ok(self.given_once(name).await?.map(|given| given.digest)),
        }
    }

    /// The manifest that a tag or a digest names, byte for byte, if there is one.
    pub(crate) async fn given(
        &self,
        name: &str,
        report: Report<'_>,
    ) -> Result<Option<Given>, PushError> {
        let mut patience = Patience::new(report);
        loop {
            match self.given_once(name).await {
                Ok(given) => return Ok(given),
                Err(fault) => patience.after(fault).await?,
            }
        }
    }

    async fn given_once(&self, name: &str) -> Result<Option<Given>, Fault> {
        let address = self.address(&format!("manifests/{name}"));
        let response = match self
            .ask(Step::ReadManifest, || {
                self.http.get(address.clone()).header(ACCEPT, media::ACCEPT)
            })
            .await?
        {
            Answer::Refused(refusal) if refusal.status == StatusCode::NOT_FOUND => return Ok(None),
            answer => answer.good(self, Step::ReadManifest)?,
        };
        let announced = announced(&response).and_then(|digest| digest.parse::<Digest>().ok());
        let media_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let media_type = media_type
            .and_then(|value| value.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_owned();
        let bytes = self.small_body(response, Step::ReadManifest).await?;
        let digest = Digest::of(&bytes);
        match name.parse::<Digest>().ok().or(announced) {
            Some(asked) if asked != digest => Err(self.garbled(&asked, &digest)),
            Some(_) | None => Ok(Some(Given {
                digest,
                media_type,
                bytes,
            })),
        }
    }

    /// The config of an image, verified.
    pub(crate) async fn config(
        &self,
        of: &Descriptor,
        report: Report<'_>,
    ) -> Result<Config, PushError> {
        let mut patience = Patience::new(report);
        let bytes = loop {
            match self.small_blob(&of.digest).await {
                Ok(bytes) => break bytes,
                Err(fault) => patience.after(fault).await?,
            }
        };
        Ok(Config::read(&bytes, &of.digest)?)
    }

    async fn small_blob(&self, digest: &Digest) -> Result<Vec<u8>, Fault> {
        let address = self.address(&format!("blobs/{digest}"));
        let answer = self
            .ask(Step::ReadBlob, || self.http.get(address.clone()))
            .await?;
        let bytes = self
            .small_body(answer.good(self, Step::ReadBlob)?, Step::ReadBlob)
            .await?;
        let found = Digest::of(&bytes);
        if found == *digest {
            Ok(bytes)
        } else {
            Err(self.garbled(digest, &found))
        }
    }

    async fn small_body(&self, mut response: Response, step: Step) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        while let Some(piece) = response
            .chunk()
            .await
            .map_err(|error| self.unreachable(step, error))?
        {
            body.extend_from_slice(&piece);
            if body.len() as u64 > SMALL {
                return Err(self
                    .odd("it sent a manifest or a config that is too large")
                    .into());
            }
        }
        Ok(body)
    }

    /// A proxy or a cache may have garbled it: another try costs little.
    fn garbled(&self, asked: &Digest, found: &Digest) -> Fault {
        Fault::passing(PushError::DigestMismatch {
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
            .write(manifest, manifest.digest.as_str(), report)
            .await?
        {
            WriteOutcome::Done => Ok(()),
            WriteOutcome::Immutable(refusal) => {
                Err(*refusal.into_fault(self, Step::WriteManifest).error)
            }
        }
    }

    /// Makes a tag name the manifest. That an immutable tag does so already is success, although
    /// ECR refuses the request.
    pub(crate) async fn tag(
        &self,
        manifest: &Manifest,
        tag: &Tag,
        report: Report<'_>,
    ) -> Result<(), PushError> {
        let refusal = match self.write(manifest, tag.as_str(), report).await? {
            WriteOutcome::Done => return Ok(()),
            WriteOutcome::Immutable(refusal) => refusal,
        };
        let there = self.resolve(tag.as_str(), report).await.unwrap_or_default();
        if there.as_ref() == Some(&manifest.digest) {
            return Ok(());
        }
        let (repository, ours) = (self.repository.clone(), manifest.digest.clone());
        Err(PushError::TagTaken {
            repository,
            tag: tag.clone(),
            there,
            ours,
            message: refusal.message,
        })
    }

    async fn write(
        &self,
        manifest: &Manifest,
        name: &str,
        report: Report<'_>,
    ) -> Result<WriteOutcome, PushError> {
        let mut patience = Patience::new(report);
        loop {
            match self.write_once(manifest, name).await {
                Ok(written) => return Ok(written),
                Err(fault) => patience.after(fault).await?,
            }
        }
    }

    /// The bytes go as they are; the media type is announced, because a manifest need not say it
    /// itself.
    async fn write_once(&self, manifest: &Manifest, name: &str) -> Result<WriteOutcome, Fault> {
        let address = self.address(&format!("manifests/{name}"));
        let make = || {
            self.http
                .put(address.clone())
                .header(CONTENT_TYPE, &manifest.media_type)
                .body(manifest.bytes.clone())
        };
        match self.ask(Step::WriteManifest, make).await? {
            Answer::Good(response) => self
                .confirm(&response, &manifest.digest)
                .map(|()| WriteOutcome::Done)
                .map_err(Fault::last),
            Answer::Refused(refusal) if refusal.is_immutable_tag() => {
                Ok(WriteOutcome::Immutable(refusal))
            }
            Answer::Refused(refusal) => Err(refusal.into_fault(self, Step::WriteManifest)),
        }
    }

    /// The registry must hold what was sent. One that does not say is believed: it checked the
    /// digest in the address.
    pub(super) fn confirm(&self, response: &Response, ours: &Digest) -> Result<(), PushError> {
        match announced(response) {
            Some(theirs) if theirs != ours.as_str() => {
                let theirs = crate::error::one_line(theirs);
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

fn announced(response: &Response) -> Option<&str> {
    response.headers().get(CONTENT_DIGEST)?.to_str().ok()
}
