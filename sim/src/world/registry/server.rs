//! A running registry: starts it, and lets tests inspect and change it. Requests are handled in
//! `mod.rs`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::fault::{RegistryFault, RegistryFaultPlan};
use super::ledger::{RegistryHost, RegistryRequest};
use super::middleware::Middleware;
use super::route::Reference;
use super::store::Store;
use super::{Contents, Downloads, Registry, RegistryRules, TagMutability, handle, storage};
use crate::world::digest::Digest;
use crate::world::http::Server;

/// Everything that can be chosen when a registry is started.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// The address it binds to; the port is a free one.
    pub bind: IpAddr,
    /// Where its files go; a temporary folder of its own when absent.
    pub folder: Option<PathBuf>,
    /// The password of the user `AWS`; none leaves the registry open.
    pub password: Option<String>,
    /// How it departs from the specification.
    pub rules: RegistryRules,
    /// What goes wrong, and when.
    pub faults: Vec<RegistryFault>,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            folder: None,
            password: None,
            rules: RegistryRules::default(),
            faults: Vec::new(),
        }
    }
}

/// What came of deleting a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ManifestDeletion {
    Deleted,
    Missing,
    /// These indexes name it.
    Referenced(Vec<String>),
}

/// A running registry; dropping it stops it, and removes its files unless the folder was the
/// caller's.
#[derive(Debug)]
pub struct RegistryServer {
    public_server: Server,
    unrestricted_server: Server,
    storage: Server,
    registry: Arc<Registry>,
    middleware: Arc<Middleware>,
    _folder: Option<TempDir>,
}

impl RegistryServer {
    /// Starts a registry, to be asked over HTTP from inside the same runtime or from anywhere else.
    pub async fn start(options: RegistryOptions) -> std::io::Result<Self> {
        let folder = if options.folder.is_none() {
            Some(tempfile::tempdir()?)
        } else {
            None
        };
        let path = options
            .folder
            .or_else(|| folder.as_ref().map(|folder| folder.path().to_owned()))
            .unwrap_or_default();
        let contents = Arc::new(Contents {
            store: Store::open(&path).await?,
            catalog: Mutex::default(),
        });
        let middleware = Arc::new(Middleware {
            faults: RegistryFaultPlan::new(options.faults),
            ..Middleware::default()
        });
        let storage = serve_storage(options.bind, &contents, &middleware).await?;
        let redirected =
            (options.rules.downloads == Downloads::Redirected).then(|| storage.address());
        let registry = Arc::new(Registry::new(
            Arc::clone(&contents),
            options.rules,
            options.password,
            redirected,
        ));
        let outside = serve(options.bind, &registry, &middleware).await?;
        let unrestricted = Arc::new(Registry::new(
            contents,
            RegistryRules::default(),
            None,
            None,
        ));
        let inside = serve(
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            &unrestricted,
            &Arc::default(),
        )
        .await?;
        Ok(Self {
            public_server: outside,
            unrestricted_server: inside,
            storage,
            registry,
            middleware,
            _folder: folder,
        })
    }

    /// Where it is reached from this machine.
    pub fn address(&self) -> SocketAddr {
        self.public_server.address()
    }

    /// A second address with the same contents for test setup and assertions: no password, no
    /// rules, no faults, not in the request log.
    pub fn unrestricted_address(&self) -> SocketAddr {
        self.unrestricted_server.address()
    }

    /// Where redirected downloads come from.
    pub fn storage_address(&self) -> SocketAddr {
        self.storage.address()
    }

    /// What was asked so far, in order, of the registry and of the host of its downloads.
    pub fn requests(&self) -> Vec<RegistryRequest> {
        self.middleware.ledger.requests()
    }

    /// How many requests had this method, and a path and query that contain this.
    pub fn count_requests(&self, method: &str, path: &str) -> usize {
        self.requests()
            .iter()
            .filter(|request| request.matches(method, path))
            .count()
    }

    /// Forgets what was asked.
    pub fn clear_requests(&self) {
        self.middleware.ledger.clear();
    }

    /// One more fault.
    pub fn inject(&self, fault: RegistryFault) {
        self.middleware.faults.add(fault);
    }

    /// No faults any more.
    pub fn clear_faults(&self) {
        self.middleware.faults.clear();
    }

    /// The password from now on; the one before has expired.
    pub fn set_password(&self, password: &str) {
        self.registry.credentials.set_password(password);
    }

    /// Makes a repository, or gives one that is there another rule for its tags; without one it is
    /// the registry's.
    pub fn set_repository(&self, name: &str, tags: Option<TagMutability>) {
        self.registry.catalog().set_repository(name, tags);
    }

    /// Whether there is such a repository.
    pub fn has_repository(&self, name: &str) -> bool {
        self.registry.catalog().has_repository(name)
    }

    /// Takes a repository away, with all that is in it.
    pub fn delete_repository(&self, name: &str) {
        self.registry.catalog().delete_repository(name);
    }

    /// The digest that a tag names.
    pub fn tag_digest(&self, repository: &str, tag: &str) -> Option<String> {
        self.registry
            .catalog()
            .tag_digest(repository, tag)
            .map(|digest| digest.to_string())
    }

    /// The digests of a repository's manifests, each with its tags.
    pub(crate) fn manifests(&self, repository: &str) -> Vec<(String, Vec<String>)> {
        let found = self.registry.catalog().manifests(repository);
        let told = found
            .into_iter()
            .map(|(digest, tags)| (digest.to_string(), tags));
        told.collect()
    }

    /// When a manifest was pushed first, in milliseconds since the epoch.
    pub(crate) fn pushed_ms(&self, repository: &str, digest: &str) -> Option<i64> {
        let digest = Digest::parse(digest)?;
        self.registry.catalog().pushed_ms(repository, &digest)
    }

    /// Deletes a manifest by its digest, or a tag, unless an index names the manifest.
    pub(crate) fn delete_manifest(&self, repository: &str, reference: &str) -> ManifestDeletion {
        let mut catalog = self.registry.catalog();
        let reference = match Digest::parse(reference) {
            Some(digest) => {
                let indexes = catalog.indexes_of(repository, &digest);
                if !indexes.is_empty() {
                    let by = indexes.iter().map(ToString::to_string).collect();
                    return ManifestDeletion::Referenced(by);
                }
                Reference::Digest(digest)
            }
            None => Reference::Tag(reference.to_owned()),
        };
        match catalog.delete_manifest(repository, &reference) {
            Ok(()) => ManifestDeletion::Deleted,
            Err(_) => ManifestDeletion::Missing,
        }
    }

    /// Whether a repository has a blob. One that is archived is there.
    pub fn has_blob(&self, repository: &str, digest: &str) -> bool {
        Digest::parse(digest)
            .is_some_and(|digest| self.registry.catalog().has_blob(repository, &digest))
    }

    /// Whether a blob of a repository is archived.
    pub fn is_archived(&self, repository: &str, digest: &str) -> bool {
        Digest::parse(digest)
            .is_some_and(|digest| self.registry.catalog().is_archived(repository, &digest))
    }

    /// Archives a blob: it is there, and nobody can download it or build on it.
    pub fn archive_blob(&self, repository: &str, digest: &str) {
        if let Some(digest) = Digest::parse(digest) {
            self.registry.catalog().archive(repository, digest);
        }
    }

    /// Loses a blob, although manifests need it: they stay.
    pub fn delete_blob(&self, repository: &str, digest: &str) {
        if let Some(digest) = Digest::parse(digest) {
            self.registry.catalog().remove_blob(repository, &digest);
        }
    }
}

async fn serve(
    ip: IpAddr,
    registry: &Arc<Registry>,
    middleware: &Arc<Middleware>,
) -> std::io::Result<Server> {
    let (registry, middleware) = (Arc::clone(registry), Arc::clone(middleware));
    let answer = move |_, request| {
        let (registry, middleware) = (Arc::clone(&registry), Arc::clone(&middleware));
        async move {
            middleware
                .handle(RegistryHost::Registry, request, |request| {
                    handle(registry, request)
                })
                .await
        }
    };
    Server::start(ip, |_| answer).await
}

async fn serve_storage(
    ip: IpAddr,
    contents: &Arc<Contents>,
    middleware: &Arc<Middleware>,
) -> std::io::Result<Server> {
    let (contents, middleware) = (Arc::clone(contents), Arc::clone(middleware));
    let answer = move |_, request| {
        let (contents, middleware) = (Arc::clone(&contents), Arc::clone(&middleware));
        async move {
            middleware
                .handle(RegistryHost::Storage, request, |request| {
                    storage::handle(contents, request)
                })
                .await
        }
    };
    Server::start(ip, |_| answer).await
}
