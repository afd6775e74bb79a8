//! What was asked of a registry, in order, for tests that count. Bytes are counted while they pass.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use hyper::header::AUTHORIZATION;
use hyper::{Request, StatusCode};

/// One request, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryRequest {
    /// Who was asked.
    pub host: RegistryHost,
    /// The method.
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// The status of the answer; absent when none came, or none came yet.
    pub status: Option<u16>,
    /// The scheme of the credentials that were shown (`Basic`, `Bearer`).
    pub authorization: Option<String>,
    /// Bytes of the request's body that were taken.
    pub received: u64,
    /// Bytes of the answer's body that were given to the connection.
    pub sent: u64,
}

impl RegistryRequest {
    /// Whether it has this method, and a path and query that contain this.
    pub fn matches(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.contains(path)
    }
}

/// Who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryHost {
    /// The registry.
    Registry,
    /// The other host, to which downloads are redirected.
    Storage,
}

#[derive(Debug, Default)]
pub(super) struct RequestLog {
    lines: Mutex<Vec<Arc<Line>>>,
}

/// One request, while it is served.
#[derive(Debug)]
pub(super) struct Line {
    host: RegistryHost,
    method: String,
    path: String,
    authorization: Option<String>,
    status: OnceLock<StatusCode>,
    pub(super) received: Arc<AtomicU64>,
    pub(super) sent: Arc<AtomicU64>,
}

impl RequestLog {
    pub(super) fn add<B>(&self, host: RegistryHost, request: &Request<B>) -> Arc<Line> {
        let authorization = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let line = Arc::new(Line {
            host,
            method: request.method().to_string(),
            path: request
                .uri()
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            authorization: authorization
                .and_then(|value| value.split(' ').next())
                .map(str::to_owned),
            status: OnceLock::new(),
            received: Arc::default(),
            sent: Arc::default(),
        });
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&line));
        line
    }

    pub(super) fn requests(&self) -> Vec<RegistryRequest> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|line| line.snapshot())
            .collect()
    }

    pub(super) fn clear(&self) {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl Line {
    pub(super) fn set_status(&self, status: StatusCode) {
        // A line is answered once.
        let _ = self.status.set(status);
    }

    fn snapshot(&self) -> RegistryRequest {
        RegistryRequest {
            host: self.host,
            method: self.method.clone(),
            path: self.path.clone(),
            status: self.status.get().map(StatusCode::as_u16),
            authorization: self.authorization.clone(),
            received: self.received.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
        }
    }
}
