//! Blobs: asking for one (HEAD), mounting one (POST), sending one (POST and PUT), reading one
//! (GET).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode};
use url::Url;

use super::Registry;
use super::reply::Reply;
use super::retry::{FailedAttempt, RetryLoop};
use crate::blob::{Blob, UploadProgress};
use crate::digest::Digest;
use crate::error::{PushError, Step};
use crate::progress::{Progress, Report};

/// How often an upload is checked: its progress is reported, and standstills are counted.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// After this many checks without a byte, a connection counts as dead.
const MAX_IDLE_CHECKS: u64 = 60;
/// After the last byte a registry stores and verifies the blob. Slow ones process at least this
/// many bytes between two checks.
const STORED_PER_CHECK: u64 = 16 * 1024 * 1024;

/// How the registry got a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobOutcome {
    /// It had the blob.
    Existing,
    /// It mounted the blob from another of its repositories.
    Mounted,
    /// It was uploaded.
    Uploaded,
    /// It was uploaded, although another repository of the same registry has it and it could have
    /// been mounted.
    Copied,
}

/// Whether the registry has a blob.
#[derive(Debug)]
pub(crate) enum BlobState {
    /// It has it, so nothing needs to be sent.
    Present(BlobOutcome),
    /// It has to be sent, to this URL if an upload was begun already.
    Missing(Option<Url>),
}

impl Registry {
    /// Asks whether the registry has the blob, or can mount it from the repository where it is
    /// read.
    pub(crate) async fn check_blob(
        &self,
        blob: &Blob,
        report: Report<'_>,
    ) -> Result<BlobState, PushError> {
        let mut retries = RetryLoop::new(report);
        loop {
            match self.check_blob_once(blob).await {
                Ok(found) => return Ok(found),
                Err(failure) => retries.wait_or_fail(failure).await?,
            }
        }
    }

    async fn check_blob_once(&self, blob: &Blob) -> Result<BlobState, FailedAttempt> {
        let mounting = match blob
            .registry()
            .filter(|from| self.shares_registry_with(from) && !self.is_same_repository(from))
        {
            Some(from) => self.mount_blob(&blob.digest, &from.repository).await?,
            None => BlobState::Missing(None),
        };
        match mounting {
            BlobState::Missing(_) if self.has_blob(&blob.digest).await? => {
                Ok(BlobState::Present(BlobOutcome::Existing))
            }
            other => Ok(other),
        }
    }

    /// Sends the blob, to `begun` if an upload was begun already. After a failure it is asked for
    /// before it is sent again: it may have arrived although the response was lost.
    pub(crate) async fn send_blob(
        &self,
        blob: &Blob,
        begun: Option<Url>,
        report: Report<'_>,
    ) -> Result<BlobOutcome, PushError> {
        let sent = if blob
            .registry()
            .is_some_and(|from| self.shares_registry_with(from))
        {
            BlobOutcome::Copied
        } else {
            BlobOutcome::Uploaded
        };
        let (mut retries, mut begun) = (RetryLoop::new(report), begun);
        loop {
            match self.send_blob_once(blob, begun.take(), report).await {
                Ok(()) => return Ok(sent),
                Err(failure) => retries.wait_or_fail(failure).await?,
            }
            if self.has_blob(&blob.digest).await.unwrap_or(false) {
                return Ok(sent);
            }
        }
    }

    async fn send_blob_once(
        &self,
        blob: &Blob,
        begun: Option<Url>,
        report: Report<'_>,
    ) -> Result<(), FailedAttempt> {
        let mut to = match begun {
            Some(to) => to,
            None => self.start_upload().await?,
        };
        to.query_pairs_mut()
            .append_pair("digest", blob.digest.as_str());
        self.put_blob(blob, &to, report).await
    }

    /// Whether the registry has the blob.
    pub(crate) async fn is_present(
        &self,
        digest: &Digest,
        report: Report<'_>,
    ) -> Result<bool, PushError> {
        let mut retries = RetryLoop::new(report);
        loop {
            match self.has_blob(digest).await {
                Ok(is_present) => return Ok(is_present),
                Err(failure) => retries.wait_or_fail(failure).await?,
            }
        }
    }

    async fn has_blob(&self, digest: &Digest) -> Result<bool, FailedAttempt> {
        let address = self.url(&format!("blobs/{digest}"));
        match self
            .send_small(Step::CheckBlob, || self.http.head(address.clone()))
            .await?
        {
            Reply::Error(refusal) if refusal.status == StatusCode::NOT_FOUND => Ok(false),
            answer => answer.into_success(self, Step::CheckBlob).map(|_| true),
        }
    }

    /// Asks the registry to mount the blob from another of its repositories. If it does not, it has
    /// begun an upload. A refusal is not a failure: these credentials may not read the other
    /// repository, and the blob can still be sent.
    async fn mount_blob(&self, digest: &Digest, from: &str) -> Result<BlobState, FailedAttempt> {
        let mut address = self.url("blobs/uploads/");
        address
            .query_pairs_mut()
            .append_pair("mount", digest.as_str())
            .append_pair("from", from);
        match self
            .send_small(Step::StartUpload, || {
                self.http.post(address.clone()).header(CONTENT_LENGTH, 0)
            })
            .await?
        {
            Reply::Success(response) if response.status() == StatusCode::CREATED => {
                self.confirm_digest(&response, digest)?;
                Ok(BlobState::Present(BlobOutcome::Mounted))
            }
            Reply::Success(response) => {
                Ok(BlobState::Missing(self.upload_location(&response).ok()))
            }
            Reply::Error(refusal)
                if refusal.status.is_client_error()
                    && refusal.status != StatusCode::TOO_MANY_REQUESTS =>
            {
                Ok(BlobState::Missing(None))
            }
            Reply::Error(refusal) => Err(refusal.into_failure(self, Step::StartUpload)),
        }
    }

    /// Begins an upload, and returns the URL that the blob is sent to.
    async fn start_upload(&self) -> Result<Url, FailedAttempt> {
        let address = self.url("blobs/uploads/");
        let answer = self
            .send_small(Step::StartUpload, || {
                self.http.post(address.clone()).header(CONTENT_LENGTH, 0)
            })
            .await?;
        Ok(self.upload_location(&answer.into_success(self, Step::StartUpload)?)?)
    }

    /// The URL in `Location`, which may be relative and may be on another host, but may not leave
    /// TLS.
    fn upload_location(&self, response: &Response) -> Result<Url, PushError> {
        let text = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        let text =
            text.ok_or_else(|| self.protocol_error("it began an upload without saying where"))?;
        let location = self
            .origin
            .join(text)
            .map_err(|_| self.protocol_error("it began an upload at an address that is none"))?;
        if location.scheme() != "https" && location.scheme() != self.origin.scheme() {
            return Err(self.protocol_error("it wants the upload without TLS"));
        }
        Ok(location)
    }

    async fn put_blob(
        &self,
        blob: &Blob,
        to: &Url,
        report: Report<'_>,
    ) -> Result<(), FailedAttempt> {
        let progress = Arc::new(UploadProgress::default());
        let put = self.send(Step::SendBlob, || {
            progress.restart();
            let request = self
                .http
                .put(to.clone())
                .header(CONTENT_TYPE, "application/octet-stream");
            request
                .header(CONTENT_LENGTH, blob.size)
                .body(blob.upload_body(&progress))
        });
        let answer = self.watch_upload(put, blob, &progress, report).await;
        // If the blob could not be read, that is why the registry refused the incomplete body.
        if let Some(fault) = progress.take_read_failure() {
            return Err(fault);
        }
        let response = answer?.into_success(self, Step::SendBlob)?;
        Ok(self.confirm_digest(&response, &blob.digest)?)
    }

    /// Waits for the response as long as bytes move, and reports the progress.
    async fn watch_upload(
        &self,
        put: impl Future<Output = Result<Reply, FailedAttempt>>,
        blob: &Blob,
        progress: &UploadProgress,
        report: Report<'_>,
    ) -> Result<Reply, FailedAttempt> {
        let mut put = pin!(put);
        let (mut seen, mut idle_checks) = (0, 0);
        loop {
            if let Ok(answer) = tokio::time::timeout(CHECK_EVERY, &mut put).await {
                return answer;
            }
            let sent = progress.sent_bytes();
            idle_checks = if sent == seen { idle_checks + 1 } else { 0 };
            seen = sent;
            let limit = if sent < blob.size {
                MAX_IDLE_CHECKS
            } else {
                MAX_IDLE_CHECKS + blob.size / STORED_PER_CHECK
            };
            if idle_checks >= limit {
                return Err(FailedAttempt::from_transient(PushError::Silent {
                    host: self.host(),
                    step: Step::SendBlob,
                    seconds: limit,
                }));
            }
            report(Progress::Uploading {
                digest: blob.digest.clone(),
                bytes: sent,
                of: blob.size,
            });
        }
    }

    /// Begins to read a blob. The caller verifies it.
    pub(crate) async fn fetch_blob(&self, digest: &Digest) -> Result<Response, FailedAttempt> {
        let address = self.url(&format!("blobs/{digest}"));
        self.send(Step::ReadBlob, || self.http.get(address.clone()))
            .await?
            .into_success(self, Step::ReadBlob)
    }

    /// The next piece of a blob. A minute without one is an error.
    pub(crate) async fn next_piece(
        &self,
        response: &mut Response,
    ) -> Result<Option<bytes::Bytes>, FailedAttempt> {
        let seconds = MAX_IDLE_CHECKS;
        match tokio::time::timeout(Duration::from_secs(seconds), response.chunk()).await {
            Ok(piece) => piece.map_err(|error| self.unreachable_error(Step::ReadBlob, error)),
            Err(_) => Err(FailedAttempt::from_transient(PushError::Silent {
                host: self.host(),
                step: Step::ReadBlob,
                seconds,
            })),
        }
    }
}
