//! The stage's real world: an image registry, tasks that really run, and a weighted proxy with real
//! traffic in front of them.
//!
//! It knows nothing of AWS: the simulated services give it which weights, targets and tasks they
//! want, and look at what came of it.

mod digest;
mod http;
mod image;
mod imaginary;
pub mod load;
mod now;
pub mod oci;
mod options;
mod proxy;
pub mod registry;
mod task;
#[cfg(test)]
mod tests;

pub use image::source::StoredManifest;
pub use options::{Engine, RegistrySource, WorldOptions};
pub use proxy::{Counts, Health, MeasurementPeriod, Traffic};
pub(crate) use proxy::{PeriodCounts, RequestStats};
pub use task::{TaskHandle, TaskSpec};

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderName;
use image::Images;
use image::source::Source;
use imaginary::Imaginary;
use proxy::Proxy;
use registry::{RegistryOptions, RegistryServer};
use task::Launcher;
use tempfile::TempDir;

/// A registry, a proxy and the tasks behind it. Dropping it ends all of them.
#[derive(Debug)]
pub struct World {
    // In the order in which they are dropped: tasks first, the folder they run in last.
    launcher: Launcher,
    proxy: Proxy,
    registry: Option<RegistryServer>,
    source: Source,
    endpoint: String,
    bind: IpAddr,
    _folder: TempDir,
}

impl World {
    /// Starts the registry and the proxy.
    pub async fn open(options: WorldOptions) -> io::Result<Self> {
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix("ecs-bluegreen-sim-");
        let folder = options
            .folder
            .as_ref()
            .map_or_else(|| folder.tempdir(), |under| folder.tempdir_in(under))?;
        let registry = start_registry(&options, folder.path()).await?;
        let endpoint = match (&options.registry, &registry) {
            (RegistrySource::External(endpoint), _) => endpoint.trim_end_matches('/').to_owned(),
            (RegistrySource::Builtin, server) => server
                .as_ref()
                .map(|server| format!("http://{}", server.address()))
                .unwrap_or_default(),
        };
        let source = choose_source(&endpoint, registry.as_ref(), &options);
        let images = folder.path().join("images");
        std::fs::create_dir(&images)?;
        let imaginary = Arc::<Imaginary>::default();
        let proxy = Proxy::new(
            options.health_interval,
            options.period,
            Arc::clone(&imaginary),
        );
        let launcher = Launcher::new(
            &options,
            Images::new(source.clone(), images),
            imaginary,
            source.host(),
            folder.path(),
        )?;
        Ok(Self {
            launcher,
            proxy,
            registry,
            source,
            endpoint,
            bind: options.bind,
            _folder: folder,
        })
    }

    /// The registry's address, as `http://127.0.0.1:PORT`.
    pub fn registry_endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// Whether the registry is the world's own.
    pub fn has_builtin_registry(&self) -> bool {
        self.registry.is_some()
    }

    /// The world's own registry, to be looked at and steered.
    pub fn registry(&self) -> Option<&RegistryServer> {
        self.registry.as_ref()
    }

    /// A new HTTP listener of the proxy, for example `production` or `test`. Until it has weights
    /// it answers 503.
    pub async fn add_listener(&self, name: &str) -> SocketAddr {
        loop {
            if let Ok(address) = self.proxy.listen(name, self.bind).await {
                return address;
            }
            // Any free port will do; that there is none passes.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Which target groups a listener forwards to, by weight. Holds from the next request on.
    pub fn set_weights(&self, listener: &str, weights: &[(String, u32)]) {
        self.proxy.set_weights(listener, weights);
    }

    /// Sends a listener's requests with a header to one target group, whatever the weights; none
    /// ends that.
    pub fn set_header_route(&self, listener: &str, marked: Option<(HeaderName, String)>) {
        self.proxy.set_header_route(listener, marked);
    }

    /// The targets of a group. One that is missing now is drained: its requests in flight finish,
    /// it gets no new ones.
    pub fn set_targets(&self, target_group: &str, targets: &[SocketAddr]) {
        self.proxy.set_targets(target_group, targets);
    }

    /// What the health checks of a group's targets say, in the order they were set.
    pub fn target_health(&self, target_group: &str) -> Vec<(SocketAddr, Health)> {
        self.proxy.health(target_group)
    }

    /// Waits until a target has no request in flight, at most for `limit`; whether it came to that.
    pub async fn wait_until_drained(&self, target: SocketAddr, limit: Duration) -> bool {
        let empty = async {
            while self.proxy.in_flight(target) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(limit, empty).await.is_ok()
    }

    /// What went through the proxy since the world was opened.
    pub fn traffic(&self) -> Traffic {
        self.proxy.traffic()
    }

    /// What was measured of a target group's requests, for the periods that begin in a time span.
    pub(crate) fn measurements(
        &self,
        target_group: &str,
        from_ms: i64,
        to_ms: i64,
    ) -> Vec<PeriodCounts> {
        self.proxy.measurements(target_group, from_ms, to_ms)
    }

    /// A manifest or an index of the registry, by tag or digest. Nothing to be found is an error of
    /// kind `NotFound`.
    pub async fn fetch_manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> io::Result<StoredManifest> {
        self.source.fetch_manifest(repository, reference).await
    }

    /// The tags of a repository; none when there is no such repository.
    pub async fn list_tags(&self, repository: &str) -> io::Result<Vec<String>> {
        self.source.list_tags(repository).await
    }

    /// Whether a repository has a layer or a configuration.
    pub async fn has_blob(&self, repository: &str, digest: &str) -> io::Result<bool> {
        self.source.has_blob(repository, digest).await
    }

    /// Puts an OCI image layout into the registry, for what is there before the story begins.
    /// Returns the manifest's digest.
    pub async fn push_layout(
        &self,
        layout: &Path,
        repository: &str,
        tag: &str,
    ) -> io::Result<String> {
        oci::push_layout(&self.source, layout, repository, tag).await
    }

    /// Takes the task's image out of the registry and runs it. An error reads as ECS's stopped
    /// reason does.
    pub async fn start_task(&self, spec: TaskSpec) -> Result<TaskHandle, String> {
        self.launcher.start(spec).await
    }

    /// Stops every task in good order, then closes the listeners.
    pub async fn shutdown(&self) {
        self.launcher.stop_all().await;
        self.proxy.close();
    }
}

async fn start_registry(
    options: &WorldOptions,
    folder: &Path,
) -> io::Result<Option<RegistryServer>> {
    match &options.registry {
        RegistrySource::External(_) => Ok(None),
        RegistrySource::Builtin => {
            let storage = folder.join("registry");
            let password = options.registry_password.clone();
            let (rules, faults) = (
                options.registry_rules.clone(),
                options.registry_faults.clone(),
            );
            RegistryServer::start(RegistryOptions {
                bind: options.bind,
                folder: Some(storage),
                password,
                rules,
                faults,
            })
            .await
            .map(Some)
        }
    }
}

/// The world's own reads are none of the stage's: they meet no rules and no faults, and are not in
/// the registry's ledger.
fn choose_source(
    endpoint: &str,
    registry: Option<&RegistryServer>,
    options: &WorldOptions,
) -> Source {
    match registry {
        Some(server) => Source::new(&format!("http://{}", server.unrestricted_address()), None)
            .with_public_endpoint(endpoint),
        None => Source::new(endpoint, options.registry_password.clone()),
    }
}
