//! A container's life: made, started, its log followed, waited for, stopped, removed.
//!
//! Whoever has one made sees to it that [`Engine::remove`] follows in every end; dropping a future
//! here leaves the container running.

use std::pin::pin;
use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::{ContainerConfig, Engine, EngineError, RESPONSE_TIMEOUT, encode_segment};
use crate::tester::transcript::Transcript;

/// What a tool that is out of time gets to write its report.
const STOP_SECONDS: u64 = 3;
/// The end of a stopped container's log comes at once.
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
    /// Makes a container of this name. The name is the caller's, so that it can be removed also
    /// when the answer is lost.
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
                let _ = tokio::time::timeout(LOG_DRAIN_LIMIT, completion).await; // what it says now is worth showing, no more
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
        // An engine that does not say how it ended must not be taken for one that says well.
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

    /// Asks it to end, and no longer waits then.
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
            // Somebody else is about to do it: a removal that was asked for before.
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(super::read_refusal("remove the container", response).await),
        }
    }
}
