//! The world's own image registry: the OCI distribution API, as far as docker, skopeo, crane and ECR's users go.
//!
//! Digests are verified, manifests are kept byte for byte, and a manifest that names missing blobs is refused, as ECR does.

pub(crate) mod access;
mod blobs;
mod catalog;
mod manifests;
mod problem;
mod route;
mod store;
#[cfg(test)]
mod tests;
mod uploads;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use super::http::{Body, Server, answer};
use catalog::Catalog;
use problem::Problem;
use route::{Operation, Route, route};
use store::Store;

/// What every request needs.
#[derive(Debug)]
struct Registry {
    store: Store,
    catalog: Mutex<Catalog>,
    password: Option<String>,
}

impl Registry {
    fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running registry; dropping it stops it. Its folder is the caller's.
#[derive(Debug)]
pub(super) struct RegistryServer {
    server: Server,
}

impl RegistryServer {
    pub(super) async fn start(ip: IpAddr, folder: &Path, password: Option<String>) -> std::io::Result<Self> {
        let registry = Arc::new(Registry { store: Store::open(folder).await?, catalog: Mutex::default(), password });
        let server = Server::start(ip, |_| move |_, request| handle(Arc::clone(&registry), request)).await?;
        Ok(Self { server })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address()
    }
}

async fn handle(registry: Arc<Registry>, request: Request<Incoming>) -> Response<Body> {
    if !access::is_allowed(request.headers(), registry.password.as_deref()) {
        return Problem::Unauthorized.response();
    }
    let response = match route(request.method(), request.uri().path()) {
        Route::Version => Ok(answer(StatusCode::OK, "{}")),
        Route::Repository(repository, operation) => perform(&registry, &repository, operation, request).await,
        Route::Unknown => Err(Problem::Unsupported),
    };
    let mut response = response.unwrap_or_else(Problem::response);
    response.headers_mut().insert("docker-distribution-api-version", hyper::header::HeaderValue::from_static("registry/2.0"));
    response
}

async fn perform(registry: &Registry, name: &str, operation: Operation, request: Request<Incoming>) -> Result<Response<Body>, Problem> {
    match operation {
        Operation::ReadBlob(digest) => blobs::read(registry, name, &digest, request.method()).await,
        Operation::StartUpload => uploads::start(registry, name, request).await,
        Operation::UploadStatus(session) => uploads::status(registry, name, &session).await,
        Operation::AppendUpload(session) => uploads::append(registry, name, &session, request).await,
        Operation::FinishUpload(session) => uploads::finish(registry, name, &session, request).await,
        Operation::CancelUpload(session) => uploads::cancel(registry, &session).await,
        Operation::ReadManifest(reference) => manifests::read(registry, name, &reference, request.method()).await,
        Operation::WriteManifest(reference) => manifests::write(registry, name, reference, request).await,
        Operation::DeleteManifest(reference) => manifests::delete(registry, name, &reference),
        Operation::ListTags => manifests::list_tags(registry, name),
    }
}
