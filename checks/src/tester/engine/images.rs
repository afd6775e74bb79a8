//! Images: whether one is there, and its pull.

use std::time::Duration;

use ecs_bluegreen_registry::ImageName;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Response};
use serde_json::Value;

use super::{Engine, EngineError};
use crate::scrub::{mask, to_one_line_indented};

/// Between two lines of a pull's progress an engine is silent only while it unpacks a large layer.
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// The longest line of progress: the engine's are a few hundred bytes.
const MAX_LINE: usize = 64 * 1024;

impl Engine {
    /// Whether the engine has an image of that name.
    pub async fn has_image(&self, image: &ImageName) -> Result<bool, EngineError> {
        self.inspect("describe an image", &format!("images/{image}/json"))
            .await
            .map(|described| described.is_some())
    }

    /// Pulls an image, without registry credentials: private images must be pulled before.
    pub async fn pull(&self, image: &ImageName) -> Result<(), EngineError> {
        if image.repository().is_empty() {
            return Err(pull_error(
                image,
                "it is an image id, and only names can be pulled",
            ));
        }
        // Without a tag the engine would pull all of them.
        let wanted = image.digest().map(ToString::to_string);
        let tag =
            wanted.unwrap_or_else(|| image.tag().map_or("latest", |tag| tag.as_str()).to_owned());
        let [name, tag] = [image.repository(), &tag]
            .map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string());
        let request = self.request(
            Method::POST,
            &format!("images/create?fromImage={name}&tag={tag}"),
        );
        let response =
            tokio::time::timeout(IDLE_TIMEOUT, self.send_checked("pull an image", request)).await;
        match response.map_err(|_| pull_error(image, "the engine does not answer"))? {
            Ok(progress) => self.follow_pull(image, progress).await,
            Err(EngineError::Refused { message, .. }) => Err(pull_error(image, &message)),
            Err(other) => Err(other),
        }
    }

    /// A pull that fails says so in its last line, after a status of 200.
    async fn follow_pull(
        &self,
        image: &ImageName,
        mut progress: Response,
    ) -> Result<(), EngineError> {
        let mut line = Vec::new();
        loop {
            let piece = tokio::time::timeout(IDLE_TIMEOUT, progress.chunk()).await;
            let piece = piece
                .map_err(|_| pull_error(image, "the engine has sent no progress for 5 minutes"))?;
            let Some(piece) = piece.map_err(|source| self.unreachable_error(source))? else {
                break;
            };
            for byte in piece {
                if byte == b'\n' {
                    check_progress(image, &std::mem::take(&mut line))?;
                } else if line.len() < MAX_LINE {
                    line.push(byte);
                }
            }
        }
        check_progress(image, &line)
    }
}

fn check_progress(image: &ImageName, line: &[u8]) -> Result<(), EngineError> {
    let event: Value = serde_json::from_slice(line).unwrap_or_default();
    match event["error"].as_str() {
        Some(message) => Err(pull_error(image, message)),
        None => Ok(()),
    }
}

fn pull_error(image: &ImageName, message: &str) -> EngineError {
    EngineError::Pull {
        image: image.to_string(),
        message: to_one_line_indented(&mask(message), 500),
    }
}
