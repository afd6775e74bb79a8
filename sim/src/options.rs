//! Everything that can be chosen when a stage is started. Plain data, the same in Rust and in a
//! JSON file. One file, because it is the outline of the options file; groups of options that are
//! used alone are in the folder.

mod account;
mod alarm;
mod database;
mod ecr;
mod ecs;
mod gates;
mod metrics;
mod role;
mod scan;
mod schedules;
mod secret;
mod task_fault;

pub use account::AccountOptions;
pub use alarm::{AlarmDetails, AlarmState};
pub use database::{DatabaseKind, DatabaseOptions, SnapshotEnd};
pub use ecr::{EcrOptions, RepositoryOptions, TemplateOptions};
pub use ecs::{EcsStrategyOptions, LoadBalancerKind, Strategy};
pub use gates::{CalendarReading, CalendarState, ObjectiveOptions, RecoveryPointOptions};
pub use metrics::{
    IncompleteMetric, IncompleteStatus, MetricsOptions, SeriesChange, SeriesOptions,
};
pub use role::RoleOptions;
pub use scan::{ScanFinding, ScanKind, ScanOptions, ScanReading};
pub use schedules::ScheduleOptions;
pub use secret::SecretValue;
pub use task_fault::{TaskFault, TaskFaultKind};

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Clock;
use crate::faults::Fault;
use crate::github::GithubOptions;
use crate::limits::Limits;
use crate::sources::SourcesOptions;
use crate::switches::Switches;
use crate::world::registry::{RegistryFault, RegistryRules};

/// How a stage is set up.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StageOptions {
    /// The AWS account's number.
    pub account: String,
    /// The region in every ARN.
    pub region: String,
    /// The one ECS cluster.
    pub cluster: String,
    /// The address that the AWS port, the registry and the listeners bind to.
    pub bind: IpAddr,
    /// The AWS port; 0 takes a free one.
    pub port: u16,
    /// The host name in the addresses that are handed out; the bound address when absent.
    pub public_host: Option<String>,
    /// How fast the life cycles go.
    pub clock: Clock,
    /// What runs the tasks.
    pub engine: TaskEngine,
    /// A registry somebody else runs (`http://HOST:PORT`); the stage's own when absent.
    pub registry: Option<String>,
    /// The secret behind the registry token (user `AWS`).
    pub registry_password: String,
    /// Whether the stage's own registry asks for the password.
    pub registry_open: bool,
    /// The ways of the stage's own registry; those of the specification unless set.
    pub registry_rules: RegistryRules,
    /// What goes wrong at the stage's own registry.
    pub registry_faults: Vec<RegistryFault>,
    /// The ECR repositories that exist, as ECR makes them.
    pub repositories: Vec<String>,
    /// What else there is in ECR.
    pub ecr: EcrOptions,
    /// How the images of repositories are scanned; those of others are only when a scan is started,
    /// and nothing is found in them.
    pub scans: BTreeMap<String, ScanOptions>,
    /// The services that exist from the start; `${registry}` in their definitions becomes the
    /// registry's `host:port`.
    pub services: Vec<ServiceOptions>,
    /// Deployment configurations beside AWS's own.
    pub deployment_configs: Vec<ConfigOptions>,
    /// The `CloudWatch` alarms that exist, and their states.
    pub alarms: BTreeMap<String, AlarmState>,
    /// What else there is to say about alarms; one that is only named here is OK.
    pub alarm_details: BTreeMap<String, AlarmDetails>,
    /// What CloudWatch knows of metrics.
    pub metrics: MetricsOptions,
    /// IAM actions that are denied (`ecs:RunTask`, `ecs:*`).
    pub denied: Vec<String>,
    /// When not empty, the only IAM actions that are allowed.
    pub allowed: Vec<String>,
    /// The roles that can be assumed; any one when there are none.
    pub roles: Vec<RoleOptions>,
    /// How long the session of an assumed role lasts, in real milliseconds; as long as was asked
    /// when absent.
    pub session_ms: Option<i64>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// Revisions whose tasks crash or hang from an event on.
    pub task_troubles: Vec<TaskFault>,
    /// How many requests AWS takes.
    pub limits: Limits,
    /// AWS's unsure points and the stage's own timings.
    pub switches: Switches,
    /// What Prometheus, Datadog and JSON endpoints answer.
    pub sources: SourcesOptions,
    /// What GitHub knows.
    pub github: GithubOptions,
    /// A JSONL file that takes every request and answer.
    pub recording: Option<PathBuf>,
    /// The values behind the `valueFrom` of containers' secrets.
    pub secrets: BTreeMap<String, String>,
    /// The secrets in Secrets Manager, by name.
    pub secret_values: BTreeMap<String, SecretValue>,
    /// What is in the account besides services.
    pub account_contents: AccountOptions,
    /// The Change Calendars of Systems Manager, by name.
    pub calendars: BTreeMap<String, Vec<CalendarReading>>,
    /// The service level objectives of Application Signals, by name.
    pub objectives: BTreeMap<String, ObjectiveOptions>,
    /// The recovery points of AWS Backup, by the resource's ARN.
    pub recovery_points: BTreeMap<String, Vec<RecoveryPointOptions>>,
    /// The databases of RDS, by their identifiers.
    pub databases: BTreeMap<String, DatabaseOptions>,
    /// What starts tasks by itself.
    pub scheduled: ScheduleOptions,
}

impl Default for StageOptions {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "eu-central-1".to_owned(),
            cluster: "prod".to_owned(),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            public_host: None,
            clock: Clock::default(),
            engine: TaskEngine::Process,
            registry: None,
            registry_password: "registry-token-of-the-stage".to_owned(),
            registry_open: false,
            registry_rules: RegistryRules::default(),
            registry_faults: Vec::new(),
            repositories: vec!["app".to_owned()],
            ecr: EcrOptions::default(),
            scans: BTreeMap::new(),
            services: Vec::new(),
            deployment_configs: Vec::new(),
            alarms: BTreeMap::new(),
            alarm_details: BTreeMap::new(),
            metrics: MetricsOptions::default(),
            denied: Vec::new(),
            allowed: Vec::new(),
            roles: Vec::new(),
            session_ms: None,
            faults: Vec::new(),
            task_troubles: Vec::new(),
            limits: Limits::default(),
            switches: Switches::default(),
            sources: SourcesOptions::default(),
            github: GithubOptions::default(),
            recording: None,
            secrets: BTreeMap::new(),
            secret_values: BTreeMap::new(),
            account_contents: AccountOptions::default(),
            calendars: BTreeMap::new(),
            objectives: BTreeMap::new(),
            recovery_points: BTreeMap::new(),
            databases: BTreeMap::new(),
            scheduled: ScheduleOptions::default(),
        }
    }
}

/// What runs the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskEngine {
    /// Processes of this machine.
    Process,
    /// Containers of its Docker engine.
    Docker,
    /// Nothing: tasks are only state, and the proxy answers for them. They start in about a second
    /// of the clock, are healthy unless their environment has `TROUBLE_PATH=/health`, and end by
    /// themselves only where their command is `migrate` or `migrate --fail`.
    Imaginary,
}

/// An ECS service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceOptions {
    /// Its name.
    pub name: String,
    /// Who performs its rollouts.
    pub controller: Controller,
    /// `desiredCount`.
    #[serde(default = "default_desired")]
    pub desired: u32,
    /// The JSON of its first revision, as `RegisterTaskDefinition` takes it.
    pub task_definition: Value,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    #[serde(default = "default_status")]
    pub status: String,
    /// What the load balancer reaches; a service without one when absent.
    #[serde(default)]
    pub exposure: Option<Exposure>,
    /// Its scalable target at Application Auto Scaling; none when absent.
    #[serde(default)]
    pub scaling: Option<ScalingOptions>,
}

const fn default_desired() -> u32 {
    1
}

fn default_status() -> String {
    "ACTIVE".to_owned()
}

/// A service's scalable target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScalingOptions {
    /// `minCapacity`.
    pub min: u32,
    /// `maxCapacity`.
    pub max: u32,
    /// The scaling activities that are suspended.
    #[serde(default)]
    pub suspended: Suspension,
    /// So long after a rollout began, the service is scaled in by one, unless that is suspended;
    /// never when absent.
    #[serde(default)]
    pub scale_in_after_ms: Option<u64>,
}

/// Which scaling activities are suspended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Suspension {
    /// `DynamicScalingInSuspended`.
    pub scale_in: bool,
    /// `DynamicScalingOutSuspended`.
    pub scale_out: bool,
    /// `ScheduledScalingSuspended`.
    pub scheduled: bool,
}

/// The container behind the load balancer, and the listeners before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// The container that serves.
    pub container: String,
    /// `containerPort`.
    pub port: u16,
    /// The production listener's name.
    #[serde(default = "default_listener")]
    pub production: String,
    /// The test listener's name; none for a deployment group without one.
    #[serde(default)]
    pub test: Option<String>,
}

fn default_listener() -> String {
    "prod".to_owned()
}

impl Exposure {
    /// The names of its listeners, production first.
    pub(crate) fn listeners(&self) -> Vec<String> {
        [Some(&self.production), self.test.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// A container behind the listeners `prod` and `test`.
    pub fn new(container: &str, port: u16) -> Self {
        Self {
            container: container.to_owned(),
            port,
            production: default_listener(),
            test: Some("test".to_owned()),
        }
    }
}

/// Who performs a service's rollouts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Controller {
    /// `CodeDeploy`, by a deployment group.
    CodeDeploy(GroupOptions),
    /// ECS itself, rolling.
    Rolling(RollingOptions),
    /// ECS itself, shifting traffic between blue and green.
    Ecs(EcsStrategyOptions),
    /// Somebody else: unsupported by the product, and so of interest.
    External,
}

/// A `CodeDeploy` deployment group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupOptions {
    /// The application; `AppECS-CLUSTER-SERVICE` when absent.
    pub application: Option<String>,
    /// The group; `DgpECS-CLUSTER-SERVICE` when absent.
    pub group: Option<String>,
    /// The deployment configuration.
    pub config: String,
    /// The ready wait (`STOP_DEPLOYMENT`); absent is `CONTINUE_DEPLOYMENT`.
    pub ready_wait_minutes: Option<u32>,
    /// How long blue stays after the shift.
    pub termination_minutes: u32,
    /// The group's alarms.
    pub alarms: Vec<String>,
    /// The events on which it rolls back by itself (`DEPLOYMENT_FAILURE`, …).
    pub auto_rollback: Vec<String>,
    /// Lifecycle events whose hook reports failure.
    pub failing_hooks: Vec<String>,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            application: None,
            group: None,
            config: "CodeDeployDefault.ECSAllAtOnce".to_owned(),
            ready_wait_minutes: Some(60),
            termination_minutes: 5,
            alarms: Vec::new(),
            auto_rollback: Vec::new(),
            failing_hooks: Vec::new(),
        }
    }
}

/// A rolling service's deployment configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RollingOptions {
    /// The circuit breaker.
    pub breaker: Breaker,
    /// `minimumHealthyPercent`.
    pub minimum_healthy_percent: u32,
    /// `maximumPercent`.
    pub maximum_percent: u32,
    /// Alarms that fail a rollout.
    pub alarms: Vec<String>,
    /// Nothing was ever completed on this service: it has no history, and a rollback finds nothing
    /// to return to.
    pub first_deployment: bool,
}

impl Default for RollingOptions {
    fn default() -> Self {
        Self {
            breaker: Breaker::Off,
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            alarms: Vec::new(),
            first_deployment: false,
        }
    }
}

/// The deployment circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// Failing tasks are replaced for ever.
    Off,
    /// The rollout fails and stays.
    Fail,
    /// The rollout fails and the last completed one comes back.
    Rollback,
}

/// A deployment configuration of the account's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigOptions {
    /// Its name.
    pub name: String,
    /// How it moves traffic.
    pub traffic: Traffic,
}

/// How traffic moves to green.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traffic {
    /// All traffic in one step.
    AllAtOnce,
    /// A share first, the rest after some minutes.
    Canary {
        /// The share of the first step, in percent.
        percent: u32,
        /// Minutes before the second step.
        minutes: u32,
    },
    /// Equal shares, one after the other.
    Linear {
        /// The share of each step, in percent.
        percent: u32,
        /// Minutes between two steps.
        minutes: u32,
    },
}
