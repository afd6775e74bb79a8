//! The client of the Docker engine, over its unix socket: `/images/NAME/json` and
//! `/images/NAME/get` of the Docker Engine API. Nothing in the engine is changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

use crate::bounded_body::{BodyError, read_body, read_error_text};
use crate::digest::Digest;
use crate::error::{SourceError, mask_to_line};
use crate::image::Facts;
use crate::image_config::Platform;
use crate::reference::ImageName;

/// The version of the API that most engines know: the newest of Docker 25, and the oldest of Docker
/// 29. Another engine is asked again in its own version.
const COMMON: ApiVersion = ApiVersion(1, 44);
/// The timeout of a description, which an engine usually answers at once.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
/// The longest description of an image, in bytes. Usual ones have some kilobytes.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// The timeout for the first byte of an export, before which an engine may write the whole image to
/// its disk (1.8 s for 256 MiB on a fast one).
const EXPORT_START_TIMEOUT: Duration = Duration::from_mins(15);

/// A connection to the engine, and the version of the API that it knows.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    http: Client,
    socket: PathBuf,
    version: ApiVersion,
}

/// An image as the engine describes it.
#[derive(Debug, Clone)]
pub(crate) struct EngineImage {
    pub(crate) engine: Engine,
    /// The config's digest in the classic store, the manifest's or index's in the containerd store.
    pub(crate) id: Digest,
    /// The digests of its uncompressed layers, lowest first.
    pub(crate) diff_ids: Vec<Digest>,
    /// Its uncompressed size in bytes, roughly.
    pub(crate) bytes: u64,
    platform: Platform,
    /// The repositories that it was pulled from or pushed to; in containerd's store every name that
    /// it was given.
    repositories: Vec<String>,
    /// Whether the store is containerd's.
    is_containerd: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ApiVersion(u32, u32);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageInspect {
    id: Digest,
    #[serde(default)]
    size: u64,
    os: String,
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default, rename = "RootFS")]
    root_fs: Option<InspectRootFs>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    /// Only the containerd store describes the manifest.
    #[serde(default)]
    descriptor: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectRootFs {
    #[serde(default)]
    layers: Option<Vec<Digest>>,
}

#[derive(Deserialize)]
struct EngineErrorBody {
    message: String,
}

impl ApiVersion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl Engine {
    /// Prepares the connection; nothing is sent.
    pub(crate) fn new(socket: &Path) -> Result<Self, SourceError> {
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

    /// Describes an image. The version of the API is agreed on with this request.
    pub(crate) async fn inspect(mut self, name: &ImageName) -> Result<EngineImage, SourceError> {
        let response = self.get_negotiated(&format!("images/{name}/json")).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Err(SourceError::NotInEngine {
                name: name.to_string(),
            });
        }
        let answer = read_body(check_status(response).await?, MAX_BODY_BYTES)
            .await
            .map_err(|error| self.body_error(error))?;
        let inspect: ImageInspect =
            serde_json::from_slice(&answer).map_err(|error| malformed_response(&error))?;
        Ok(EngineImage {
            engine: self,
            id: inspect.id,
            diff_ids: inspect
                .root_fs
                .map(|root| root.layers.unwrap_or_default())
                .unwrap_or_default(),
            bytes: inspect.size,
            platform: Platform {
                os: inspect.os,
                architecture: inspect.architecture,
                variant: inspect.variant,
            },
            repositories: inspect
                .repo_digests
                .unwrap_or_default()
                .iter()
                .filter_map(|name| strip_digest(name))
                .collect(),
            is_containerd: inspect.descriptor.is_some(),
        })
    }

    /// Sends the first request. An engine that does not know our version answers 400 and says its
    /// own; then the request is sent again.
    async fn get_negotiated(&mut self, path: &str) -> Result<Response, SourceError> {
        let response = self.get(path, Some(RESPONSE_TIMEOUT)).await?;
        match announced_version(&response) {
            Some(theirs)
                if response.status() == StatusCode::BAD_REQUEST && theirs != self.version =>
            {
                self.version = theirs;
                self.get(path, Some(RESPONSE_TIMEOUT)).await
            }
            Some(_) | None => Ok(response),
        }
    }

    /// Starts the export of an image, by its id: its name may have been given to another image
    /// since it was inspected.
    pub(crate) async fn export(&self, id: &Digest) -> Result<Response, SourceError> {
        let asked = tokio::time::timeout(
            EXPORT_START_TIMEOUT,
            self.get(&format!("images/{id}/get"), None),
        )
        .await;
        check_status(asked.map_err(|_| SourceError::EngineSilent {
            seconds: EXPORT_START_TIMEOUT.as_secs(),
        })??)
        .await
    }

    async fn get(&self, path: &str, timeout: Option<Duration>) -> Result<Response, SourceError> {
        let ApiVersion(major, minor) = self.version;
        let request = self
            .http
            .get(format!("http://docker/v{major}.{minor}/{path}"));
        let request = match timeout {
            Some(timeout) => request.timeout(timeout),
            None => request,
        };
        request
            .send()
            .await
            .map_err(|source| self.unreachable_error(source))
    }

    fn body_error(&self, error: BodyError) -> SourceError {
        match error {
            BodyError::Broken(source) => self.unreachable_error(source),
            long @ BodyError::TooLong(_) => malformed_response(&long),
        }
    }

    pub(crate) fn unreachable_error(&self, source: reqwest::Error) -> SourceError {
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
fn strip_digest(reference: &str) -> Option<String> {
    reference
        .split_once('@')
        .map(|(repository, _)| repository.to_owned())
}

/// The error for a response that is not the description of an image.
fn malformed_response(error: &dyn std::fmt::Display) -> SourceError {
    SourceError::EngineRefused {
        status: StatusCode::OK.as_u16(),
        message: mask_to_line(&error.to_string()),
    }
}

fn announced_version(response: &Response) -> Option<ApiVersion> {
    ApiVersion::parse(response.headers().get("api-version")?.to_str().ok()?)
}

impl EngineImage {
    /// Whether the image is known to be in the registry of its name. In containerd's store a name
    /// of Docker Hub without an owner (`api:1`) says nothing: it may have been built here, and it
    /// cannot be pushed.
    pub(crate) fn was_in_registry(&self, name: &ImageName) -> bool {
        let is_owned = name.repository().contains('/');
        self.repositories
            .iter()
            .any(|repository| repository == name.repository())
            && (is_owned || !self.is_containerd)
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts::for_platform(self.platform.clone(), None)
    }
}

async fn check_status(response: Response) -> Result<Response, SourceError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = read_error_text(response, MAX_BODY_BYTES).await;
    let message =
        serde_json::from_str(&text).map_or(text, |refusal: EngineErrorBody| refusal.message);
    Err(SourceError::EngineRefused {
        status: status.as_u16(),
        message: mask_to_line(&message),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_texts() {
        assert!(ApiVersion::parse("1.9") < ApiVersion::parse("1.41"));
        assert_eq!(ApiVersion::parse("1.44"), Some(COMMON));
        assert_eq!(ApiVersion::parse("new"), None);
    }
}
