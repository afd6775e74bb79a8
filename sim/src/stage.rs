//! The stage as tests use it: start, inspect, change, shut down. One file, because it is one type,
//! most of whose methods only forward to other modules.

mod view;

pub use view::{FleetView, ScalingView, ServiceDeploymentView, ServiceView};

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::cloud::{Cloud, new_account};
use crate::cycles::run_scheduler;
use crate::faults::Fault;
use crate::github::{self, GithubOptions};
use crate::ledger::{Entry, Ledger, StateChange};
use crate::metrics::Metric;
use crate::options::{AlarmState, ServiceOptions, StageOptions, TaskEngine};
use crate::request_counts::RequestCounts;
use crate::serve::{Port, serve};
use crate::sources::{SourceRequest, SourcesOptions};
use crate::world::{Engine, MeasurementPeriod, RegistrySource, World, WorldOptions};

/// An imaginary task has no image to pull.
const IMAGINARY_START_SECONDS: f64 = 1.0;

/// Why a stage cannot be what it was asked to be.
#[derive(Debug, Error)]
pub enum StageError {
    /// The AWS port, the registry, the proxy or the recording cannot be opened.
    #[error("The stage cannot open its ports or files")]
    Open(#[from] io::Error),
    /// A service's first task definition lacks its family or its container.
    #[error("The service {name} cannot be founded: {problem}")]
    Service {
        /// The service.
        name: String,
        /// Why it is invalid.
        problem: String,
    },
}

/// Simulated AWS with real tasks and traffic.
#[derive(Debug)]
pub struct Stage {
    cloud: Arc<Cloud>,
    address: SocketAddr,
    sources_address: SocketAddr,
}

impl Stage {
    /// Starts a stage with everything that its options name.
    pub async fn start(options: StageOptions) -> Result<Self, StageError> {
        let ledger = Ledger::open(options.recording.as_deref())?;
        let world = World::open(world_options(&options)).await?;
        let listener = TcpListener::bind((options.bind, options.port)).await?;
        let address = listener.local_addr()?;
        let sources = TcpListener::bind((options.bind, 0)).await?;
        let sources_address = sources.local_addr()?;
        let account = new_account(&options);
        let services = options.services.clone();
        let cloud = Arc::new(Cloud::new(account, world, options, ledger));
        cloud.spawn(serve(Arc::clone(&cloud), listener, Port::Aws));
        cloud.spawn(serve(Arc::clone(&cloud), sources, Port::Sources));
        cloud.spawn(run_scheduler(Arc::clone(&cloud)));
        let stage = Self {
            cloud,
            address,
            sources_address,
        };
        for service in services {
            stage.add_service(service).await?;
        }
        Ok(stage)
    }

    /// Adds a service; its tasks start at once. In its definition `${registry}` becomes the
    /// registry's `host:port`, and `${port:prod}` the port of the listener `prod`.
    pub async fn add_service(&self, options: ServiceOptions) -> Result<(), StageError> {
        self.cloud.add_service(options).await
    }

    /// The URL for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!(
            "http://{}:{}",
            self.cloud.public_host(),
            self.address.port()
        )
    }

    /// The URL for `GITHUB_API_URL`.
    pub fn github_url(&self) -> String {
        format!("{}{}", self.endpoint(), github::ROOT)
    }

    /// The base URL of Prometheus (`/api/v1/query`), of Amazon's (`/workspaces/ID/api/v1/query`),
    /// of Datadog (`/api/v1/query`), and of JSON endpoints (`/json/NAME`).
    pub fn metrics_url(&self) -> String {
        format!(
            "http://{}:{}",
            self.cloud.public_host(),
            self.sources_address.port()
        )
    }

    /// The sources of metrics know this, and nothing else, from now on.
    pub fn set_sources(&self, sources: SourcesOptions) {
        self.cloud.sources.replace(sources);
    }

    /// Every request that the sources of metrics got.
    pub fn source_requests(&self) -> Vec<SourceRequest> {
        self.cloud.sources.requests()
    }

    /// What GitHub has.
    pub fn github(&self) -> GithubOptions {
        self.cloud.github()
    }

    /// GitHub knows this, and nothing else, from now on.
    pub fn set_github(&self, github: GithubOptions) {
        self.cloud.set_github(github);
    }

    /// All addresses: `{"endpoint", "github", "metrics", "registry", "listeners": {name: url}}`.
    pub fn addresses(&self) -> Value {
        let mut addresses = self.cloud.addresses();
        addresses["endpoint"] = Value::String(self.endpoint());
        addresses["github"] = Value::String(self.github_url());
        addresses["metrics"] = Value::String(self.metrics_url());
        addresses
    }

    /// The registry's URL, as `GetAuthorizationToken` says it.
    pub fn registry_endpoint(&self) -> String {
        self.cloud.registry_endpoint()
    }

    /// The registry as image references have it: `host:port`.
    pub fn registry_host(&self) -> String {
        self.cloud.registry_host()
    }

    /// Where a listener of the proxy listens.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        self.cloud.read(|account| {
            account
                .balancer
                .listener(name)
                .map(|listener| listener.address)
        })
    }

    /// The URL of a listener, with the public host.
    pub fn listener_url(&self, name: &str) -> Option<String> {
        self.listener(name)
            .map(|address| format!("http://{}:{}", self.cloud.public_host(), address.port()))
    }

    /// What is real: the registry, the proxy with its counts, the tasks.
    pub fn world(&self) -> &World {
        &self.cloud.world
    }

    /// Every mutating call so far, in order.
    pub fn ledger(&self) -> Vec<Entry> {
        self.cloud.ledger.entries()
    }

    /// How often each read came, by `service:Operation`.
    pub fn read_counts(&self) -> BTreeMap<String, u64> {
        self.cloud.ledger.read_counts()
    }

    /// How many requests came, by operation and minute, and how many of them were throttled.
    pub fn request_counts(&self) -> RequestCounts {
        self.cloud.ledger.request_counts()
    }

    /// How often an operation came that the stage does not know.
    pub fn unknown_operations(&self) -> BTreeMap<String, u64> {
        self.cloud.ledger.unknown_operations()
    }

    /// When each state became visible.
    pub fn timeline(&self) -> Vec<StateChange> {
        self.cloud.ledger.timeline()
    }

    /// Sets an alarm's state; the alarm exists from then on.
    pub fn set_alarm(&self, name: &str, state: AlarmState) {
        self.cloud.set_alarm(name, state, None);
    }

    /// The same, with a reason (`StateReason`).
    pub fn set_alarm_with_reason(&self, name: &str, state: AlarmState, reason: &str) {
        self.cloud.set_alarm(name, state, Some(reason));
    }

    /// Puts a value of a metric of the account's own, as `PutMetricData` does at high resolution.
    /// The time is in milliseconds since the epoch.
    pub fn put_metric(
        &self,
        namespace: &str,
        name: &str,
        dimensions: &[(&str, &str)],
        at_ms: i64,
        value: f64,
    ) {
        let dimensions = dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let metric = Metric {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions,
        };
        self.cloud.put_metrics.put(metric, at_ms, value);
    }

    /// Plans a fault.
    pub fn inject(&self, fault: Fault) {
        self.cloud.faults.add(fault);
    }

    /// Forgets all planned faults.
    pub fn clear_faults(&self) {
        self.cloud.faults.clear();
    }

    /// Denies these IAM actions, and no others, from now on.
    pub fn deny(&self, actions: &[&str]) {
        self.cloud
            .set_denied(actions.iter().map(|action| (*action).to_owned()).collect());
    }

    /// Allows these IAM actions, and no others, from now on: another role calls. All are allowed
    /// when there are none.
    pub fn allow(&self, actions: &[String]) {
        self.cloud.set_allowed(actions.to_vec());
    }

    /// A service as it is now.
    pub fn service_view(&self, name: &str) -> Option<ServiceView> {
        self.cloud.service_view(name)
    }

    /// A service's scalable target as it is now; none when it has none.
    pub fn scaling_view(&self, service: &str) -> Option<ScalingView> {
        self.cloud.scaling_view(service)
    }

    /// A `CodeDeploy` deployment's status as AWS names it.
    pub fn deployment_status(&self, id: &str) -> Option<String> {
        self.cloud.read(|account| {
            account
                .deployment(id)
                .map(|deployment| deployment.status.as_str().to_owned())
        })
    }

    /// The ids of all `CodeDeploy` deployments, oldest first.
    pub fn deployments(&self) -> Vec<String> {
        self.cloud.read(|account| {
            account
                .deployments
                .iter()
                .map(|deployment| deployment.id.clone())
                .collect()
        })
    }

    /// All deployments that ECS itself performs or performed, oldest first.
    pub fn service_deployments(&self) -> Vec<ServiceDeploymentView> {
        self.cloud.service_deployments()
    }

    /// What a listener forwards to: target groups and weights.
    pub fn weights(&self, listener: &str) -> Vec<(String, u32)> {
        self.cloud.read(|account| {
            account
                .balancer
                .listener(listener)
                .map(|listener| listener.forward.clone())
                .unwrap_or_default()
        })
    }

    /// Changes the weights of a listener, as a person would by hand.
    pub fn set_weights(&self, listener: &str, weights: &[(&str, u32)]) {
        let weights: Vec<(String, u32)> = weights
            .iter()
            .map(|(group, weight)| ((*group).to_owned(), *weight))
            .collect();
        self.cloud
            .set_listener_weights("by hand", listener, &weights);
    }

    /// Polls until a condition holds; false when it does not in time.
    pub async fn wait_until(&self, limit: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let started = Instant::now();
        while !holds(self) {
            if started.elapsed() > limit {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Waits until all tasks that a service wants are healthy; false when they are not in time.
    pub async fn wait_until_steady(&self, service: &str, limit: Duration) -> bool {
        self.wait_until(limit, |stage| stage.cloud.is_steady(service))
            .await
    }

    /// Stops all tasks, ends the proxy and the registry, and closes the port.
    pub async fn shutdown(self) {
        self.cloud.abort_jobs();
        self.cloud.world.shutdown().await;
    }
}

/// A stage that is dropped ends at once; only `shutdown` lets tasks end in good order.
impl Drop for Stage {
    fn drop(&mut self) {
        self.cloud.abort_jobs();
    }
}

fn world_options(options: &StageOptions) -> WorldOptions {
    WorldOptions {
        engine: match options.engine {
            TaskEngine::Process => Engine::Process,
            TaskEngine::Docker => Engine::Docker,
            TaskEngine::Imaginary => {
                Engine::Imaginary(options.clock.seconds(IMAGINARY_START_SECONDS).at_most)
            }
        },
        registry: options
            .registry
            .clone()
            .map_or(RegistrySource::Builtin, RegistrySource::External),
        registry_password: (!options.registry_open).then(|| options.registry_password.clone()),
        registry_rules: options.registry_rules.clone(),
        registry_faults: options.registry_faults.clone(),
        bind: options.bind,
        period: MeasurementPeriod {
            length: Duration::from_secs(options.metrics.grain_seconds.max(1).into()),
            late_share: options.metrics.late_share.clamp(0.0, 1.0),
        },
        ..WorldOptions::default()
    }
}
