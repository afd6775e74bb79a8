//! The Docker engine of the runner, over its unix socket: images, a container's life, where the
//! workspace is.
//!
//! Docker Engine API, in the API version that the engine reports; all endpoints used here exist
//! since 2016. There is no registry login: a container action cannot read the
//! `~/.docker/config.json` of other steps.

mod container_config;
mod containers;
mod images;
mod mounts;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ecs_bluegreen_registry::{BodyError, read_body, read_error_text};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;

pub use container_config::{ContainerConfig, choose_network};
pub use containers::ContainerExit;
pub use mounts::{OwnContainer, WORKSPACE_MOUNT};

use super::lines::InvalidLogStream;

/// Small requests are answered at once, unless the engine is very busy; creating a container of a
/// large image takes seconds.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
/// Descriptions of containers and images are some kilobytes.
const MAX_RESPONSE_SIZE: usize = 4 * 1024 * 1024;
/// The ping needs no work of the engine.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the engine.
#[derive(Debug, Clone)]
pub struct Engine {
    http: Client,
    socket: PathBuf,
    version: String,
}

/// The engine did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing is at the socket.
    #[error("there is no Docker engine: nothing is at {}", socket.display())]
    Absent {
        /// The path of the socket.
        socket: PathBuf,
    },
    /// The engine does not answer at the socket.
    #[error("the Docker engine does not answer at {}", socket.display())]
    Unreachable {
        /// The path of the socket.
        socket: PathBuf,
        /// The HTTP client's error.
        source: reqwest::Error,
    },
    /// It answered with a refusal.
    #[error(
        "the Docker engine refused to {doing} ({status}): {}",
        crate::scrub::mask(message)
    )]
    Refused {
        /// The request: "pull an image".
        doing: &'static str,
        /// The HTTP status.
        status: u16,
        /// The engine's message.
        message: String,
    },
    /// The image is not present and could not be pulled.
    #[error(
        "the image {image} is not in the Docker engine and cannot be pulled: {}",
        crate::scrub::mask(message)
    )]
    Pull {
        /// The image's name.
        image: String,
        /// The engine's message.
        message: String,
    },
    /// The log stream is malformed.
    #[error("the container's log cannot be read")]
    Log(#[from] InvalidLogStream),
}

impl EngineError {
    /// A remedy, if one is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Absent { .. } | Self::Unreachable { .. } => Some(
                "a tester with `where: runner` needs the engine that /var/run/docker.sock leads to: use a runner with Docker, or `where: task`",
            ),
            Self::Pull { .. } => Some(
                "check the name; an image of a private registry is pulled by a step before this one: `docker login`, `docker pull`",
            ),
            Self::Refused { .. } | Self::Log(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct EngineErrorBody {
    message: String,
}

impl Engine {
    /// Pings the engine and reads its API version.
    pub async fn connect(socket: &Path) -> Result<Self, EngineError> {
        // A provider is there already when another part has installed one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let unreachable = |source| unreachable_error(socket, source);
        // No TLS is spoken over the socket: loading the system's certificate roots would only cost
        // time.
        let http = Client::builder()
            .unix_socket(socket)
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(unreachable)?;
        let pong = http
            .get("http://docker/_ping")
            .timeout(PING_TIMEOUT)
            .send()
            .await
            .map_err(unreachable)?;
        let version = pong
            .headers()
            .get("api-version")
            .and_then(|version| version.to_str().ok());
        let version = version.map_or_else(String::new, |version| format!("/v{version}"));
        Ok(Self {
            http,
            socket: socket.to_owned(),
            version,
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("http://docker{}/{path}", self.version))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, EngineError> {
        request
            .send()
            .await
            .map_err(|source| self.unreachable_error(source))
    }

    /// Sends a request; an error response becomes [`EngineError::Refused`].
    async fn send_checked(
        &self,
        doing: &'static str,
        request: RequestBuilder,
    ) -> Result<Response, EngineError> {
        let response = self.send(request).await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(read_refusal(doing, response).await)
        }
    }

    /// What is described at a path, if anything is.
    async fn inspect(&self, doing: &'static str, path: &str) -> Result<Option<Value>, EngineError> {
        let response = self
            .send(self.request(Method::GET, path).timeout(RESPONSE_TIMEOUT))
            .await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => self.read_json(doing, response).await.map(Some),
            _ => Err(read_refusal(doing, response).await),
        }
    }

    async fn read_json(
        &self,
        doing: &'static str,
        response: Response,
    ) -> Result<Value, EngineError> {
        let status = response.status().as_u16();
        let odd = |why: String| EngineError::Refused {
            doing,
            status,
            message: why,
        };
        let body = read_body(response, MAX_RESPONSE_SIZE)
            .await
            .map_err(|error| match error {
                BodyError::Broken(source) => self.unreachable_error(source),
                long @ BodyError::TooLong(_) => odd(long.to_string()),
            })?;
        serde_json::from_slice(&body)
            .map_err(|error| odd(format!("its answer cannot be read: {error}")))
    }

    fn unreachable_error(&self, source: reqwest::Error) -> EngineError {
        unreachable_error(&self.socket, source)
    }
}

fn unreachable_error(socket: &Path, source: reqwest::Error) -> EngineError {
    let socket = socket.to_owned();
    if socket.exists() {
        EngineError::Unreachable {
            socket,
            source: source.without_url(),
        }
    } else {
        EngineError::Absent { socket }
    }
}

/// One part of a path, whatever the name holds: `../images/x` stays the name of a container that is
/// not there.
fn encode_segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

async fn read_refusal(doing: &'static str, response: Response) -> EngineError {
    let status = response.status().as_u16();
    let text = read_error_text(response, MAX_RESPONSE_SIZE).await;
    let message =
        serde_json::from_str(&text).map_or(text, |refusal: EngineErrorBody| refusal.message);
    EngineError::Refused {
        doing,
        status,
        message: crate::scrub::to_one_line_indented(&crate::scrub::mask(&message), 500),
    }
}
