//! Our transfer, in a small process of its own: this program again, started with [`FLAG`], so that
//! memory and CPU time are its own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use ecs_bluegreen_registry::secret::Secret;
use ecs_bluegreen_registry::{Credentials, PushOptions, Sources, Target, Transport, find, push};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Result;
use super::docker_registry::Registry;

/// `bench --transfer ORDER`.
pub(crate) const FLAG: &str = "--transfer";

/// What the small process is to do.
#[derive(Serialize, Deserialize)]
struct TransferRequest {
    port: u16,
    repository: String,
    image: String,
    tag: String,
    engine: PathBuf,
}

/// What a transfer took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TransferCost {
    /// Milliseconds from looking for the image to its last tag.
    pub(super) wall: f64,
    /// Milliseconds of the whole process, user and system.
    pub(super) cpu: f64,
    /// Peak resident memory in mebibytes.
    pub(super) memory: f64,
    /// Requests to the registry.
    #[serde(default)]
    pub(super) requests: usize,
}

/// Transfers to one repository.
pub(super) struct ActionPush<'a> {
    registry: &'a Registry,
    repository: String,
    engine: PathBuf,
}

impl<'a> ActionPush<'a> {
    pub(super) fn new(registry: &'a Registry, repository: &str) -> Self {
        Self::with_engine(registry, repository, PathBuf::new())
    }

    pub(super) fn with_engine(registry: &'a Registry, repository: &str, engine: PathBuf) -> Self {
        Self {
            registry,
            repository: repository.to_owned(),
            engine,
        }
    }

    pub(super) fn push(&self, image: &str, tag: &str) -> Result<TransferCost> {
        let (port, repository) = (self.registry.port, self.repository.clone());
        let order = TransferRequest {
            port,
            repository,
            image: image.to_owned(),
            tag: tag.to_owned(),
            engine: self.engine.clone(),
        };
        let before = self.registry.requests()?;
        let mut process = Command::new(std::env::current_exe()?);
        let done = process
            .arg(FLAG)
            .arg(serde_json::to_string(&order)?)
            .stderr(Stdio::inherit())
            .output()?;
        if !done.status.success() {
            return Err(format!(
                "{image} could not be pushed: {}",
                String::from_utf8_lossy(&done.stdout)
            )
            .into());
        }
        let took: TransferCost = serde_json::from_slice(&done.stdout)?;
        Ok(TransferCost {
            requests: self.registry.requests()? - before,
            ..took
        })
    }
}

pub(crate) fn run(order: &str) -> ExitCode {
    let done = serde_json::from_str(order)
        .map_err(Into::into)
        .and_then(|order| transfer(&order));
    crate::print_line(&done.as_ref().map_or_else(ToString::to_string, |took| {
        serde_json::to_string(took).unwrap_or_default()
    }));
    if done.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn transfer(order: &TransferRequest) -> Result<TransferCost> {
    // As the action does: one thread for the network, others for files.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| "a crypto provider is there already")?;
    let to = build_target(order, order.repository.clone())?;
    let began = Instant::now();
    runtime.block_on(push_all(order, &to))?;
    let wall = began.elapsed().as_secs_f64() * 1000.0;
    Ok(TransferCost {
        wall,
        cpu: cpu_milliseconds()?,
        memory: peak_memory()?,
        requests: 0,
    })
}

async fn push_all(order: &TransferRequest, to: &Target) -> Result<()> {
    let image = order.image.parse()?;
    let from = match &image {
        ecs_bluegreen_registry::ImageReference::Registry(name) => Some(Target {
            repository: name.address().1,
            ..to.clone()
        }),
        _ => None,
    };
    let sources = Sources {
        engine_socket: order.engine.clone(),
        workspace: PathBuf::new(),
        temporary: std::env::temp_dir(),
        registry: from,
    };
    let source = find(&image, &sources, &|_| {}).await?;
    let tags = [order.tag.parse()?];
    push(
        &source,
        to,
        PushOptions {
            tags: &tags,
            ..PushOptions::default()
        },
        &|_| {},
    )
    .await?;
    Ok(())
}

fn build_target(order: &TransferRequest, repository: String) -> Result<Target> {
    let credentials = Some(Credentials {
        user: "AWS".to_owned(),
        password: Secret::new("none"),
    });
    let endpoint = format!("http://127.0.0.1:{}", order.port).parse()?;
    Ok(Target {
        endpoint,
        repository,
        credentials,
        renewal: None,
        transport: Transport::new()?,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of one transfer are few"
)]
fn cpu_milliseconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok((usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1000.0)
}

/// The kernel's own count of this program's memory; the one of `getrusage` begins with the
/// parent's.
fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string(Path::new("/proc/self/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("the kernel does not tell the peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
