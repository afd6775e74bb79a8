//! The stage as its users hold it: started, looked at, steered, ended.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::account::{Account, Alarm, Balancer, Ids, Phase, Place, Revisions, found_service};
use crate::clock::now_ms;
use crate::cloud::Cloud;
use crate::cycles::keep;
use crate::faults::Fault;
use crate::ledger::{Entry, Ledger, Moment};
use crate::options::{AlarmState, Exposure, ServiceOptions, StageOptions, TaskEngine, Traffic};
use crate::serve::serve;
use crate::world::{Engine, RegistrySource, World, WorldOptions};

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
        /// What is wrong.
        problem: String,
    },
}

/// Simulated AWS with real tasks and traffic.
#[derive(Debug)]
pub struct Stage {
    cloud: Arc<Cloud>,
    address: SocketAddr,
}

/// A fleet (ECS deployment or task set) as a test wants to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FleetView {
    /// `ecs-svc/…`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub status: String,
    /// The revision's ARN.
    pub revision: String,
    /// Its target group.
    pub target_group: Option<String>,
    /// Tasks that run.
    pub running: usize,
    /// Tasks that run and pass their health checks.
    pub healthy: usize,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout: String,
}

/// A service as a test wants to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceView {
    /// How many tasks it wants.
    pub desired: u32,
    /// Its fleets.
    pub fleets: Vec<FleetView>,
    /// Its newest events first.
    pub events: Vec<String>,
}

impl ServiceView {
    /// Its primary fleet.
    pub fn primary(&self) -> Option<&FleetView> {
        self.fleets.iter().find(|fleet| fleet.status == "PRIMARY")
    }
}

impl Stage {
    /// Starts a stage with everything that its options name.
    pub async fn start(options: StageOptions) -> Result<Self, StageError> {
        let ledger = Ledger::open(options.recording.as_deref())?;
        let world = World::open(world_options(&options)).await?;
        let listener = TcpListener::bind((options.bind, options.port)).await?;
        let address = listener.local_addr()?;
        let account = account(&options);
        let services = options.services.clone();
        let cloud = Arc::new(Cloud::new(account, world, options, ledger));
        cloud.spawn(serve(Arc::clone(&cloud), listener));
        cloud.spawn(keep(Arc::clone(&cloud)));
        let stage = Self { cloud, address };
        for service in services {
            stage.add_service(service).await?;
        }
        Ok(stage)
    }

    /// Adds a service; its tasks start at once. `${registry}` in its definition becomes the registry's `host:port`.
    pub async fn add_service(&self, options: ServiceOptions) -> Result<(), StageError> {
        self.cloud.add_service(options).await
    }

    /// The URL for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://{}:{}", self.cloud.public_host(), self.address.port())
    }

    /// All addresses: `{"endpoint", "registry", "listeners": {name: url}}`.
    pub fn addresses(&self) -> Value {
        let mut addresses = self.cloud.addresses();
        addresses["endpoint"] = Value::String(self.endpoint());
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
        self.cloud.look(|account| account.balancer.listener(name).map(|listener| listener.address))
    }

    /// The URL of a listener, with the public host.
    pub fn listener_url(&self, name: &str) -> Option<String> {
        self.listener(name).map(|address| format!("http://{}:{}", self.cloud.public_host(), address.port()))
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
    pub fn reads(&self) -> BTreeMap<String, u64> {
        self.cloud.ledger.reads()
    }

    /// How often an operation came that the stage does not know.
    pub fn unknown_operations(&self) -> BTreeMap<String, u64> {
        self.cloud.ledger.unknown()
    }

    /// When each state became visible.
    pub fn timeline(&self) -> Vec<Moment> {
        self.cloud.ledger.timeline()
    }

    /// Sets an alarm's state; the alarm exists from then on.
    pub fn set_alarm(&self, name: &str, state: AlarmState) {
        self.cloud.set_alarm(name, state);
    }

    /// Plans a fault.
    pub fn inject(&self, fault: Fault) {
        self.cloud.faults.plan(fault);
    }

    /// Forgets all planned faults.
    pub fn clear_faults(&self) {
        self.cloud.faults.clear();
    }

    /// Denies these IAM actions, and no others, from now on.
    pub fn deny(&self, actions: &[&str]) {
        self.cloud.deny(actions.iter().map(|action| (*action).to_owned()).collect());
    }

    /// A service as it is now.
    pub fn service_view(&self, name: &str) -> Option<ServiceView> {
        self.cloud.service_view(name)
    }

    /// A `CodeDeploy` deployment's status as AWS names it.
    pub fn deployment_status(&self, id: &str) -> Option<String> {
        self.cloud.look(|account| account.deployment(id).map(|deployment| deployment.status.as_str().to_owned()))
    }

    /// The ids of all `CodeDeploy` deployments, oldest first.
    pub fn deployments(&self) -> Vec<String> {
        self.cloud.look(|account| account.deployments.iter().map(|deployment| deployment.id.clone()).collect())
    }

    /// What a listener forwards to: target groups and weights.
    pub fn weights(&self, listener: &str) -> Vec<(String, u32)> {
        self.cloud.look(|account| account.balancer.listener(listener).map(|listener| listener.forward.clone()).unwrap_or_default())
    }

    /// Polls until a condition holds; false when it does not in time.
    pub async fn wait_until(&self, limit: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let began = Instant::now();
        while !holds(self) {
            if began.elapsed() > limit {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Waits until all tasks that a service wants are healthy; false when they are not in time.
    pub async fn wait_until_steady(&self, service: &str, limit: Duration) -> bool {
        self.wait_until(limit, |stage| stage.cloud.is_steady(service)).await
    }

    /// Stops all tasks, ends the proxy and the registry, and closes the port.
    pub async fn shutdown(self) {
        self.cloud.abort_jobs();
        self.cloud.world.shutdown().await;
    }
}

fn world_options(options: &StageOptions) -> WorldOptions {
    WorldOptions {
        engine: match options.engine {
            TaskEngine::Process => Engine::Process,
            TaskEngine::Docker => Engine::Docker,
        },
        registry: options.registry.clone().map_or(RegistrySource::Builtin, RegistrySource::External),
        registry_password: (!options.registry_open).then(|| options.registry_password.clone()),
        bind: options.bind,
        ..WorldOptions::default()
    }
}

fn account(options: &StageOptions) -> Account {
    let now = now_ms();
    let place = Place { account: options.account.clone(), region: options.region.clone(), cluster: options.cluster.clone() };
    let alarms = options.alarms.iter().map(|(name, state)| (name.clone(), Alarm { state: *state, since_ms: now }));
    let own = options.deployment_configs.iter().map(|config| (config.name.clone(), config.traffic));
    Account {
        place,
        ids: Ids::new(now),
        revisions: Revisions::default(),
        services: Vec::new(),
        tasks: Vec::new(),
        groups: Vec::new(),
        deployments: Vec::new(),
        configs: aws_configs().into_iter().chain(own).collect(),
        alarms: alarms.collect(),
        balancer: Balancer::default(),
        run_tokens: BTreeMap::new(),
    }
}

/// AWS's own configurations for ECS.
fn aws_configs() -> [(String, Traffic); 5] {
    let named = |name: &str, traffic| (format!("CodeDeployDefault.ECS{name}"), traffic);
    [
        named("AllAtOnce", Traffic::AllAtOnce),
        named("Linear10PercentEvery1Minutes", Traffic::Linear { percent: 10, minutes: 1 }),
        named("Linear10PercentEvery3Minutes", Traffic::Linear { percent: 10, minutes: 3 }),
        named("Canary10Percent5Minutes", Traffic::Canary { percent: 10, minutes: 5 }),
        named("Canary10Percent15Minutes", Traffic::Canary { percent: 10, minutes: 15 }),
    ]
}

impl Cloud {
    /// The host name in addresses that are handed out.
    pub(crate) fn public_host(&self) -> String {
        let bound = if self.options.bind.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { self.options.bind };
        self.options.public_host.clone().unwrap_or_else(|| bound.to_string())
    }

    /// The registry's URL as callers reach it.
    pub(crate) fn registry_endpoint(&self) -> String {
        let own = self.world.registry_endpoint();
        let renamed = self.options.public_host.is_some() || self.options.bind.is_unspecified();
        match own.rsplit_once(':') {
            Some((_, port)) if renamed && self.world.has_builtin_registry() => format!("http://{}:{port}", self.public_host()),
            Some(_) | None => own,
        }
    }

    /// The registry as image references have it.
    pub(crate) fn registry_host(&self) -> String {
        let endpoint = self.registry_endpoint();
        endpoint.rsplit_once("://").map_or(endpoint.clone(), |(_, host)| host.to_owned())
    }

    /// Adds a service with its listeners.
    pub(crate) async fn add_service(&self, mut options: ServiceOptions) -> Result<(), StageError> {
        fill_registry(&mut options.task_definition, &self.registry_host());
        let names: Vec<String> = options.exposure.iter().flat_map(Exposure::listeners).collect();
        for name in &names {
            if self.look(|account| account.balancer.listener(name).is_none()) {
                let address = self.world.add_listener(name).await;
                self.change(|account| account.add_listener(name, address));
            }
        }
        let founded = self.change(|account| found_service(account, &options));
        founded.map_err(|problem| StageError::Service { name: options.name.clone(), problem: problem.to_string() })?;
        self.publish_weights();
        Ok(())
    }

    fn publish_weights(&self) {
        for listener in self.look(|account| account.balancer.listeners.clone()) {
            self.world.set_weights(&listener.name, &listener.forward);
        }
    }

    /// Sets an alarm's state.
    pub(crate) fn set_alarm(&self, name: &str, state: AlarmState) {
        self.change(|account| account.alarms.insert(name.to_owned(), Alarm { state, since_ms: now_ms() }));
        self.ledger.mark(name, format!("{state:?}"));
    }

    fn is_steady(&self, name: &str) -> bool {
        let Some(view) = self.service_view(name) else { return false };
        view.primary().is_some_and(|fleet| fleet.healthy == view.desired as usize && fleet.running == fleet.healthy)
    }

    /// A service as it is now.
    pub(crate) fn service_view(&self, name: &str) -> Option<ServiceView> {
        self.look(|account| {
            let service = account.service(name)?;
            let events = service.events.iter().filter_map(|event| event.get("message")?.as_str()).map(ToOwned::to_owned);
            let fleets = service.fleets.iter().map(|fleet| FleetView {
                id: fleet.id.clone(),
                status: fleet.role.as_str().to_owned(),
                revision: fleet.revision.clone(),
                target_group: fleet.target_group.clone(),
                running: account.living(&fleet.id).filter(|task| task.phase == Phase::Running).count(),
                healthy: account.living(&fleet.id).filter(|task| task.is_running() && task.healthy).count(),
                rollout: fleet.rollout.as_str().to_owned(),
            });
            Some(ServiceView { desired: service.desired, fleets: fleets.collect(), events: events.collect() })
        })
    }
}

fn fill_registry(value: &mut Value, host: &str) {
    match value {
        Value::String(text) => *text = text.replace("${registry}", host),
        Value::Array(entries) => entries.iter_mut().for_each(|entry| fill_registry(entry, host)),
        Value::Object(members) => members.values_mut().for_each(|member| fill_registry(member, host)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
