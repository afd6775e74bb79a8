//! How a [`World`](super::World) is set up: which engine runs its tasks, which registry holds its
//! images, where it listens.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use super::proxy::MeasurementPeriod;
use super::registry::{RegistryFault, RegistryRules};

/// What runs the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The image is unpacked into a folder and its entrypoint is run as a process of this machine.
    Process,
    /// The image is pulled and run by the Docker engine, through its command line.
    Docker,
    /// Nothing is pulled and nothing runs: the task is there after this time, and the proxy answers
    /// for it until it is stopped.
    Imaginary(Duration),
}

/// Which registry holds the images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrySource {
    /// The world's own registry, with its storage in a temporary folder.
    Builtin,
    /// A registry somebody else runs, as `http://127.0.0.1:PORT`; it is used, never stopped.
    External(String),
}

/// Everything that can be chosen when a world is opened.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// What runs the tasks.
    pub engine: Engine,
    /// Which registry holds the images.
    pub registry: RegistrySource,
    /// The password of the registry's user `AWS`; none leaves the registry open.
    pub registry_password: Option<String>,
    /// The built-in registry's ways.
    pub registry_rules: RegistryRules,
    /// What goes wrong at the built-in registry.
    pub registry_faults: Vec<RegistryFault>,
    /// The address the registry and the listeners bind to: `127.0.0.1`, or `0.0.0.0` for callers in
    /// containers.
    pub bind: IpAddr,
    /// How often each target is asked for its health.
    pub health_interval: Duration,
    /// How the requests of each target group are measured.
    pub period: MeasurementPeriod,
    /// How long a task may take to end after SIGTERM before it is killed.
    pub stop_timeout: Duration,
    /// The folder under which the world makes its own; the system's temporary folder when absent.
    pub folder: Option<PathBuf>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            engine: Engine::Process,
            registry: RegistrySource::Builtin,
            registry_password: None,
            registry_rules: RegistryRules::default(),
            registry_faults: Vec::new(),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            health_interval: Duration::from_millis(250),
            period: MeasurementPeriod::default(),
            stop_timeout: Duration::from_secs(10),
            folder: None,
        }
    }
}
