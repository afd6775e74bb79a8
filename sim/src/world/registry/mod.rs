//! The world's own image registry: the OCI distribution API, as far as docker, skopeo, crane and
//! ECR's users go.
//!
//! Digests are verified, manifests are kept byte for byte, and a manifest that names missing blobs
//! is refused, as ECR does. [`RegistryRules`] say in what it departs from the specification,
//! [`RegistryFault`]s what goes wrong, and a ledger what was asked. It can be started alone:
//! [`RegistryServer::start`].
//!
//! | file | does |
//! |---|---|
//! | `server` | starts and steers it |
//! | `rules`, `fault`, `ledger`, `middleware`, `bodies` | rules; faults; request log; middleware; altered bodies |
//! | `access`, `tokens` | who may use it; bearer tokens |
//! | `route`, `error` | what a request means; how it is refused |
//! | `uploads`, `blobs`, `storage`, `manifests` | the operations, and the host of redirected downloads |
//! | `catalog`, `references`, `convert`, `store` | what there is; what a manifest needs; conversions; files |

pub(crate) mod access;
mod blobs;
mod bodies;
mod catalog;
mod convert;
mod error;
mod fault;
mod ledger;
mod manifests;
mod middleware;
mod references;
mod route;
mod rules;
mod server;
mod storage;
mod store;
#[cfg(test)]
mod tests;
mod tokens;
mod uploads;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};

pub use fault::{RegistryFault, RegistryFaultKind, RegistryRefusal};
pub use ledger::{RegistryHost, RegistryRequest};
pub use rules::{
    ByTag, Downloads, InvalidTag, ManifestAnswer, MissingRepository, Mounts, Patches,
    RegistryRules, SignIn, TagMutability,
};
pub(crate) use server::ManifestDeletion;
pub use server::{RegistryOptions, RegistryServer};

use super::http::{Body, text_response};
use super::now;
use crate::limits::Bucket;
use crate::world::digest::Digest;
use access::{Permission, RegistryCredentials};
use catalog::Catalog;
use error::RegistryError;
use route::{Operation, Route, parse_route};
use store::Store;

/// The contents, the same for both addresses.
#[derive(Debug)]
struct Contents {
    store: Store,
    catalog: Mutex<Catalog>,
}

/// One way to look at the contents, with rules of its own.
#[derive(Debug)]
struct Registry {
    contents: Arc<Contents>,
    rules: RegistryRules,
    credentials: RegistryCredentials,
    /// Where redirected downloads go.
    storage: Option<SocketAddr>,
    manifest_bucket: Option<Mutex<Bucket>>,
    /// Manifests whose digest is not answered yet.
    hidden_digests: Mutex<BTreeSet<Digest>>,
}

impl Registry {
    fn new(
        contents: Arc<Contents>,
        rules: RegistryRules,
        password: Option<String>,
        storage: Option<SocketAddr>,
    ) -> Self {
        let per_second = rules.manifests_per_second.map(f64::from);
        Self {
            contents,
            credentials: RegistryCredentials::new(password, rules.sign_in, rules.credentials_last),
            storage,
            manifest_bucket: per_second
                .map(|rate| Mutex::new(Bucket::new_full(rate, rate, now::milliseconds()))),
            rules,
            hidden_digests: Mutex::default(),
        }
    }

    fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.contents
            .catalog
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> &Store {
        &self.contents.store
    }

    /// What a push into this repository meets before anything else.
    fn check_push(&self, name: &str, operation: &Operation) -> Result<(), RegistryError> {
        if !operation.is_push() || self.catalog().has_repository(name) {
            return Ok(());
        }
        match (self.rules.missing_repository, operation) {
            (MissingRepository::Created, _)
            | (MissingRepository::CutOff, Operation::StartUpload) => Ok(()),
            (MissingRepository::NameUnknown, _) => Err(RegistryError::NameUnknown(name.to_owned())),
            (MissingRepository::CutOff, _) => Err(RegistryError::HangUp),
        }
    }
}

async fn handle(registry: Arc<Registry>, request: Request<Body>) -> Response<Body> {
    let route = parse_route(request.method(), request.uri().path());
    let challenge = tokens::challenge(&registry, &route, &request);
    let response = match route {
        Route::Token => tokens::issue(&registry, &request),
        Route::Version => registry
            .credentials
            .check(request.headers(), Permission::pull(""))
            .map(|()| text_response(StatusCode::OK, "{}")),
        Route::Repository(name, operation) => {
            run_operation(&registry, &name, operation, request).await
        }
        Route::InvalidTag if registry.rules.invalid_tag == InvalidTag::BadRequest => {
            Err(RegistryError::TagInvalid)
        }
        Route::InvalidTag | Route::Unknown => Err(RegistryError::Unsupported),
    };
    let mut response = response.unwrap_or_else(RegistryError::into_response);
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response.headers_mut().insert(
        "docker-distribution-api-version",
        HeaderValue::from_static("registry/2.0"),
    );
    response
}

async fn run_operation(
    registry: &Registry,
    name: &str,
    operation: Operation,
    request: Request<Body>,
) -> Result<Response<Body>, RegistryError> {
    registry
        .credentials
        .check(request.headers(), Permission::new(name, request.method()))?;
    registry.check_push(name, &operation)?;
    match operation {
        Operation::ReadBlob(digest) => blobs::read(registry, name, &digest, &request).await,
        Operation::StartUpload => uploads::start(registry, name, request).await,
        Operation::UploadStatus(session) => uploads::read_status(registry, name, &session).await,
        Operation::AppendUpload(session) => {
            uploads::append(registry, name, &session, request).await
        }
        Operation::FinishUpload(session) => {
            uploads::finish(registry, name, &session, request).await
        }
        Operation::CancelUpload(session) => uploads::cancel(registry, &session).await,
        Operation::ReadManifest(reference) => {
            manifests::read(registry, name, &reference, &request).await
        }
        Operation::WriteManifest(reference) => {
            manifests::write(registry, name, reference, request).await
        }
        Operation::DeleteManifest(reference) => manifests::delete(registry, name, &reference),
        Operation::ListTags => manifests::list_tags(registry, name),
    }
}
