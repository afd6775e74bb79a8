//! The three questions that the Docker engine is asked, over its unix socket.
//!
//! Docker Engine API: `/_ping`, `/images/NAME/json`, `/images/NAME/get`. The engine is only read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

use crate::registry::digest::Digest;
use crate::registry::error::{SourceError, one_line};
use crate::registry::graph::Facts;
use crate::registry::media::Platform;
use crate::registry::reference::ImageName;

/// The newest version of the API whose answers are known here (Docker 28.3); older engines are asked in their own.
const NEWEST: Version = Version(1, 51);
/// Small questions are answered at once, unless the engine is very busy.
const ANSWER: Duration = Duration::from_mins(1);
/// Before its first byte an engine may stage the whole image on its disk (measured: 1.8 s for 256 MiB on a fast one).
const STAGING: Duration = Duration::from_mins(15);

/// A connection to the engine, in a version that both sides know.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    http: Client,
    socket: PathBuf,
    version: Version,
}

/// An image as the engine describes it.
#[derive(Debug, Clone)]
pub(crate) struct EngineImage {
    pub(crate) engine: Engine,
    /// The config's digest in the classic store, the manifest's or index's in the containerd store.
    pub(crate) id: Digest,
    /// Uncompressed bytes, roughly.
    pub(crate) bytes: u64,
    platform: Platform,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: Digest,
    #[serde(default)]
    size: u64,
    os: String,
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Version {
    fn read(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl Engine {
    /// Connects and agrees on a version of the API.
    pub(crate) async fn connect(socket: &Path) -> Result<Self, SourceError> {
        let unreachable = |source| SourceError::EngineUnreachable { socket: socket.to_owned(), source };
        // No TLS is spoken over the socket: loading the system's certificate roots would only cost time.
        let client = Client::builder().unix_socket(socket).no_proxy().tls_certs_only([]).build().map_err(unreachable)?;
        let ping = client.get("http://docker/_ping").timeout(ANSWER).send().await.map_err(unreachable)?;
        let theirs = ping.headers().get("api-version").and_then(|value| value.to_str().ok()).and_then(Version::read);
        let version = theirs.map_or(NEWEST, |theirs| theirs.min(NEWEST));
        Ok(Self { http: client, socket: socket.to_owned(), version })
    }

    /// Describes an image, or says that there is none of that name.
    pub(crate) async fn inspect(&self, name: &ImageName) -> Result<EngineImage, SourceError> {
        let response = self.get(&format!("images/{name}/json"), ANSWER).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Err(SourceError::NotInEngine { name: name.to_string() });
        }
        let inspected: Inspected = accepted(response).await?.json().await.map_err(|source| self.unreachable(source))?;
        Ok(EngineImage {
            engine: self.clone(),
            id: inspected.id,
            bytes: inspected.size,
            platform: Platform { os: inspected.os, architecture: inspected.architecture, variant: inspected.variant },
        })
    }

    /// Starts the export of an image. It is asked for by its id: a name could have moved since it was inspected.
    pub(crate) async fn export(&self, id: &Digest) -> Result<Response, SourceError> {
        let asked = tokio::time::timeout(STAGING, self.get(&format!("images/{id}/get"), Duration::MAX)).await;
        accepted(asked.map_err(|_| SourceError::EngineSilent { seconds: STAGING.as_secs() })??).await
    }

    async fn get(&self, path: &str, limit: Duration) -> Result<Response, SourceError> {
        let Version(major, minor) = self.version;
        let request = self.http.get(format!("http://docker/v{major}.{minor}/{path}"));
        let request = if limit == Duration::MAX { request } else { request.timeout(limit) };
        request.send().await.map_err(|source| self.unreachable(source))
    }

    pub(crate) fn unreachable(&self, source: reqwest::Error) -> SourceError {
        SourceError::EngineUnreachable { socket: self.socket.clone(), source: source.without_url() }
    }
}

impl EngineImage {
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        facts.add(self.platform.clone(), None);
        facts
    }
}

async fn accepted(response: Response) -> Result<Response, SourceError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = response.text().await.unwrap_or_default();
    let message = serde_json::from_str(&text).map_or(text, |refusal: Refusal| refusal.message);
    Err(SourceError::EngineRefused { status: status.as_u16(), message: one_line(&message) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_texts() {
        assert!(Version::read("1.9") < Version::read("1.41"));
        assert_eq!(Version::read("1.53").map(|theirs| theirs.min(NEWEST)), Some(NEWEST));
        assert_eq!(Version::read("new"), None);
    }
}
