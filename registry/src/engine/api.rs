//! The two questions that the Docker engine is asked, over its unix socket.
//!
//! Docker Engine API: `/images/NAME/json`, `/images/NAME/get`. The engine is only read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

use crate::body::{BodyError, read_body, read_words};
use crate::digest::Digest;
use crate::error::{SourceError, one_line};
use crate::graph::Facts;
use crate::media::Platform;
use crate::reference::ImageName;

/// The version of the API that most engines know: Docker 25 speaks no newer one, Docker 29 no older
/// one. An engine that does not know it is asked again in its own.
const COMMON: Version = Version(1, 44);
/// Small questions are answered at once, unless the engine is very busy.
const ANSWER: Duration = Duration::from_mins(1);
/// The description of an image is some kilobytes: its layers, labels and environment.
const LONGEST: usize = 4 * 1024 * 1024;
/// Before its first byte an engine may stage the whole image on its disk (measured: 1.8 s for 256
/// MiB on a fast one).
const STAGING: Duration = Duration::from_mins(15);

/// A way to the engine, and the version in which it is asked.
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
    /// The layers by their uncompressed content, lowest first.
    pub(crate) diff_ids: Vec<Digest>,
    /// Uncompressed bytes, roughly.
    pub(crate) bytes: u64,
    platform: Platform,
    /// The repositories under which the engine knows it by a digest: those that it was pulled from
    /// or pushed to, and in the containerd store every name that it was given.
    repositories: Vec<String>,
    /// Whether the store is containerd's.
    is_containerd: bool,
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
    #[serde(default, rename = "RootFS")]
    root_fs: Option<InspectedRootFs>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    /// Only the containerd store describes the manifest.
    #[serde(default)]
    descriptor: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedRootFs {
    #[serde(default)]
    layers: Option<Vec<Digest>>,
}

#[derive(Deserialize)]
struct EngineErrorBody {
    message: String,
}

impl Version {
    fn read(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl Engine {
    /// Makes ready to ask; nobody is asked yet.
    pub(crate) fn at(socket: &Path) -> Result<Self, SourceError> {
        let unreachable = |source| SourceError::EngineUnreachable {
            socket: socket.to_owned(),
            source,
        };
        // No TLS is spoken over the socket: loading the system's certificate roots would only cost
        // time.
        let client = Client::builder()
            .unix_socket(socket)
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(unreachable)?;
        Ok(Self {
            http: client,
            socket: socket.to_owned(),
            version: COMMON,
        })
    }

    /// Describes an image, or says that there is none of that name. From here on both sides know
    /// the version.
    pub(crate) async fn inspect(mut self, name: &ImageName) -> Result<EngineImage, SourceError> {
        let response = self.get_negotiated(&format!("images/{name}/json")).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Err(SourceError::NotInEngine {
                name: name.to_string(),
            });
        }
        let answer = read_body(accepted(response).await?, LONGEST)
            .await
            .map_err(|error| self.unread(error))?;
        let inspected: Inspected = serde_json::from_slice(&answer).map_err(|error| odd(&error))?;
        Ok(EngineImage {
            engine: self,
            id: inspected.id,
            diff_ids: inspected
                .root_fs
                .map(|root| root.layers.unwrap_or_default())
                .unwrap_or_default(),
            bytes: inspected.size,
            platform: Platform {
                os: inspected.os,
                architecture: inspected.architecture,
                variant: inspected.variant,
            },
            repositories: inspected
                .repo_digests
                .unwrap_or_default()
                .iter()
                .filter_map(|name| repository(name))
                .collect(),
            is_containerd: inspected.descriptor.is_some(),
        })
    }

    /// Every answer tells the engine's own version, the one that refuses ours (400) too.
    async fn get_negotiated(&mut self, path: &str) -> Result<Response, SourceError> {
        let response = self.get(path, ANSWER).await?;
        match theirs(&response) {
            Some(theirs)
                if response.status() == StatusCode::BAD_REQUEST && theirs != self.version =>
            {
                self.version = theirs;
                self.get(path, ANSWER).await
            }
            Some(_) | None => Ok(response),
        }
    }

    /// Starts the export of an image. It is asked for by its id: a name could have moved since it
    /// was inspected.
    pub(crate) async fn export(&self, id: &Digest) -> Result<Response, SourceError> {
        let asked = tokio::time::timeout(
            STAGING,
            self.get(&format!("images/{id}/get"), Duration::MAX),
        )
        .await;
        accepted(asked.map_err(|_| SourceError::EngineSilent {
            seconds: STAGING.as_secs(),
        })??)
        .await
    }

    async fn get(&self, path: &str, limit: Duration) -> Result<Response, SourceError> {
        let Version(major, minor) = self.version;
        let request = self
            .http
            .get(format!("http://docker/v{major}.{minor}/{path}"));
        let request = if limit == Duration::MAX {
            request
        } else {
            request.timeout(limit)
        };
        request
            .send()
            .await
            .map_err(|source| self.unreachable(source))
    }

    fn unread(&self, error: BodyError) -> SourceError {
        match error {
            BodyError::Broken(source) => self.unreachable(source),
            long @ BodyError::TooLong(_) => odd(&long),
        }
    }

    pub(crate) fn unreachable(&self, source: reqwest::Error) -> SourceError {
        if !self.socket.exists() {
            return SourceError::EngineAbsent {
                socket: self.socket.clone(),
            };
        }
        SourceError::EngineUnreachable {
            socket: self.socket.clone(),
            source: source.without_url(),
        }
    }
}

/// `team/api@sha256:…` → `team/api`.
fn repository(known: &str) -> Option<String> {
    known
        .split_once('@')
        .map(|(repository, _)| repository.to_owned())
}

/// An answer that is no description of an image.
fn odd(error: &dyn std::fmt::Display) -> SourceError {
    SourceError::EngineRefused {
        status: StatusCode::OK.as_u16(),
        message: one_line(&error.to_string()),
    }
}

fn theirs(response: &Response) -> Option<Version> {
    Version::read(response.headers().get("api-version")?.to_str().ok()?)
}

impl EngineImage {
    /// Whether the image is known to be in the registry that its name means. Nobody can push to
    /// Docker Hub's own names (`api:1`, without an owner): those that the containerd store knows
    /// may have been built here.
    pub(crate) fn was_in_registry(&self, name: &ImageName) -> bool {
        let is_owned = name.repository().contains('/');
        self.repositories
            .iter()
            .any(|repository| repository == name.repository())
            && (is_owned || !self.is_containerd)
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts::of(self.platform.clone(), None)
    }
}

async fn accepted(response: Response) -> Result<Response, SourceError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = read_words(response, LONGEST).await;
    let message =
        serde_json::from_str(&text).map_or(text, |refusal: EngineErrorBody| refusal.message);
    Err(SourceError::EngineRefused {
        status: status.as_u16(),
        message: one_line(&message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_texts() {
        assert!(Version::read("1.9") < Version::read("1.41"));
        assert_eq!(Version::read("1.44"), Some(COMMON));
        assert_eq!(Version::read("new"), None);
    }
}
