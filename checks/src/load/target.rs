//! One request to the service, and its outcome.
//!
//! The answer is read to its end and dropped. Redirects are answers: no request goes to another
//! host.

use std::time::Duration;

use reqwest::{Client, Error, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use crate::cause::describe_chain;
use crate::smoke::{OutgoingRequest, StatusPattern};

/// Without this pause, a user who cannot connect would try thousands of times a second.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// What is asked, how long it may take, and which statuses are no error.
pub(super) struct Target<'a> {
    pub(super) client: Client,
    pub(super) outgoing: OutgoingRequest,
    pub(super) timeout: Duration,
    pub(super) expected: &'a [StatusPattern],
}

#[derive(Debug)]
pub(super) struct FinishedRequest {
    pub(super) outcome: RequestOutcome,
    /// From when it should have been sent.
    pub(super) latency: Duration,
}

#[derive(Debug)]
pub(super) enum RequestOutcome {
    /// An answer with a status that is none of those that count as errors.
    Answer,
    /// An answer with another status.
    Status(StatusCode),
    /// The answer was not complete in time.
    Timeout,
    /// No answer, and why.
    NoAnswer(String),
    /// It could not be sent in time.
    Unsent,
}

impl Target<'_> {
    /// Sends a request that should have been sent at `intended`.
    pub(super) async fn send(&self, intended: Instant) -> FinishedRequest {
        let outcome = match timeout(self.timeout, self.fetch_status()).await {
            Err(_) => RequestOutcome::Timeout,
            Ok(Err(error)) => RequestOutcome::NoAnswer(error_reason(error)),
            Ok(Ok(status)) if self.is_expected(status) => RequestOutcome::Answer,
            Ok(Ok(status)) => RequestOutcome::Status(status),
        };
        let latency = intended.elapsed();
        if matches!(outcome, RequestOutcome::NoAnswer(_)) {
            sleep(RETRY_PAUSE).await;
        }
        FinishedRequest { outcome, latency }
    }

    async fn fetch_status(&self) -> Result<StatusCode, Error> {
        let mut response = self.client.execute(self.outgoing.to_request()).await?;
        while response.chunk().await?.is_some() {}
        Ok(response.status())
    }

    fn is_expected(&self, status: StatusCode) -> bool {
        self.expected
            .iter()
            .any(|pattern| pattern.is_met_by(status.as_u16()))
    }
}

fn error_reason(error: Error) -> String {
    let error = error.without_url();
    // The outermost error says only that a request failed.
    std::error::Error::source(&error).map_or_else(|| describe_chain(&error), describe_chain)
}
