//! Blobs: is it there, and if not, one POST and one PUT.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode};
use url::Url;

use super::Registry;
use super::answer::Refusal;
use super::retry::{Fault, Patience};
use crate::registry::blob::{Blob, Meter};
use crate::registry::error::{PushError, SourceError, Step};
use crate::registry::progress::{Progress, Report};

/// How often an upload is looked at: progress is told, and a standstill counted.
const BEAT: Duration = Duration::from_secs(1);
/// A connection that takes no byte for so many beats is dead.
const STANDSTILL: u64 = 60;
/// After the last byte a registry stores and checks the blob; a slow one does at least so many bytes in a beat.
const STORED_IN_A_BEAT: u64 = 16 * 1024 * 1024;

/// How a blob got there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was there.
    Existing,
    /// It was uploaded.
    Uploaded,
}

impl Registry {
    /// Sees to it that the registry has the blob. Whatever fails is tried from the beginning, so a blob that arrived
    /// although its answer was lost is found by the question that comes first.
    pub(crate) async fn bring(&self, blob: &Blob, report: Report<'_>) -> Result<Sent, PushError> {
        let mut patience = Patience::new(report);
        loop {
            match self.bring_once(blob, report).await {
                Ok(sent) => return Ok(sent),
                Err(fault) => patience.after(fault).await?,
            }
        }
    }

    async fn bring_once(&self, blob: &Blob, report: Report<'_>) -> Result<Sent, Fault> {
        if self.has(blob).await? {
            return Ok(Sent::Existing);
        }
        let to = self.start_upload(blob).await?;
        self.upload(blob, &to, report).await?;
        Ok(Sent::Uploaded)
    }

    async fn has(&self, blob: &Blob) -> Result<bool, Fault> {
        let address = self.address(&format!("blobs/{}", blob.digest));
        let response = self.ask(Step::CheckBlob, || self.http.head(address.clone())).await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(Refusal::read(response).await.into_fault(self, Step::CheckBlob)),
        }
    }

    /// Begins an upload and answers where the blob is to be put.
    async fn start_upload(&self, blob: &Blob) -> Result<Url, Fault> {
        let address = self.address("blobs/uploads/");
        let response = self.ask(Step::StartUpload, || self.http.post(address.clone()).header(CONTENT_LENGTH, 0)).await?;
        if response.status() != StatusCode::ACCEPTED {
            return Err(Refusal::read(response).await.into_fault(self, Step::StartUpload));
        }
        let mut location = self.location(&response)?;
        location.query_pairs_mut().append_pair("digest", blob.digest.as_str());
        Ok(location)
    }

    /// `Location` may be relative, may have a query, and may be another host's; it may not give up TLS.
    fn location(&self, response: &Response) -> Result<Url, PushError> {
        let text = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let text = text.ok_or_else(|| self.odd("it began an upload without saying where"))?;
        let location = response.url().join(text).map_err(|error| self.odd(format!("the upload's address is none: {error}")))?;
        if location.scheme() != "https" && location.scheme() != self.origin.scheme() {
            return Err(self.odd("it wants the upload without TLS"));
        }
        Ok(location)
    }

    async fn upload(&self, blob: &Blob, to: &Url, report: Report<'_>) -> Result<(), Fault> {
        let meter = Arc::new(Meter::default());
        let put = self.send(Step::SendBlob, || {
            meter.restart();
            let request = self.http.put(to.clone()).header(CONTENT_TYPE, "application/octet-stream");
            request.header(CONTENT_LENGTH, blob.size).body(blob.body(&meter))
        });
        let answer = self.watched(put, blob, &meter, report).await;
        if let Some(fault) = meter.fault() {
            return Err(Fault::last(PushError::Source(SourceError::Blob(fault))));
        }
        let response = answer?;
        if response.status() != StatusCode::CREATED {
            return Err(Refusal::read(response).await.into_fault(self, Step::SendBlob));
        }
        Ok(self.confirm(&response, &blob.digest)?)
    }

    /// Waits for the answer as long as bytes move.
    async fn watched(
        &self,
        put: impl Future<Output = Result<Response, Fault>>,
        blob: &Blob,
        meter: &Meter,
        report: Report<'_>,
    ) -> Result<Response, Fault> {
        let mut put = pin!(put);
        let (mut seen, mut still) = (0, 0);
        loop {
            if let Ok(answer) = tokio::time::timeout(BEAT, &mut put).await {
                return answer;
            }
            let sent = meter.sent();
            still = if sent == seen { still + 1 } else { 0 };
            seen = sent;
            let patience = if sent < blob.size { STANDSTILL } else { STANDSTILL + blob.size / STORED_IN_A_BEAT };
            if still >= patience {
                return Err(Fault::passing(PushError::Silent { host: self.host(), step: Step::SendBlob, seconds: patience }));
            }
            report(Progress::Uploading { digest: blob.digest.clone(), bytes: sent, of: blob.size });
        }
    }
}
