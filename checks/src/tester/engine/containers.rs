//! The life cycle of a container: create, start, follow its log, wait, stop, remove.
//!
//! The caller must call [`Engine::remove`] in every case: dropping a future here leaves the
//! container running.

use std::pin::pin;
use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::{ContainerConfig, Engine, EngineError, RESPONSE_TIMEOUT, encode_segment};
use crate::tester::transcript::Transcript;

/// How long a tool that is stopped at its timeout has to write its report.
const STOP_SECONDS: u64 = 3;
/// How long the rest of a stopped container's log is read; normally it arrives at once.
const LOG_DRAIN_LIMIT: Duration = Duration::from_secs(3);

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerExit {
    /// By itself, with this exit code.
    Exited(i64),
    /// It was stopped, because its time was over.
    TimedOut,
}

impl Engine {
    /// Creates a container with a name chosen by the caller, so that it can be removed even if the
    /// response is lost.
    pub async fn create(
        &self,
        name: &str,
        config: &ContainerConfig<'_>,
    ) -> Result<(), EngineError> {
        let request = self
            .request(
                Method::POST,
                &format!("containers/create?name={}", encode_segment(name)),
            )
            .json(&config.to_json())
            .timeout(RESPONSE_TIMEOUT);
        self.send_checked("make the container", request)
            .await
            .map(drop)
    }

    /// Starts it and follows its log to its end.
    pub async fn run(
        &self,
        name: &str,
        limit: Duration,
        transcript: &mut Transcript<'_>,
    ) -> Result<ContainerExit, EngineError> {
        let start = self
            .request(
                Method::POST,
                &format!("containers/{}/start", encode_segment(name)),
            )
            .timeout(RESPONSE_TIMEOUT);
        self.send_checked("start the container", start).await?;
        let exit = {
            let mut completion = pin!(self.follow_and_wait(name, transcript));
            if let Ok(code) = tokio::time::timeout(limit, completion.as_mut()).await {
                ContainerExit::Exited(code?)
            } else {
                self.stop(name).await?;
                // The rest of the log is shown; the exit code no longer matters.
                let _ = tokio::time::timeout(LOG_DRAIN_LIMIT, completion).await;
                ContainerExit::TimedOut
            }
        };
        transcript.finish();
        Ok(exit)
    }

    async fn follow_and_wait(
        &self,
        name: &str,
        transcript: &mut Transcript<'_>,
    ) -> Result<i64, EngineError> {
        self.follow_log(name, transcript).await?;
        let request = self.request(
            Method::POST,
            &format!("containers/{}/wait", encode_segment(name)),
        );
        let answer = self.send_checked("wait for the container", request).await?;
        let answer = self.read_json("wait for the container", answer).await?;
        // A missing exit code must not count as success.
        Ok(answer["StatusCode"].as_i64().unwrap_or(-1))
    }

    async fn follow_log(
        &self,
        name: &str,
        transcript: &mut Transcript<'_>,
    ) -> Result<(), EngineError> {
        let path = format!(
            "containers/{}/logs?follow=1&stdout=1&stderr=1",
            encode_segment(name)
        );
        let mut log = self
            .send_checked("show the container's log", self.request(Method::GET, &path))
            .await?;
        // A stream that breaks is no end of the container: that is waited for afterwards.
        while let Ok(Some(piece)) = log.chunk().await {
            transcript.push(&piece)?;
        }
        Ok(())
    }

    /// Stops it: its stop signal, then SIGKILL after `STOP_SECONDS`.
    async fn stop(&self, name: &str) -> Result<(), EngineError> {
        let request = self
            .request(
                Method::POST,
                &format!("containers/{}/stop?t={STOP_SECONDS}", encode_segment(name)),
            )
            .timeout(RESPONSE_TIMEOUT);
        self.send_checked("stop the container", request)
            .await
            .map(drop)
    }

    /// Kills and removes it with its volumes; one that is not there is fine.
    pub async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let request = self
            .request(
                Method::DELETE,
                &format!("containers/{}?force=1&v=1", encode_segment(name)),
            )
            .timeout(RESPONSE_TIMEOUT);
        let response = self.send(request).await?;
        match response.status() {
            // 409: a removal that was requested earlier is in progress.
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(super::read_refusal("remove the container", response).await),
        }
    }
}
