//! A container's life: made, started, its log followed, waited for, stopped, removed.
//!
//! Whoever has one made sees to it that [`Engine::remove`] follows in every end; dropping a future
//! here leaves the container running.

use std::pin::pin;
use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::{ANSWER, ContainerConfig, Engine, EngineError, segment};
use crate::tester::transcript::Transcript;

/// What a tool that is out of time gets to write its report.
const STOP_SECONDS: u64 = 3;
/// The end of a stopped container's log comes at once.
const LAST_WORDS: Duration = Duration::from_secs(3);

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
        recipe: &ContainerConfig<'_>,
    ) -> Result<(), EngineError> {
        let request = self
            .ask(
                Method::POST,
                &format!("containers/create?name={}", segment(name)),
            )
            .json(&recipe.body())
            .timeout(ANSWER);
        self.accepted("make the container", request).await.map(drop)
    }

    /// Starts it and follows its log to its end.
    pub async fn run(
        &self,
        name: &str,
        limit: Duration,
        transcript: &mut Transcript<'_>,
    ) -> Result<ContainerExit, EngineError> {
        let start = self
            .ask(Method::POST, &format!("containers/{}/start", segment(name)))
            .timeout(ANSWER);
        self.accepted("start the container", start).await?;
        let ended = {
            let mut to_its_end = pin!(self.to_its_end(name, transcript));
            if let Ok(code) = tokio::time::timeout(limit, to_its_end.as_mut()).await {
                ContainerExit::Exited(code?)
            } else {
                self.stop(name).await?;
                let _ = tokio::time::timeout(LAST_WORDS, to_its_end).await; // what it says now is worth showing, no more
                ContainerExit::TimedOut
            }
        };
        transcript.finish();
        Ok(ended)
    }

    async fn to_its_end(
        &self,
        name: &str,
        transcript: &mut Transcript<'_>,
    ) -> Result<i64, EngineError> {
        self.follow(name, transcript).await?;
        let request = self.ask(Method::POST, &format!("containers/{}/wait", segment(name)));
        let answer = self.accepted("wait for the container", request).await?;
        let answer = self.json("wait for the container", answer).await?;
        // An engine that does not say how it ended must not be taken for one that says well.
        Ok(answer["StatusCode"].as_i64().unwrap_or(-1))
    }

    async fn follow(&self, name: &str, transcript: &mut Transcript<'_>) -> Result<(), EngineError> {
        let path = format!(
            "containers/{}/logs?follow=1&stdout=1&stderr=1",
            segment(name)
        );
        let mut log = self
            .accepted("show the container's log", self.ask(Method::GET, &path))
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
            .ask(
                Method::POST,
                &format!("containers/{}/stop?t={STOP_SECONDS}", segment(name)),
            )
            .timeout(ANSWER);
        self.accepted("stop the container", request).await.map(drop)
    }

    /// Kills and removes it with its volumes; one that is not there is fine.
    pub async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let request = self
            .ask(
                Method::DELETE,
                &format!("containers/{}?force=1&v=1", segment(name)),
            )
            .timeout(ANSWER);
        let response = self.send(request).await?;
        match response.status() {
            // Somebody else is about to do it: a removal that was asked for before.
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(super::refused("remove the container", response).await),
        }
    }
}
