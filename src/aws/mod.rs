//! Thin typed calls to the AWS services, one file for each service. AWS's statuses and codes are
//! compared here and nowhere else.
//!
//! Reads are retried by the SDK. A write is sent once, because the SDK would also repeat one whose
//! answer was lost. Only a throttled write is repeated: AWS has not processed it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{ConnectorBuilder, tls};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};

use crate::secret::Secret;

pub mod alarms;
pub mod arn;
pub mod backup;
pub mod budgets;
pub mod codedeploy;
pub mod codedeploy_shapes;
pub mod connection;
pub mod credentials;
pub mod ecr;
pub mod ecr_host;
pub mod ecr_images;
pub mod ecr_repositories;
pub mod ecr_scan;
pub mod ecs;
pub mod ecs_remedies;
pub mod ecs_rollout_shapes;
pub mod ecs_rollouts;
pub mod ecs_shapes;
pub mod elb;
mod endpoint;
pub mod error;
pub mod iam;
pub mod id_token;
pub mod log_groups;
pub mod log_retention;
pub mod logs;
pub mod metrics;
pub mod quotas;
pub mod rds;
pub mod response;
mod role_error;
mod role_session;
pub mod s3;
pub mod scaling;
pub mod schedules;
pub mod secret_metadata;
pub mod secrets;
mod signed;
pub mod sigv4;
pub mod ssm;
pub mod sts;
pub mod target_groups;
pub mod usage;
mod write_retry;
mod xml;

use connection::{AwsSettings, RegistryRole};
use credentials::SecretListener;
pub use error::{AwsError, AwsErrorKind, NO_CREDENTIALS, NOT_ACCEPTED};
pub use role_error::{RoleError, RoleFailure};
use role_session::{AssumedRole, RoleListeners, SessionListener};
pub use role_session::{NamedRole, RoleAssumedBy, RoleNotice, SessionNotice};
pub use write_retry::ThrottleNotice;
use write_retry::WriteRetry;

/// The name in the user agent of every call.
const APP: &str = "ecs-bluegreen-action";
/// An endpoint that accepts a connection and never answers must not hang the job. No answer of the
/// APIs used here takes longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The clients, each created on first use; they share connections.
#[derive(Debug)]
pub struct Aws {
    reads: SdkConfig,
    writes: SdkConfig,
    /// For services without a generated crate.
    signed: RuntimeComponentsBuilder,
    listeners: RoleListeners,
    /// The roles that are assumed.
    roles: Vec<Arc<AssumedRole>>,
    /// The clients' configurations for the registry that has a role of its own.
    registry: Option<RegistryConfig>,
    read_count: AtomicU64,
    write_retry: WriteRetry,
    partition: Partition,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    ecs_once: OnceLock<aws_sdk_ecs::Client>,
    codedeploy: OnceLock<aws_sdk_codedeploy::Client>,
    codedeploy_once: OnceLock<aws_sdk_codedeploy::Client>,
    ecr: OnceLock<aws_sdk_ecr::Client>,
}

/// How clients of ECR are made for the registry that has a role of its own.
#[derive(Debug)]
struct RegistryConfig {
    role: RegistryRole,
    reads: SdkConfig,
    writes: SdkConfig,
}

/// The domains of consoles and ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    region: String,
}

impl Partition {
    /// The console's host for the region.
    pub fn console(&self) -> String {
        let region = &self.region;
        if region.starts_with("cn-") {
            format!("{region}.console.amazonaws.cn")
        } else if region.starts_with("us-gov-") {
            format!("{region}.console.amazonaws-us-gov.com")
        } else {
            format!("{region}.console.aws.amazon.com")
        }
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl Aws {
    /// Sets up the credential chain; no request is sent yet.
    pub async fn connect(settings: &AwsSettings) -> Self {
        let (region, http) = (
            Region::new(settings.region.clone()),
            http_client(settings.proxy.as_deref()),
        );
        let listeners = RoleListeners {
            secrets: SecretListener::default(),
            sessions: SessionListener::default(),
        };
        let provider_config = ProviderConfig::without_region()
            .with_region(Some(region.clone()))
            .with_http_client(http.clone());
        let shared = aws_config::defaults(BehaviorVersion::latest())
            .region(region)
            .http_client(http)
            .credentials_provider(credentials::chain(
                &provider_config,
                settings.instance_profile,
                &listeners.secrets,
            ))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ANSWER_TIMEOUT)
                    .build(),
            )
            .load()
            .await;
        let mut builder = shared.into_builder();
        builder.set_app_name(AppName::new(APP).ok());
        Self::with_roles(settings, &builder.build(), listeners)
    }

    /// With the roles that the settings name, which are assumed with what is `shared`.
    fn with_roles(settings: &AwsSettings, shared: &SdkConfig, listeners: RoleListeners) -> Self {
        let role = settings
            .role
            .as_ref()
            .map(|role| AssumedRole::for_run(shared, role.clone(), listeners.clone()));
        let run = role
            .as_ref()
            .map_or_else(|| shared.clone(), |role| role.configure(shared));
        let registry = settings.registry_role.as_ref().map(|registry| {
            let request = registry.request.clone();
            (
                AssumedRole::for_registry(shared, &run, request, listeners.clone()),
                registry,
            )
        });
        let retries = RetryConfig::standard()
            .with_max_attempts(settings.attempts)
            .with_initial_backoff(Duration::from_millis(300));
        let reads = |shared: &SdkConfig| shared.to_builder().retry_config(retries.clone()).build();
        let writes = |shared: &SdkConfig| {
            let retries = RetryConfig::disabled();
            shared.to_builder().retry_config(retries).build()
        };
        Self {
            signed: signed::components(&run),
            reads: reads(&run),
            writes: writes(&run),
            registry: registry.as_ref().map(|(assumed, role)| {
                let shared = assumed.configure(shared);
                RegistryConfig {
                    role: (*role).clone(),
                    reads: reads(&shared),
                    writes: writes(&shared),
                }
            }),
            roles: role
                .into_iter()
                .chain(registry.map(|(assumed, _)| assumed))
                .collect(),
            listeners,
            read_count: AtomicU64::default(),
            write_retry: WriteRetry::new(settings.write_attempts),
            partition: Partition {
                region: settings.region.clone(),
            },
            ecs: OnceLock::new(),
            ecs_once: OnceLock::new(),
            codedeploy: OnceLock::new(),
            codedeploy_once: OnceLock::new(),
            ecr: OnceLock::new(),
        }
    }

    /// Assumes the roles that the run uses; without any, nothing is sent.
    ///
    /// # Errors
    ///
    /// A role was not assumed.
    pub async fn begin_sessions(&self) -> Result<(), RoleError> {
        for role in &self.roles {
            role.begin().await?;
        }
        Ok(())
    }

    /// Whether a role's session has ended, and no other could be begun.
    pub fn has_lost_session(&self) -> bool {
        self.roles.iter().any(|role| role.is_lost())
    }

    /// Calls `notice` with what becomes of the sessions of roles.
    pub fn on_session(&self, notice: SessionNotice) {
        self.listeners.sessions.set(notice);
    }

    /// Calls `hide` with every secret that AWS hands out, so that it can be masked.
    pub fn on_secret(&self, hide: impl Fn(&Secret) + Send + Sync + 'static) {
        self.listeners.secrets.set(hide);
    }

    /// The region's partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Sets the function that is called every ten seconds while a throttled write waits.
    pub fn on_throttled(&self, notice: ThrottleNotice) {
        self.write_retry.set_notice(notice);
    }

    /// Until [`Aws::end_undoing`], throttled writes are repeated whatever `max-retries` says.
    pub fn begin_undoing(&self) {
        self.write_retry.begin_undoing();
    }

    /// Ends what [`Aws::begin_undoing`] began: `max-retries` applies again.
    pub fn end_undoing(&self) {
        self.write_retry.end_undoing();
    }

    /// How many reads were made so far.
    pub fn read_count(&self) -> u64 {
        self.read_count.load(Ordering::Relaxed)
    }

    fn count_read(&self) {
        self.read_count.fetch_add(1, Ordering::Relaxed);
    }

    fn ecs(&self) -> &aws_sdk_ecs::Client {
        self.count_read();
        self.ecs
            .get_or_init(|| aws_sdk_ecs::Client::new(&self.reads))
    }

    fn ecs_once(&self) -> &aws_sdk_ecs::Client {
        self.ecs_once
            .get_or_init(|| aws_sdk_ecs::Client::new(&self.writes))
    }

    fn codedeploy(&self) -> &aws_sdk_codedeploy::Client {
        self.count_read();
        self.codedeploy
            .get_or_init(|| aws_sdk_codedeploy::Client::new(&self.reads))
    }

    fn codedeploy_once(&self) -> &aws_sdk_codedeploy::Client {
        self.codedeploy_once
            .get_or_init(|| aws_sdk_codedeploy::Client::new(&self.writes))
    }

    fn ecr(&self) -> &aws_sdk_ecr::Client {
        self.count_read();
        self.ecr
            .get_or_init(|| aws_sdk_ecr::Client::new(&self.reads))
    }

    /// An ECR client for the registry of an account, in a region; the service's account and region
    /// where none is given.
    fn ecr_at(&self, account: Option<&str>, region: Option<&str>) -> aws_sdk_ecr::Client {
        let region = region.filter(|region| *region != self.partition.region);
        match (self.registry_config(account), region) {
            (None, None) => self.ecr().clone(),
            (registry, region) => {
                self.count_read();
                let shared = registry.map_or(&self.reads, |registry| &registry.reads);
                build_ecr_client(shared, region)
            }
        }
    }

    /// The same for writes that are sent once.
    fn ecr_once_at(&self, account: Option<&str>, region: Option<&str>) -> aws_sdk_ecr::Client {
        let registry = self.registry_config(account);
        build_ecr_client(
            registry.map_or(&self.writes, |registry| &registry.writes),
            region,
        )
    }

    fn registry_config(&self, account: Option<&str>) -> Option<&RegistryConfig> {
        let registry = self.registry.as_ref();
        registry.filter(|registry| registry.role.covers(account))
    }
}

fn build_ecr_client(shared: &SdkConfig, region: Option<&str>) -> aws_sdk_ecr::Client {
    let mut config = aws_sdk_ecr::config::Builder::from(shared);
    if let Some(region) = region {
        config = config.region(aws_sdk_ecr::config::Region::new(region.to_owned()));
    }
    aws_sdk_ecr::Client::from_conf(config.build())
}

/// Between half and all of the pause, so that clients throttled together do not retry together.
pub fn add_jitter(pause: Duration) -> Duration {
    let share = u32::try_from(crate::clock::nonce() % 1_000).unwrap_or_default();
    pause / 2 + (pause / 2) * share / 1_000
}

/// One connection pool for all services; certificates are loaded once.
fn http_client(proxy: Option<&str>) -> SharedHttpClient {
    let proxy = proxy
        .and_then(|url| ProxyConfig::all(url.to_owned()).ok())
        .unwrap_or_else(ProxyConfig::from_env);
    let connector: OnceLock<SharedHttpConnector> = OnceLock::new();
    http_client_fn(
        move |settings: &HttpConnectorSettings, components: &RuntimeComponents| {
            connector
                .get_or_init(|| build_connector(&proxy, settings, components))
                .clone()
        },
    )
}

fn build_connector(
    proxy: &ProxyConfig,
    settings: &HttpConnectorSettings,
    components: &RuntimeComponents,
) -> SharedHttpConnector {
    let mut builder = ConnectorBuilder::default()
        .proxy_config(proxy.clone())
        .connector_settings(settings.clone());
    builder.set_sleep_impl(components.sleep_impl());
    SharedHttpConnector::new(
        builder
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build(),
    )
}
