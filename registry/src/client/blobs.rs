//! Blobs: is it there, can it be mounted, and if not, one POST and one PUT; and reading one.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode};
use url::Url;

use super::Registry;
use super::answer::Answer;
use super::retry::{Fault, Patience};
use crate::blob::{Blob, UploadProgress};
use crate::digest::Digest;
use crate::error::{PushError, Step};
use crate::progress::{Progress, Report};

/// How often an upload is looked at: progress is told, and a standstill counted.
const BEAT: Duration = Duration::from_secs(1);
/// A connection that takes no byte for so many beats is dead.
const STANDSTILL: u64 = 60;
/// After the last byte a registry stores and checks the blob; a slow one does at least so many
/// bytes in a beat.
const STORED_IN_A_BEAT: u64 = 16 * 1024 * 1024;

/// How a blob got there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was there.
    Existing,
    /// The registry took it from another of its repositories.
    Mounted,
    /// It was uploaded.
    Uploaded,
    /// It was uploaded, although it is in another repository of the same registry: the registry did
    /// not mount it.
    Copied,
}

/// What the registry says to a blob before it is sent.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing needs to be sent.
    There(Sent),
    /// It has to be sent, to this address where an upload was begun already.
    Missing(Option<Url>),
}

impl Registry {
    /// Asks whether the registry has the blob, or can take it from the repository where it is.
    pub(crate) async fn seek(&self, blob: &Blob, report: Report<'_>) -> Result<Found, PushError> {
        let mut patience = Patience::new(report);
        loop {
            match self.seek_once(blob).await {
                Ok(found) => return Ok(found),
                Err(fault) => patience.after(fault).await?,
            }
        }
    }

    async fn seek_once(&self, blob: &Blob) -> Result<Found, Fault> {
        let mounting = match blob
            .source()
            .filter(|from| self.is_beside(from) && !self.is(from))
        {
            Some(from) => self.mount(&blob.digest, &from.repository).await?,
            None => Found::Missing(None),
        };
        match mounting {
            Found::Missing(_) if self.has(&blob.digest).await? => Ok(Found::There(Sent::Existing)),
            other => Ok(other),
        }
    }

    /// Sends the blob. Whatever fails is tried from the beginning, so a blob that arrived although
    /// its answer was lost is found by the question that comes first then.
    pub(crate) async fn deliver(
        &self,
        blob: &Blob,
        begun: Option<Url>,
        report: Report<'_>,
    ) -> Result<Sent, PushError> {
        let sent = if blob.source().is_some_and(|from| self.is_beside(from)) {
            Sent::Copied
        } else {
            Sent::Uploaded
        };
        let (mut patience, mut begun) = (Patience::new(report), begun);
        loop {
            match self.deliver_once(blob, begun.take(), report).await {
                Ok(()) => return Ok(sent),
                Err(fault) => patience.after(fault).await?,
            }
            if self.has(&blob.digest).await.unwrap_or(false) {
                return Ok(sent);
            }
        }
    }

    async fn deliver_once(
        &self,
        blob: &Blob,
        begun: Option<Url>,
        report: Report<'_>,
    ) -> Result<(), Fault> {
        let mut to = match begun {
            Some(to) => to,
            None => self.start_upload().await?,
        };
        to.query_pairs_mut()
            .append_pair("digest", blob.digest.as_str());
        self.upload(blob, &to, report).await
    }

    async fn has(&self, digest: &Digest) -> Result<bool, Fault> {
        let address = self.address(&format!("blobs/{digest}"));
        match self
            .ask(Step::CheckBlob, || self.http.head(address.clone()))
            .await?
        {
            Answer::Refused(refusal) if refusal.status == StatusCode::NOT_FOUND => Ok(false),
            answer => answer.good(self, Step::CheckBlob).map(|_| true),
        }
    }

    /// Asks the registry to take the blob from a repository beside; if it does not, it has begun an
    /// upload instead. A refusal is no failure: whoever may not read there with this right may
    /// still send what was read with another.
    async fn mount(&self, digest: &Digest, from: &str) -> Result<Found, Fault> {
        let mut address = self.address("blobs/uploads/");
        address
            .query_pairs_mut()
            .append_pair("mount", digest.as_str())
            .append_pair("from", from);
        match self
            .ask(Step::StartUpload, || {
                self.http.post(address.clone()).header(CONTENT_LENGTH, 0)
            })
            .await?
        {
            Answer::Good(response) if response.status() == StatusCode::CREATED => {
                self.confirm(&response, digest)?;
                Ok(Found::There(Sent::Mounted))
            }
            Answer::Good(response) => Ok(Found::Missing(self.location(&response).ok())),
            Answer::Refused(refusal)
                if refusal.status.is_client_error()
                    && refusal.status != StatusCode::TOO_MANY_REQUESTS =>
            {
                Ok(Found::Missing(None))
            }
            Answer::Refused(refusal) => Err(refusal.into_fault(self, Step::StartUpload)),
        }
    }

    /// Begins an upload and answers where the blob is to be put.
    async fn start_upload(&self) -> Result<Url, Fault> {
        let address = self.address("blobs/uploads/");
        let answer = self
            .ask(Step::StartUpload, || {
                self.http.post(address.clone()).header(CONTENT_LENGTH, 0)
            })
            .await?;
        Ok(self.location(&answer.good(self, Step::StartUpload)?)?)
    }

    /// `Location` may be relative, may have a query, and may be another host's; it may not give up
    /// TLS.
    fn location(&self, response: &Response) -> Result<Url, PushError> {
        let text = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        let text = text.ok_or_else(|| self.odd("it began an upload without saying where"))?;
        let location = self
            .origin
            .join(text)
            .map_err(|_| self.odd("it began an upload at an address that is none"))?;
        if location.scheme() != "https" && location.scheme() != self.origin.scheme() {
            return Err(self.odd("it wants the upload without TLS"));
        }
        Ok(location)
    }

    async fn upload(&self, blob: &Blob, to: &Url, report: Report<'_>) -> Result<(), Fault> {
        let meter = Arc::new(UploadProgress::default());
        let put = self.send(Step::SendBlob, || {
            meter.restart();
            let request = self
                .http
                .put(to.clone())
                .header(CONTENT_TYPE, "application/octet-stream");
            request
                .header(CONTENT_LENGTH, blob.size)
                .body(blob.body(&meter))
        });
        let answer = self.watched(put, blob, &meter, report).await;
        // What went wrong with reading the blob is the reason for whatever the registry says of a
        // broken body.
        if let Some(fault) = meter.fault() {
            return Err(fault);
        }
        let response = answer?.good(self, Step::SendBlob)?;
        Ok(self.confirm(&response, &blob.digest)?)
    }

    /// Waits for the answer as long as bytes move.
    async fn watched(
        &self,
        put: impl Future<Output = Result<Answer, Fault>>,
        blob: &Blob,
        meter: &UploadProgress,
        report: Report<'_>,
    ) -> Result<Answer, Fault> {
        let mut put = pin!(put);
        let (mut seen, mut still) = (0, 0);
        loop {
            if let Ok(answer) = tokio::time::timeout(BEAT, &mut put).await {
                return answer;
            }
            let sent = meter.sent();
            still = if sent == seen { still + 1 } else { 0 };
            seen = sent;
            let patience = if sent < blob.size {
                STANDSTILL
            } else {
                STANDSTILL + blob.size / STORED_IN_A_BEAT
            };
            if still >= patience {
                return Err(Fault::passing(PushError::Silent {
                    host: self.host(),
                    step: Step::SendBlob,
                    seconds: patience,
                }));
            }
            report(Progress::Uploading {
                digest: blob.digest.clone(),
                bytes: sent,
                of: blob.size,
            });
        }
    }

    /// Begins to read a blob; the caller verifies what comes.
    pub(crate) async fn fetch(&self, digest: &Digest) -> Result<Response, Fault> {
        let address = self.address(&format!("blobs/{digest}"));
        self.send(Step::ReadBlob, || self.http.get(address.clone()))
            .await?
            .good(self, Step::ReadBlob)
    }

    /// The next piece of a blob; silence is a broken connection.
    pub(crate) async fn next_piece(
        &self,
        response: &mut Response,
    ) -> Result<Option<bytes::Bytes>, Fault> {
        let seconds = STANDSTILL;
        match tokio::time::timeout(Duration::from_secs(seconds), response.chunk()).await {
            Ok(piece) => piece.map_err(|error| self.unreachable(Step::ReadBlob, error)),
            Err(_) => Err(Fault::passing(PushError::Silent {
                host: self.host(),
                step: Step::ReadBlob,
                seconds,
            })),
        }
    }
}
